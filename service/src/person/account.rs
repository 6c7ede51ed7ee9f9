//! What is stored about one person: the account, and whose hands were on it.

use serde::{Deserialize, Serialize};

use super::hands::{HAND_S, Hand};
use super::{Person, PersonId};

/// An account, as it lies in the store.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) person: Person,
    pub(super) hash: String,
    pub(super) active: bool,
    /// Who else made it, set its password or gave it somebody's powers, each with the last time; they go with age alone,
    /// so that nothing the person does afterwards wipes them away.
    #[serde(default)]
    pub(super) hands: Vec<Hand>,
    /// When its password was set, in milliseconds since 1970 UTC: sessions begun before have ended.
    #[serde(default)]
    pub(super) password_since_ms: u64,
}

impl Account {
    /// Notes that `by` had a hand in it; one's own is none.
    pub(super) fn touch(&mut self, by: PersonId, now_s: u64) {
        if by == self.person.id {
            return;
        }
        let since_s = now_s.saturating_sub(HAND_S);
        let before = self.hands.iter().filter(|hand| hand.by == by).map(|hand| hand.at_s).max();
        // A clock set back makes no hand older.
        let at_s = before.map_or(now_s, |before| before.max(now_s));
        self.hands.retain(|hand| hand.by != by && hand.at_s >= since_s);
        self.hands.push(Hand { by, at_s });
    }
}
