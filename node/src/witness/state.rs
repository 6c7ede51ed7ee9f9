//! What the witness cosigned last: in a table of its own, and in no backup.

use std::sync::Arc;

use safeharbor_core::witness::{WitnessStore, Witnessed};
use safeharbor_service::store::{Batch, Store, Table};

use crate::chain::ChainFailed;
use crate::tables::WITNESS;
use crate::trust::is_last_checkpoint;

/// Whether a row is what a witness stands on: a backup must not bring it back.
#[must_use]
pub fn is_witness_state(table: Table, key: &[u8]) -> bool {
    table == WITNESS || is_last_checkpoint(table, key)
}

/// What this node cosigned last of the log with this origin.
///
/// # Errors
/// The store fails or is damaged.
pub fn last_witnessed(store: &dyn Store, origin: &str) -> Result<Option<Witnessed>, ChainFailed> {
    let damaged = || ChainFailed::damaged("what the witness cosigned last");
    let Some(row) = store.get(WITNESS, origin.as_bytes())? else { return Ok(None) };
    let note = String::from_utf8(row).or(Err(damaged()))?;
    Witnessed::read(&note).map(Some).or(Err(damaged()))
}

/// The table in a node's store.
#[derive(Debug)]
pub(super) struct StoredState(pub(super) Arc<dyn Store>);

impl WitnessStore for StoredState {
    type Error = ChainFailed;

    fn load(&self, origin: &str) -> Result<Option<Witnessed>, ChainFailed> {
        last_witnessed(&*self.0, origin)
    }

    /// The caller holds the lock of the one witness of this store.
    fn replace(&self, before: Option<&Witnessed>, next: &Witnessed) -> Result<bool, ChainFailed> {
        let origin = &next.checkpoint().origin;
        if self.load(origin)?.as_ref() != before {
            return Ok(false);
        }
        let mut batch = Batch::new();
        batch.put(WITNESS, origin.as_bytes(), next.note().as_bytes());
        self.0.commit(batch)?;
        self.0.flush()?;
        Ok(true)
    }
}
