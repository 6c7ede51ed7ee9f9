//! Moments as people read them: the time in UTC, and how long ago that was.

use jiff::Timestamp;
use jiff::tz::{Offset, offset};

use super::texts::Texts;

const FULL: &str = "%Y-%m-%d %H:%M:%S";
const SHORT: &str = "%m-%d %H:%M:%S";
const BEIJING: Offset = offset(8);
/// Below this many seconds a moment is "just now".
const JUST_NOW_S: i64 = 5;
const MINUTE_S: i64 = 60;
const HOUR_S: i64 = 60 * MINUTE_S;
const DAY_S: i64 = 24 * HOUR_S;

/// One moment.
#[derive(Debug)]
pub(super) struct Moment {
    /// In RFC 3339, for machines.
    pub(super) machine: String,
    /// In UTC.
    pub(super) utc: String,
    /// In UTC, without the year: beside `ago`.
    pub(super) short: String,
    /// In the district's own time.
    pub(super) beijing: String,
    /// How long ago.
    pub(super) ago: String,
}

impl Moment {
    /// Reads a moment of the report, seen at `now`; a text that is no moment is shown as it is.
    pub(super) fn read(text: &str, now: &str, texts: &Texts) -> Self {
        let at = |text: &str| text.parse::<Timestamp>().ok();
        let shown = |offset: Offset, format: &str| match at(text) {
            Some(moment) => offset.to_datetime(moment).strftime(format).to_string(),
            None => text.to_owned(),
        };
        let elapsed =
            at(text).zip(at(now)).map(|(then, now)| now.as_second().saturating_sub(then.as_second()));
        Self {
            machine: text.to_owned(),
            utc: shown(Offset::UTC, FULL),
            short: shown(Offset::UTC, SHORT),
            beijing: shown(BEIJING, FULL),
            ago: elapsed.map(|seconds| ago(seconds, texts)).unwrap_or_default(),
        }
    }
}

fn ago(seconds: i64, texts: &Texts) -> String {
    if seconds < JUST_NOW_S {
        return texts.just_now.to_owned();
    }
    // Up to two days in hours, so that no day is singular.
    let units = [
        (MINUTE_S, 1, texts.seconds_ago),
        (HOUR_S, MINUTE_S, texts.minutes_ago),
        (2 * DAY_S, HOUR_S, texts.hours_ago),
    ];
    let fitting = units.into_iter().find(|(end, _, _)| seconds < *end);
    let (_, unit, suffix) = fitting.unwrap_or((i64::MAX, DAY_S, texts.days_ago));
    format!("{}{suffix}", seconds / unit)
}

#[cfg(test)]
mod tests {
    use safeharbor_rules::Lang;

    use super::*;

    #[test]
    fn a_moment_is_shown_in_utc_and_beijing_time() {
        let moment =
            Moment::read("2026-05-09T19:29:33.120Z", "2026-05-09T19:32:40.000Z", Texts::of(Lang::En));
        assert_eq!(moment.utc, "2026-05-09 19:29:33");
        assert_eq!(moment.beijing, "2026-05-10 03:29:33");
        assert_eq!((moment.short.as_str(), moment.ago.as_str()), ("05-09 19:29:33", "3 min ago"));
    }

    #[test]
    fn a_text_that_is_no_moment_is_shown_as_it_is() {
        let moment = Moment::read("yesterday", "2026-05-09T19:32:40.000Z", Texts::of(Lang::Zh));
        assert_eq!((moment.utc.as_str(), moment.ago.as_str()), ("yesterday", ""));
    }

    #[test]
    fn elapsed_time_has_one_unit() {
        for (seconds, zh, en) in [
            (-9, "刚刚", "just now"),
            (4, "刚刚", "just now"),
            (59, "59 秒前", "59 s ago"),
            (60, "1 分钟前", "1 min ago"),
            (3_599, "59 分钟前", "59 min ago"),
            (172_799, "47 小时前", "47 h ago"),
            (172_800, "2 天前", "2 days ago"),
        ] {
            assert_eq!(ago(seconds, Texts::of(Lang::Zh)), zh);
            assert_eq!(ago(seconds, Texts::of(Lang::En)), en);
        }
    }
}
