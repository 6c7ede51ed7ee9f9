//! Why a command was not carried out.

use std::path::PathBuf;

use safeharbor_service::audit::AuditCommandFailed;
use safeharbor_service::person::{AuthorizeFailed, PersonCommandFailed, PersonsFailed};
use safeharbor_service::speech::{Exit, Language, chain_of};

use super::BackupFailed;
use super::CatalogueRefused;
use crate::authority::{AuthoritiesFailed, RotateFailed};
use crate::certificates::IssueFailed;
use crate::invitation::InviteFailed;
use crate::office::drawer::DrawerFailed;
use crate::opening::OpenHubFailed;
use crate::proposal::ProposalFailed;
use crate::running::{OrderFailed, RunFailed};
use crate::standing::SetStandingFailed;

/// A command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandFailed {
    /// The hub cannot be opened.
    #[error("the hub cannot be opened")]
    Open(#[from] OpenHubFailed),
    /// Somebody may not, or is nobody.
    #[error(transparent)]
    Person(#[from] PersonCommandFailed),
    /// The audit log is not read.
    #[error(transparent)]
    ReadAudit(#[from] AuditCommandFailed),
    /// Nothing is proposed, decided or withdrawn.
    #[error(transparent)]
    Proposal(#[from] ProposalFailed),
    /// Something about backups.
    #[error(transparent)]
    Backup(#[from] BackupFailed),
    /// What is asked for cannot be done, said in both languages.
    #[error("{en}")]
    Said {
        /// In Chinese.
        zh: String,
        /// In English.
        en: String,
    },
    /// The office cannot be used.
    #[error(transparent)]
    Drawer(#[from] DrawerFailed),
    /// An invitation is not made.
    #[error(transparent)]
    Invite(#[from] InviteFailed),
    /// A certificate is not issued or noted.
    #[error(transparent)]
    Issue(#[from] IssueFailed),
    /// The authority is not changed.
    #[error(transparent)]
    Rotate(#[from] RotateFailed),
    /// The authorities cannot be loaded.
    #[error(transparent)]
    Authorities(#[from] AuthoritiesFailed),
    /// A file cannot be used.
    #[error("{}: {reason}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The institution's standing is not changed.
    #[error(transparent)]
    Standing(#[from] SetStandingFailed),
    /// Something about a catalogue version is refused.
    #[error(transparent)]
    Catalogue(#[from] CatalogueRefused),
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
    /// What is asked for cannot be done, and why.
    pub(crate) fn said(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self::Said { zh: zh.into(), en: en.into() }
    }

    /// What happened and what to do; causes that only an engineer understands stay in English.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match (self, language) {
            (Self::Person(failed), Language::Zh) => failed.text_zh(),
            (Self::ReadAudit(failed), Language::Zh) => failed.text_zh(),
            (Self::Proposal(failed), Language::Zh) => failed.text_zh(),
            (Self::Rotate(failed), Language::Zh) => failed.text_zh(),
            (Self::Said { zh, .. }, Language::Zh) => zh.clone(),
            (failed, Language::Zh | Language::En) => chain_of(failed),
        }
    }

    /// The exit code that says it.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Open(_) | Self::Run(_) | Self::Drawer(_) | Self::Authorities(_) => Exit::Unavailable,
            Self::Person(failed) => failed.exit(),
            Self::ReadAudit(failed) => failed.exit(),
            Self::Proposal(ProposalFailed::Store(_) | ProposalFailed::Row(_)) => Exit::Unavailable,
            Self::Backup(BackupFailed::Make(_) | BackupFailed::Book(_)) => Exit::Unavailable,
            Self::Backup(_)
            | Self::Proposal(_)
            | Self::File { .. }
            | Self::Said { .. }
            | Self::Invite(_)
            | Self::Rotate(_)
            | Self::Issue(_)
            | Self::Standing(_)
            | Self::Catalogue(_)
            | Self::Order(_)
            | Self::Audit(_)
            | Self::Remove(_) => Exit::Refused,
        }
    }
}
