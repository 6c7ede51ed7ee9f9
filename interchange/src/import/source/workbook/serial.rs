//! Counts of days as spreadsheets keep dates, and the number formats that tell them from other numbers.

use jiff::civil::{Date, Time};
use jiff::{Span, ToSpan as _};

use super::number::{number_text, percent_text};
use crate::import::source::row::Mark;

/// The day a workbook counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum DateBase {
    /// 1 is 1900-01-01, and 60 a 1900-02-29 that never was.
    #[default]
    Of1900,
    /// 0 is 1904-01-01.
    Of1904,
}

/// What the number format of a cell makes of its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Shown {
    #[default]
    Number,
    Percent,
    /// A date; without `day` only its month is shown.
    Date {
        day: bool,
    },
}

/// The text of a number under its format, and whether it is a date.
pub(crate) fn text_of(value: f64, shown: Shown, base: DateBase) -> (String, Option<Mark>) {
    match shown {
        Shown::Number => (number_text(value), None),
        Shown::Percent => (percent_text(value), None),
        Shown::Date { day } => match date_text(value, day, base) {
            Some(text) => (text, Some(Mark::Date)),
            None => (number_text(value), None),
        },
    }
}

/// The date of a count of days; none for one that no calendar has.
fn date_text(serial: f64, day_shown: bool, base: DateBase) -> Option<String> {
    const SECONDS_A_DAY: f64 = 86_400.0;
    // A spreadsheet's last day is 9999-12-31.
    if !(0.0..2_958_466.0).contains(&serial) {
        return None;
    }
    let seconds = whole((serial.fract() * SECONDS_A_DAY).round())?;
    let days = whole(serial.trunc())?.checked_add(seconds.checked_div(86_400)?)?;
    let seconds = seconds.checked_rem(86_400)?;
    if base == DateBase::Of1900 && days == 60 {
        return Some("1900-02-29".to_owned());
    }
    let date = date_of(days, base)?;
    if seconds != 0 {
        let time = Time::midnight().checked_add(Span::new().try_seconds(seconds).ok()?).ok()?;
        return Some(format!("{date} {time}"));
    }
    let month_alone = !day_shown && date.day() == 1;
    Some(if month_alone { format!("{:04}-{:02}", date.year(), date.month()) } else { date.to_string() })
}

fn date_of(days: i64, base: DateBase) -> Option<Date> {
    let start = match base {
        DateBase::Of1904 => Date::new(1904, 1, 1).ok()?,
        DateBase::Of1900 if days < 1 => return None,
        DateBase::Of1900 if days < 60 => Date::new(1899, 12, 31).ok()?,
        DateBase::Of1900 => Date::new(1899, 12, 30).ok()?,
    };
    start.checked_add(days.days()).ok()
}

/// A whole number that is known to be small.
fn whole(value: f64) -> Option<i64> {
    format!("{value:.0}").parse().ok()
}

/// What a format that every spreadsheet knows by number shows; none for one of the workbook's own.
pub(crate) fn built_in(id: u32) -> Option<Shown> {
    Some(match id {
        9 | 10 => Shown::Percent,
        14..=16 | 22 | 28..=31 | 51 | 53 | 54 | 58 => Shown::Date { day: true },
        17 | 27 | 36 | 50 | 52 | 57 => Shown::Date { day: false },
        0..=163 => Shown::Number,
        _ => return None,
    })
}

/// What a number format such as `yyyy"年"m"月"` or `0.00%` shows.
pub(crate) fn shown_by(format: &str) -> Shown {
    let code = letters_of(format);
    if code.contains('%') {
        return Shown::Percent;
    }
    let (counts, has_time) = (code.contains(['0', '#', '?']), code.contains(['h', 's']));
    let day = code.contains('d');
    let year = code.contains('y') || (code.contains('e') && !counts);
    let month = code.contains('m') && !has_time && !counts;
    if year || day || month { Shown::Date { day } } else { Shown::Number }
}

/// The first section of a format in lower case, without quoted text, the word General and brackets other than those of a duration.
fn letters_of(format: &str) -> String {
    let mut code = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ';' => break,
            // What is quoted is shown as it stands: `0"年"` is a number of years.
            '"' => letters.by_ref().take_while(|&c| c != '"').for_each(drop),
            '[' => {
                let inside: String = letters.by_ref().take_while(|&c| c != ']').collect();
                let is_duration = !inside.is_empty()
                    && inside.chars().all(|c| matches!(c, 'h' | 'm' | 's' | 'H' | 'M' | 'S'));
                code.push_str(if is_duration { "h" } else { "" });
            }
            '\\' | '_' | '*' => drop(letters.next()),
            other => code.extend(other.to_lowercase()),
        }
    }
    ["general", "am/pm", "a/p"].iter().fold(code, |code, word| code.replace(word, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: f64, base: DateBase, wanted: &str) {
        assert_eq!(text_of(value, Shown::Date { day: true }, base).0, wanted, "{value} {base:?}");
    }

    #[test]
    fn days_are_counted_from_the_workbooks_base() {
        check(1.0, DateBase::Of1900, "1900-01-01");
        check(59.0, DateBase::Of1900, "1900-02-28");
        check(60.0, DateBase::Of1900, "1900-02-29");
        check(61.0, DateBase::Of1900, "1900-03-01");
        check(43_115.0, DateBase::Of1900, "2018-01-15");
        check(41_653.0, DateBase::Of1904, "2018-01-15");
        check(0.0, DateBase::Of1904, "1904-01-01");
        check(2_958_465.0, DateBase::Of1900, "9999-12-31");
        check(43_115.354_166_666_7, DateBase::Of1900, "2018-01-15 08:30:00");
        check(43_114.999_999_999, DateBase::Of1900, "2018-01-15");
    }

    #[test]
    fn what_no_calendar_has_stays_a_number() {
        for value in [-1.0, 0.0, 2_958_466.0, 1e300, f64::NAN] {
            assert_eq!(text_of(value, Shown::Date { day: true }, DateBase::Of1900).1, None, "{value}");
        }
    }

    #[test]
    fn a_month_is_a_month_only_where_no_day_is_hidden() {
        let month = |value| text_of(value, Shown::Date { day: false }, DateBase::Of1900).0;
        assert_eq!(month(43_101.0), "2018-01");
        assert_eq!(month(43_115.0), "2018-01-15");
    }

    #[test]
    fn formats_tell_dates_from_numbers() {
        for format in [
            "yyyy-mm-dd",
            "d-mmm-yy",
            "yyyy\"年\"m\"月\"d\"日\"",
            "[$-804]yyyy/m/d;@",
            "m/d/yy h:mm",
            "dd\\.mm\\.yyyy",
        ] {
            assert_eq!(shown_by(format), Shown::Date { day: true }, "{format}");
        }
        for format in ["yyyy-mm", "mmm-yy", "yyyy\"年\"m\"月\"", "yyyy"] {
            assert_eq!(shown_by(format), Shown::Date { day: false }, "{format}");
        }
        for format in [
            "0\"年\"",
            "0\"个月\"",
            "General\"年\"",
            "#,##0\"日\"",
            "[h]:mm",
            "[mm]:ss",
            "General",
            "0.00",
            "0.00E+00",
            "@",
            "#,##0\"元\"",
            "h:mm:ss",
            "h:mm AM/PM",
            "[Red]0;[Blue]0",
            "\"day\"0",
        ] {
            assert_eq!(shown_by(format), Shown::Number, "{format}");
        }
        assert_eq!(shown_by("0.00%"), Shown::Percent);
        assert_eq!(built_in(14), Some(Shown::Date { day: true }));
        assert_eq!(built_in(164), None);
    }
}
