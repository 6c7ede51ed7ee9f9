//! Dates as people and spreadsheets write them, by named forms; nothing is guessed from the text alone.

use std::fmt;

/// How exactly a date is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Precision {
    Year,
    Month,
    Day,
}

/// A calendar date, or a month or year where no more is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PartialDate {
    year: i16,
    month: i8,
    day: i8,
    precision: Precision,
}

impl PartialDate {
    pub(crate) fn precision(self) -> Precision {
        self.precision
    }

    /// The same date, known no better than to `precision`.
    pub(crate) fn at(self, precision: Precision) -> Self {
        Self { precision: self.precision.min(precision), ..self }
    }
}

impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, precision } = self;
        match precision {
            Precision::Year => write!(f, "{year:04}"),
            Precision::Month => write!(f, "{year:04}-{month:02}"),
            Precision::Day => write!(f, "{year:04}-{month:02}-{day:02}"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Year,
    Month,
    MonthName,
    Day,
    Literal(char),
}

/// One way of writing a date: `%Y` year, `%m` month, `%d` day, `%B` English month name, everything else literally.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DateForm {
    parts: Vec<Part>,
    precision: Precision,
    swapped_by_spreadsheet: bool,
}

/// A form that describes no date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseFormFailed {
    /// An unknown `%` letter.
    #[error("%{0} is not known in a date form; use %Y (year), %m (month), %d (day), %B (March)")]
    Letter(char),
    /// The form lacks what it needs, or has it twice.
    #[error("a date form needs %Y once, and %m before %d can be used")]
    Incomplete,
    /// The damage only exists for forms with a day and a month.
    #[error("swapped_by_spreadsheet needs a form with a day and a month")]
    NothingToSwap,
}

impl DateForm {
    pub(crate) fn parse(text: &str, swapped_by_spreadsheet: bool) -> Result<Self, ParseFormFailed> {
        let mut parts = Vec::new();
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            parts.push(match letter {
                '%' => match letters.next() {
                    Some('Y') => Part::Year,
                    Some('m') => Part::Month,
                    Some('B' | 'b') => Part::MonthName,
                    Some('d') => Part::Day,
                    other => return Err(ParseFormFailed::Letter(other.unwrap_or('%'))),
                },
                literal => Part::Literal(literal),
            });
        }
        let precision = precision_of(&parts)?;
        if swapped_by_spreadsheet && precision != Precision::Day {
            return Err(ParseFormFailed::NothingToSwap);
        }
        Ok(Self { parts, precision, swapped_by_spreadsheet })
    }

    /// Reads `text` if the whole of it has this form and names a day that exists.
    pub(crate) fn read(&self, text: &str) -> Option<PartialDate> {
        let (mut year, mut month, mut day) = (0, 1, 1);
        let mut rest = text;
        for part in &self.parts {
            rest = match part {
                Part::Year => take_number(rest, 4, 4, &mut year)?,
                Part::Month => take_number(rest, 1, 2, &mut month)?,
                Part::Day => take_number(rest, 1, 2, &mut day)?,
                Part::MonthName => take_month_name(rest, &mut month)?,
                Part::Literal(letter) => rest.strip_prefix(*letter)?,
            };
        }
        if !rest.is_empty() {
            return None;
        }
        let (month, day) = if self.swapped_by_spreadsheet { (day, month) } else { (month, day) };
        let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
        let date = jiff::civil::Date::new(year, month, day).ok()?;
        Some(PartialDate {
            year: date.year(),
            month: date.month(),
            day: date.day(),
            precision: self.precision,
        })
    }
}

/// Reads `2018-01-15`, with or without a time of day behind it, or `2018-01`: a date that is known to be one.
pub(crate) fn read_iso(text: &str) -> Option<PartialDate> {
    let (date, _) = text.split_once([' ', 'T']).unwrap_or((text, ""));
    let is_month = date.len() == 7;
    let full = if is_month { format!("{date}-01") } else { date.to_owned() };
    let day: jiff::civil::Date = full.parse().ok()?;
    let precision = if is_month { Precision::Month } else { Precision::Day };
    Some(PartialDate { year: day.year(), month: day.month(), day: day.day(), precision })
}

fn precision_of(parts: &[Part]) -> Result<Precision, ParseFormFailed> {
    let count = |wanted: &[Part]| parts.iter().filter(|part| wanted.contains(part)).count();
    let (years, months, days) =
        (count(&[Part::Year]), count(&[Part::Month, Part::MonthName]), count(&[Part::Day]));
    match (years, months, days) {
        (1, 0, 0) => Ok(Precision::Year),
        (1, 1, 0) => Ok(Precision::Month),
        (1, 1, 1) => Ok(Precision::Day),
        _ => Err(ParseFormFailed::Incomplete),
    }
}

fn take_number<'t>(text: &'t str, least: usize, most: usize, value: &mut i16) -> Option<&'t str> {
    let digits = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(digits)?;
    *value = number.parse().ok()?;
    (digits >= least).then_some(rest)
}

fn take_month_name<'t>(text: &'t str, month: &mut i16) -> Option<&'t str> {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    for (number, name) in (1..).zip(NAMES) {
        for name in [Some(name), name.get(..3)].into_iter().flatten() {
            if let Some((head, rest)) = text.split_at_checked(name.len())
                && head.eq_ignore_ascii_case(name)
            {
                *month = number;
                return Some(rest);
            }
        }
    }
    None
}

/// The year-first forms tried when a mapping names none: none of them can be read in two ways.
pub(crate) fn unambiguous_forms() -> Vec<DateForm> {
    const FORMS: [&str; 10] = [
        "%Y-%m-%d",
        "%Y/%m/%d",
        "%Y.%m.%d",
        "%Y年%m月%d日",
        "%Y-%m",
        "%Y/%m",
        "%Y.%m",
        "%Y年%m月",
        "%Y",
        "%Y年",
    ];
    FORMS.iter().filter_map(|form| DateForm::parse(form, false).ok()).collect()
}

/// Which end of a period such as `2018.01-2020.12` a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PeriodEnd {
    Start,
    End,
}

/// Tries every place where `separator` stands, so that `2018-01-2020-12` splits in its middle.
pub(crate) fn read_period(
    text: &str,
    separators: &[String],
    forms: &[DateForm],
) -> Option<(PartialDate, PartialDate)> {
    let read = |half: &str| forms.iter().find_map(|form| form.read(half.trim()));
    for separator in separators {
        for (position, _) in text.match_indices(separator.as_str()) {
            let (start, rest) = text.split_at_checked(position)?;
            if let (Some(start), Some(end)) = (read(start), read(rest.strip_prefix(separator.as_str())?)) {
                return Some((start, end));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(form: &str, swapped: bool, text: &str, wanted: Option<&str>) {
        let read = DateForm::parse(form, swapped).unwrap().read(text);
        assert_eq!(read.map(|date| date.to_string()).as_deref(), wanted, "{text:?} as {form}");
    }

    #[test]
    fn forms_read_what_they_describe_and_nothing_else() {
        check("%m/%d/%Y", false, "10/03/2015", Some("2015-10-03"));
        check("%m/%d/%Y", false, "06/16/2024", Some("2024-06-16"));
        check("%m/%d/%Y", false, "16/06/2024", None);
        check("%m/%d/%Y", false, "6/1/2024", Some("2024-06-01"));
        check("%m/%d/%Y", false, "06/16/24", None);
        check("%m/%d/%Y", false, "06/16/2024 ", None);
        check("%d %B %Y", false, "10 March 2015", Some("2015-03-10"));
        check("%d %B %Y", false, "10 mar 2015", Some("2015-03-10"));
        check("%d %B %Y", false, "10 Mär 2015", None);
        check("%Y年%m月%d日", false, "2017年8月1日", Some("2017-08-01"));
        check("%Y.%m", false, "2018.01", Some("2018-01"));
        check("%Y%m%d", false, "20180115", Some("2018-01-15"));
        check("%Y", false, "2018", Some("2018"));
        check("%Y-%m-%d", false, "2023-02-29", None);
        check("%Y-%m-%d", false, "0000-00-00", None);
        check("%Y-%m-%d", false, "2024-02-29", Some("2024-02-29"));
    }

    #[test]
    fn a_date_turned_round_by_a_spreadsheet_is_turned_back() {
        check("%d %B %Y", true, "10 March 2015", Some("2015-10-03"));
        check("%d %B %Y", true, "02 February 2020", Some("2020-02-02"));
        check("%d %B %Y", true, "13 March 2015", None); // a thirteenth month never existed
    }

    #[test]
    fn forms_that_describe_no_date_are_refused() {
        for bad in ["", "%m/%d", "%Y-%d", "%Y%Y", "%Y-%q", "%Y%", "%Y %m %B"] {
            assert!(DateForm::parse(bad, false).is_err(), "{bad}");
        }
        assert_eq!(DateForm::parse("%Y-%m", true), Err(ParseFormFailed::NothingToSwap));
    }

    #[test]
    fn periods_split_at_the_place_that_makes_two_dates() {
        let separators: Vec<String> = ["至", "-"].map(str::to_owned).to_vec();
        for text in [
            "2018.01-2020.12",
            "2018.01 - 2020.12",
            "2018-01-2020-12",
            "2018年1月至2020年12月",
            "2018/01至2020.12",
        ] {
            let (start, end) = read_period(text, &separators, &unambiguous_forms()).unwrap();
            assert_eq!(
                (start.to_string().as_str(), end.to_string().as_str()),
                ("2018-01", "2020-12"),
                "{text}"
            );
        }
        assert!(read_period("2018.01", &separators, &unambiguous_forms()).is_none());
    }

    #[test]
    fn precision_is_kept_and_can_only_be_lowered() {
        let day = DateForm::parse("%Y-%m-%d", false).unwrap().read("2018-01-15").unwrap();
        assert_eq!(day.at(Precision::Month).to_string(), "2018-01");
        assert_eq!(day.at(Precision::Year).at(Precision::Day).to_string(), "2018");
    }

    proptest! {
        #[test]
        fn no_form_and_no_text_panics(form in "[%YmdB/ 年\\-]{0,10}", text in "\\PC{0,20}", swapped: bool) {
            if let Ok(form) = DateForm::parse(&form, swapped) {
                prop_assert!(form.read(&text).is_none_or(|date| date.to_string().len() >= 4));
            }
        }
    }
}
