//! Whose hands were on whose account, and whether two accounts are in different hands.
//!
//! Whoever makes an account, sets its password or gives it somebody's powers can decide as that person, until the person
//! takes it over and others have had time to see what was done. So for [`HAND_S`] the *origins* of an account are itself,
//! everybody with a hand in it, and their origins. Two accounts whose origins have anybody in common may be one person's.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::PersonId;

/// How long a hand in somebody's account counts, in seconds: 7 days.
pub const HAND_S: u64 = 7 * 24 * 3600;

/// Whose hand was on somebody's account, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hand {
    /// Who.
    pub by: PersonId,
    /// When, in seconds since 1970 UTC.
    pub at_s: u64,
}

/// Why two accounts may be in one hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommonHand {
    /// Whose it is: one of the two, or somebody with a hand in both.
    pub of: PersonId,
    /// When it has aged away if there is no other by then, in seconds since 1970 UTC.
    pub until_s: u64,
}

/// The hands on all accounts.
pub(super) struct Hands(pub(super) BTreeMap<PersonId, Vec<Hand>>);

impl Hands {
    /// The hand that both accounts are in at `now_s`, if they are in one.
    pub(super) fn common(&self, one: PersonId, other: PersonId, now_s: u64) -> Option<CommonHand> {
        let since_s = now_s.saturating_sub(HAND_S);
        let of = self.common_since(one, other, since_s)?;
        let mut times: Vec<u64> = self.0.values().flatten().map(|hand| hand.at_s).collect();
        times.sort_unstable();
        let freed = |at_s: &u64| self.common_since(one, other, at_s.saturating_add(1)).is_none();
        let last_s = times.into_iter().filter(|at_s| *at_s >= since_s).find(freed).unwrap_or(u64::MAX);
        Some(CommonHand { of, until_s: last_s.saturating_add(HAND_S).saturating_add(1) })
    }

    /// Whose hand both are in, counting hands from `since_s` on; the two themselves are named before anybody else.
    fn common_since(&self, one: PersonId, other: PersonId, since_s: u64) -> Option<PersonId> {
        let (origins, others) = (self.origins(one, since_s), self.origins(other, since_s));
        let mut shared = origins.intersection(&others).copied();
        [one, other]
            .into_iter()
            .find(|id| origins.contains(id) && others.contains(id))
            .or_else(|| shared.next())
    }

    fn origins(&self, of: PersonId, since_s: u64) -> BTreeSet<PersonId> {
        let (mut found, mut waiting) = (BTreeSet::from([of]), vec![of]);
        while let Some(next) = waiting.pop() {
            let hands = self.0.get(&next).into_iter().flatten();
            let recent = hands.filter(|hand| hand.at_s >= since_s).map(|hand| hand.by);
            waiting.extend(recent.filter(|by| found.insert(*by)));
        }
        found
    }
}
