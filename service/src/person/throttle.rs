//! Guessing passwords is slowed down: for one person after a few failures, for the whole server after many.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Failures in a row that cost no waiting: anybody mistypes.
const FREE_FAILURES: u32 = 3;
/// The longest a person waits between two attempts.
const WAIT_MAX_S: u64 = 900;
/// Failures that a server takes within a window, whatever the names.
const SERVER_FAILURES_MAX: usize = 60;
/// The window.
const SERVER_WINDOW_S: u64 = 60;

/// Somebody's failures in a row.
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

/// The last failures at this server, under any name. In memory: whoever can restart the server need not guess.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<u64>);

impl Recent {
    /// How long nobody's password is looked at.
    pub(super) fn wait_s(&mut self, now_s: u64) -> u64 {
        // A clock set back makes failures of the future; they are forgotten rather than waited for.
        self.0.retain(|at_s| *at_s <= now_s && now_s.saturating_sub(*at_s) < SERVER_WINDOW_S);
        let full = self.0.len() >= SERVER_FAILURES_MAX;
        let oldest = self.0.front().filter(|_| full);
        oldest.map_or(0, |at_s| SERVER_WINDOW_S.saturating_sub(now_s.saturating_sub(*at_s)))
    }

    /// Notes a failure.
    pub(super) fn push(&mut self, now_s: u64) {
        self.0.push_back(now_s);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_takes_so_many_failures_a_window_and_no_more() {
        let mut recent = Recent::default();
        for at in 0..60 {
            assert_eq!(recent.wait_s(1000 + at / 2), 0, "{at}");
            recent.push(1000 + at / 2);
        }
        assert_eq!(recent.wait_s(1030), 30);
        assert_eq!(recent.wait_s(1059), 1);
        assert_eq!(recent.wait_s(1060), 0);
        assert_eq!(recent.wait_s(5), 0, "a clock set back does not close the server");
    }
}
