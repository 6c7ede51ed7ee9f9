//! States of a record (`published`, `noticed`) and how they follow from its own fields.

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::Value;

use crate::Record;
use crate::dates::parse_date;

/// When a state holds: one of `any`, and none of `unless`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StateRule {
    any: Vec<Condition>,
    #[serde(default)]
    unless: Vec<Condition>,
}

/// One condition on one field.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum Condition {
    /// The date in the field is today or earlier.
    DateReached {
        /// The field.
        date_reached: String,
    },
    /// The field holds one of these codes.
    Holds {
        /// The field.
        field: String,
        /// The codes.
        r#in: Vec<String>,
    },
}

impl StateRule {
    /// Whether the state holds; `None` where the record does not say.
    pub(crate) fn holds(&self, record: &Record, today: Date) -> Option<bool> {
        for condition in &self.unless {
            if condition.holds(record, today)? {
                return Some(false);
            }
        }
        let answers = self.any.iter().filter_map(|condition| condition.holds(record, today));
        answers.reduce(|one, other| one || other)
    }

    /// Whether it can never hold for a record that has this code in the field.
    pub(crate) fn excludes(&self, field: &str, code: &str) -> bool {
        self.unless.iter().any(|condition| {
            condition.field() == field && condition.codes().iter().any(|excluded| excluded == code)
        })
    }

    /// Every condition, with whether it makes the state hold (rather than keeps it from holding).
    pub(crate) fn conditions(&self) -> impl Iterator<Item = (&Condition, bool)> {
        self.any.iter().map(|c| (c, true)).chain(self.unless.iter().map(|c| (c, false)))
    }
}

impl Condition {
    fn holds(&self, record: &Record, today: Date) -> Option<bool> {
        let text = record.get(self.field()).and_then(Value::as_str)?;
        match self {
            Self::DateReached { .. } => parse_date(text).map(|date| date <= today),
            Self::Holds { r#in, .. } => Some(r#in.iter().any(|code| code == text)),
        }
    }

    /// The field it looks at.
    pub(crate) fn field(&self) -> &str {
        match self {
            Self::DateReached { date_reached: field } | Self::Holds { field, .. } => field,
        }
    }

    /// The codes it looks for.
    pub(crate) fn codes(&self) -> &[String] {
        match self {
            Self::DateReached { .. } => &[],
            Self::Holds { r#in, .. } => r#in,
        }
    }

    /// Whether the field must be a date.
    pub(crate) fn wants_date(&self) -> bool {
        matches!(self, Self::DateReached { .. })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RULE: &str = r#"{"any": [{"date_reached": "public_since"}, {"date_reached": "pub_date"}],
        "unless": [{"field": "right_kind", "in": ["TS"]}]}"#;

    fn published(record: Value) -> Option<bool> {
        let rule: StateRule = serde_json::from_str(RULE).unwrap();
        let Value::Object(record) = record else { return None };
        rule.holds(&record, Date::constant(2026, 3, 1))
    }

    #[test]
    fn a_state_follows_from_the_record() {
        let check = |record: Value, expected: Option<bool>| {
            assert_eq!(published(record.clone()), expected, "{record}")
        };
        check(json!({"right_kind": "P", "pub_date": "2026-03-01"}), Some(true));
        check(json!({"right_kind": "P", "pub_date": "2026-03-02"}), Some(false));
        check(json!({"right_kind": "P", "pub_date": "2026-03-02", "public_since": "2020-01-01"}), Some(true));
        check(json!({"right_kind": "TS", "pub_date": "2020-01-01"}), Some(false));
        check(json!({"right_kind": "P"}), None);
        check(json!({"pub_date": "2020-01-01"}), None);
        check(json!({"right_kind": "P", "pub_date": "2020"}), None);
        check(json!({"right_kind": "P", "pub_date": 20200101}), None);
    }
}
