//! Institutions: admitting them, listing them, changing their standing.

mod listing;

use std::path::{Path, PathBuf};

use safeharbor_core::directory::InstitutionType;
use safeharbor_core::institution::InstitutionCode;
use safeharbor_service::durable_file::write_durably;
use safeharbor_service::person::{Credentials, Role};
use serde::{Deserialize, Serialize};

use super::proposal::propose;
use super::roster::{self, AddCommand, ImportCommand};
use super::{CommandFailed, Reply};
use crate::admission::{Admission, REQUEST_BYTES_MAX, admit};
use crate::certificates;
use crate::office::Office;
use crate::proposal::Decision;

/// What can be done with institutions.
#[derive(Debug, Serialize, Deserialize)]
pub enum InstitutionCommand {
    /// Admits an institution by its request file.
    Admit {
        /// The request file.
        request: PathBuf,
        /// Where the bundle is written.
        bundle: PathBuf,
        /// The name, where the district's differs from the request's.
        name: Option<String>,
        /// What it is.
        kind: InstitutionType,
    },
    /// Puts an institution on the roster, or changes its row.
    Add(AddCommand),
    /// Takes the official list in.
    Import(ImportCommand),
    /// Lists institutions.
    List,
    /// Takes no statements until reinstated.
    Suspend {
        /// Whose.
        code: InstitutionCode,
        /// Who decides.
        by: Credentials,
    },
    /// Proposes to take statements again.
    Reinstate {
        /// Whose.
        code: InstitutionCode,
        /// Who proposes.
        by: Credentials,
    },
    /// Proposes to take no statements for good.
    Revoke {
        /// Whose.
        code: InstitutionCode,
        /// Who proposes.
        by: Credentials,
    },
}

pub(super) async fn carry_out(
    office: &Office,
    command: InstitutionCommand,
    reply: &mut Reply,
) -> Result<(), CommandFailed> {
    match command {
        InstitutionCommand::Admit { request, bundle, name, kind } => {
            let text = read_request(&request)?;
            let admission = Admission { request: text, name, kind };
            let (place, now) = ((&office.paths, &office.settings), office.clock.now_ms());
            let made = admit(&office.shared, &office.orders, place, admission, now).await?;
            certificates::note(office, made.institution, &made.certificate_pem, &made.ca_pem)?;
            let detail = serde_json::json!({"bundle": bundle.display().to_string()});
            note(office, "institution add", made.institution, detail)?;
            let json = serde_json::to_string_pretty(&made).unwrap_or_default();
            let failed = |reason: String| CommandFailed::File { path: bundle.clone(), reason };
            write_durably(&bundle, json.as_bytes()).map_err(|refused| failed(refused.to_string()))?;
            reply.data(format_args!("{} admitted (已接纳); bundle: {}", made.institution, bundle.display()));
            Ok(())
        }
        InstitutionCommand::Add(command) => roster::add(office, command, reply).await,
        InstitutionCommand::Import(command) => roster::import(office, command, reply).await,
        InstitutionCommand::List => list(office, reply),
        InstitutionCommand::Suspend { code, by } => suspend(office, code, &by, reply).await,
        InstitutionCommand::Reinstate { code, by } => {
            propose(office, Decision::Reinstate { code }, &by, reply).await
        }
        InstitutionCommand::Revoke { code, by } => {
            propose(office, Decision::Revoke { code }, &by, reply).await
        }
    }
}

async fn suspend(
    office: &Office,
    code: InstitutionCode,
    by: &Credentials,
    reply: &mut Reply,
) -> Result<(), CommandFailed> {
    let by = office.authorize(by, &[Role::Administrator], "suspend institution").await?;
    office.audit.append(Some(&by), "suspend institution", code.as_str(), serde_json::Value::Null)?;
    Decision::suspend(office, code, by.id.0).await?;
    reply.note(reply.pick(
        format!("{code} 已暂停：不再接收其声明，其仍可读取；恢复须两人决定（institution reinstate）"),
        format!("{code} is suspended: its statements are not taken, reading goes on; reinstating takes two persons"),
    ));
    Ok(())
}

/// Notes what was done on the word of whoever may use the data folder.
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

fn list(office: &Office, reply: &mut Reply) -> Result<(), CommandFailed> {
    let rows = listing::read(office)?;
    if reply.is_json() {
        reply.json(&serde_json::to_value(&rows).unwrap_or_default());
        return Ok(());
    }
    for row in &rows {
        reply.data(row.line(reply.language()));
    }
    let alarms = rows.iter().filter(|row| row.alarm).count();
    if alarms > 0 {
        reply.note(reply.pick(
            format!("！{alarms} 个单位有警报：invitation list"),
            format!("! {alarms} institutions with an alarm: invitation list"),
        ));
    }
    Ok(())
}
