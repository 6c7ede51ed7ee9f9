//! What of a node is in its backups (备份), and what a restored node is told.
//!
//! The key of the witness, what it cosigned and the last checkpoint it verified are in none: a witness that was rolled back could sign what
//! contradicts what it signed before. A restored node makes a new key and begins with the first checkpoint it is shown.

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

use crate::chain::Memory;
use crate::context::Context;
use crate::layout::Layout;
use crate::settings::Settings;
use crate::witness::is_witness_state;

pub use restoring::{RestoredMark, restore};

/// What of a node's folder is in a backup. Runs of connectors keep their reports, not what they fetched.
pub const CONTENT: Content = Content {
    role: Role::Node,
    store: "store",
    files: &["institution.json", "settings.toml", "audit.log"],
    trees: &["keys", "trust", "membership", "codes", "catalogue", "evidence", "jobs"],
    leaves_out: |name| {
        name.starts_with("keys/witness")
            || (name.starts_with("jobs/") && name.split('/').nth(2) == Some("input"))
    },
};

impl Subject for Context {
    fn data(&self) -> &Path {
        self.layout.root()
    }

    fn content(&self) -> &'static Content {
        &CONTENT
    }

    fn program(&self) -> String {
        concat!("safeharbor-node ", env!("CARGO_PKG_VERSION")).to_owned()
    }

    fn owner(&self) -> String {
        self.institution.to_string()
    }

    fn store(&self) -> &dyn Store {
        &*self.store
    }

    fn leaves_out(&self, table: Table, key: &[u8]) -> bool {
        is_witness_state(table, key)
    }

    fn note_made(&self, made: &Made) -> Result<(), AuditFailed> {
        let detail = serde_json::json!({ "bytes": made.bytes, "sha256": made.sha256 });
        self.audit.append(None, "backup", &made.path.display().to_string(), detail).map(drop)
    }

    fn bounds(&self) -> Result<Bounds, Box<dyn Error + Send + Sync>> {
        let stated = Memory::new(Arc::clone(&self.store)).head()?.map_or(0, |head| head.seq);
        let counts = [("records".to_owned(), self.records.count()?), ("statements".to_owned(), stated)];
        // A line that is being written is left to the next backup.
        let limits = BTreeMap::from([("audit.log".to_owned(), self.audit.bytes())]);
        Ok(Bounds { limits, counts: BTreeMap::from(counts) })
    }
}

/// The section `[backup]` as it stands now: a change needs no restart.
///
/// # Errors
/// The settings cannot be used.
pub fn settings(layout: &Layout) -> Result<BackupSettings, LoadSettingsFailed> {
    Ok(Settings::load(layout, &[])?.backup)
}

/// How the backups of a node stand; also while another process has it open.
///
/// # Errors
/// The settings or what is known about the backups cannot be read.
pub fn state(layout: &Layout) -> Result<State, Box<dyn Error + Send + Sync>> {
    Ok(safeharbor_service::backup::state(layout.root(), &settings(layout)?)?)
}

/// Makes backups until the node ends.
pub async fn keep(context: Arc<Context>, shutdown: &Shutdown) {
    let layout = context.layout.clone();
    let clock = Arc::clone(&context.clock);
    keep_on_time(context, move || settings(&layout).map_err(Into::into), clock, shutdown).await;
}

#[cfg(test)]
mod tests;
