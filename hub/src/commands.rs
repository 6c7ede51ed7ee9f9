//! Carrying commands out: in this process, or by the hub that is running.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use safeharbor_core::directory::Standing;
use safeharbor_core::institution::InstitutionCode;
use safeharbor_service::audit::AuditLog;
use safeharbor_service::clock::Clock;
use safeharbor_service::durable_file::write_durably;
use tokio::sync::mpsc;

use crate::admission::{Admission, AdmitFailed, REQUEST_BYTES_MAX, admit, set_standing};
use crate::cli::{Format, InstitutionAction};
use crate::committer::Order;
use crate::folder::{Paths, Settings};
use crate::opening::{OpenHub, OpenHubFailed, first_announcements, open};
use crate::running::{OrderFailed, RunFailed, Running, announce};
use crate::shared::Shared;

/// What a command needs of an open hub.
#[derive(Debug, Clone)]
pub struct Office {
    /// Shared state.
    pub shared: Arc<Shared>,
    /// The way to the committer.
    pub orders: mpsc::Sender<Order>,
    /// Where things are.
    pub paths: Paths,
    /// What the hub is called.
    pub settings: Settings,
    /// Who did what.
    pub audit: Arc<AuditLog>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// A command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandFailed {
    /// The hub cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenHubFailed),
    /// A file given on the command line cannot be used.
    #[error("{}: {reason}", path.display())]
    File {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        reason: String,
    },
    /// The institution is not admitted or its standing not changed.
    #[error(transparent)]
    Admit(#[from] AdmitFailed),
    /// A statement of the hub cannot be logged.
    #[error(transparent)]
    Order(#[from] OrderFailed),
    /// A part of the hub failed.
    #[error(transparent)]
    Run(#[from] RunFailed),
    /// What was done cannot be noted.
    #[error("the audit log cannot be written")]
    Audit(#[from] safeharbor_service::audit::AuditFailed),
    /// Index or registry cannot be removed.
    #[error("cannot remove what is to be rebuilt")]
    Remove(#[source] std::io::Error),
}

/// Carries an institution command out and returns what it has to say.
///
/// # Errors
/// Any of [`CommandFailed`].
pub async fn institution(office: &Office, action: InstitutionAction) -> Result<String, CommandFailed> {
    match action {
        InstitutionAction::Add { request, bundle, name, kind } => {
            let text = read_request(&request)?;
            let admission = Admission { request: text, name, kind: kind.into() };
            let (place, now) = ((&office.paths, &office.settings), office.clock.now_ms());
            let made = admit(&office.shared, &office.orders, place, admission, now).await?;
            let detail = serde_json::json!({"bundle": bundle.display().to_string()});
            note(office, "institution add", made.institution, detail)?;
            let json = serde_json::to_string_pretty(&made).unwrap_or_default();
            let failed = |reason: String| CommandFailed::File { path: bundle.clone(), reason };
            write_durably(&bundle, json.as_bytes()).map_err(|refused| failed(refused.to_string()))?;
            Ok(format!("{} admitted (已接纳); bundle: {}\n", made.institution, bundle.display()))
        }
        InstitutionAction::List { format } => Ok(list(office, format)),
        InstitutionAction::Suspend { code } => change(office, code, Standing::Suspended, "suspended").await,
        InstitutionAction::Reinstate { code } => change(office, code, Standing::Active, "reinstated").await,
        InstitutionAction::Revoke { code } => change(office, code, Standing::Revoked, "revoked").await,
    }
}

async fn change(
    office: &Office,
    code: InstitutionCode,
    standing: Standing,
    word: &str,
) -> Result<String, CommandFailed> {
    set_standing(&office.shared, &office.orders, code, standing).await?;
    note(office, &format!("institution {word}"), code, serde_json::Value::Null)?;
    Ok(format!("{code} {word}\n"))
}

/// Commands at the shell are by whoever may use the data folder; persons with accounts come with the console.
fn note(
    office: &Office,
    action: &str,
    code: InstitutionCode,
    detail: serde_json::Value,
) -> Result<(), CommandFailed> {
    office.audit.append(None, action, code.as_str(), detail)?;
    Ok(())
}

fn read_request(path: &Path) -> Result<String, CommandFailed> {
    let failed = |reason: String| CommandFailed::File { path: path.to_owned(), reason };
    let text = std::fs::read_to_string(path).map_err(|refused| failed(refused.to_string()))?;
    if text.len() > REQUEST_BYTES_MAX {
        return Err(failed(format!("a request file has at most {REQUEST_BYTES_MAX} bytes")));
    }
    Ok(text)
}

fn list(office: &Office, format: Format) -> String {
    let report =
        crate::board_page::BoardReport::read(&office.shared, &office.settings, office.clock.now_ms());
    match format {
        Format::Json => {
            let json = serde_json::to_string_pretty(&report.institutions).unwrap_or_default();
            format!("{json}\n")
        }
        Format::Table => {
            let mut text = String::from("code                standing   accepted  refused   records  name\n");
            for i in &report.institutions {
                let standing = format!("{:?}", i.standing).to_lowercase();
                let (accepted, refused, records) = (i.accepted, i.refused, i.records);
                // Writing to a string does not fail.
                writeln!(
                    text,
                    "{:<18}  {standing:<9} {accepted:>9} {refused:>8} {records:>9}  {}",
                    i.code, i.name
                )
                .ok();
            }
            text
        }
    }
}

/// Opens the hub for one command and closes it orderly.
///
/// # Errors
/// Any of [`CommandFailed`].
pub async fn offline(
    folder: &Path,
    clock: &Arc<dyn Clock>,
    action: InstitutionAction,
) -> Result<String, CommandFailed> {
    let hub = open(folder, &[], clock)?;
    let announcements = first_announcements(&hub);
    let OpenHub { folder: held, paths, settings, shared, committer, publisher, audit, .. } = hub;
    let running = Running::start(committer, publisher);
    let (orders, clock) = (running.orders(), Arc::clone(clock));
    let office = Office { shared, orders, paths, settings, audit, clock };
    let mut done = Ok(String::new());
    for announcement in announcements {
        if let Err(refused) = announce(&office.orders, announcement).await {
            done = Err(refused.into());
        }
    }
    if done.is_ok() {
        done = institution(&office, action).await;
    }
    drop(office);
    running.stop().await?;
    drop(held);
    done
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
pub fn rebuild(folder: &Path, clock: &Arc<dyn Clock>) -> Result<String, CommandFailed> {
    let paths = Paths::new(folder);
    {
        use safeharbor_service::folder::{DataFolder, Role};
        let _held = DataFolder::open(folder, Role::Hub).map_err(OpenHubFailed::from)?;
        for projection in projections(&paths) {
            set_aside(&projection).map_err(CommandFailed::Remove)?;
        }
    }
    // What was set aside goes only once it is made again: until then it may be the last copy.
    let hub = open(folder, &[], clock)?;
    for projection in projections(&paths) {
        std::fs::remove_dir_all(aside(&projection)).ok();
    }
    hub.audit.append(None, "rebuild", "index and registry", serde_json::Value::Null)?;
    let published = Arc::clone(&hub.shared.published.borrow());
    Ok(format!("rebuilt {} entries, root {}\n", published.size, published.root))
}
