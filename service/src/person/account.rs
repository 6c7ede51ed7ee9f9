//! What is stored about one person: the account, and whose hands were on it.

use serde::{Deserialize, Serialize};

use super::{Person, PersonId};

/// Whose hand was on somebody's account, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hand {
    /// Who.
    pub by: PersonId,
    /// When, in seconds since 1970 UTC.
    pub at_s: u64,
}

/// An account, as it lies in the store.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) person: Person,
    pub(super) hash: String,
    pub(super) active: bool,
    /// Who made it; nobody for the first administrator.
    #[serde(default)]
    pub(super) made: Option<Hand>,
    /// Who else set its password last; forgotten when the person chooses one themself.
    #[serde(default)]
    pub(super) password_set: Option<Hand>,
    /// When its password was set, in milliseconds since 1970 UTC: sessions begun before have ended.
    #[serde(default)]
    pub(super) password_since_ms: u64,
}

impl Account {
    /// Whose hands were on it from `since_s` on.
    pub(super) fn hands(&self, since_s: u64) -> impl Iterator<Item = PersonId> {
        let hands = self.made.into_iter().chain(self.password_set);
        hands.filter(move |hand| hand.at_s >= since_s).map(|hand| hand.by)
    }
}
