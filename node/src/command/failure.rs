//! Why a command failed, in the person's language, and with which exit code.

mod import_zh;
mod text;

use std::io;
use std::path::PathBuf;

use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_rules::PlanRefused;
use safeharbor_service::audit::{AuditCommandFailed, AuditFailed};
use safeharbor_service::durable_file::WriteFailed;
use safeharbor_service::person::{AuthorizeFailed, PersonCommandFailed, PersonsFailed};
use safeharbor_service::store::StoreFailed;

use super::{BackupFailed, ConnectingFailed, KeyFailed};
use crate::approval::ApproveFailed;
use crate::catalogues::AcceptFailed;
use crate::chain::ChainFailed;
use crate::erasure::EraseFailed;
use crate::outbox::OutboxFailed;
use crate::policy::PolicyFailed;
use crate::records::{EditFailed, RecordsFailed};
use crate::rejection::RejectFailed;
use crate::speech::{Exit, Speech};
use crate::sync::TellFailed;
use crate::withdrawal::WithdrawFailed;
use safeharbor_interchange::export::ExportFailed;
use safeharbor_interchange::form::{FormFailed, RECORDS_MAX};
use safeharbor_interchange::import::{DraftFailed, ImportFailed, MappingFailed, ParseEncodingFailed};

pub(super) use text::ceiling_zh;

/// A command was refused or could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandFailed {
    /// No record answers to what was typed.
    #[error("no record answers to {0:?}")]
    NoRecord(String),
    /// Records of several kinds have that key.
    #[error("records of several kinds have the key {key:?}")]
    Ambiguous {
        /// What was typed.
        key: String,
        /// The kinds.
        kinds: Vec<KindId>,
    },
    /// The catalogue has no such kind.
    #[error("there is no kind {0:?}; `kinds` lists them")]
    NoKind(String),
    /// Somebody may not, or is nobody.
    #[error(transparent)]
    Person(#[from] PersonCommandFailed),
    /// The audit log is not read.
    #[error(transparent)]
    ReadAudit(#[from] AuditCommandFailed),
    /// An approval is refused.
    #[error("not approved")]
    Approve(#[from] ApproveFailed),
    /// A rejection is refused.
    #[error("not rejected")]
    Reject(#[from] RejectFailed),
    /// A withdrawal is refused.
    #[error("not withdrawn")]
    Withdraw(#[from] WithdrawFailed),
    /// A day is none.
    #[error("{0:?} is no day; write YYYY-MM-DD")]
    Since(String),
    /// An edit is refused.
    #[error("not edited")]
    Edit(#[from] EditFailed),
    /// What was typed is no change of a field.
    #[error("{0:?} is not of the form field=value")]
    Change(String),
    /// The file for rejected rows must not be replaced.
    #[error("{} is there already; name another file for rejected rows", .0.display())]
    RejectsExist(PathBuf),
    /// An erasure is refused.
    #[error("not erased")]
    Erase(#[from] EraseFailed),
    /// The policy is refused.
    #[error("the policy is not accepted")]
    Policy(#[from] PolicyFailed),
    /// A catalogue version is not compared or accepted.
    #[error(transparent)]
    Catalogue(#[from] AcceptFailed),
    /// The mapping is refused.
    #[error("the mapping is refused")]
    Mapping(#[from] MappingFailed),
    /// No mapping is proposed.
    #[error("no mapping can be proposed")]
    Draft(#[from] DraftFailed),
    /// No mapping of that name ships.
    #[error("no mapping {0:?} ships; `mapping list` names them")]
    NoMapping(String),
    /// The word is no encoding.
    #[error("no such encoding")]
    Encoding(#[from] ParseEncodingFailed),
    /// The file is refused as a whole.
    #[error("nothing is imported")]
    Import(#[from] ImportFailed),
    /// The records cannot be written in that form.
    #[error("nothing is exported")]
    Export(#[from] ExportFailed),
    /// A file of that name is there.
    #[error("there is a file {} already", .0.display())]
    Exists(PathBuf),
    /// There is no layout of that name.
    #[error("there is no layout {0:?}")]
    NoLayout(String),
    /// The layout of a form is refused.
    #[error("the layout is refused")]
    Form(#[from] FormFailed),
    /// The form is about a year, and none was given.
    #[error("the form is about one year")]
    NeedsYear,
    /// A workbook with so many sheets would be of no use.
    #[error("the form takes {RECORDS_MAX} records at most, a sheet each")]
    TooManySheets,
    /// CERIF has no entity for records of the kind.
    #[error("CERIF has no entity for records of kind {0}")]
    NoCerif(KindId),
    /// A template is a workbook.
    #[error("a template is a workbook, {} is not named as one", .0.display())]
    NotWorkbook(PathBuf),
    /// Neither the file's name nor a word says in which form to export.
    #[error("the file's name does not tell the form")]
    NoForm,
    /// Only JSON Lines holds records of several kinds.
    #[error("a table holds the records of one kind")]
    NeedsKind,
    /// Something about backups.
    #[error(transparent)]
    Backup(#[from] BackupFailed),
    /// Something about keys.
    #[error(transparent)]
    Key(#[from] KeyFailed),
    /// A connector or a job.
    #[error(transparent)]
    Connecting(#[from] ConnectingFailed),
    /// Records cannot be read.
    #[error("the records cannot be read")]
    Records(#[from] RecordsFailed),
    /// The outbox cannot be read.
    #[error("the outbox cannot be read")]
    Outbox(#[from] OutboxFailed),
    /// Statements cannot be read.
    #[error("the statements cannot be read")]
    Chain(#[from] ChainFailed),
    /// It cannot be told how the stream stands.
    #[error("it cannot be told how the stream stands")]
    Tell(#[from] TellFailed),
    /// The store failed.
    #[error("the store cannot be used")]
    Store(#[from] StoreFailed),
    /// The audit log cannot be written, so nothing is done.
    #[error("the audit log cannot be written")]
    Audit(#[from] AuditFailed),
    /// There is no plan for the record.
    #[error("the record cannot be planned")]
    Plan(#[from] PlanRefused),
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("a file cannot be written")]
    Write(#[from] WriteFailed),
    /// Nobody hears what there is to say, or a file cannot be written.
    #[error("the output cannot be written")]
    Output(#[from] io::Error),
    /// Something has no JSON form.
    #[error("the output cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
}

impl From<AuthorizeFailed> for CommandFailed {
    fn from(failed: AuthorizeFailed) -> Self {
        Self::Person(failed.into())
    }
}

impl From<PersonsFailed> for CommandFailed {
    fn from(failed: PersonsFailed) -> Self {
        Self::Person(failed.into())
    }
}

impl CommandFailed {
    /// Says why, and answers with which code.
    pub(super) fn report(&self, speech: &mut Speech<'_>) -> Exit {
        let text = self.text(speech.language);
        // If nobody hears it, the exit code still says it.
        drop(speech.note(text));
        self.exit()
    }

    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Encoding(_)
            | Self::NoKind(_)
            | Self::NoMapping(_)
            | Self::Since(_)
            | Self::NoForm
            | Self::NeedsKind
            | Self::NotWorkbook(_)
            | Self::NoLayout(_)
            | Self::NeedsYear
            | Self::TooManySheets
            | Self::NoCerif(_)
            | Self::Change(_) => Exit::Usage,
            Self::Records(_)
            | Self::Outbox(_)
            | Self::Chain(_)
            | Self::Tell(_)
            | Self::Store(_)
            | Self::Audit(_)
            | Self::Backup(BackupFailed::Make(_) | BackupFailed::Book(_))
            | Self::Key(KeyFailed::Membership(_) | KeyFailed::Process(_))
            | Self::Read { .. }
            | Self::Write(_)
            | Self::Output(_)
            | Self::Encode(_) => Exit::Unavailable,
            Self::NoRecord(_)
            | Self::Ambiguous { .. }
            | Self::Approve(_)
            | Self::Edit(_)
            | Self::RejectsExist(_)
            | Self::Erase(_)
            | Self::Reject(_)
            | Self::Withdraw(_)
            | Self::Policy(_)
            | Self::Catalogue(_)
            | Self::Mapping(_)
            | Self::Draft(_)
            | Self::Import(_)
            | Self::Export(_)
            | Self::Form(_)
            | Self::Exists(_)
            | Self::Backup(BackupFailed::Key(_) | BackupFailed::Settings(_) | BackupFailed::NoCheckpoint)
            | Self::Key(KeyFailed::NoMember)
            | Self::Plan(_) => Exit::Refused,
            Self::Connecting(failed) => failed.exit(),
            Self::Person(failed) => failed.exit(),
            Self::ReadAudit(failed) => failed.exit(),
        }
    }
}

/// A handle that nobody knows is what was typed, not a failure of the store.
pub(super) fn no_record(rec: RecordHandle) -> CommandFailed {
    CommandFailed::NoRecord(rec.to_string())
}
