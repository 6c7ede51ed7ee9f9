//! Resident identity card numbers (居民身份证号, GB 11643-1999): class CX, refused wherever they stand.
//!
//! Only numbers of 18 characters, whose check character tells them from other numbers. The old ones of 15 digits have
//! none: a region and a date alone also fit contract, account and application numbers, so they are not looked for.

use jiff::civil::Date;
use serde_json::Value;

use crate::Record;

/// The weights of ISO 7064 MOD 11-2 for 17 digits.
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/// The value of a check character `X`.
pub(crate) const X: u32 = 10;

/// Whether the text holds an 18-character identity card number: a province, a possible date of birth and a valid check
/// character. Digits of other scripts and widths count, and so do numbers broken up by spaces, punctuation or characters
/// without width.
#[must_use]
pub fn holds_personal_id(text: &str) -> bool {
    // Most texts are short or hold few digits; the rest is worth a closer look.
    if text.len() < 18 || text.chars().filter(|c| digit(*c).is_some()).count() < 17 {
        return false;
    }
    let mut scan = Scan::default();
    text.chars().any(|c| scan.push(c)) || scan.end()
}

/// Whether a number, a text or a name anywhere in the value is or holds an identity card number.
pub(crate) fn value_holds_personal_id(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => false,
        Value::Number(number) => {
            number.as_u64().is_some_and(|n| n >= 10_u64.pow(17)) && holds_personal_id(&number.to_string())
        }
        Value::String(text) => holds_personal_id(text),
        Value::Array(items) => items.iter().any(value_holds_personal_id),
        Value::Object(record) => record_holds_personal_id(record),
    }
}

/// Whether any name or value of the record holds one.
pub(crate) fn record_holds_personal_id(record: &Record) -> bool {
    record.iter().any(|(name, value)| holds_personal_id(name) || value_holds_personal_id(value))
}

/// Runs of digits with single marks between them.
#[derive(Default)]
struct Scan {
    /// The digits of the current run of segments.
    digits: Vec<u32>,
    /// Where in `digits` each segment starts.
    starts: Vec<usize>,
    in_segment: bool,
}

impl Scan {
    /// Takes one more character; true once an identity number has ended before it.
    fn push(&mut self, c: char) -> bool {
        if let Some(value) = digit(c) {
            if !self.in_segment {
                self.starts.push(self.digits.len());
            }
            self.in_segment = true;
            self.digits.push(value);
            return false;
        }
        if is_x(c) {
            self.digits.push(X);
            return self.end();
        }
        self.in_segment = false;
        if is_separator(c) { false } else { self.end() }
    }

    /// Looks for a number in the run and starts the next one.
    fn end(&mut self) -> bool {
        let ends = self.starts.iter().skip(1).copied().chain([self.digits.len()]);
        let ends: Vec<usize> = ends.collect();
        let found = self.starts.iter().any(|&start| {
            let end = start.saturating_add(18);
            // Ascending; a long list of numbers in one cell must not take quadratic time.
            ends.binary_search(&end).is_ok() && self.digits.get(start..end).is_some_and(is_personal_id)
        });
        self.digits.clear();
        self.starts.clear();
        self.in_segment = false;
        found
    }
}

pub(crate) fn digit(c: char) -> Option<u32> {
    let zero = match c {
        '0'..='9' => '0',
        // Full-width, Arabic-Indic, Persian, Devanagari.
        '０'..='９' => '０',
        '\u{660}'..='\u{669}' => '\u{660}',
        '\u{6f0}'..='\u{6f9}' => '\u{6f0}',
        '\u{966}'..='\u{96f}' => '\u{966}',
        _ => return None,
    };
    u32::from(c).checked_sub(u32::from(zero))
}

/// The letter in any width, and what looks like it: Roman ten and the Cyrillic letter.
pub(crate) fn is_x(c: char) -> bool {
    matches!(c, 'x' | 'X' | 'ｘ' | 'Ｘ' | 'Ⅹ' | 'ⅹ' | 'Х' | 'х')
}

pub(crate) fn is_separator(c: char) -> bool {
    const MARKS: &str = "-_./,()·‐‑‒–—―−－＿．／，（）、｡。・";
    has_no_width(c) || c.is_whitespace() || MARKS.contains(c)
}

/// Whether a character is there without being seen.
pub(crate) fn has_no_width(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// Whether 15 digits could be a number of the old form: a province and a date of birth in the 20th century. It has no check character.
pub(crate) fn is_old_personal_id(digits: &[u32]) -> bool {
    let date = || {
        let year = i16::try_from(number(digits, 6, 2)).ok()?.checked_add(1900)?;
        let month = i8::try_from(number(digits, 8, 2)).ok()?;
        Date::new(year, month, i8::try_from(number(digits, 10, 2)).ok()?).ok()
    };
    digits.len() == 15 && is_province(number(digits, 0, 2)) && date().is_some()
}

pub(crate) fn is_personal_id(digits: &[u32]) -> bool {
    let Some((check, first_17)) = digits.split_last() else { return false };
    let sum: u32 = first_17.iter().zip(WEIGHTS).map(|(digit, weight)| digit.wrapping_mul(weight)).sum();
    let expected = 12_u32.wrapping_sub(sum % 11) % 11;
    *check == expected && !first_17.contains(&X) && is_province(number(digits, 0, 2)) && is_birth_date(digits)
}

fn number(digits: &[u32], from: usize, count: usize) -> u32 {
    digits.iter().skip(from).take(count).fold(0_u32, |sum, digit| sum.wrapping_mul(10).wrapping_add(*digit))
}

/// The first two digits of the regions of GB/T 2260.
fn is_province(code: u32) -> bool {
    matches!(code, 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83)
}

fn is_birth_date(digits: &[u32]) -> bool {
    let year = number(digits, 6, 4);
    let date = || {
        let month = i8::try_from(number(digits, 10, 2)).ok()?;
        let day = i8::try_from(number(digits, 12, 2)).ok()?;
        Date::new(i16::try_from(year).ok()?, month, day).ok()
    };
    (1900..2100).contains(&year) && date().is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// The example of GB 11643-1999 with an X, and one with a digit.
    const WITH_X: &str = "11010519491231002X";
    const WITH_DIGIT: &str = "440524188001010014";

    #[test]
    fn the_examples_of_the_standard_are_found() {
        assert!(holds_personal_id(WITH_X));
        // The standard's second example was born in 1880, which nobody in a record was.
        assert!(!holds_personal_id(WITH_DIGIT));
        assert!(holds_personal_id("110101199003074557"));
    }

    #[test]
    fn disguises_are_found() {
        for text in [
            "完成人张三（身份证11010519491231002x）",
            "110105 19491231 002X",
            "110105-19491231-002X",
            "１１０１０５１９４９１２３１００２Ｘ",
            "电话 13800138000 110105194912310 02X。",
            "id11010519491231002Xid",
            "11010519491231002XX",
            "1;11010519491231002X;2",
            "110105/19491231/002X",
            "110105,19491231,002(X)",
            "（110105）（19491231）002．Ｘ",
            "110105，1949／12／31，002X",
            "110105\u{200b}1949\u{200c}12\u{200d}31\u{feff}002X",
            "١١٠١٠٥١٩٤٩١٢٣١٠٠٢X",
            "۱۱۰۱۰۵۱۹۴۹۱۲۳۱۰۰۲X",
            "11010519491231002Ⅹ",
        ] {
            assert!(holds_personal_id(text), "{text}");
        }
    }

    #[test]
    fn other_long_numbers_pass() {
        for text in [
            "110105194912310021",
            "111010519491231002X",
            "1101051949123100",
            "12100000400002259P",
            "91110108551385082Q",
            "001051194912310029",
            "110105194913310021",
            "2019110100000123456789",
            // 15 digits: the old form, which nothing tells from other numbers.
            "110105491231002",
            "110105,19491231,0021",
            "1101051949123100，29",
            "",
        ] {
            assert!(!holds_personal_id(text), "{text}");
        }
    }

    #[test]
    fn numbers_and_nested_values_are_searched() {
        for value in [
            json!(110_101_199_003_074_557_u64),
            json!(["a", {"b": WITH_X}]),
            json!({ "110101199003074557": 1 }),
        ] {
            assert!(value_holds_personal_id(&value), "{value}");
        }
        assert!(!value_holds_personal_id(&json!([null, true, 1.5, 110_101_199_003_074_556_u64])));
    }

    proptest! {
        #[test]
        fn an_id_is_found_between_any_letters(before in "[a-z一-龥，]{0,20}", after in "[a-z一-龥，]{0,20}") {
            let text = format!("{before}11010519491231002X{after}");
            prop_assert!(holds_personal_id(&text));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,60}") {
            let _found = holds_personal_id(&text);
        }
    }
}
