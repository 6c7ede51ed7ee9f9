//! Numbers as people write them, turned into integers of the smallest unit without ever being floats.

/// Why a number is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecimalFault {
    /// Not a plain decimal number.
    NotANumber,
    /// Commas that stay although the mapping strips none.
    Comma,
    /// Scientific notation: a spreadsheet shortened the number and its digits are lost.
    Scientific,
    /// Finer than the smallest unit.
    TooFine,
    /// Does not fit 64 bits.
    TooLarge,
}

/// A unit of a source column: how many decimal places it lies above the stored unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scale {
    /// The name a cell may carry behind its number.
    pub(crate) name: &'static str,
    /// 10 to this power is what one of it is worth in stored units.
    pub(crate) places: u32,
}

/// Units of money; the stored unit is 分.
pub(crate) const MONEY: &[Scale] = &[
    Scale { name: "分", places: 0 },
    Scale { name: "元", places: 2 },
    Scale { name: "千元", places: 5 },
    Scale { name: "万元", places: 6 },
    Scale { name: "百万元", places: 8 },
    Scale { name: "亿元", places: 10 },
];

/// Units of shares; the stored unit is the basis point.
pub(crate) const SHARE: &[Scale] = &[
    Scale { name: "bp", places: 0 },
    Scale { name: "‰", places: 1 },
    Scale { name: "%", places: 2 },
    Scale { name: "ratio", places: 4 },
];

/// A number that is stored as it is written.
pub(crate) const PLAIN: Scale = Scale { name: "", places: 0 };

/// Reads `text` in units of `scale` as an integer of the stored unit, exactly.
pub(crate) fn parse_scaled(text: &str, scale: Scale) -> Result<i64, DecimalFault> {
    let text = text.trim();
    let number = text.strip_suffix(scale.name).map_or(text, str::trim_end);
    let (negative, digits) = match number.strip_prefix(['-', '−']) {
        Some(rest) => (true, rest),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    refuse_other_than_digits(number, whole, fraction)?;
    let places = usize::try_from(scale.places).unwrap_or(usize::MAX);
    let (kept, finer) = fraction.split_at_checked(places).unwrap_or((fraction, ""));
    if finer.bytes().any(|digit| digit != b'0') {
        return Err(DecimalFault::TooFine);
    }
    let padding = std::iter::repeat_n(b'0', places.saturating_sub(kept.len()));
    let mut value = 0_i64;
    for digit in whole.bytes().chain(kept.bytes()).chain(padding) {
        value = value
            .checked_mul(10)
            .and_then(|tens| tens.checked_add(i64::from(digit.wrapping_sub(b'0'))))
            .ok_or(DecimalFault::TooLarge)?;
    }
    Ok(if negative { value.saturating_neg() } else { value })
}

/// Writes an integer of the stored unit with `places` decimals, without the zeros at their end.
pub(crate) fn write_scaled(value: i64, places: u32) -> String {
    let width = usize::try_from(places).unwrap_or_default();
    let digits = format!("{:0>least$}", value.unsigned_abs(), least = width.saturating_add(1));
    let (whole, fraction) =
        digits.split_at_checked(digits.len().saturating_sub(width)).unwrap_or((&digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let sign = if value < 0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

fn refuse_other_than_digits(number: &str, whole: &str, fraction: &str) -> Result<(), DecimalFault> {
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if is_digits(whole) && is_digits(fraction) && !(whole.is_empty() && fraction.is_empty()) {
        return Ok(());
    }
    let is_scientific = |(mantissa, exponent): (&str, &str)| {
        mantissa.starts_with(|c: char| c.is_ascii_digit() || c == '-')
            && exponent.trim_start_matches(['+', '-']).bytes().all(|byte| byte.is_ascii_digit())
    };
    if number.split_once(['e', 'E']).is_some_and(is_scientific) {
        return Err(DecimalFault::Scientific);
    }
    let only_commas_disturb =
        number.contains([',', '，']) && number.starts_with(|c: char| c.is_ascii_digit());
    Err(if only_commas_disturb { DecimalFault::Comma } else { DecimalFault::NotANumber })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unit(name: &str) -> Scale {
        *MONEY.iter().chain(SHARE).find(|scale| scale.name == name).unwrap()
    }

    fn check(text: &str, name: &str, wanted: Result<i64, DecimalFault>) {
        assert_eq!(parse_scaled(text, unit(name)), wanted, "{text:?} in {name}");
    }

    #[test]
    fn ten_thousand_yuan_becomes_fen_exactly() {
        check("18", "万元", Ok(18_000_000));
        check("17.5", "万元", Ok(17_500_000));
        check("0.000001", "万元", Ok(1));
        check("123.456789", "万元", Ok(123_456_789));
        check("8.7", "万元", Ok(8_700_000)); // 8.7 * 1e6 in floats is 8699999.999…
        check("1.10", "万元", Ok(1_100_000));
        check("18.000000000", "万元", Ok(18_000_000));
        check("18万元", "万元", Ok(18_000_000));
        check(" 18 万元 ", "万元", Ok(18_000_000));
        check("-3", "万元", Ok(-3_000_000));
        check(".5", "万元", Ok(500_000));
        check("5.", "万元", Ok(5_000_000));
        check("0", "万元", Ok(0));
    }

    #[test]
    fn other_units_scale_exactly() {
        check("12.34", "元", Ok(1_234));
        check("7", "分", Ok(7));
        check("1.2", "亿元", Ok(12_000_000_000));
        check("3", "百万元", Ok(300_000_000));
        check("1.5", "千元", Ok(150_000));
        check("35%", "%", Ok(3_500));
        check("0.05", "%", Ok(5));
        check("0.35", "ratio", Ok(3_500));
        check("12", "‰", Ok(120));
    }

    #[test]
    fn what_is_not_exact_is_refused() {
        check("17.2999999", "万元", Err(DecimalFault::TooFine));
        check("0.001", "元", Err(DecimalFault::TooFine));
        check("1,234", "元", Err(DecimalFault::Comma));
        check("1.8E+15", "元", Err(DecimalFault::Scientific));
        check("18万", "万元", Err(DecimalFault::NotANumber));
        check("18元", "万元", Err(DecimalFault::NotANumber));
        check("约20", "万元", Err(DecimalFault::NotANumber));
        check("", "元", Err(DecimalFault::NotANumber));
        check(".", "元", Err(DecimalFault::NotANumber));
        check("1.2.3", "元", Err(DecimalFault::NotANumber));
        check("99999999999999999999", "元", Err(DecimalFault::TooLarge));
    }

    #[test]
    fn amounts_are_written_without_needless_zeros() {
        for (value, text) in
            [(17_500_000, "17.5"), (1, "0.000001"), (0, "0"), (-3_000_000, "-3"), (1_000_000, "1")]
        {
            assert_eq!(write_scaled(value, 6), text);
        }
        assert_eq!(write_scaled(12, 0), "12");
    }

    proptest! {
        #[test]
        fn whole_and_fraction_add_up(whole in 0_i64..1_000_000_000, fraction in 0_i64..1_000_000) {
            prop_assert_eq!(parse_scaled(&format!("{whole}.{fraction:06}"), unit("万元")), Ok(whole * 1_000_000 + fraction));
        }

        #[test]
        fn what_is_written_reads_as_the_same(value in -i64::MAX..=i64::MAX, at in 0..MONEY.len()) {
            prop_assert_eq!(parse_scaled(&write_scaled(value, MONEY[at].places), MONEY[at]), Ok(value));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            prop_assert!(parse_scaled(&text, unit("万元")).is_ok() || !text.is_empty() || text.is_empty());
        }
    }
}
