//! What of a hub is in its backups (备份), and what a restored hub must know before it may sign.
//!
//! In none of them: `signed/`, because a hub that forgot what it signed can sign a fork; the index and the registry's tiles, which the
//! journal makes again.

mod restoring;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use safeharbor_service::audit::AuditFailed;
use safeharbor_service::backup::{
    Bounds, Content, Made, Settings as BackupSettings, State, Subject, keep as keep_on_time,
};
use safeharbor_service::folder::Role;
use safeharbor_service::settings::LoadSettingsFailed;
use safeharbor_service::shutdown::Shutdown;
use safeharbor_service::store::{Store, Table};

use crate::folder::{Paths, Settings};
use crate::journal::durable_lengths;
use crate::office::Desk;
use crate::office::tables::SESSIONS;

pub use restoring::{CheckpointRefused, RestoredHub, restore};

/// What of a hub's folder is in a backup.
pub const CONTENT: Content = Content {
    role: Role::Hub,
    store: "office",
    files: &["settings.toml", "audit.log", "forks.jsonl", "registry/vkey", "registry/policy"],
    trees: &["journal", "keys", "evidence"],
    leaves_out: |_| false,
};

/// For the manifest: how many entries the journal holds.
pub(crate) const ENTRIES: &str = "entries";
/// For the manifest: the size of the last checkpoint that was published.
pub(crate) const PUBLISHED: &str = "published";

impl Subject for Desk {
    fn data(&self) -> &Path {
        self.paths.folder()
    }

    fn content(&self) -> &'static Content {
        &CONTENT
    }

    fn program(&self) -> String {
        concat!("safeharbor-hub ", env!("CARGO_PKG_VERSION")).to_owned()
    }

    fn owner(&self) -> String {
        self.settings.name.clone()
    }

    fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Whoever was signed in signs in again: a session that was ended must not come back.
    fn leaves_out(&self, table: Table, _: &[u8]) -> bool {
        table == SESSIONS
    }

    fn note_made(&self, made: &Made) -> Result<(), AuditFailed> {
        let detail = serde_json::json!({ "bytes": made.bytes, "sha256": made.sha256 });
        self.audit.append(None, "backup", &made.path.display().to_string(), detail).map(drop)
    }

    fn bounds(&self) -> Result<Bounds, Box<dyn Error + Send + Sync>> {
        // In this order: what is published is durable.
        let published = self.shared.published.borrow().size;
        let entries = self.shared.ledger().size();
        let mut limits = BTreeMap::new();
        for (segment, bytes) in durable_lengths(&self.paths.journal(), entries)? {
            limits.insert(format!("journal/{segment}"), bytes);
        }
        limits.insert("audit.log".to_owned(), self.audit.bytes());
        let counts = [(ENTRIES.to_owned(), entries), (PUBLISHED.to_owned(), published)];
        Ok(Bounds { limits, counts: BTreeMap::from(counts) })
    }
}

/// The section `[backup]` as it stands now: a change needs no restart.
///
/// # Errors
/// The settings cannot be used.
pub fn settings(paths: &Paths) -> Result<BackupSettings, LoadSettingsFailed> {
    Ok(Settings::load(paths, &[])?.backup)
}

/// How the backups of a hub stand; also while another process has it open.
///
/// # Errors
/// The settings or what is known about the backups cannot be read.
pub fn state(paths: &Paths) -> Result<State, Box<dyn Error + Send + Sync>> {
    Ok(safeharbor_service::backup::state(paths.folder(), &settings(paths)?)?)
}

/// Makes backups until the hub ends.
pub async fn keep(desk: Desk, shutdown: Shutdown) {
    let (paths, clock) = (desk.paths.clone(), Arc::clone(&desk.clock));
    keep_on_time(Arc::new(desk), move || settings(&paths).map_err(Into::into), clock, &shutdown).await;
}

#[cfg(test)]
mod tests;
