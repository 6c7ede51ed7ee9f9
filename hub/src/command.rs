//! Commands: the values that the command line makes of its words, carried out on an open hub, by this process or the running one.

mod audit;
mod authority;
mod backup;
mod catalogue;
mod doctor;
mod failure;
mod institution;
mod invite;
mod key;
mod offline;
mod person;
mod proposal;
mod reply;
mod roster;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use authority::{AuthorityCommand, Step};
pub use backup::{BackupCommand, BackupFailed};
pub(crate) use catalogue::lines as difference_lines;
pub use catalogue::{CatalogueCommand, CatalogueRefused, Source};
pub use failure::CommandFailed;
pub use institution::InstitutionCommand;
pub use invite::{InvitationCommand, InviteCommand};
pub use key::KeyCommand;
pub use offline::{offline, rebuild};
pub use proposal::ProposalCommand;
pub use reply::Reply;
pub use roster::{AddCommand, ImportCommand};
pub use safeharbor_service::audit::AuditCommand;
pub use safeharbor_service::person::PersonCommand;

use crate::office::Office;
use safeharbor_service::speech::{Format, Language};

/// One command, as it goes to whoever has the hub open.
#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    /// What to do.
    pub command: Command,
    /// In which language to speak.
    pub language: Language,
    /// In which form data goes.
    pub format: Format,
}

/// What can be asked of an open hub. Paths are absolute.
#[derive(Debug, Serialize, Deserialize)]
pub enum Command {
    /// Something about institutions.
    Institution(InstitutionCommand),
    /// Invites an institution.
    Invite(InviteCommand),
    /// Something about invitations.
    Invitation(InvitationCommand),
    /// Something about keys.
    Key(KeyCommand),
    /// Something about the certificate authorities.
    Authority(AuthorityCommand),
    /// Something about persons.
    Person(PersonCommand),
    /// Reading the audit log.
    Audit(AuditCommand),
    /// Something about proposals.
    Proposal(ProposalCommand),
    /// Something about backups.
    Backup(BackupCommand),
    /// Something about catalogue versions.
    Catalogue(CatalogueCommand),
    /// What a doctor can tell from an open hub, as JSON.
    Doctor {
        /// Whether the hub serves nodes.
        running: bool,
    },
}

/// Carries a command out and says what there is to say, failures included.
pub async fn execute(office: &Office, request: Request) -> Reply {
    let mut reply = Reply::new(request.language, request.format);
    let done = match request.command {
        Command::Institution(command) => institution::carry_out(office, command, &mut reply).await,
        Command::Invite(command) => invite::invite(office, command, &mut reply).await,
        Command::Invitation(command) => invite::carry_out(office, command, &mut reply).await,
        Command::Key(command) => key::carry_out(office, command, &mut reply).await,
        Command::Authority(command) => authority::carry_out(office, command, &mut reply).await,
        Command::Person(command) => person::carry_out(office, command, &mut reply).await,
        Command::Doctor { running } => doctor::doctor(office, running, &mut reply).await,
        Command::Backup(command) => backup::carry_out(office, command, &mut reply).await,
        Command::Audit(command) => audit::carry_out(office, command, &mut reply).await,
        Command::Proposal(command) => proposal::carry_out(office, command, &mut reply).await,
        Command::Catalogue(command) => catalogue::carry_out(office, command, &mut reply).await,
    };
    if let Err(failed) = done {
        reply.fail(&failed);
    }
    reply
}
