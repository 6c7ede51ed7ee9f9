//! `connector`: reading the files that declare one, and asking for the password behind what it would do.

use std::fs;
use std::path::Path;

use super::arguments::ConnectorWords;
use super::{Desk, PathBuf};
use crate::command::{Command, CommandFailed, ConnectingFailed, ConnectorCommand, JobCommand, NewConnector};
use crate::connector::Declaration;
use crate::speech::Exit;

impl Desk {
    pub(super) fn connector(&self, words: ConnectorWords) -> Exit {
        match words {
            ConnectorWords::Add { name, file, person } => self.add_connector(name, &self.path(&file), person),
            ConnectorWords::List => self.deliver(Command::Connector(ConnectorCommand::List)),
            ConnectorWords::Run { name } => self.deliver(Command::Connector(ConnectorCommand::Run(name))),
            ConnectorWords::Remove { name, person } => {
                self.with_password(person, |by| Command::Connector(ConnectorCommand::Remove(name, by)))
            }
        }
    }

    pub(super) fn jobs(&self, connector: Option<String>, limit: usize) -> Exit {
        self.deliver(Command::Job(JobCommand::List { connector, limit }))
    }

    pub(super) fn job(&self, id: String, run_again: bool) -> Exit {
        self.deliver(Command::Job(if run_again { JobCommand::Again(id) } else { JobCommand::Show(id) }))
    }

    /// What it would do is said before the password is asked for.
    fn add_connector(&self, name: String, file: &Path, person: String) -> Exit {
        let order = match read_order(name, file) {
            Ok(order) => order,
            Err(failed) => return self.refuse(&failed),
        };
        match self.deliver(Command::Connector(ConnectorCommand::Preview(order.clone()))) {
            Exit::Done => {
                self.with_password(person, |by| Command::Connector(ConnectorCommand::Add(order, by)))
            }
            refused @ (Exit::Refused | Exit::Usage | Exit::Unavailable) => refused,
        }
    }
}

/// The mapping lies where the declaration says, starting from the declaration's own folder.
fn read_order(name: String, file: &Path) -> Result<NewConnector, CommandFailed> {
    let declaration = read(file.to_owned())?;
    let mapping = declaration.parse::<Declaration>().map_err(ConnectingFailed::from)?.mapping;
    let beside =
        |mapping: PathBuf| file.parent().map_or_else(|| mapping.clone(), |folder| folder.join(&mapping));
    let mapping = mapping.map(|mapping| read(beside(mapping))).transpose()?.unwrap_or_default();
    Ok(NewConnector { name, declaration, mapping })
}

fn read(path: PathBuf) -> Result<String, CommandFailed> {
    fs::read_to_string(&path).map_err(|source| CommandFailed::Read { path, source })
}
