//! The words about who takes part: invitations, keys, the certificate authority.

use std::io;

use clap::{Args, Subcommand};
use safeharbor_core::institution::InstitutionCode;
use safeharbor_service::prompt::read_line;

use super::Desk;
use crate::command::{AuthorityCommand, Command, InvitationCommand, InviteCommand, KeyCommand, Step};

/// Whom to invite.
#[derive(Debug, Clone, Args)]
pub struct InviteWords {
    /// The 18-character code, or the id of a row of the roster
    #[arg(value_name = "CODE|ROSTER-ID")]
    who: String,
    /// The 18-character code, where the roster does not have it yet
    #[arg(long, value_name = "USCC")]
    code: Option<InstitutionCode>,
    /// For how many days the token holds, 1 to 30
    #[arg(long, default_value_t = 7)]
    days: u16,
    /// Lost keys are replaced: the first time this is a proposal, and once a second person approved it, the token
    #[arg(long)]
    re_enrol: bool,
    /// The administrator who invites; their password is asked for (邀请人)
    #[arg(long, value_name = "NAME")]
    person: String,
}

/// What can be done with invitations.
#[derive(Debug, Clone, Subcommand)]
pub enum InvitationWords {
    /// List invitations, what became of them, and alarms
    List,
    /// Take one back that nobody took up
    Withdraw {
        /// The beginning of its id, six characters or more
        id: String,
        /// An administrator; their password is asked for
        #[arg(long, value_name = "NAME")]
        person: String,
    },
    /// Say that a person looked into its alarm
    Seen {
        /// The beginning of its id, six characters or more
        id: String,
        /// An administrator; their password is asked for
        #[arg(long, value_name = "NAME")]
        person: String,
    },
}

/// What can be done with keys.
#[derive(Debug, Clone, Subcommand)]
pub enum KeyWords {
    /// List the keys of institutions, and the six words of those that sign statements
    List,
    /// Confirm a statement key by the six words that the institution reads out over another channel
    Confirm {
        /// The 18-character code
        code: InstitutionCode,
        /// The administrator who compared them; their password is asked for, then the words (核对人)
        #[arg(long, value_name = "NAME")]
        person: String,
    },
    /// End a statement key at once, because it was stolen or lost; what it signed before stands
    End {
        /// The 18-character code
        code: InstitutionCode,
        /// The administrator who decides; their password is asked for (决定人)
        #[arg(long, value_name = "NAME")]
        person: String,
    },
}

/// What can be done with the certificate authority.
#[derive(Debug, Clone, Subcommand)]
pub enum AuthorityWords {
    /// Show the authorities, and which step comes next
    Show,
    /// Make the next one: it is trusted and handed out, and does not issue yet
    Begin {
        /// An administrator; their password is asked for
        #[arg(long, value_name = "NAME")]
        person: String,
    },
    /// Issue from the next one; refused while members have not renewed since it was begun, or invitations are open
    Switch {
        /// Cut those off that have not: they re-enrol
        #[arg(long)]
        force: bool,
        /// An administrator; their password is asked for
        #[arg(long, value_name = "NAME")]
        person: String,
    },
    /// Trust the former one no more; refused while a member's last certificate is one of it
    Retire {
        /// An administrator; their password is asked for
        #[arg(long, value_name = "NAME")]
        person: String,
    },
}

impl Desk<'_> {
    pub(super) fn invite(&self, words: InviteWords) -> io::Result<Command> {
        let InviteWords { who, code, days, re_enrol, person } = words;
        Ok(Command::Invite(InviteCommand { who, code, days, re_enrol, by: self.ask(person)? }))
    }

    pub(super) fn invitation(&self, words: InvitationWords) -> io::Result<Command> {
        Ok(Command::Invitation(match words {
            InvitationWords::List => InvitationCommand::List,
            InvitationWords::Withdraw { id, person } => {
                InvitationCommand::Withdraw { id, by: self.ask(person)? }
            }
            InvitationWords::Seen { id, person } => InvitationCommand::Seen { id, by: self.ask(person)? },
        }))
    }

    pub(super) fn key_words(&self, words: KeyWords) -> io::Result<Command> {
        Ok(Command::Key(match words {
            KeyWords::List => KeyCommand::List,
            KeyWords::Confirm { code, person } => {
                let by = self.ask(person)?;
                let words = read_line(self.language.pick(
                    "对方读出的六个词（中文或英文）：",
                    "The six words as the institution reads them out, English or Chinese: ",
                ))?;
                KeyCommand::Confirm { code, words, by }
            }
            KeyWords::End { code, person } => KeyCommand::End { code, by: self.ask(person)? },
        }))
    }

    pub(super) fn authority(&self, words: AuthorityWords) -> io::Result<Command> {
        let (step, person) = match words {
            AuthorityWords::Show => return Ok(Command::Authority(AuthorityCommand::Show)),
            AuthorityWords::Begin { person } => (Step::Begin, person),
            AuthorityWords::Switch { force, person } => (Step::Switch { force }, person),
            AuthorityWords::Retire { person } => (Step::Retire, person),
        };
        Ok(Command::Authority(AuthorityCommand::Take { step, by: self.ask(person)? }))
    }
}
