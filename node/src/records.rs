//! Records (记录) and their revisions: an import adds, nothing is overwritten.

mod absent;
mod adding;
pub(crate) mod base;
mod edit;
mod judge;
mod key;
mod links;
mod resolution;
mod sink;
mod terms;
mod words;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use safeharbor_core::digest::Digest;
use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_rules::Record;
use safeharbor_service::person::Person;
use safeharbor_service::store::{Batch, Scan, Store, StoreFailed};
use serde::{Deserialize, Serialize};

use crate::as_text;
use crate::context::Context;
use crate::erasure::Tombstone;
use crate::tables::{KEYS, RETIRED, REVISIONS, TOMBSTONES};
pub use absent::Absent;
pub use edit::{EditFailed, Edited, edit};
pub(crate) use key::{identity_key, revision_key};
pub use sink::RecordSink;
pub use terms::{Links, Terms};
pub(crate) use words::differing;

/// Records could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordsFailed {
    /// The store failed.
    #[error("the records cannot be read or written")]
    Store(#[from] StoreFailed),
    /// A row of the store is not what was written.
    #[error("a stored record cannot be understood (table {table}); restore the data folder from a backup")]
    Row {
        /// Which table.
        table: u8,
    },
    /// No random bytes for a handle.
    #[error("a record's handle needs random bytes")]
    Random(#[from] safeharbor_service::random::RandomFailed),
    /// The record has no JSON form.
    #[error("a record cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
    /// What left of retired records cannot be taken back.
    #[error("a record cannot be retired")]
    Withdraw(#[source] Box<crate::withdrawal::WithdrawFailed>),
    /// A record has as many revisions as can be counted.
    #[error("the record {0} has too many revisions")]
    TooManyRevisions(RecordHandle),
}

/// Which record a natural key stands for, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Current {
    /// The handle.
    pub rec: RecordHandle,
    /// Its last revision.
    pub rev: u32,
    /// SHA-256 of that revision's record as canonical JSON.
    pub digest: Digest,
    /// The outbox entry that was last made for the record; 0 for none. It may be gone.
    pub queued: u64,
}

impl Current {
    const BYTES: usize = 16 + 4 + 32 + 8;

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::BYTES);
        bytes.extend_from_slice(self.rec.as_bytes());
        bytes.extend_from_slice(&self.rev.to_be_bytes());
        bytes.extend_from_slice(self.digest.as_bytes());
        bytes.extend_from_slice(&self.queued.to_be_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RecordsFailed> {
        let read = || {
            let (rec, rest) = bytes.split_first_chunk::<16>()?;
            let (rev, rest) = rest.split_first_chunk::<4>()?;
            let (digest, rest) = rest.split_first_chunk::<32>()?;
            Some(Self {
                rec: RecordHandle::from_bytes(*rec),
                rev: u32::from_be_bytes(*rev),
                digest: Digest::from_bytes(*digest),
                queued: u64::from_be_bytes(rest.try_into().ok()?),
            })
        };
        read().ok_or(RecordsFailed::Row { table: KEYS.0 })
    }
}

/// One revision of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Revision {
    /// Its kind.
    #[serde(with = "as_text")]
    pub kind: KindId,
    /// Its natural key: the values of the key fields, joined by U+001F.
    pub key: String,
    /// The fields.
    pub record: Record,
    /// Field to the text of its cell, where that says more than the value. It never leaves.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub raw: BTreeMap<String, String>,
    /// When it was stored, in milliseconds since 1970 UTC.
    pub at: u64,
    /// Where it comes from.
    pub source: Source,
}

/// Where a revision comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A row of a file.
    Import {
        /// The file's name.
        file: String,
        /// The row's number as a spreadsheet shows it.
        row: u64,
        /// What the file's records are from, where that has a name besides the file's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        origin: Option<String>,
    },
    /// A person changed it here.
    Edit {
        /// Who.
        person: Person,
    },
    /// A row of a file that a person imported retired the record; the content is that of the revision before.
    Retirement {
        /// The file's name.
        file: String,
        /// The row's number as a spreadsheet shows it.
        row: u64,
        /// Who imported it.
        person: Person,
    },
    /// The same content, to be stated again with more revealed.
    Restatement {
        /// Who approved or accepted it.
        person: Person,
    },
}

/// A revision together with its number and handle.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The record's handle.
    pub rec: RecordHandle,
    /// The revision's number, from 1.
    pub rev: u32,
    /// The revision.
    pub revision: Revision,
}

impl Stored {
    /// SHA-256 of what the revision says, as [`Current`] has it.
    ///
    /// # Errors
    /// The record has no JSON form.
    pub fn digest(&self) -> Result<Digest, RecordsFailed> {
        Ok(Digest::of(&canonical(&self.revision.record, &self.revision.raw)?))
    }
}

/// The text by which two states of a record are compared: compact JSON, whose members the map keeps sorted, and after it the texts
/// that say more, if there are any.
pub(crate) fn canonical(record: &Record, raw: &BTreeMap<String, String>) -> Result<Vec<u8>, RecordsFailed> {
    let mut text = serde_json::to_vec(record)?;
    if !raw.is_empty() {
        serde_json::to_writer(&mut text, raw)?;
    }
    Ok(text)
}

/// Reads records.
#[derive(Debug, Clone)]
pub struct Records {
    store: Arc<dyn Store>,
}

impl Records {
    /// The records in `store`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Which record a natural key stands for.
    ///
    /// # Errors
    /// The store.
    pub fn current(&self, kind: &KindId, key: &str) -> Result<Option<Current>, RecordsFailed> {
        let row = self.store.get(KEYS, &identity_key(kind, key))?;
        row.as_deref().map(Current::decode).transpose()
    }

    /// One revision, unless the record was erased.
    ///
    /// # Errors
    /// The store.
    pub fn revision(&self, rec: RecordHandle, rev: u32) -> Result<Option<Revision>, RecordsFailed> {
        let row = self.store.get(REVISIONS, &revision_key(rec, rev))?;
        row.as_deref().map(decode_revision).transpose()
    }

    /// The last revision of a record, unless it was erased.
    ///
    /// # Errors
    /// The store.
    pub fn last(&self, rec: RecordHandle) -> Result<Option<Stored>, RecordsFailed> {
        let scan = Scan::prefix(REVISIONS, rec.as_bytes()).backwards().limit(1);
        let rows = self.store.scan(&scan)?;
        rows.first().map(|(key, row)| decode_stored(key, row)).transpose()
    }

    /// The last revision of a record that came from a row of a file.
    ///
    /// # Errors
    /// The store.
    pub fn last_imported(&self, rec: RecordHandle) -> Result<Option<Stored>, RecordsFailed> {
        self.last_from(rec, |source| matches!(source, Source::Import { .. }))
    }

    /// The last revision of a record whose source is one of those wanted.
    pub(crate) fn last_from(
        &self,
        rec: RecordHandle,
        is_wanted: impl Fn(&Source) -> bool,
    ) -> Result<Option<Stored>, RecordsFailed> {
        let mut found = Ok(None);
        self.store.visit(Scan::prefix(REVISIONS, rec.as_bytes()).backwards(), &mut |key, row| {
            match decode_stored(key, row) {
                Ok(stored) if !is_wanted(&stored.revision.source) => return ControlFlow::Continue(()),
                decoded => found = decoded.map(Some),
            }
            ControlFlow::Break(())
        })?;
        found
    }

    /// All revisions of a record, the first first.
    ///
    /// # Errors
    /// The store.
    pub fn revisions(&self, rec: RecordHandle) -> Result<Vec<Stored>, RecordsFailed> {
        let rows = self.store.scan(&Scan::prefix(REVISIONS, rec.as_bytes()))?;
        rows.iter().map(|(key, row)| decode_stored(key, row)).collect()
    }

    /// The retired record of a natural key that stands for none.
    ///
    /// # Errors
    /// The store.
    pub fn retired(&self, kind: &KindId, key: &str) -> Result<Option<Current>, RecordsFailed> {
        let row = self.store.get(RETIRED, &identity_key(kind, key))?;
        row.as_deref().map(Current::decode).transpose()
    }

    /// What is left of an erased record.
    ///
    /// # Errors
    /// The store.
    pub fn tombstone(&self, rec: RecordHandle) -> Result<Option<Tombstone>, RecordsFailed> {
        let row = self.store.get(TOMBSTONES, rec.as_bytes())?;
        let read =
            |row: Vec<u8>| serde_json::from_slice(&row).or(Err(RecordsFailed::Row { table: TOMBSTONES.0 }));
        row.map(read).transpose()
    }

    /// Shows `visitor` every record that is not retired, in the order of kinds and keys, until it breaks off or fails.
    ///
    /// # Errors
    /// The store, or whatever the visitor says.
    pub fn visit<E: From<RecordsFailed>>(
        &self,
        kind: Option<&KindId>,
        visitor: &mut dyn FnMut(Current) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        let scan = kind.map_or_else(|| Scan::all(KEYS), |kind| Scan::prefix(KEYS, &identity_key(kind, "")));
        let mut outcome = Ok(());
        let visited = self.store.visit(scan, &mut |_, row| match Current::decode(row)
            .map_err(E::from)
            .and_then(&mut *visitor)
        {
            Ok(flow) => flow,
            Err(failed) => {
                outcome = Err(failed);
                ControlFlow::Break(())
            }
        });
        visited.map_err(|failed| E::from(failed.into()))?;
        outcome
    }

    /// How many records there are, erased and retired ones not counted.
    ///
    /// # Errors
    /// The store.
    pub fn count(&self) -> Result<u64, RecordsFailed> {
        let mut count = 0_u64;
        self.store.visit(Scan::all(KEYS), &mut |_, _| {
            count = count.saturating_add(1);
            ControlFlow::Continue(())
        })?;
        Ok(count)
    }
}

/// Adds the next revision of a record with the content of `last`, to be stated again; returns its number.
pub(crate) fn add_restatement(
    context: &Context,
    last: &Stored,
    by: &Person,
    at: u64,
    batch: &mut Batch,
) -> Result<u32, RecordsFailed> {
    let rev = adding::next_unstated(context, last.rec, last.rev)?;
    let source = Source::Restatement { person: by.clone() };
    let revision = Revision { at, source, ..last.revision.clone() };
    batch.put(REVISIONS, revision_key(last.rec, rev), serde_json::to_vec(&revision)?);
    Ok(rev)
}

fn decode_stored(key: &[u8], row: &[u8]) -> Result<Stored, RecordsFailed> {
    let (rec, rev) = key::parse_revision_key(key)?;
    Ok(Stored { rec, rev, revision: decode_revision(row)? })
}

fn decode_revision(row: &[u8]) -> Result<Revision, RecordsFailed> {
    serde_json::from_slice(row).or(Err(RecordsFailed::Row { table: REVISIONS.0 }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_row_of_a_key_round_trips(rec: [u8; 16], rev: u32, digest: [u8; 32], queued: u64) {
            let current = Current {
                rec: RecordHandle::from_bytes(rec),
                rev,
                digest: Digest::from_bytes(digest),
                queued,
            };
            prop_assert_eq!(Current::decode(&current.encode()).unwrap(), current);
        }

        #[test]
        fn any_other_row_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(Current::decode(&bytes).is_ok(), bytes.len() == Current::BYTES);
        }
    }
}
