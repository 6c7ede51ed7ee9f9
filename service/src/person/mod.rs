//! Persons: who approved, decided or administered something, and how we know.

mod account;
mod authorization;
mod command;
mod credentials;
mod deputy;
mod first;
mod hands;
mod password;
mod persons;
mod refusals;
mod text;
mod throttle;
mod words;

use std::fmt;
use std::str::FromStr;

pub use authorization::{AuthorizeFailed, authorize, authorize_at, note_refusals, permit};
pub use command::{Counter, PersonCommand, PersonCommandFailed, Said, take_first};
pub use credentials::{Credentials, Password};
pub use deputy::{AppointFailed, DEPUTY_DAYS_MAX, Deputyship};
pub use first::{FIRST_CODE_S, FirstCode, FirstPerson, TakeFirstFailed};
pub use hands::{CommonHand, HAND_S, Hand};
pub use password::{PASSWORD_BYTES_MAX, PASSWORD_CHARACTERS_MIN, PasswordFailed};
pub use persons::{AddPersonFailed, AuthenticateFailed, Persons, PersonsFailed, Planned};
use serde::{Deserialize, Serialize};
pub use throttle::Door;
pub use words::{DeputyWords, PersonWords};

use crate::folder;
use crate::speech::Language;

/// The number of a person in one data folder; never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonId(pub u32);

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What a person may do. Clerks and approvers are at a node, observers and reviewers at the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// 经办: imports and prepares.
    Clerk,
    /// 审批: approves what leaves.
    Approver,
    /// 观察员: reads.
    Observer,
    /// 复核员: reviews and decides.
    Reviewer,
    /// 管理员: runs the server.
    Administrator,
}

/// A word that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no role: clerk, approver, observer, reviewer or administrator")]
pub struct ParseRoleFailed(pub String);

impl Role {
    const ALL: [Self; 5] = [Self::Clerk, Self::Approver, Self::Observer, Self::Reviewer, Self::Administrator];

    /// The word in files and commands.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clerk => "clerk",
            Self::Approver => "approver",
            Self::Observer => "observer",
            Self::Reviewer => "reviewer",
            Self::Administrator => "administrator",
        }
    }

    /// The word on Chinese screens.
    #[must_use]
    pub const fn title_zh(self) -> &'static str {
        match self {
            Self::Clerk => "经办",
            Self::Approver => "审批",
            Self::Observer => "观察员",
            Self::Reviewer => "复核员",
            Self::Administrator => "管理员",
        }
    }

    /// Whether the role exists at that server.
    #[must_use]
    pub const fn exists_at(self, server: folder::Role) -> bool {
        match self {
            Self::Clerk | Self::Approver => matches!(server, folder::Role::Node),
            Self::Observer | Self::Reviewer => matches!(server, folder::Role::Hub),
            Self::Administrator => true,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = ParseRoleFailed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| ParseRoleFailed(text.to_owned()))
    }
}

/// How a person showed who they are; a typed name is none of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Authentication {
    /// A password checked by this server.
    #[serde(rename = "local password")]
    LocalPassword,
}

/// Somebody who showed who they are. Every approval and every audit entry carries one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Person {
    /// The number; names may change.
    pub id: PersonId,
    /// The name that others know the person by.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// How they showed who they are.
    pub authenticated: Authentication,
    /// Whose deputy they acted as; `role` is then that person's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deputy_for: Option<PersonId>,
}

impl Person {
    /// In whose name they act: their own, or that of the person they are a deputy of.
    #[must_use]
    pub fn authority(&self) -> PersonId {
        self.deputy_for.unwrap_or(self.id)
    }

    /// Who they are, for people: a deputy with the name of the person they act for, if `name_of` knows it.
    pub fn title(&self, language: Language, name_of: impl Fn(PersonId) -> Option<String>) -> String {
        let Some(principal) = self.deputy_for else { return self.name.clone() };
        let principal = name_of(principal).unwrap_or_else(|| principal.to_string());
        language.pick(format!("{} 代 {principal}", self.name), format!("{} for {principal}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_written_in_the_words_of_the_design() {
        let person = Person {
            id: PersonId(3),
            name: "李娜".to_owned(),
            role: Role::Approver,
            authenticated: Authentication::LocalPassword,
            deputy_for: None,
        };
        let text = r#"{"id":3,"name":"李娜","role":"approver","authenticated":"local password"}"#;
        assert_eq!(serde_json::to_string(&person).unwrap(), text);
        assert_eq!(serde_json::from_str::<Person>(text).unwrap(), person);
        let deputy = Person { deputy_for: Some(PersonId(1)), ..person };
        let text =
            r#"{"id":3,"name":"李娜","role":"approver","authenticated":"local password","deputy_for":1}"#;
        assert_eq!(serde_json::to_string(&deputy).unwrap(), text);
        assert_eq!(serde_json::from_str::<Person>(text).unwrap(), deputy);
    }

    #[test]
    fn roles_round_trip() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        assert_eq!("Clerk".parse::<Role>(), Err(ParseRoleFailed("Clerk".to_owned())));
    }
}
