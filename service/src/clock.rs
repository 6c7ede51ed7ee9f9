//! The clock as a seam: the one place where the time of day is read.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

/// Whatever tells the time; handed down from `main`.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn now_ms(&self) -> u64;

    /// Whole seconds since 1970-01-01T00:00:00Z.
    fn now_s(&self) -> u64 {
        to_seconds(self.now_ms())
    }

    /// The date in UTC.
    fn today(&self) -> Date {
        to_utc_date(self.now_ms())
    }
}

/// Cuts Unix milliseconds down to whole seconds.
#[must_use]
pub const fn to_seconds(unix_ms: u64) -> u64 {
    unix_ms / 1000
}

/// Writes Unix milliseconds as RFC 3339 in UTC, always with three decimals: `2026-05-09T07:29:33.120Z`.
#[must_use]
pub fn to_rfc3339(unix_ms: u64) -> String {
    format!("{:.3}", to_timestamp(unix_ms))
}

/// The date in UTC at some Unix milliseconds.
#[must_use]
pub fn to_utc_date(unix_ms: u64) -> Date {
    Offset::UTC.to_datetime(to_timestamp(unix_ms)).date()
}

/// The date in the district's calendar (UTC+8) at some Unix milliseconds.
#[must_use]
pub fn to_district_date(unix_ms: u64) -> Date {
    to_district_datetime(unix_ms).date()
}

/// What clocks in the district (UTC+8) show at some Unix milliseconds.
#[must_use]
pub fn to_district_datetime(unix_ms: u64) -> DateTime {
    jiff::tz::offset(8).to_datetime(to_timestamp(unix_ms))
}

/// Times past the year 9999 are the last time there is.
fn to_timestamp(unix_ms: u64) -> Timestamp {
    i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::MAX)
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the time of day is read")]
    fn now_ms(&self) -> u64 {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
    }
}

/// A clock that stands still until it is moved; for tests.
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// Starts at `unix_ms`.
    #[must_use]
    pub const fn at_ms(unix_ms: u64) -> Self {
        Self(AtomicU64::new(unix_ms))
    }

    /// Moves to `unix_ms`, forward or back.
    pub fn set_ms(&self, unix_ms: u64) {
        self.0.store(unix_ms, Ordering::SeqCst);
    }

    /// Moves forward.
    pub fn advance_ms(&self, by_ms: u64) {
        self.0.fetch_add(by_ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_three_decimals_and_ends_in_z() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_778_311_773_120, "2026-05-09T07:29:33.120Z"),
            (u64::MAX, "9999-12-30T22:00:00.999Z"),
        ] {
            assert_eq!(to_rfc3339(ms), text);
        }
    }

    #[test]
    fn the_date_is_the_one_in_utc() {
        let clock = ManualClock::at_ms(86_399_999);
        assert_eq!(clock.today(), jiff::civil::date(1970, 1, 1));
        clock.advance_ms(1);
        assert_eq!(clock.today(), jiff::civil::date(1970, 1, 2));
        assert_eq!(clock.now_s(), 86_400);
    }

    #[test]
    fn system_clock_is_past_the_day_this_was_written() {
        assert!(SystemClock.now_ms() > 1_767_225_600_000);
    }
}
