//! Commands without a running hub: it is opened for one command, or made again from its journal.

use std::path::Path;
use std::sync::Arc;

use safeharbor_service::caller;
use safeharbor_service::clock::Clock;
use safeharbor_service::random::Random;

use super::{CommandFailed, Reply, Request, execute};
use crate::folder::Paths;
use crate::office::Office;
use crate::opening::{OpenHub, OpenHubFailed, first_announcements, open};
use crate::running::{Running, announce};

/// Opens the hub for one command and closes it orderly.
///
/// # Errors
/// The hub cannot be opened or closed; what the command itself says is in the reply.
pub async fn offline(
    folder: &Path,
    seams: (&Arc<dyn Clock>, &Arc<dyn Random>),
    request: Request,
) -> Result<Reply, CommandFailed> {
    let hub = open(folder, &[], seams)?;
    let announcements = first_announcements(&hub);
    let OpenHub { folder: held, committer, publisher, desk, .. } = hub;
    let running = Running::start(committer, publisher);
    let office = Office::new(desk, running.orders());
    for announcement in announcements {
        announce(&office.orders, announcement).await?;
    }
    let resumed = crate::proposal::resume(&office).await;
    let reply = caller::scope(caller::own(), execute(&office, request)).await;
    resumed?;
    drop(office);
    running.stop().await?;
    drop(held);
    Ok(reply)
}

fn projections(paths: &Paths) -> [std::path::PathBuf; 2] {
    [paths.index(), paths.registry().join("tile")]
}

fn aside(folder: &Path) -> std::path::PathBuf {
    folder.with_extension("before-rebuild")
}

/// Renames a folder out of the way; a copy that an earlier, failed rebuild set aside is kept.
fn set_aside(folder: &Path) -> std::io::Result<()> {
    if aside(folder).exists() {
        return match std::fs::remove_dir_all(folder) {
            Err(refused) if refused.kind() != std::io::ErrorKind::NotFound => Err(refused),
            Ok(()) | Err(_) => Ok(()),
        };
    }
    match std::fs::rename(folder, aside(folder)) {
        Err(refused) if refused.kind() != std::io::ErrorKind::NotFound => Err(refused),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Makes index and registry files again from the journal.
///
/// # Errors
/// Any of [`CommandFailed`].
pub fn rebuild(folder: &Path, seams: (&Arc<dyn Clock>, &Arc<dyn Random>)) -> Result<String, CommandFailed> {
    let paths = Paths::new(folder);
    {
        use safeharbor_service::folder::{DataFolder, Role};
        let _held = DataFolder::open(folder, Role::Hub).map_err(OpenHubFailed::from)?;
        for projection in projections(&paths) {
            set_aside(&projection).map_err(CommandFailed::Remove)?;
        }
    }
    // What was set aside goes only once it is made again: until then it may be the last copy.
    let hub = open(folder, &[], seams)?;
    for projection in projections(&paths) {
        std::fs::remove_dir_all(aside(&projection)).ok();
    }
    let note = || hub.desk.audit.append(None, "rebuild", "index and registry", serde_json::Value::Null);
    caller::sync_scope(caller::own(), note)?;
    let published = Arc::clone(&hub.desk.shared.published.borrow());
    Ok(format!("rebuilt {} entries, root {}\n", published.size, published.root))
}
