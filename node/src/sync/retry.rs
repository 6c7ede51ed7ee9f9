//! Pauses between connections: they grow, and differ from node to node.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

/// The pause when the hub takes nothing until somebody acts.
pub(super) const LATER: Duration = Duration::from_mins(10);

const SHORTEST: Duration = Duration::from_millis(500);
/// Jitter adds up to as much again, so no pause is longer than 60 s.
const LONGEST_BEFORE_JITTER: Duration = Duration::from_secs(30);

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
