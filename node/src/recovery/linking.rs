//! Linking again: a record that is imported under a natural key takes over the handle that was stated under it.

use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_service::store::{Batch, Scan, Store};

use super::{HANDLE_BYTES, Unlinked, find, index_key};
use crate::records::RecordsFailed;
use crate::tables::UNLINKED_KEYS;

/// Takes out in `batch`, and returns, the record that was stated under this natural key: rather one that stands at the hub than one
/// that was taken back. The caller holds the outbox, and gives the handle to what it stores under the key.
pub(crate) fn link(
    store: &dyn Store,
    kind: &KindId,
    key: &str,
    batch: &mut Batch,
) -> Result<Option<Unlinked>, RecordsFailed> {
    let rows = store.scan(&Scan::prefix(UNLINKED_KEYS, &index_key(kind, key, None)))?;
    let mut candidates = Vec::new();
    for (index, _) in rows {
        let damaged = RecordsFailed::Row { table: UNLINKED_KEYS.0 };
        let rec = index.last_chunk::<HANDLE_BYTES>().copied().ok_or(damaged)?;
        candidates.extend(
            find(store, RecordHandle::from_bytes(rec))?.filter(|row| row.key.as_deref() == Some(key)),
        );
    }
    // Of several that stand there the others stay for a person to withdraw.
    let linked = candidates.into_iter().min_by_key(|unlinked| unlinked.is_withdrawn);
    if let Some(unlinked) = &linked {
        unlinked.remove_from(batch);
    }
    Ok(linked)
}
