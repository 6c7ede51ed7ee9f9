//! Decisions about what leaves: each is shown before the password is asked for, and what is carried out is what was shown.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use super::Desk;
use super::arguments::PolicyWords;
use super::catalogue::CatalogueWords;
use crate::command::{CatalogueCommand, Choice, Command, CommandFailed, Credentials, Words as SetWords};
use crate::speech::{Exit, Format};

/// What a preview answers with, as far as the command that follows needs it.
#[derive(serde::Deserialize)]
pub(super) struct Answer<S> {
    pub(super) seen: S,
}

impl Desk {
    pub(super) fn policy(&self, words: PolicyWords) -> Exit {
        match words {
            PolicyWords::Show => self.deliver(Command::ShowPolicy),
            PolicyWords::History => self.deliver(Command::PolicyHistory),
            PolicyWords::Check { file } => {
                self.with_text(&self.path(&file), |text| Command::CheckPolicy { text })
            }
            PolicyWords::Diff { file } => {
                self.with_text(&self.path(&file), |text| Command::DiffPolicy { text })
            }
            PolicyWords::Accept { file, person } => self.accept_policy(&self.path(&file), person),
        }
    }

    /// What a version changes is said before the password is asked for, and only that is accepted.
    pub(super) fn catalogue(&self, words: CatalogueWords) -> Exit {
        let command = match words {
            CatalogueWords::List => CatalogueCommand::List,
            CatalogueWords::Show { cat } => CatalogueCommand::Show { cat },
            CatalogueWords::Diff { cat } => CatalogueCommand::Diff { cat },
            CatalogueWords::History => CatalogueCommand::History,
            CatalogueWords::Accept { cat, person } => {
                let preview = Command::Catalogue(CatalogueCommand::Preview { cat });
                return self.after_seeing(preview, false, |answer| {
                    let seen = serde_json::from_value(answer)?;
                    Ok((person, move |by| Command::Catalogue(CatalogueCommand::Accept { seen, by })))
                });
            }
        };
        self.deliver(Command::Catalogue(command))
    }

    /// What would leave is said before the password is asked for, and only that is approved.
    pub(super) fn approve(&self, choice: Choice, fields: Vec<String>, person: String, dry_run: bool) -> Exit {
        match choice {
            Choice::Record(record) => self.approve_one(record, fields, person, dry_run),
            Choice::Set(words) => self.approve_set(words, fields, person, dry_run),
        }
    }

    fn approve_one(&self, record: String, fields: Vec<String>, person: String, dry_run: bool) -> Exit {
        let preview = Command::PreviewApprove { record, fields: fields.clone(), person: person.clone() };
        self.after_seeing(preview, dry_run, |answer| {
            let seen = serde_json::from_value(answer)?;
            Ok((person, move |by| Command::Approve { seen, fields, by }))
        })
    }

    /// As for one record; what is approved is exactly the set that was seen.
    fn approve_set(&self, words: SetWords, fields: Vec<String>, person: String, dry_run: bool) -> Exit {
        let preview = Command::PreviewApproveSet { words, fields, person: person.clone() };
        self.after_seeing(preview, dry_run, |answer| {
            let Answer { seen } = serde_json::from_value(answer)?;
            Ok((person, move |by| Command::ApproveSet { seen, by }))
        })
    }

    pub(super) fn reject(&self, choice: Choice, reason: String, person: String) -> Exit {
        let preview = Command::PreviewReject { choice, person: person.clone() };
        self.after_seeing(preview, false, |answer| {
            let Answer { seen } = serde_json::from_value(answer)?;
            Ok((person, move |by| Command::Reject { seen, reason, by }))
        })
    }

    /// Carries out `preview`, and unless it is only to be seen, asks for the password and delivers what follows from the answer.
    pub(super) fn after_seeing<C: FnOnce(Credentials) -> Command>(
        &self,
        preview: Command,
        dry_run: bool,
        next: impl FnOnce(serde_json::Value) -> Result<(String, C), serde_json::Error>,
    ) -> Exit {
        let mut answer = Vec::new();
        match self.deliver_to(preview, &mut answer) {
            Exit::Done if dry_run => self.hand_over(&answer),
            Exit::Done => match serde_json::from_slice(&answer).and_then(next) {
                Ok((person, command)) => self.with_password(person, command),
                Err(failed) => self.refuse(&CommandFailed::Encode(failed)),
            },
            refused @ (Exit::Refused | Exit::Usage | Exit::Unavailable) => refused,
        }
    }

    /// The answer of a preview is for programs; a person has read what it says.
    fn hand_over(&self, answer: &[u8]) -> Exit {
        match self.format {
            Format::Json if io::stdout().write_all(answer).is_err() => Exit::Unavailable,
            Format::Json | Format::Table => Exit::Done,
        }
    }

    /// What can and cannot be taken back is said before the password is asked for.
    pub(super) fn withdraw(&self, record: String, reason: String, person: String) -> Exit {
        match self.deliver(Command::PreviewWithdraw { record: record.clone() }) {
            Exit::Done => self.with_password(person, |by| Command::Withdraw { record, reason, by }),
            refused @ (Exit::Refused | Exit::Usage | Exit::Unavailable) => refused,
        }
    }

    /// What can and cannot be taken back is said before the password is asked for.
    pub(super) fn erase(&self, record: String, person: String) -> Exit {
        match self.deliver(Command::PreviewErase { record: record.clone() }) {
            Exit::Done => self.with_password(person, |by| Command::Erase { record, by }),
            refused @ (Exit::Refused | Exit::Usage | Exit::Unavailable) => refused,
        }
    }

    /// What would change is said before the password is asked for.
    fn accept_policy(&self, file: &Path, person: String) -> Exit {
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(source) => return self.refuse(&CommandFailed::Read { path: file.to_owned(), source }),
        };
        match self.deliver(Command::PreviewPolicy { text: text.clone(), person: person.clone() }) {
            Exit::Done => self.with_password(person, |by| Command::AcceptPolicy { text, by }),
            refused @ (Exit::Refused | Exit::Usage | Exit::Unavailable) => refused,
        }
    }

    fn with_text(&self, file: &Path, command: impl FnOnce(String) -> Command) -> Exit {
        match fs::read_to_string(file) {
            Ok(text) => self.deliver(command(text)),
            Err(source) => self.refuse(&CommandFailed::Read { path: file.to_owned(), source }),
        }
    }
}
