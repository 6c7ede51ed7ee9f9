//! Attempts to join, by network, and to renew or rotate, by institution: a few that fail are let pass, and many that do not;
//! then none for a while.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use safeharbor_core::institution::InstitutionCode;
use safeharbor_service::network::Network;

/// What may be spent within [`WINDOW_MS`]: 20 failures, or 1,000 answers to a network, which a campus shares, or 50 to an
/// institution, whose every renewal stays in the register of keys.
const EFFORT_MAX: u32 = 1000;
/// What a failure takes of it.
const FAILURE: u32 = 50;
/// How long attempts count, in milliseconds.
const WINDOW_MS: u64 = 10 * 60 * 1000;
/// How many of those who try are remembered.
const REMEMBERED_MAX: usize = 4096;

/// Who has a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trier {
    /// An institution whose statement key signed what it asks.
    Institution(InstitutionCode),
    /// Whoever joins from there.
    Joining(Network),
    /// Whoever asks from there in the name of an institution without its signature. It limits what we log, nothing else:
    /// the institution may have the same address.
    Unproven(Network),
}

impl Trier {
    const fn answer(self) -> u32 {
        match self {
            Self::Institution(_) => 20,
            Self::Joining(_) | Self::Unproven(_) => 1,
        }
    }
}

/// Attempts since the first one of a window.
#[derive(Debug, Clone, Copy)]
struct Effort {
    first_ms: u64,
    spent: u32,
}

/// How an attempt went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// Answered as asked.
    Answered,
    /// Refused.
    Failed,
}

/// Attempts by who tries.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<BTreeMap<Trier, Effort>>);

impl Throttle {
    /// Whether somebody may try.
    pub(super) fn lets(&self, trier: Trier, now_ms: u64) -> bool {
        let efforts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        efforts.get(&trier).is_none_or(|known| is_over(known, now_ms) || known.spent < EFFORT_MAX)
    }

    /// Counts an attempt.
    pub(super) fn count(&self, trier: Trier, attempt: Attempt, now_ms: u64) {
        let mut efforts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if efforts.len() >= REMEMBERED_MAX && !efforts.contains_key(&trier) {
            efforts.retain(|_, known| !is_over(known, now_ms));
            // Whoever has that many addresses is not slowed down by remembering more of them. Institutions come first in the
            // order of keys and are few.
            if efforts.len() >= REMEMBERED_MAX {
                efforts.pop_last();
            }
        }
        let known = efforts.entry(trier).or_insert(Effort { first_ms: now_ms, spent: 0 });
        if is_over(known, now_ms) {
            *known = Effort { first_ms: now_ms, spent: 0 };
        }
        let spent = if attempt == Attempt::Failed { FAILURE } else { trier.answer() };
        known.spent = known.spent.saturating_add(spent);
    }
}

/// A clock that was set back ends the window, too.
const fn is_over(effort: &Effort, now_ms: u64) -> bool {
    now_ms < effort.first_ms || now_ms - effort.first_ms >= WINDOW_MS
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn network(n: u32) -> Network {
        IpAddr::from(n.to_be_bytes()).into()
    }

    fn institution(code: &str) -> Trier {
        Trier::Institution(code.parse().unwrap())
    }

    #[test]
    fn who_fails_or_asks_too_often_waits_and_others_do_not() {
        let joining = [Trier::Joining(network(1)), Trier::Joining(network(2))];
        check(joining, Attempt::Failed, 20);
        check(joining, Attempt::Answered, 1_000);
        let institutions = ["12100000400002259P", "12100000400000624D"].map(institution);
        check(institutions, Attempt::Failed, 20);
        check(institutions, Attempt::Answered, 50);
        check([Trier::Unproven(network(1)), Trier::Joining(network(1))], Attempt::Failed, 20);
    }

    fn check([one, other]: [Trier; 2], attempt: Attempt, times: u32) {
        let throttle = Throttle::default();
        for _ in 0..times {
            assert!(throttle.lets(one, 1_000));
            throttle.count(one, attempt, 1_000);
        }
        assert!(!throttle.lets(one, 1_000) && throttle.lets(other, 1_000));
        assert!(!throttle.lets(one, 1_000 + WINDOW_MS - 1));
        assert!(throttle.lets(one, 1_000 + WINDOW_MS));
    }

    #[test]
    fn memory_is_bounded_and_holds_institutions_longest() {
        let throttle = Throttle::default();
        let member = institution("12100000400002259P");
        for _ in 0..20 {
            throttle.count(member, Attempt::Failed, 0);
        }
        for n in 0..u32::try_from(REMEMBERED_MAX).unwrap() + 100 {
            throttle.count(Trier::Joining(network(n)), Attempt::Failed, u64::from(n));
        }
        assert_eq!(throttle.0.lock().unwrap().len(), REMEMBERED_MAX);
        assert!(!throttle.lets(member, 1_000));
    }
}
