//! The storage contract, and its backends.
//!
//! A store is an ordered map from (table, key) to value. What every backend promises, and the suite in
//! `suite` checks:
//!
//! 1. **Order.** A scan yields keys in the order of their bytes; a key never shows in another table.
//! 2. **Atomic.** A committed batch is seen whole or not at all, by every reader and after every crash. Within a
//!    batch the last word on a key counts.
//! 3. **Visible.** When `commit` has returned, every later `get` and `scan` sees the batch.
//! 4. **Durable.** When `flush` has returned, everything committed before it was called survives a power loss.
//!    What was committed and not flushed may be lost, but only from the end: no later batch survives an earlier one.
//! 5. **One moment.** A snapshot shows every row of every table as they stood together at one moment after it was
//!    called; batches go on being committed meanwhile and do not show in it.
//! 6. **Honest.** An error says whether the batch was applied ([`StoreFailed::applied`]). After a failure that
//!    leaves this open the store refuses every further write until it is opened again; reading goes on.
//!
//! Calls block; on the runtime they belong on the blocking pool.

mod batch;
#[cfg(any(test, feature = "testing"))]
mod faulty;
mod memory;
mod reserve;
mod scan;
mod sled_store;
mod snapshot;
#[cfg(any(test, feature = "testing"))]
pub mod suite;
mod watchdog;

use std::error::Error;
use std::fmt;
use std::ops::ControlFlow;

pub use batch::{
    BATCH_BYTES_MAX, Batch, KEY_BYTES_MAX, KEYS_PER_COMMIT_ADVISED, KEYS_PER_COMMIT_MAX, VALUE_BYTES_MAX,
};
#[cfg(any(test, feature = "testing"))]
pub use faulty::{Fault, FaultyStore};
pub use memory::MemoryStore;
pub use scan::Scan;
pub use sled_store::{SledSettings, SledStore};
pub use snapshot::SnapshotVisitor;

/// One key space. Users declare constants: `const RECORDS: Table = Table(1);`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Table(pub u8);

/// A key and its value, without the table.
pub type Row = (Vec<u8>, Vec<u8>);

/// What [`Store::visit`] shows keys and values to.
pub type Visitor<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// How many rows [`Store::visit`] holds in memory at a time.
const ROWS_PER_PAGE: usize = 512;

/// An ordered map that survives crashes; the module's text is the contract.
pub trait Store: Send + Sync + fmt::Debug {
    /// The value of `key`.
    ///
    /// # Errors
    /// The backend cannot read.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFailed>;

    /// The rows of `scan`, at one moment.
    ///
    /// # Errors
    /// The backend cannot read.
    fn scan(&self, scan: &Scan) -> Result<Vec<Row>, StoreFailed>;

    /// Applies all of `batch` at once; visible on return, durable after the next [`Store::flush`].
    ///
    /// # Errors
    /// The batch breaks a limit, or the backend cannot write; [`StoreFailed::applied`] tells what became of it.
    fn commit(&self, batch: Batch) -> Result<(), StoreFailed>;

    /// Makes durable whatever was committed before the call.
    ///
    /// # Errors
    /// The backend cannot promise it; everything committed stays visible and may be lost in a crash.
    fn flush(&self) -> Result<(), StoreFailed>;

    /// Shows `visitor` all rows of all tables as of one moment, in the order of table and key, until it breaks off. It
    /// must not commit to this store itself: commits may wait for it.
    ///
    /// # Errors
    /// The backend cannot read.
    fn snapshot(&self, visitor: &mut SnapshotVisitor<'_>) -> Result<(), StoreFailed>;

    /// Shows `visitor` the rows of `scan` until it breaks off, a page at a time, so that a large table never is in
    /// memory whole. Batches committed meanwhile may show in later pages.
    ///
    /// # Errors
    /// The backend cannot read.
    fn visit(&self, mut scan: Scan, visitor: &mut Visitor<'_>) -> Result<(), StoreFailed> {
        let mut left = scan.limit;
        while left > 0 {
            scan.limit = left.min(ROWS_PER_PAGE);
            let rows = self.scan(&scan)?;
            for (key, value) in &rows {
                if visitor(key, value).is_break() {
                    return Ok(());
                }
            }
            match rows.last() {
                Some((last, _)) if rows.len() == scan.limit => scan.resume_after(last),
                Some(_) | None => return Ok(()),
            }
            left = left.saturating_sub(rows.len());
        }
        Ok(())
    }
}

/// What became of a batch whose commit was reported as failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// Nothing of it is in the store.
    No,
    /// All of it is in the store and visible; a crash may take it.
    Yes,
    /// All of it or nothing; only opening the store again tells.
    Unknown,
}

/// A store refused or could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreFailed {
    /// The batch is too long for one commit.
    #[error("a commit takes at most {KEYS_PER_COMMIT_MAX} keys, this one has {keys}")]
    TooManyKeys {
        /// How many it has.
        keys: usize,
    },
    /// The keys and values of the batch are too long together.
    #[error("a commit takes at most {BATCH_BYTES_MAX} bytes, this one has {bytes}")]
    BatchTooLong {
        /// How many bytes it has.
        bytes: usize,
    },
    /// One key is too long.
    #[error("a key has at most {KEY_BYTES_MAX} bytes, this one has {bytes}")]
    KeyTooLong {
        /// How many bytes it has.
        bytes: usize,
    },
    /// One value is too long.
    #[error("a value has at most {VALUE_BYTES_MAX} bytes, this one has {bytes}")]
    ValueTooLong {
        /// How many bytes it has.
        bytes: usize,
    },
    /// The disk is full, and what is left is needed to open the store again.
    #[error("the disk is full: the store only reads until space is freed and it is opened again")]
    NoSpace,
    /// An earlier write failed and left open what is in the store.
    #[error("the store takes no writes until it is opened again, because an earlier write failed")]
    Stopped,
    /// The backend cannot go on.
    #[error("the store could not {step}{}", describe(*applied))]
    Backend {
        /// What it was doing.
        step: &'static str,
        /// What became of the batch, if there was one.
        applied: Applied,
        /// What the backend said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StoreFailed {
    /// What became of the batch.
    #[must_use]
    pub const fn applied(&self) -> Applied {
        match self {
            Self::Backend { applied, .. } => *applied,
            Self::TooManyKeys { .. }
            | Self::BatchTooLong { .. }
            | Self::KeyTooLong { .. }
            | Self::ValueTooLong { .. }
            | Self::NoSpace
            | Self::Stopped => Applied::No,
        }
    }
}

const fn describe(applied: Applied) -> &'static str {
    match applied {
        Applied::No => "; nothing was applied",
        Applied::Yes => "; what was committed is visible and may be lost in a crash",
        Applied::Unknown => "; whether the batch was applied shows when the store is opened again",
    }
}
