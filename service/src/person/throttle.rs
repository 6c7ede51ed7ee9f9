//! Guessing passwords is slowed down: for one account after a few failures, for one address after many.
//!
//! Each door counts for itself, so that whoever can reach the one keeps nobody from the other; and no number of failures
//! under many names, or from one address, makes anybody else wait.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::network::Network;

/// Through which door somebody shows who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The server's shell: whoever may use its folder.
    Shell,
    /// A page, and the address it was asked from, where that can be told.
    Page(Option<IpAddr>),
}

/// Failures in a row that cost no waiting: anybody mistypes.
const FREE_FAILURES: u32 = 3;
/// The longest a person waits between two attempts.
const WAIT_MAX_S: u64 = 900;
/// Failures that are taken from one address (one /64 of IPv6) within a window, whatever the names.
const SOURCE_FAILURES_MAX: u32 = 20;
/// The window.
const SOURCE_WINDOW_S: u64 = 60;
/// Addresses that are remembered at a time.
const SOURCES_MAX: usize = 4096;

/// Somebody's failures in a row at one door.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Failures {
    pub(super) in_a_row: u32,
    pub(super) last_s: u64,
}

impl Failures {
    /// After the free ones, each failure doubles the wait. A clock set back does not prolong it past its maximum.
    pub(super) fn wait_s(&self, now_s: u64) -> u64 {
        let Some(beyond) = self.in_a_row.checked_sub(FREE_FAILURES) else { return 0 };
        let whole = 1_u64.checked_shl(beyond).unwrap_or(WAIT_MAX_S).min(WAIT_MAX_S);
        whole.saturating_sub(now_s.saturating_sub(self.last_s))
    }
}

/// The last failures by address. In memory: whoever can restart the server need not guess.
#[derive(Debug, Default)]
pub(super) struct Sources(BTreeMap<Network, Window>);

#[derive(Debug, Clone, Copy)]
struct Window {
    begun_s: u64,
    failures: u32,
}

impl Window {
    /// A window of a clock that was set back since has ended.
    const fn lasts(self, now_s: u64) -> bool {
        self.begun_s <= now_s && now_s.saturating_sub(self.begun_s) < SOURCE_WINDOW_S
    }
}

impl Sources {
    /// How long no password from there is looked at.
    pub(super) fn wait_s(&self, from: IpAddr, now_s: u64) -> u64 {
        let window = self.0.get(&from.into()).filter(|window| window.lasts(now_s));
        let full = window.filter(|window| window.failures >= SOURCE_FAILURES_MAX);
        full.map_or(0, |window| SOURCE_WINDOW_S.saturating_sub(now_s.saturating_sub(window.begun_s)))
    }

    /// Notes a failure from there.
    pub(super) fn push(&mut self, from: IpAddr, now_s: u64) {
        let from = Network::from(from);
        if self.0.len() >= SOURCES_MAX && !self.0.contains_key(&from) {
            self.0.retain(|_, window| window.lasts(now_s));
        }
        if self.0.len() >= SOURCES_MAX && !self.0.contains_key(&from) {
            let oldest = self.0.iter().min_by_key(|(_, window)| window.begun_s).map(|(from, _)| *from);
            oldest.map(|oldest| self.0.remove(&oldest));
        }
        let window = self.0.entry(from).or_insert(Window { begun_s: now_s, failures: 0 });
        if !window.lasts(now_s) {
            *window = Window { begun_s: now_s, failures: 0 };
        }
        window.failures = window.failures.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_so_many_failures_a_window_and_no_other_one_waits_for_it() {
        let mut sources = Sources::default();
        let (one, other) = (address("2001:db8::1"), address("192.0.2.7"));
        for at in 0..20 {
            assert_eq!(sources.wait_s(one, 1000 + at), 0, "{at}");
            sources.push(one, 1000 + at);
        }
        assert_eq!(
            (sources.wait_s(one, 1020), sources.wait_s(one, 1059), sources.wait_s(one, 1060)),
            (40, 1, 0)
        );
        assert_eq!(sources.wait_s(address("2001:db8::ffff"), 1020), 40, "the same network");
        assert_eq!(sources.wait_s(address("2001:db8:0:1::1"), 1020), 0);
        assert_eq!(sources.wait_s(other, 1020), 0);
        assert_eq!(sources.wait_s(one, 5), 0, "a clock set back closes nobody out");
        sources.push(one, 1060);
        assert_eq!(sources.wait_s(one, 1060), 0, "a window begins anew");
    }

    #[test]
    fn so_many_addresses_are_remembered_and_no_more() {
        let mut sources = Sources::default();
        for n in 0..5000_u32 {
            sources.push(IpAddr::from(n.to_be_bytes()), u64::from(n) / 1000);
        }
        assert_eq!(sources.0.len(), SOURCES_MAX);
        assert!(!sources.0.contains_key(&IpAddr::from(0_u32.to_be_bytes()).into()), "the oldest goes first");
        sources.push(address("192.0.2.7"), 1000);
        assert_eq!(sources.0.len(), 1);
    }
}
