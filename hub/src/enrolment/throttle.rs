//! Attempts by network address: a few that fail are let pass, and many that do not; then none for a while.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// How much an address may try within [`WINDOW_MS`]: 20 failures, or 1,000 answers; a campus shares one address.
const EFFORT_MAX: u32 = 1000;
/// What a failure takes of it; an answer takes 1.
const FAILURE: u32 = 50;
/// How long attempts count, in milliseconds.
const WINDOW_MS: u64 = 10 * 60 * 1000;
/// How many addresses are remembered.
const ADDRESSES_MAX: usize = 4096;

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

/// Attempts by address.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<BTreeMap<IpAddr, Effort>>);

impl Throttle {
    /// Whether an address may try.
    pub(super) fn lets(&self, address: IpAddr, now_ms: u64) -> bool {
        let efforts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        efforts.get(&address).is_none_or(|known| is_over(known, now_ms) || known.spent < EFFORT_MAX)
    }

    /// Counts an attempt.
    pub(super) fn count(&self, address: IpAddr, attempt: Attempt, now_ms: u64) {
        let mut efforts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if efforts.len() >= ADDRESSES_MAX && !efforts.contains_key(&address) {
            efforts.retain(|_, known| !is_over(known, now_ms));
            // Whoever has that many addresses is not slowed down by remembering more of them.
            if efforts.len() >= ADDRESSES_MAX {
                efforts.pop_first();
            }
        }
        let known = efforts.entry(address).or_insert(Effort { first_ms: now_ms, spent: 0 });
        if is_over(known, now_ms) {
            *known = Effort { first_ms: now_ms, spent: 0 };
        }
        let spent = if attempt == Attempt::Failed { FAILURE } else { 1 };
        known.spent = known.spent.saturating_add(spent);
    }
}

/// A clock that was set back ends the window, too.
const fn is_over(effort: &Effort, now_ms: u64) -> bool {
    now_ms < effort.first_ms || now_ms - effort.first_ms >= WINDOW_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_fails_or_asks_too_often_waits_and_others_do_not() {
        for (attempt, times) in [(Attempt::Failed, 20), (Attempt::Answered, 1_000)] {
            check(attempt, times);
        }
    }

    fn check(attempt: Attempt, times: u32) {
        let throttle = Throttle::default();
        let [one, other] = [IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2])];
        for _ in 0..times {
            assert!(throttle.lets(one, 1_000));
            throttle.count(one, attempt, 1_000);
        }
        assert!(!throttle.lets(one, 1_000) && throttle.lets(other, 1_000));
        assert!(!throttle.lets(one, 1_000 + WINDOW_MS - 1));
        assert!(throttle.lets(one, 1_000 + WINDOW_MS));
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        for n in 0..u32::try_from(ADDRESSES_MAX).unwrap() + 100 {
            throttle.count(IpAddr::from(n.to_be_bytes()), Attempt::Failed, u64::from(n));
        }
        assert_eq!(throttle.0.lock().unwrap().len(), ADDRESSES_MAX);
    }
}
