//! Commands: the values that the command line makes of its words, carried out on an open store, by this process or the running node.

mod approvals;
mod approve;
mod approve_set;
mod audit;
mod backup;
mod catalogue;
mod connector;
mod credentials;
mod edit;
mod erase;
mod export;
mod failure;
mod import;
mod job;
mod key;
mod kinds;
mod left;
mod list;
mod mapping;
mod marks;
mod person;
mod policy;
mod preview;
mod record;
mod recovery;
mod reject;
mod show;
mod split;
mod status;
mod template;
mod view;
mod withdraw;

use std::path::PathBuf;

pub use safeharbor_service::audit::AuditCommand;
pub use safeharbor_service::person::{Credentials, Password, PersonCommand};
use serde::{Deserialize, Serialize};

use crate::approval::{Seen, SetSeen};
use crate::context::Context;
use crate::doctor::examine_books;
use crate::rejection::RejectSeen;
use crate::selection::Among;
use crate::speech::{Exit, Format, Language, Speech};
pub use backup::{BackupCommand, BackupFailed};
pub use catalogue::CatalogueCommand;
pub use connector::{ConnectingFailed, ConnectorCommand, NewConnector};
pub use export::{ExportForm, LayoutOrder};
pub use failure::CommandFailed;
pub use import::{ImportOrder, Rejects};
pub use job::JobCommand;
pub use key::{KeyCommand, KeyFailed};
pub use kinds::{list_kinds, show_kind};
pub use mapping::{DraftOrder, check_mapping, draft_mapping, list_mappings, show_mapping};
pub(crate) use policy::awaited_text;
pub use recovery::{RecoveryChoice, RecoveryCommand};
pub use split::split;
pub use template::template;

/// One command, as it goes to whoever has the store open.
#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    /// What to do.
    pub command: Command,
    /// In which language to speak.
    pub language: Language,
    /// In which form data goes.
    pub format: Format,
    /// Whether all else goes to a terminal.
    #[serde(default)]
    pub terminal: bool,
}

/// Which records of a kind, in a person's words.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Words {
    /// The kind.
    pub kind: String,
    /// See [`Filter`](crate::selection::Filter).
    pub conditions: Vec<String>,
    /// Among which records.
    pub among: Among,
}

/// One record or those of a kind that fit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Choice {
    /// A handle, `KIND:key` or a key.
    Record(String),
    /// All that fit.
    Set(Words),
}

/// What can be asked of an open node. Paths are absolute.
#[derive(Debug, Serialize, Deserialize)]
pub enum Command {
    /// How things stand.
    Status,
    /// What a doctor can tell from the store, as JSON.
    Doctor {
        /// Look at every statement.
        deep: bool,
    },
    /// Which records there are.
    List {
        /// Only of this kind.
        kind: Option<String>,
        /// At most this many.
        limit: usize,
    },
    /// What of a record leaves and what stays.
    Show {
        /// A handle, `KIND:key` or a key.
        record: String,
    },
    /// What of all records of a kind leaves and what stays.
    ShowKind {
        /// The kind.
        kind: String,
        /// List at most this many.
        limit: usize,
    },
    /// What is about to leave.
    ShowWaiting {
        /// Only of this kind.
        kind: Option<String>,
        /// List at most this many.
        limit: usize,
    },
    /// What has left so far.
    Left {
        /// Only of this kind.
        kind: Option<String>,
        /// Only statements made from this day on, `YYYY-MM-DD`.
        since: Option<String>,
    },
    /// Who approved, rejected or withdrew what.
    Approvals {
        /// Only about this record.
        record: Option<String>,
        /// Only by this person.
        person: Option<String>,
        /// Only from this day on, `YYYY-MM-DD`.
        since: Option<String>,
    },
    /// What would leave of a record if fields of it were approved; answers with what an approval names.
    PreviewApprove {
        /// A handle, `KIND:key` or a key.
        record: String,
        /// The fields' names.
        fields: Vec<String>,
        /// Who is about to approve.
        person: String,
    },
    /// Lets fields of a record leave.
    Approve {
        /// What the person saw.
        seen: Seen,
        /// Their names.
        fields: Vec<String>,
        /// Who approves.
        by: Credentials,
    },
    /// What would leave of many records if fields of them were approved; answers with what an approval names.
    PreviewApproveSet {
        /// Which records.
        words: Words,
        /// The fields' names.
        fields: Vec<String>,
        /// Who is about to approve.
        person: String,
    },
    /// Lets fields of many records leave.
    ApproveSet {
        /// What the person saw.
        seen: SetSeen,
        /// Who approves.
        by: Credentials,
    },
    /// What rejecting would be about; answers with what a rejection names.
    PreviewReject {
        /// Which records.
        choice: Choice,
        /// Who is about to reject.
        person: String,
    },
    /// Keeps records here as they are.
    Reject {
        /// What the person saw.
        seen: RejectSeen,
        /// Why.
        reason: String,
        /// Who rejects.
        by: Credentials,
    },
    /// What withdrawing a record can and cannot take back.
    PreviewWithdraw {
        /// A handle, `KIND:key` or a key.
        record: String,
    },
    /// Takes back what left of a record.
    Withdraw {
        /// A handle, `KIND:key` or a key.
        record: String,
        /// Why.
        reason: String,
        /// Who withdraws.
        by: Credentials,
    },
    /// Erases a record.
    Erase {
        /// A handle, `KIND:key` or a key.
        record: String,
        /// Who erases.
        by: Credentials,
    },
    /// What erasing a record can and cannot take back.
    PreviewErase {
        /// A handle, `KIND:key` or a key.
        record: String,
    },
    /// Goes on after a fork or an inconsistent registry stopped the node.
    Resume {
        /// Which administrator decided.
        by: Credentials,
    },
    /// Something about catalogue versions.
    Catalogue(CatalogueCommand),
    /// Which policy is in force.
    ShowPolicy,
    /// Who accepted which policies.
    PolicyHistory,
    /// What a policy means.
    CheckPolicy {
        /// The policy's text.
        text: String,
    },
    /// What a policy would change against the one in force.
    DiffPolicy {
        /// The policy's text.
        text: String,
    },
    /// What accepting a policy would change.
    PreviewPolicy {
        /// The policy's text.
        text: String,
        /// Who is about to accept it.
        person: String,
    },
    /// Accepts a policy.
    AcceptPolicy {
        /// The policy's text.
        text: String,
        /// Who accepts.
        by: Credentials,
    },
    /// Something about persons.
    Person(PersonCommand),
    /// Reading the audit log.
    Audit(AuditCommand),
    /// Imports a file.
    Import(ImportOrder),
    /// Gives fields of a record other values.
    Edit {
        /// A handle, `KIND:key` or a key.
        record: String,
        /// `field=value` each.
        changes: Vec<String>,
        /// Who edits.
        by: Credentials,
    },
    /// When each revision of a record was made, from what, and what it changed.
    History {
        /// A handle, `KIND:key` or a key.
        record: String,
    },
    /// Something about records that were stated and are not here.
    Recovery(RecoveryCommand),
    /// Something about keys.
    Key(KeyCommand),
    /// Something about backups.
    Backup(BackupCommand),
    /// The newest checkpoint that was verified.
    Checkpoint,
    /// Something about connectors.
    Connector(ConnectorCommand),
    /// Something about jobs.
    Job(JobCommand),
    /// Writes the records of a kind, or all, to a file.
    ExportRecords {
        /// The file.
        file: PathBuf,
        /// The kind; all of them without one.
        kind: Option<String>,
        /// In which form; otherwise the one that the file's name asks for.
        form: Option<ExportForm>,
        /// Whether a file of that name is replaced.
        replace: bool,
    },
    /// Fills in a statutory form.
    ExportLayout(LayoutOrder),
    /// Writes all receipts to a folder.
    ExportReceipts {
        /// The folder.
        folder: PathBuf,
    },
}

/// Carries out a command and says what there is to say, failures included. Blocks.
pub fn execute(context: &Context, command: Command, speech: &mut Speech<'_>) -> Exit {
    match carry_out(context, command, speech) {
        Ok(exit) => exit,
        Err(failed) => failed.report(speech),
    }
}

fn carry_out(context: &Context, command: Command, speech: &mut Speech<'_>) -> Result<Exit, CommandFailed> {
    match command {
        Command::Status => status::status(context, speech),
        Command::Doctor { deep } => {
            speech.json(&serde_json::json!(examine_books(context, deep)))?;
            Ok(Exit::Done)
        }
        Command::List { kind, limit } => list::list(context, kind.as_deref(), limit, speech),
        Command::Show { record } => show::show(context, &record, speech),
        Command::ShowKind { kind, limit } => preview::kind(context, &kind, limit, speech),
        Command::ShowWaiting { kind, limit } => preview::waiting(context, kind.as_deref(), limit, speech),
        Command::Left { kind, since } => left::left(context, kind.as_deref(), since.as_deref(), speech),
        Command::Approvals { record, person, since } => {
            let (record, person, since) = (record.as_deref(), person.as_deref(), since.as_deref());
            approvals::approvals(context, &approvals::Wanted { record, person, since }, speech)
        }
        Command::PreviewApprove { record, fields, person } => {
            approve::preview(context, &record, fields, &person, speech)
        }
        Command::Approve { seen, fields, by } => approve::approve(context, &seen, fields, &by, speech),
        Command::PreviewApproveSet { words, fields, person } => {
            approve_set::preview(context, words, fields, &person, speech)
        }
        Command::ApproveSet { seen, by } => approve_set::approve(context, &seen, &by, speech),
        Command::PreviewReject { choice, person } => reject::preview(context, choice, &person, speech),
        Command::Reject { seen, reason, by } => reject::reject(context, &seen, &reason, &by, speech),
        Command::PreviewWithdraw { record } => withdraw::preview(context, &record, speech),
        Command::Withdraw { record, reason, by } => {
            withdraw::withdraw(context, &record, &reason, &by, speech)
        }
        Command::Erase { record, by } => erase::erase(context, &record, &by, speech),
        Command::PreviewErase { record } => erase::preview(context, &record, speech),
        Command::Resume { by } => status::resume(context, &by, speech),
        Command::Catalogue(command) => catalogue::carry_out(context, command, speech),
        Command::ShowPolicy => policy::show(context, speech),
        Command::PolicyHistory => policy::history(context, speech),
        Command::CheckPolicy { text } => policy::check(context, &text, speech),
        Command::DiffPolicy { text } => policy::diff(context, &text, speech),
        Command::PreviewPolicy { text, person } => policy::preview(context, &text, &person, speech),
        Command::AcceptPolicy { text, by } => policy::accept(context, &text, &by, speech),
        Command::Person(command) => person::carry_out(context, command, speech),
        Command::Audit(command) => audit::carry_out(context, command, speech),
        Command::Import(order) => import::import(context, &order, speech),
        Command::Edit { record, changes, by } => edit::edit(context, &record, &changes, &by, speech),
        Command::History { record } => edit::history(context, &record, speech),
        Command::Recovery(command) => recovery::carry_out(context, command, speech),
        Command::Key(command) => key::carry_out(context, command, speech),
        Command::Backup(command) => backup::carry_out(context, command, speech),
        Command::Checkpoint => backup::checkpoint(context, speech),
        Command::Connector(command) => connector::carry_out(context, command, speech),
        Command::Job(command) => job::carry_out(context, command, speech),
        Command::ExportRecords { file, kind, form, replace } => {
            let order = export::Order { file: &file, kind: kind.as_deref(), form, replace };
            export::records(context, &order, speech)
        }
        Command::ExportLayout(order) => export::layout(context, &order, speech),
        Command::ExportReceipts { folder } => export::receipts(context, &folder, speech),
    }
}

#[cfg(test)]
mod tests;
