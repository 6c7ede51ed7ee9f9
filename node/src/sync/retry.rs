//! Pauses between connections: they grow, and differ from node to node.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use safeharbor_core::code::Code;

use crate::chain::RefusedState;

/// The pause when the hub takes nothing until somebody acts.
pub(super) const LATER: Duration = Duration::from_mins(10);

const SHORTEST: Duration = Duration::from_millis(500);
/// Jitter adds up to as much again, so no pause is longer than 60 s.
const LONGEST_BEFORE_JITTER: Duration = Duration::from_secs(30);

/// So many refusals of the identity in a row last, if there is no renewal by then: with the pauses between them, about half a minute.
const IDENTITY_REFUSALS_MAX: u32 = 6;

/// Refusals of the node's identity, one after the other: a renewal that is under way ends them.
#[derive(Debug, Default)]
pub(super) struct IdentityRefusals(u32);

impl IdentityRefusals {
    /// Notes how a stream ended, and returns the refusal once it lasts.
    pub(super) fn note(&mut self, refused: Option<RefusedState>) -> Option<RefusedState> {
        let refused = refused.filter(|refused| refused.code == Code::IdentityRefused);
        self.0 = if refused.is_some() { self.0.saturating_add(1) } else { 0 };
        refused.filter(|_| self.0 >= IDENTITY_REFUSALS_MAX)
    }
}

/// The pauses of one run.
#[derive(Debug)]
pub(super) struct Pauses {
    builder: ExponentialBuilder,
    current: ExponentialBackoff,
}

impl Pauses {
    /// Pauses whose jitter begins with `seed`.
    pub(super) fn with_seed(seed: u64) -> Self {
        let builder = ExponentialBuilder::default()
            .with_min_delay(SHORTEST)
            .with_max_delay(LONGEST_BEFORE_JITTER)
            .without_max_times()
            .with_jitter()
            .with_jitter_seed(seed);
        Self { current: builder.build(), builder }
    }

    /// The next pause.
    pub(super) fn next(&mut self) -> Duration {
        let longest = LONGEST_BEFORE_JITTER.saturating_mul(2);
        self.current.next().unwrap_or(longest).min(longest)
    }

    /// Begins with short pauses again: the last connection was good for something.
    pub(super) fn reset(&mut self, seed: u64) {
        self.builder = self.builder.with_jitter_seed(seed);
        self.current = self.builder.build();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_identity_lasts_once_it_is_refused_so_often_in_a_row() {
        let refused = |code| Some(RefusedState { code, seq: 0, text: String::new(), since_ms: 1 });
        let mut refusals = IdentityRefusals::default();
        let mut note = |code: Option<Code>| refusals.note(code.and_then(refused)).is_some();
        for _ in 0..2 {
            assert!((1..IDENTITY_REFUSALS_MAX).all(|_| !note(Some(Code::IdentityRefused))));
            assert!(!note(Some(Code::Unavailable)) && !note(None), "another end begins anew");
        }
        assert!((1..IDENTITY_REFUSALS_MAX).all(|_| !note(Some(Code::IdentityRefused))));
        assert!(note(Some(Code::IdentityRefused)) && note(Some(Code::IdentityRefused)));
    }

    #[test]
    fn pauses_grow_from_half_a_second_to_a_minute_and_differ_by_seed() {
        let mut pauses = Pauses::with_seed(1);
        let all: Vec<_> = (0..40).map(|_| pauses.next()).collect();
        assert!(all[0] >= SHORTEST && all[0] <= SHORTEST * 2, "{:?}", all[0]);
        assert!(all.iter().all(|pause| *pause <= Duration::from_secs(60)));
        assert!(all[20..].iter().all(|pause| *pause >= LONGEST_BEFORE_JITTER));
        let mut others = Pauses::with_seed(2);
        assert_ne!(all, (0..40).map(|_| others.next()).collect::<Vec<_>>());
        pauses.reset(3);
        assert!(pauses.next() <= SHORTEST * 2);
    }
}
