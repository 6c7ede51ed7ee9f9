//! On which terms a file's rows are taken: from where they are, and what the person who imports them decided.

use safeharbor_service::person::{Person, Role};
use serde::{Deserialize, Serialize};

/// What becomes of a row that names a record which is not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Links {
    /// 拒收 It is refused.
    #[default]
    Refuse,
    /// 提示 It is taken, and how many there were is said.
    Warn,
}

/// On which terms the rows of one file are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The file's name.
    pub file: String,
    /// What its records are from, where that has a name besides the file's.
    pub origin: Option<String>,
    /// Who imports it, if they said so.
    pub person: Option<Person>,
    /// Whether the file is right where it contradicts a change made here.
    pub takes_file: bool,
    /// What becomes of links that lead nowhere.
    pub links: Links,
    /// Whether a row may delete what never came here: a repository tells of every record it deleted.
    pub deletes_unknown: bool,
}

impl Terms {
    /// The ordinary terms for a file.
    #[must_use]
    pub const fn of_file(file: String) -> Self {
        Self {
            file,
            origin: None,
            person: None,
            takes_file: false,
            links: Links::Refuse,
            deletes_unknown: false,
        }
    }

    /// Where the records are from: the name that files of one origin share.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.origin.as_deref().unwrap_or(&self.file)
    }

    /// Who retires a record, if somebody is named who may take back what left.
    #[must_use]
    pub fn retiring(&self) -> Option<&Person> {
        self.person.as_ref().filter(|person| matches!(person.role, Role::Approver | Role::Administrator))
    }
}
