//! Batches: what one commit changes.

use super::{StoreFailed, Table};

/// Keys in one commit.
pub const KEYS_PER_COMMIT_MAX: usize = 8192;
/// Keys to put into one commit where it is a choice: sled frees what a batch made superfluous only after it. Records
/// of 700 bytes, three keys each: 85 MB resident with 750 keys a commit, 550 MB with 6,000, at the same speed.
pub const KEYS_PER_COMMIT_ADVISED: usize = 1024;
/// Bytes of keys and values in one commit.
pub const BATCH_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes of one key.
pub const KEY_BYTES_MAX: usize = 1024;
/// Bytes of one value; anything longer belongs in a file. Far below sled's segment size, past which sled writes
/// values to files of their own that it does not flush.
pub const VALUE_BYTES_MAX: usize = 1024 * 1024;

/// Changes to any number of tables that are applied together.
#[derive(Clone, Default)]
pub struct Batch {
    changes: Vec<Change>,
    bytes: usize,
}

/// One change; without a value the key is deleted.
#[derive(Clone)]
pub(super) struct Change {
    pub(super) table: Table,
    pub(super) key: Vec<u8>,
    pub(super) value: Option<Vec<u8>>,
}

impl Batch {
    /// A batch that changes nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { changes: Vec::new(), bytes: 0 }
    }

    /// Sets the value of `key`.
    pub fn put(&mut self, table: Table, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.push(Change { table, key: key.into(), value: Some(value.into()) });
    }

    /// Removes `key`; one that is not there is left so.
    pub fn delete(&mut self, table: Table, key: impl Into<Vec<u8>>) {
        self.push(Change { table, key: key.into(), value: None });
    }

    /// How many keys the batch names.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether the batch changes nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Bytes of all its keys and values.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    fn push(&mut self, change: Change) {
        let value_bytes = change.value.as_ref().map_or(0, Vec::len);
        self.bytes = self.bytes.saturating_add(change.key.len()).saturating_add(value_bytes);
        self.changes.push(change);
    }

    /// The changes, if the batch keeps the limits that hold for every backend.
    pub(super) fn verified_changes(self) -> Result<Vec<Change>, StoreFailed> {
        if self.changes.len() > KEYS_PER_COMMIT_MAX {
            return Err(StoreFailed::TooManyKeys { keys: self.changes.len() });
        }
        if self.bytes > BATCH_BYTES_MAX {
            return Err(StoreFailed::BatchTooLong { bytes: self.bytes });
        }
        for change in &self.changes {
            if change.key.len() > KEY_BYTES_MAX {
                return Err(StoreFailed::KeyTooLong { bytes: change.key.len() });
            }
            let value_bytes = change.value.as_ref().map_or(0, Vec::len);
            if value_bytes > VALUE_BYTES_MAX {
                return Err(StoreFailed::ValueTooLong { bytes: value_bytes });
            }
        }
        Ok(self.changes)
    }
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Batch({} keys, {} bytes, content withheld)", self.len(), self.bytes)
    }
}
