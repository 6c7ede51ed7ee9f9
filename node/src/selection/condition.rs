//! One condition on a record: a value, one of several, a range of dates, or a state such as `published`.

use jiff::civil::Date;
use safeharbor_rules::{Kind, Record, ValueType};
use serde_json::Value;

/// What stands between the values of which one must fit.
const OR: char = '|';
/// What stands between the first and the last day of a range.
const TO: &str = "..";

/// A condition on the fields or the state of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    name: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    OneOf(Vec<String>),
    /// Days from and to, as far as they are written; an empty one is open.
    Between(String, String),
    State(bool),
}

/// A text is no condition. It quotes no value: a value may be one that must not be seen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseConditionFailed {
    /// Neither a field nor a state.
    #[error("the kind {kind} has no field and no state {name:?}")]
    Name {
        /// The kind.
        kind: String,
        /// What was named.
        name: String,
    },
    /// A field without a value to compare with.
    #[error("the condition on {0:?} lacks a value: write field=value")]
    Value(String),
    /// A range on something else than a date.
    #[error("{0:?} is no date, so it has no range; write field=value or field=one|another")]
    Range(String),
    /// A range that is not two dates.
    #[error(
        "the range for {0:?} is not understood: write 2020-01-01..2020-12-31; either side may be left out"
    )]
    Dates(String),
    /// A state with something else than yes or no.
    #[error("{0:?} is a state: write {0} or {0}=no")]
    State(String),
}

impl Condition {
    /// Reads `field=value`, `field=one|another`, `field=from..to`, `state` or `state=no`.
    pub(super) fn parse(typed: &str, kind: &Kind) -> Result<Self, ParseConditionFailed> {
        let (name, value) = match typed.split_once(['=', '＝']) {
            Some((name, value)) => (name.trim(), Some(value.trim())),
            None => (typed.trim(), None),
        };
        let test = match kind.field(name) {
            Some(field) => {
                let value = value.filter(|value| !value.is_empty());
                parse_value(name, value, matches!(field.value_type(), ValueType::Date | ValueType::Month))?
            }
            None if kind.has_state(name) => parse_state(name, value)?,
            None => {
                let (kind, name) = (kind.id().to_string(), name.chars().take(64).collect());
                return Err(ParseConditionFailed::Name { kind, name });
            }
        };
        Ok(Self { name: name.to_owned(), test })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn holds(&self, kind: &Kind, record: &Record, today: Date) -> bool {
        match &self.test {
            Test::State(wanted) => kind.state(&self.name, record, today).unwrap_or(false) == *wanted,
            Test::OneOf(values) => record.get(&self.name).is_some_and(|value| is_one_of(value, values)),
            Test::Between(from, to) => {
                let date = record.get(&self.name).and_then(Value::as_str);
                date.is_some_and(|date| is_between(date, from, to))
            }
        }
    }
}

fn parse_value(name: &str, value: Option<&str>, is_date: bool) -> Result<Test, ParseConditionFailed> {
    let value = value.ok_or_else(|| ParseConditionFailed::Value(name.to_owned()))?;
    match value.split_once(TO) {
        Some(_) if !is_date => Err(ParseConditionFailed::Range(name.to_owned())),
        Some((from, to)) => {
            let (from, to) = (from.trim(), to.trim());
            let is_day = |day: &str| day.is_empty() || is_date_text(day);
            if !is_day(from) || !is_day(to) || (from.is_empty() && to.is_empty()) {
                return Err(ParseConditionFailed::Dates(name.to_owned()));
            }
            Ok(Test::Between(from.to_owned(), to.to_owned()))
        }
        None => Ok(Test::OneOf(value.split(OR).map(|one| one.trim().to_owned()).collect())),
    }
}

fn parse_state(name: &str, value: Option<&str>) -> Result<Test, ParseConditionFailed> {
    match value {
        None | Some("yes" | "是" | "true") => Ok(Test::State(true)),
        Some("no" | "否" | "false") => Ok(Test::State(false)),
        Some(_) => Err(ParseConditionFailed::State(name.to_owned())),
    }
}

/// A year, a month or a day: the dates of records may be as coarse.
fn is_date_text(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_number = |part: &&str, width| part.len() == width && part.bytes().all(|b| b.is_ascii_digit());
    match parts.as_slice() {
        [year] => is_number(year, 4),
        [year, month] => is_number(year, 4) && is_number(month, 2),
        [year, month, day] => is_number(year, 4) && is_number(month, 2) && is_number(day, 2),
        _ => false,
    }
}

/// As texts: ISO dates sort like days, and the last day of a range counts with all that lies in it.
fn is_between(date: &str, from: &str, to: &str) -> bool {
    (from.is_empty() || date >= from) && (to.is_empty() || date <= to || date.starts_with(to))
}

fn is_one_of(value: &Value, wanted: &[String]) -> bool {
    match value {
        Value::String(text) => wanted.contains(text),
        Value::Array(items) => items.iter().any(|item| is_one_of(item, wanted)),
        Value::Bool(flag) => wanted
            .iter()
            .any(|word| matches!((flag, word.as_str()), (true, "true" | "是") | (false, "false" | "否"))),
        Value::Number(number) => wanted.contains(&number.to_string()),
        Value::Null | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use safeharbor_rules::Catalogue;
    use serde_json::json;

    use super::*;

    fn holds(typed: &str, record: &Value) -> bool {
        let catalogue = Catalogue::embedded().unwrap();
        let kind = catalogue.kind(&"ACH".parse().unwrap()).unwrap();
        let condition = Condition::parse(typed, kind).unwrap();
        condition.holds(kind, record.as_object().unwrap(), "2026-03-01".parse().unwrap())
    }

    #[test]
    fn values_lists_ranges_and_states_are_compared() {
        let record = json!({ "name": "甲", "inventors": ["张三", "李四"], "public_since": "2020-06-30" });
        for typed in [
            "name=甲",
            "name = 乙|甲",
            "inventors=李四",
            "public_since=2020-01-01..2020-12-31",
            "public_since=2020..2020-06",
            "public_since=..2020-06-30",
            "public_since=2020-06-30..",
            "published",
            "published=是",
        ] {
            assert!(holds(typed, &record), "{typed}");
        }
        for typed in
            ["name=乙", "abstract=甲", "public_since=2020-07..", "public_since=..2020-06-29", "published=no"]
        {
            assert!(!holds(typed, &record), "{typed}");
        }
        assert!(holds("published=no", &json!({ "name": "甲" })), "unknown is not published");
    }

    #[test]
    fn what_cannot_be_understood_is_refused_without_its_value() {
        let catalogue = Catalogue::embedded().unwrap();
        let kind = catalogue.kind(&"ACH".parse().unwrap()).unwrap();
        for typed in [
            "nobody=SECRET",
            "name=",
            "name",
            "name=a..SECRET",
            "public_since=2020-1-1..SECRET",
            "public_since=..",
            "published=SECRET",
        ] {
            let refused = Condition::parse(typed, kind).unwrap_err().to_string();
            assert!(!refused.contains("SECRET"), "{refused}");
        }
    }
}
