//! Numbers as people read them.

/// Groups the digits by thousands: `12,345`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len().saturating_add(digits.len() / 3));
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && digits.len().saturating_sub(at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share in percent with one decimal, rounded half up; what is not nothing never reads as 0.0%.
pub(super) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let (part, whole) = (u128::from(part), u128::from(whole));
    let permille = part.saturating_mul(2000).saturating_add(whole) / whole.saturating_mul(2);
    if permille == 0 && part > 0 {
        return "<0.1%".to_owned();
    }
    format!("{}.{}%", permille / 10, permille % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_thousands() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (123_456, "123,456"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn shares_round_half_up() {
        for (part, whole, text) in [
            (0, 0, "–"),
            (0, 7, "0.0%"),
            (1, 3, "33.3%"),
            (2, 3, "66.7%"),
            (1, 2_000, "0.1%"),
            (1, 2_001, "<0.1%"),
            (7, 7, "100.0%"),
            (u64::MAX, u64::MAX, "100.0%"),
        ] {
            assert_eq!(share(part, whole), text, "{part}/{whole}");
        }
    }
}
