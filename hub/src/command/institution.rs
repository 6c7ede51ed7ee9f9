//! Institutions: the roster, listing them, changing their standing.

mod listing;

use safeharbor_core::institution::InstitutionCode;
use safeharbor_service::person::{Credentials, Role};
use serde::{Deserialize, Serialize};

use super::proposal::propose;
use super::roster::{self, AddCommand, ImportCommand};
use super::{CommandFailed, Reply};
use crate::office::Office;
use crate::proposal::{Decision, Wanted};

/// What can be done with institutions.
#[derive(Debug, Serialize, Deserialize)]
pub enum InstitutionCommand {
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
        /// Why; may be empty.
        reason: String,
    },
    /// Proposes to take no statements for good.
    Revoke {
        /// Whose.
        code: InstitutionCode,
        /// Who proposes.
        by: Credentials,
        /// Why; may be empty.
        reason: String,
    },
}

pub(super) async fn carry_out(
    office: &Office,
    command: InstitutionCommand,
    reply: &mut Reply,
) -> Result<(), CommandFailed> {
    match command {
        InstitutionCommand::Add(command) => roster::add(office, command, reply).await,
        InstitutionCommand::Import(command) => roster::import(office, command, reply).await,
        InstitutionCommand::List => list(office, reply),
        InstitutionCommand::Suspend { code, by } => suspend(office, code, &by, reply).await,
        InstitutionCommand::Reinstate { code, by, reason } => {
            propose(office, Wanted { what: Decision::Reinstate { code }, reason }, &by, reply).await
        }
        InstitutionCommand::Revoke { code, by, reason } => {
            propose(office, Wanted { what: Decision::Revoke { code }, reason }, &by, reply).await
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
    Decision::suspend(office, code, &by).await?;
    reply.note(reply.pick(
        format!("{code} 已暂停：不再接收其声明，其仍可读取；恢复须两人决定（institution reinstate）"),
        format!("{code} is suspended: its statements are not taken, reading goes on; reinstating takes two persons"),
    ));
    Ok(())
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
