//! The stop: after a fork or an inconsistent checkpoint nothing is sent until a person decides.

use safeharbor_service::store::{Batch, Store};
use serde::{Deserialize, Serialize};

use super::Alarm;
use crate::chain::ChainFailed;
use crate::tables::SYNC;

const STOPPED: &[u8] = b"stopped";

/// Why and since when the node sends nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// What happened.
    #[serde(flatten)]
    pub alarm: Alarm,
    /// Since when, in milliseconds since 1970 UTC.
    pub since_ms: u64,
}

/// The stop, if there is one.
///
/// # Errors
/// The store fails or is damaged.
pub fn load_stop(store: &dyn Store) -> Result<Option<Stopped>, ChainFailed> {
    let row = store.get(SYNC, STOPPED)?;
    row.map(|row| serde_json::from_slice(&row).or(Err(ChainFailed::damaged("the stop")))).transpose()
}

/// Stops the node, durably.
///
/// # Errors
/// The store fails.
pub fn store_stop(store: &dyn Store, stopped: &Stopped) -> Result<(), ChainFailed> {
    let mut batch = Batch::new();
    // Numbers and texts always serialise.
    batch.put(SYNC, STOPPED, serde_json::to_vec(stopped).unwrap_or_default());
    store.commit(batch)?;
    Ok(store.flush()?)
}

/// Lets the node go on: a person decided. Whoever calls writes the audit log.
///
/// # Errors
/// The store fails.
pub fn resume(store: &dyn Store) -> Result<(), ChainFailed> {
    let mut batch = Batch::new();
    batch.delete(SYNC, STOPPED);
    store.commit(batch)?;
    Ok(store.flush()?)
}
