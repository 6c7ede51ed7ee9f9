//! Restoring a hub: the newest checkpoint known outside becomes what it signed last.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use safeharbor_core::checkpoint::{Checkpoint, VerifyCheckpointFailed, verify_checkpoint};
use safeharbor_core::key::Signer as _;
use safeharbor_core::note::VerifierKey;
use safeharbor_service::audit::{AuditFailed, AuditLog};
use safeharbor_service::backup::{self, BackupKey, Manifest, RestoreFailed};
use safeharbor_service::clock::Clock;
use safeharbor_service::durable_file::create_folders_durably;
use safeharbor_service::key_file::{self, KeyUse};

use super::{CONTENT, ENTRIES, PUBLISHED};
use crate::folder::{Paths, Settings};
use crate::registry::SigningState;

/// A hub that was restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestoredHub {
    /// How many entries its journal holds.
    pub entries: u64,
    /// How many the checkpoint says were signed.
    pub signed: u64,
}

/// The checkpoint cannot be what the hub signed last.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointRefused {
    /// It is not signed by the restored log key under the restored origin.
    #[error("the checkpoint is not this registry's")]
    NotOurs(#[source] VerifyCheckpointFailed),
    /// The backup itself knows a later one.
    #[error(
        "the checkpoint has {given} entries, and {published} were published when the backup was made: find a newer one, such as the public \
         registry's file `checkpoint` or what `safeharbor-node checkpoint` prints"
    )]
    Old {
        /// Its size.
        given: u64,
        /// The size that the backup knows of.
        published: u64,
    },
}

/// Restores a hub from `file` into the empty or missing folder `data`, with `note` as what it signed last.
///
/// # Errors
/// Nothing was restored.
pub fn restore(
    file: &Path,
    key: &BackupKey,
    data: &Path,
    note: &str,
    clock: &Arc<dyn Clock>,
) -> Result<RestoredHub, RestoreFailed> {
    let mut hub = None;
    let finish = |folder: &Path, manifest: &Manifest, _: &dyn safeharbor_service::store::Store| {
        hub = Some(finish(&Paths::new(folder), manifest, note, clock)?);
        Ok(())
    };
    backup::restore(file, key, &CONTENT, (data, clock.as_ref()), Box::new(finish))?;
    Ok(hub.unwrap_or(RestoredHub { entries: 0, signed: 0 }))
}

fn finish(
    paths: &Paths,
    manifest: &Manifest,
    note: &str,
    clock: &Arc<dyn Clock>,
) -> Result<RestoredHub, Box<dyn Error + Send + Sync>> {
    let count = |name: &str| manifest.counts.get(name).copied().unwrap_or_default();
    let checkpoint = verify(paths, note, count(PUBLISHED))?;
    let signed = paths.signed();
    create_folders_durably(signed.parent().unwrap_or(paths.folder()))?;
    SigningState::load(&signed, false)?.record(checkpoint.size, checkpoint.root)?;
    let detail = serde_json::json!({ "made": manifest.created_at, "program": manifest.program, "signed": checkpoint.size });
    let noted = AuditLog::open(&paths.audit(), Arc::clone(clock))
        .and_then(|audit| audit.append(None, "restore", "the data folder", detail));
    match noted {
        // As it was when it was copied: what there is of it is worth more than nothing at all.
        Err(broken @ AuditFailed::Broken { .. }) => {
            tracing::warn!(why = %broken, "the restored audit log is broken")
        }
        noted => drop(noted?),
    }
    Ok(RestoredHub { entries: count(ENTRIES), signed: checkpoint.size })
}

/// The checkpoint, signed by the log key that the backup holds, and no older than what the backup knows of.
fn verify(paths: &Paths, note: &str, published: u64) -> Result<Checkpoint, Box<dyn Error + Send + Sync>> {
    let settings = Settings::load(paths, &[])?;
    let log = key_file::load(&paths.log_key(), KeyUse::Log)?;
    let vkey = VerifierKey::ed25519(&settings.origin, log.public_key())?;
    let checkpoint = verify_checkpoint(note.as_bytes(), &vkey).map_err(CheckpointRefused::NotOurs)?;
    if checkpoint.size < published {
        return Err(CheckpointRefused::Old { given: checkpoint.size, published }.into());
    }
    Ok(checkpoint)
}
