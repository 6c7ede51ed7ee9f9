//! Recovery (恢复): records that this institution stated once and that a node without its store does not have.
//!
//! In scope: what is known of them from the adopted chain, linking them to records that are imported again, withdrawing those that
//! cannot be linked. Out of scope: how the chain is adopted (`chain`), how records come (`records`).

mod following;
mod linking;
mod withdrawing;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_service::store::{Batch, Scan, Store};
use serde::{Deserialize, Serialize};

use crate::as_text;
use crate::records::{RecordsFailed, identity_key};
use crate::tables::{UNLINKED, UNLINKED_KEYS};

pub(crate) use following::follow;
pub(crate) use linking::link;
pub use withdrawing::{Which, withdraw};

/// Bytes of a handle at the end of a key.
const HANDLE_BYTES: usize = 16;

/// A record that was stated once and is not linked to one of this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unlinked {
    /// Its kind.
    #[serde(with = "as_text")]
    pub kind: KindId,
    /// Its handle.
    #[serde(with = "as_text")]
    pub rec: RecordHandle,
    /// The last revision that was stated.
    pub rev: u32,
    /// The fields of its natural key that it had revealed. They are known here alone.
    pub identifiers: BTreeMap<String, String>,
    /// Its natural key, if all parts of it were revealed.
    pub key: Option<String>,
    /// Whether it was taken back: it waits for nobody, and if it is imported again it is held here.
    pub is_withdrawn: bool,
    /// When it was found in the adopted chain, in milliseconds since 1970 UTC.
    pub since_ms: u64,
}

impl Unlinked {
    /// Whether importing it again links it.
    #[must_use]
    pub const fn is_linkable(&self) -> bool {
        self.key.is_some()
    }

    /// One that was taken back and has no key is kept no longer: nobody waits for it, and nothing is ever linked to it.
    fn put_into(&self, batch: &mut Batch) -> Result<(), RecordsFailed> {
        if self.is_withdrawn && !self.is_linkable() {
            self.remove_from(batch);
            return Ok(());
        }
        if let Some(key) = &self.key {
            batch.put(UNLINKED_KEYS, index_key(&self.kind, key, Some(self.rec)), Vec::new());
        }
        batch.put(UNLINKED, *self.rec.as_bytes(), serde_json::to_vec(self)?);
        Ok(())
    }

    fn remove_from(&self, batch: &mut Batch) {
        if let Some(key) = &self.key {
            batch.delete(UNLINKED_KEYS, index_key(&self.kind, key, Some(self.rec)));
        }
        batch.delete(UNLINKED, *self.rec.as_bytes());
    }
}

/// What is not linked and not taken back, in the order of kinds and natural keys.
///
/// # Errors
/// The store.
pub fn list(store: &dyn Store) -> Result<Vec<Unlinked>, RecordsFailed> {
    let mut unlinked = Vec::new();
    visit(store, &mut |row| unlinked.push(row))?;
    unlinked.sort_by(|a, b| (&a.kind, &a.key, &a.rec).cmp(&(&b.kind, &b.key, &b.rec)));
    Ok(unlinked)
}

/// How many records are not linked and not taken back: the institution is in recovery until there are none.
///
/// # Errors
/// The store.
pub fn count(store: &dyn Store) -> Result<u64, RecordsFailed> {
    let mut count = 0_u64;
    visit(store, &mut |_| count = count.saturating_add(1))?;
    Ok(count)
}

/// All that have a natural key, whether taken back or not, for whoever is to find one by it.
pub(crate) fn linkable(store: &dyn Store) -> Result<Vec<Unlinked>, RecordsFailed> {
    let mut linkable = Vec::new();
    visit_all(store, &mut |row| linkable.extend(Some(row).filter(Unlinked::is_linkable)))?;
    Ok(linkable)
}

/// Takes out in `batch` what is known of a record that is being erased.
pub(crate) fn forget(store: &dyn Store, rec: RecordHandle, batch: &mut Batch) -> Result<(), RecordsFailed> {
    if let Some(unlinked) = find(store, rec)? {
        unlinked.remove_from(batch);
    }
    Ok(())
}

fn visit(store: &dyn Store, visitor: &mut dyn FnMut(Unlinked)) -> Result<(), RecordsFailed> {
    visit_all(store, &mut |row| {
        if !row.is_withdrawn {
            visitor(row);
        }
    })
}

fn visit_all(store: &dyn Store, visitor: &mut dyn FnMut(Unlinked)) -> Result<(), RecordsFailed> {
    let mut outcome = Ok(());
    store.visit(Scan::all(UNLINKED), &mut |_, row| match decode(row) {
        Ok(row) => {
            visitor(row);
            ControlFlow::Continue(())
        }
        Err(failed) => {
            outcome = Err(failed);
            ControlFlow::Break(())
        }
    })?;
    outcome
}

fn find(store: &dyn Store, rec: RecordHandle) -> Result<Option<Unlinked>, RecordsFailed> {
    store.get(UNLINKED, rec.as_bytes())?.map(|row| decode(&row)).transpose()
}

fn decode(row: &[u8]) -> Result<Unlinked, RecordsFailed> {
    serde_json::from_slice(row).or(Err(RecordsFailed::Row { table: UNLINKED.0 }))
}

/// Kind, 0, natural key, 0, handle; without the handle the prefix of all of that key.
fn index_key(kind: &KindId, key: &str, rec: Option<RecordHandle>) -> Vec<u8> {
    let rec = rec.as_ref().map(|rec| rec.as_bytes().as_slice()).unwrap_or_default();
    [identity_key(kind, key).as_slice(), &[0], rec].concat()
}

#[cfg(test)]
mod tests;
