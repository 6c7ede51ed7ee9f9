//! Absent records: that an earlier file of the same origin brought and this one lacks. They are listed, never deleted.

use std::collections::HashSet;
use std::ops::ControlFlow;

use safeharbor_core::digest::Digest;
use safeharbor_core::record::KindId;
use safeharbor_service::store::Scan;

use super::{Current, RecordsFailed, Source, identity_key};
use crate::context::Context;
use crate::tables::KEYS;

/// Records that a file lacks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Absent {
    /// Their natural keys, in order.
    pub keys: Vec<String>,
    /// Refused rows of the file whose key could not be read; each may be one of them.
    pub unread: u64,
}

/// Which records a file names, whether they were taken or not.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// Eight bytes of a digest each: who shares them with another is only not listed as absent.
    hashes: HashSet<u64>,
    unread: u64,
    /// Whether the file says row by row what is to be done, so that it lists changes, not all there is.
    pub(super) lists_changes: bool,
}

impl Named {
    pub(super) fn note(&mut self, kind: &KindId, key: Option<&str>) {
        match key {
            Some(key) => drop(self.hashes.insert(hash(&identity_key(kind, key)))),
            None => self.unread = self.unread.saturating_add(1),
        }
    }

    /// Compares with what is stored, in one pass over the kind. None for a file that lists changes alone.
    pub(super) fn absent(
        &self,
        context: &Context,
        kind: &KindId,
        origin: &str,
    ) -> Result<Option<Absent>, RecordsFailed> {
        if self.lists_changes {
            return Ok(None);
        }
        let mut outcome = Ok(());
        let mut keys = Vec::new();
        let prefix = Scan::prefix(KEYS, &identity_key(kind, ""));
        context.store.visit(prefix, &mut |key, row| {
            if self.hashes.contains(&hash(key)) {
                return ControlFlow::Continue(());
            }
            match key_from(context, row, origin) {
                Ok(key) => {
                    keys.extend(key);
                    ControlFlow::Continue(())
                }
                Err(failed) => {
                    outcome = Err(failed);
                    ControlFlow::Break(())
                }
            }
        })?;
        outcome?;
        Ok(Some(Absent { keys, unread: self.unread }))
    }
}

/// The natural key of a record that was last brought from `origin`.
fn key_from(context: &Context, row: &[u8], origin: &str) -> Result<Option<String>, RecordsFailed> {
    let Some(imported) = context.records.last_imported(Current::decode(row)?.rec)? else { return Ok(None) };
    let is_from = match &imported.revision.source {
        Source::Import { file, origin: named, .. } => named.as_ref().unwrap_or(file) == origin,
        Source::Edit { .. } | Source::Retirement { .. } | Source::Restatement { .. } => false,
    };
    Ok(is_from.then_some(imported.revision.key))
}

fn hash(identity: &[u8]) -> u64 {
    let digest = Digest::of(identity);
    digest.as_bytes().first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
