//! Texts of the hub, made fit to be kept and shown: nothing in them moves a cursor, turns a line around or fills a screen.

use serde_json::Value;

/// The most characters that are kept.
const CHARACTERS_MAX: usize = 300;

/// The text without control and direction characters, cut off where it is too long.
pub(crate) fn clean(text: &str) -> String {
    text.chars().filter(|c| !moves(*c)).take(CHARACTERS_MAX).collect()
}

/// A payload all of whose strings are clean; names of members are not shown.
pub(super) fn clean_value(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(clean(&text)),
        Value::Array(items) => items.into_iter().map(clean_value).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name, clean_value(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

/// Controls, line and paragraph separators, and what Unicode has to set and override directions.
fn moves(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_moves_is_stripped_and_length_is_capped() {
        for (text, expected) in [
            ("内容不符 content", "内容不符 content"),
            ("a\u{1b}[2Jb\r\nc\u{7}\u{9b}d", "a[2Jbcd"),
            ("\u{202e}txt\u{2066}x\u{2069}\u{200f}\u{61c}\u{2028}", "txtx"),
        ] {
            assert_eq!(clean(text), expected);
        }
        assert_eq!(clean(&"长".repeat(5_000)).chars().count(), 300);
    }

    #[test]
    fn strings_of_a_payload_are_clean_at_every_depth() {
        let value = json!({"seq": 1, "text": "a\u{1b}b", "more": ["c\u{202e}d", {"e": "f\n"}]});
        assert_eq!(clean_value(value), json!({"seq": 1, "text": "ab", "more": ["cd", {"e": "f"}]}));
    }
}
