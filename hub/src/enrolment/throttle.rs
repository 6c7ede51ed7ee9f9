//! Failed attempts by network address: a few are let pass, then none for a while.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// How many attempts may fail within [`WINDOW_MS`]; a campus shares one address.
const FAILURES_MAX: u32 = 20;
/// How long failures count, in milliseconds.
const WINDOW_MS: u64 = 10 * 60 * 1000;
/// How many addresses are remembered.
const ADDRESSES_MAX: usize = 4096;

/// Failures since the first one of a window.
#[derive(Debug, Clone, Copy)]
struct Failures {
    first_ms: u64,
    count: u32,
}

/// Failures by address.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<BTreeMap<IpAddr, Failures>>);

impl Throttle {
    /// Whether an address may try.
    pub(super) fn lets(&self, address: IpAddr, now_ms: u64) -> bool {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failures.get(&address).is_none_or(|known| is_over(known, now_ms) || known.count < FAILURES_MAX)
    }

    /// Counts a failure.
    pub(super) fn count(&self, address: IpAddr, now_ms: u64) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= ADDRESSES_MAX && !failures.contains_key(&address) {
            failures.retain(|_, known| !is_over(known, now_ms));
            // Whoever has that many addresses is not slowed down by remembering more of them.
            if failures.len() >= ADDRESSES_MAX {
                failures.pop_first();
            }
        }
        let known = failures.entry(address).or_insert(Failures { first_ms: now_ms, count: 0 });
        if is_over(known, now_ms) {
            *known = Failures { first_ms: now_ms, count: 0 };
        }
        known.count = known.count.saturating_add(1);
    }
}

/// A clock that was set back ends the window, too.
const fn is_over(failures: &Failures, now_ms: u64) -> bool {
    now_ms < failures.first_ms || now_ms - failures.first_ms >= WINDOW_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_fails_too_often_waits_and_others_do_not() {
        let throttle = Throttle::default();
        let [one, other] = [IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2])];
        for _ in 0..FAILURES_MAX {
            assert!(throttle.lets(one, 1_000));
            throttle.count(one, 1_000);
        }
        assert!(!throttle.lets(one, 1_000) && throttle.lets(other, 1_000));
        assert!(!throttle.lets(one, 1_000 + WINDOW_MS - 1));
        assert!(throttle.lets(one, 1_000 + WINDOW_MS));
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        for n in 0..u32::try_from(ADDRESSES_MAX).unwrap() + 100 {
            throttle.count(IpAddr::from(n.to_be_bytes()), u64::from(n));
        }
        assert_eq!(throttle.0.lock().unwrap().len(), ADDRESSES_MAX);
    }
}
