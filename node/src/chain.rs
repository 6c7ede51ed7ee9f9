//! The institution's own statements (声明链): numbered late, kept for ever, resent unchanged.
//!
//! [`Chain`] looks statements up and erases what opens them; [`Author`] makes them. Keys of the table `SYNC` that
//! this module and its neighbours use are listed in `memory`.

mod adopt;
mod author;
mod memory;
mod stated;
#[cfg(test)]
pub(crate) mod testing;

use std::collections::BTreeSet;
use std::sync::Arc;

use safeharbor_core::chain::Head;
use safeharbor_core::digest::Digest;
use safeharbor_core::record::RecordHandle;
use safeharbor_core::statement::StatementType;
use safeharbor_service::store::{Batch, Scan, Store, StoreFailed};

pub(crate) use adopt::Adopted;
pub use adopt::{AdoptFailed, Fetched};
pub use author::{Author, StateFailed, Stating};
pub use memory::{Memory, RefusedState};
pub use stated::{Claim, Stated};

use crate::tables::{CHAIN, SYNC};

/// What the store holds about the chain cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ChainFailed {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreFailed),
    /// A row is not what this program writes.
    #[error("the store is damaged: {what} cannot be read")]
    Damaged {
        /// Which row.
        what: String,
    },
}

impl ChainFailed {
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}

/// Looks up what was stated.
#[derive(Debug, Clone)]
pub struct Chain {
    store: Arc<dyn Store>,
}

impl Chain {
    /// The chain in a node's store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// What the stream remembers beside the statements.
    #[must_use]
    pub fn memory(&self) -> Memory {
        Memory::new(Arc::clone(&self.store))
    }

    /// The last numbered statement; none before the first.
    ///
    /// # Errors
    /// The store fails or is damaged.
    pub fn head(&self) -> Result<Option<Head>, ChainFailed> {
        self.memory().head()
    }

    /// The statement with a number.
    ///
    /// # Errors
    /// The store fails or is damaged.
    pub fn statement(&self, seq: u64) -> Result<Option<Stated>, ChainFailed> {
        let row = self.store.get(CHAIN, &seq.to_be_bytes())?;
        row.map(|row| Stated::decode(seq, &row)).transpose()
    }

    /// At most `limit` statements from a number on, in order.
    ///
    /// # Errors
    /// The store fails or is damaged.
    pub fn statements(&self, from: u64, limit: usize) -> Result<Vec<Stated>, ChainFailed> {
        let scan = Scan::all(CHAIN).starting_at(&from.to_be_bytes()).limit(limit);
        self.store.scan(&scan)?.iter().map(|(key, row)| Stated::decode(decode_seq(key)?, row)).collect()
    }

    /// The digest of the statement with a number.
    ///
    /// # Errors
    /// The store fails or is damaged.
    pub fn digest(&self, seq: u64) -> Result<Option<Digest>, ChainFailed> {
        Ok(self.statement(seq)?.map(|stated| stated.digest))
    }

    /// The numbers of all statements about a record, in order.
    ///
    /// # Errors
    /// The store fails or is damaged.
    pub fn numbers_of(&self, rec: RecordHandle) -> Result<Vec<u64>, ChainFailed> {
        let prefix = memory::record_prefix(rec);
        let rows = self.store.scan(&Scan::prefix(SYNC, &prefix))?;
        rows.iter().map(|(key, _)| decode_seq(key.get(prefix.len()..).unwrap_or_default())).collect()
    }

    /// All statements about a record, in order.
    ///
    /// # Errors
    /// The store fails or is damaged.
    pub fn statements_of(&self, rec: RecordHandle) -> Result<Vec<Stated>, ChainFailed> {
        let mut statements = Vec::new();
        for seq in self.numbers_of(rec)? {
            let missing = || ChainFailed::damaged(format!("statement {seq}"));
            statements.push(self.statement(seq)?.ok_or_else(missing)?);
        }
        Ok(statements)
    }

    /// The highest revision that was stated of a record. Disclosures go up; a withdrawal after the last of them may name an earlier one,
    /// where the node came back with a backup.
    ///
    /// # Errors
    /// The store fails or is damaged.
    pub fn last_revision_of(&self, rec: RecordHandle) -> Result<Option<u32>, ChainFailed> {
        let mut highest = None;
        for seq in self.numbers_of(rec)?.into_iter().rev() {
            let Some(stated) = self.statement(seq)? else { continue };
            highest = highest.max(stated.rev);
            if stated.statement == StatementType::Disclosure {
                break;
            }
        }
        Ok(highest)
    }

    /// The names of fields ever revealed about a record, for whoever shows what left.
    ///
    /// # Errors
    /// The store fails or is damaged.
    pub fn revealed_of(&self, rec: RecordHandle) -> Result<BTreeSet<String>, ChainFailed> {
        let statements = self.statements_of(rec)?;
        let revealed = statements.into_iter().flat_map(|stated| stated.claims).filter(|claim| claim.revealed);
        Ok(revealed.map(|claim| claim.name).collect())
    }

    /// Erases salts and values of every statement about a record, revealed or not, as part of `batch`. The signed
    /// tokens stay: they are digests that nobody can open.
    ///
    /// # Errors
    /// The store fails or is damaged.
    pub fn forget(&self, rec: RecordHandle, batch: &mut Batch) -> Result<(), ChainFailed> {
        for mut stated in self.statements_of(rec)? {
            stated.claims.clear();
            batch.put(CHAIN, stated.seq.to_be_bytes(), stated.encode());
        }
        Ok(())
    }
}

pub(crate) fn decode_seq(key: &[u8]) -> Result<u64, ChainFailed> {
    key.try_into().map(u64::from_be_bytes).or(Err(ChainFailed::damaged("the number of a statement")))
}

#[cfg(test)]
mod tests;
