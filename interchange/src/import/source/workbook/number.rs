//! A number of a workbook as text: what a person would type, without the noise of binary fractions.

/// Digits a spreadsheet keeps of a number.
const DIGITS_KEPT: usize = 15;

/// `value` with at most 15 significant digits; what has 16 or more digits before the point shows its loss, `4.11101E+17`.
pub(crate) fn number_text(value: f64) -> String {
    shifted(value, 0)
}

/// A share as a cell with a percent format shows it: 0.35 is `35%`.
pub(crate) fn percent_text(value: f64) -> String {
    format!("{}%", shifted(value, 2))
}

/// `value` times 10 to the power of `places`, shifted in decimal.
fn shifted(value: f64, places: i32) -> String {
    if !value.is_finite() {
        return "#NUM!".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{:.*e}", DIGITS_KEPT.saturating_sub(1), value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent = exponent.parse::<i32>().unwrap_or(0).saturating_add(places);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{}", laid_out(digits, exponent))
}

/// Significant digits with the point behind the first one moved by `exponent`.
fn laid_out(digits: &str, exponent: i32) -> String {
    let kept = i32::try_from(DIGITS_KEPT).unwrap_or(i32::MAX);
    if exponent >= kept || exponent <= kept.saturating_neg() {
        let (first, rest) = digits.split_at_checked(1).unwrap_or((digits, ""));
        let point = if rest.is_empty() { "" } else { "." };
        let sign = if exponent < 0 { "-" } else { "+" };
        return format!("{first}{point}{rest}E{sign}{:02}", exponent.unsigned_abs());
    }
    let Ok(whole) = usize::try_from(exponent) else {
        let zeros = usize::try_from(exponent.saturating_neg().saturating_sub(1)).unwrap_or(0);
        return format!("0.{}{digits}", "0".repeat(zeros));
    };
    match digits.split_at_checked(whole.saturating_add(1)) {
        Some((whole, "")) => whole.to_owned(),
        Some((whole, fraction)) => format!("{whole}.{fraction}"),
        None => format!("{digits:0<width$}", width = whole.saturating_add(1)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_read_as_people_typed_them() {
        for (value, text) in [
            (4_111_010_001.0, "4111010001"),
            (0.1 + 0.2, "0.3"),
            (17.5, "17.5"),
            (-3.0, "-3"),
            (0.0, "0"),
            (1.0e-5, "0.00001"),
            (123_456_789_012_345.0, "123456789012345"),
            (1_234_567_890_123_456.0, "1.23456789012346E+15"),
            (411_101_000_112_345_678.0, "4.11101000112346E+17"),
            (1e21, "1E+21"),
            (1.5e-20, "1.5E-20"),
            (100.0, "100"),
            (8.7, "8.7"),
            (f64::NAN, "#NUM!"),
        ] {
            assert_eq!(number_text(value), text);
        }
        assert_eq!(percent_text(0.35), "35%");
        assert_eq!(percent_text(0.07), "7%");
        assert_eq!(percent_text(0.1234), "12.34%");
        assert_eq!(percent_text(1.0), "100%");
        assert_eq!(percent_text(0.00001), "0.001%");
    }

    proptest! {
        #[test]
        fn what_has_fifteen_digits_comes_back(whole in 0_i64..1_000_000_000, fraction in 0_u32..1_000_000) {
            let typed = format!("{whole}.{fraction:06}");
            let wanted = typed.trim_end_matches('0').trim_end_matches('.');
            prop_assert_eq!(number_text(typed.parse().unwrap()), wanted);
        }

        #[test]
        fn no_number_panics(bits in any::<u64>()) {
            prop_assert!(!number_text(f64::from_bits(bits)).is_empty() && !percent_text(f64::from_bits(bits)).is_empty());
        }
    }
}
