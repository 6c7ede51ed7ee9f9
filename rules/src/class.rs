//! Disclosure classes (披露等级), ceilings (上限), and tables of either over a state of the record.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde_json::Value;

/// The disclosure class of a field; the order is by strictness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Class {
    /// Public.
    C0,
    /// The row may be disclosed.
    C1,
    /// Only aggregates leave.
    C2,
    /// Stays in the node.
    C3,
    /// Must not be stored.
    CX,
}

/// The most a field may ever be revealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ceiling {
    /// To nobody.
    Never,
    /// To one reviewer in a filing.
    Reviewer,
    /// To the hub.
    Hub,
}

/// A constant, or a table over one state of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ByState<T> {
    /// The same in every state.
    Constant(T),
    /// Depends on a state such as `published`.
    Table {
        /// The state's name.
        state: String,
        /// The value when the state holds.
        when_true: T,
        /// The value when it does not.
        when_false: T,
    },
}

impl<T: Copy> ByState<T> {
    /// The name of the state the table depends on.
    pub(crate) fn state(&self) -> Option<&str> {
        match self {
            Self::Constant(_) => None,
            Self::Table { state, .. } => Some(state),
        }
    }

    fn resolve(&self, state: Option<bool>, stricter: fn(T, T) -> T) -> T {
        match (self, state) {
            (Self::Constant(value), _)
            | (Self::Table { when_true: value, .. }, Some(true))
            | (Self::Table { when_false: value, .. }, Some(false)) => *value,
            (Self::Table { when_true, when_false, .. }, None) => stricter(*when_true, *when_false),
        }
    }
}

impl ByState<Class> {
    /// The class in a state; an unknown state takes the strictest of the table.
    #[must_use]
    pub fn in_state(&self, state: Option<bool>) -> Class {
        self.resolve(state, Class::max)
    }
}

impl ByState<Ceiling> {
    /// The ceiling in a state; an unknown state takes the lowest of the table.
    #[must_use]
    pub fn in_state(&self, state: Option<bool>) -> Ceiling {
        self.resolve(state, Ceiling::min)
    }

    /// The first pair of ceilings in which this one is above the other; tables over two states are compared at their worst.
    pub(crate) fn above(&self, other: &Self) -> Option<(Ceiling, Ceiling)> {
        let apart = matches!((self.state(), other.state()), (Some(one), Some(another)) if one != another);
        let pairs = if apart {
            [(self.most_open(), other.in_state(None)); 2]
        } else {
            [true, false].map(|holds| (self.in_state(Some(holds)), other.in_state(Some(holds))))
        };
        pairs.into_iter().find(|(one, another)| one > another)
    }

    /// The ceiling in the most open state: what no revealed value may exceed, whatever the record.
    #[must_use]
    pub fn most_open(&self) -> Ceiling {
        self.in_state(Some(true)).max(self.in_state(Some(false)))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTable<T> {
    by: String,
    values: RawValues<T>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawValues<T> {
    r#true: T,
    r#false: T,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for ByState<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if !value.is_object() {
            return serde_json::from_value(value).map(Self::Constant).map_err(D::Error::custom);
        }
        let table: RawTable<T> = serde_json::from_value(value).map_err(D::Error::custom)?;
        let RawValues { r#true: when_true, r#false: when_false } = table.values;
        Ok(Self::Table { state: table.by, when_true, when_false })
    }
}

impl Class {
    /// The short name, as in the schemas.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::C0 => "C0",
            Self::C1 => "C1",
            Self::C2 => "C2",
            Self::C3 => "C3",
            Self::CX => "CX",
        }
    }
}

impl Ceiling {
    /// The short name, as in the schemas.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Reviewer => "reviewer",
            Self::Hub => "hub",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Ceiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(text: &str) -> Result<ByState<Class>, String> {
        serde_json::from_str(text).map_err(|e| e.to_string())
    }

    #[test]
    fn an_unknown_state_takes_the_strictest_value() {
        let rule = class(r#"{"by": "published", "values": {"true": "C1", "false": "C3"}}"#).unwrap();
        assert_eq!(rule.in_state(Some(true)), Class::C1);
        assert_eq!(rule.in_state(Some(false)), Class::C3);
        assert_eq!(rule.in_state(None), Class::C3);
        let inverted = class(r#"{"by": "sealed", "values": {"true": "C3", "false": "C1"}}"#).unwrap();
        assert_eq!(inverted.in_state(None), Class::C3);
    }

    #[test]
    fn an_unknown_state_takes_the_lowest_ceiling() {
        let text = r#"{"by": "published", "values": {"true": "hub", "false": "never"}}"#;
        let rule: ByState<Ceiling> = serde_json::from_str(text).unwrap();
        assert_eq!(rule.in_state(None), Ceiling::Never);
        assert_eq!(rule.most_open(), Ceiling::Hub);
    }

    #[test]
    fn ceilings_are_compared_state_by_state() {
        let ceiling = |text: &str| serde_json::from_str::<ByState<Ceiling>>(text).unwrap();
        let table = |by: &str, yes: &str, no: &str| {
            ceiling(&format!(r#"{{"by": "{by}", "values": {{"true": "{yes}", "false": "{no}"}}}}"#))
        };
        let (hub, reviewer) = (ceiling(r#""hub""#), ceiling(r#""reviewer""#));
        let published = table("published", "hub", "reviewer");
        assert_eq!(hub.above(&reviewer), Some((Ceiling::Hub, Ceiling::Reviewer)));
        assert_eq!(hub.above(&published), Some((Ceiling::Hub, Ceiling::Reviewer)));
        assert_eq!(table("published", "reviewer", "hub").above(&published), hub.above(&reviewer));
        assert_eq!(table("noticed", "hub", "reviewer").above(&published), hub.above(&reviewer));
        for lower in [&reviewer, &published, &table("noticed", "reviewer", "never")] {
            assert_eq!(lower.above(&published), None);
            assert_eq!(lower.above(&hub), None);
        }
    }

    #[test]
    fn incomplete_or_foreign_tables_are_refused() {
        for bad in [
            r#""C4""#,
            r#"{"by": "published", "values": {"true": "C1"}}"#,
            r#"{"by": "published", "values": {"true": "C1", "false": "C3", "maybe": "C0"}}"#,
            r#"{"values": {"true": "C1", "false": "C3"}}"#,
            "3",
        ] {
            assert!(class(bad).is_err(), "{bad}");
        }
    }
}
