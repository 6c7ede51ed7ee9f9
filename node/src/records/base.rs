//! Bases (比对基准): what a row of a file said last of a record that a person changed here since.
//!
//! A row that still says so brings no change of its own. Once a file says what the record says by now, both are in step again and
//! there is no base.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use safeharbor_core::digest::Digest;
use safeharbor_core::record::RecordHandle;
use safeharbor_service::store::{Batch, Scan, Store};

use super::{Current, RecordsFailed, Source};
use crate::tables::BASES;

/// The base of a record that was changed here.
pub(super) fn of(store: &dyn Store, rec: RecordHandle) -> Result<Option<Digest>, RecordsFailed> {
    let row = store.get(BASES, rec.as_bytes())?;
    let read =
        |row: Vec<u8>| row.try_into().map(Digest::from_bytes).or(Err(RecordsFailed::Row { table: BASES.0 }));
    row.map(read).transpose()
}

/// The records that have one.
pub(super) fn changed_here(store: &dyn Store) -> Result<BTreeSet<RecordHandle>, RecordsFailed> {
    let mut changed = BTreeSet::new();
    store.visit(Scan::all(BASES), &mut |key, _| {
        changed.extend(key.try_into().map(RecordHandle::from_bytes));
        ControlFlow::Continue(())
    })?;
    Ok(changed)
}

/// Follows in `batch` a revision with the content `digest` after `before`: an edit sets the first one aside, a row ends it.
pub(super) fn follow(
    store: &dyn Store,
    before: &Current,
    digest: Digest,
    source: &Source,
    batch: &mut Batch,
) -> Result<(), RecordsFailed> {
    let base = of(store, before.rec)?;
    match source {
        Source::Edit { .. } if base.unwrap_or(before.digest) == digest => forget(before.rec, batch),
        Source::Edit { .. } if base.is_none() => {
            batch.put(BASES, *before.rec.as_bytes(), before.digest.as_bytes().to_vec());
        }
        Source::Import { .. } if base.is_some() => forget(before.rec, batch),
        Source::Edit { .. }
        | Source::Import { .. }
        | Source::Retirement { .. }
        | Source::Restatement { .. } => {}
    }
    Ok(())
}

/// Ends it.
pub(crate) fn forget(rec: RecordHandle, batch: &mut Batch) {
    batch.delete(BASES, *rec.as_bytes());
}
