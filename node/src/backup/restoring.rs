//! Restoring a node: what it is told beside what the backup holds.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use safeharbor_service::audit::{AuditFailed, AuditLog};
use safeharbor_service::backup::{self, BackupKey, Manifest, RestoreFailed, Restored};
use safeharbor_service::key_file::{self, KeyUse};
use safeharbor_service::store::{Batch, Store, StoreFailed};
use serde::{Deserialize, Serialize};

use super::CONTENT;
use crate::layout::Layout;
use crate::opening::Seams;
use crate::policy;
use crate::tables::META;

const RESTORED: &[u8] = b"restored";

/// That this node was restored, and from when it knows what it knew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoredMark {
    /// When it was restored, in milliseconds since 1970 UTC.
    pub restored_ms: u64,
    /// When the backup was made, RFC 3339 in UTC: what was recorded here later is lost, unless it comes again.
    pub made_at: String,
}

impl RestoredMark {
    /// The mark of a node that was restored.
    ///
    /// # Errors
    /// The store fails. A mark that cannot be understood counts as none.
    pub fn load(store: &dyn Store) -> Result<Option<Self>, StoreFailed> {
        let row = store.get(META, RESTORED)?;
        Ok(row.and_then(|row| serde_json::from_slice(&row).ok()))
    }
}

/// Restores a node from `file` into the empty or missing folder of `layout`.
///
/// # Errors
/// Nothing was restored.
pub fn restore(
    file: &Path,
    key: &BackupKey,
    layout: &Layout,
    seams: &Seams,
) -> Result<Restored, RestoreFailed> {
    let finish = |folder: &Path, manifest: &Manifest, store: &dyn Store| {
        finish(&Layout::at(folder), manifest, store, seams)
    };
    backup::restore(file, key, &CONTENT, (layout.root(), &*seams.clock), Box::new(finish))
}

fn finish(
    layout: &Layout,
    manifest: &Manifest,
    store: &dyn Store,
    seams: &Seams,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    key_file::create(&layout.witness_key(), KeyUse::Witness, &*seams.random)?;
    let mark = RestoredMark { restored_ms: seams.clock.now_ms(), made_at: manifest.created_at.clone() };
    let mut batch = Batch::new();
    batch.put(META, RESTORED, serde_json::to_vec(&mark)?);
    policy::await_acceptance(&mut batch);
    store.commit(batch)?;
    let detail = serde_json::json!({ "made": manifest.created_at, "program": manifest.program });
    let noted = AuditLog::open(&layout.audit_log(), Arc::clone(&seams.clock))
        .and_then(|audit| audit.append(None, "restore", "the data folder", detail));
    match noted {
        // As it was when it was copied: what there is of it is worth more than nothing at all.
        Err(broken @ AuditFailed::Broken { .. }) => {
            tracing::warn!(why = %broken, "the restored audit log is broken");
            Ok(())
        }
        noted => Ok(noted.map(drop)?),
    }
}
