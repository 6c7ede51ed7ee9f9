//! The one place that reads the system's clock; only `monitor` asks.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970 UTC; 0 on a machine that believes to be before that.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the verifier has no service below it; this is its one reader of the clock"
)]
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
