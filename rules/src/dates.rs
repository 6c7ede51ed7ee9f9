//! Dates and months in the one form records use.

use jiff::civil::Date;

/// Parses `YYYY-MM-DD`, nothing else.
pub(crate) fn parse_date(text: &str) -> Option<Date> {
    let (month_text, day) = text.rsplit_once('-')?;
    let (year, month) = year_and_month(month_text)?;
    Date::new(year, month, digits(day, 2)?.try_into().ok()?).ok()
}

/// Whether `text` is `YYYY-MM`.
pub(crate) fn is_month(text: &str) -> bool {
    year_and_month(text).is_some()
}

/// The `YYYY-MM` of a date in the form of [`parse_date`].
pub(crate) fn month_of(date: &str) -> Option<&str> {
    parse_date(date)?;
    date.get(..7)
}

fn year_and_month(text: &str) -> Option<(i16, i8)> {
    let (year, month) = text.split_once('-')?;
    let year: i16 = digits(year, 4)?.try_into().ok()?;
    let month: i8 = digits(month, 2)?.try_into().ok()?;
    ((1..=12).contains(&month) && year > 0).then_some((year, month))
}

fn digits(text: &str, width: usize) -> Option<u32> {
    let all_digits = text.len() == width && text.bytes().all(|b| b.is_ascii_digit());
    if all_digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_form_is_a_date() {
        assert!(parse_date("2024-02-29").is_some());
        for bad in
            ["2023-02-29", "2024-2-29", "20240229", "2024-02-29T00:00", "+024-02-29", "0000-01-01", "", "--"]
        {
            assert!(parse_date(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn only_one_form_is_a_month() {
        assert!(is_month("2024-12"));
        for bad in ["2024-13", "2024-00", "2024-1", "2024", "2024-12-01", "２０２４-12"] {
            assert!(!is_month(bad), "{bad}");
        }
        assert_eq!(month_of("2024-02-29"), Some("2024-02"));
        assert_eq!(month_of("2023-02-29"), None);
    }
}
