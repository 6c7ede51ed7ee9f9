//! What a field's schema accepts, in the terms an importer or a form needs.

use serde_json::Value;

/// The type of a field's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueType {
    /// Text.
    Text,
    /// `YYYY-MM-DD`.
    Date,
    /// `YYYY-MM`.
    Month,
    /// An 18-character institution code (统一社会信用代码).
    Institution,
    /// A whole number.
    Integer,
    /// A number with a fraction.
    Number,
    /// `true` or `false`.
    Flag,
    /// A list of values of one type.
    List(Box<Self>),
    /// A group of named parts.
    Group,
}

impl ValueType {
    /// Reads the type off a property's schema.
    pub(crate) fn of(schema: &Value) -> Option<Self> {
        match schema.get("type").and_then(Value::as_str)? {
            "string" => Self::of_text(schema.get("format").and_then(Value::as_str)),
            "integer" => Some(Self::Integer),
            "number" => Some(Self::Number),
            "boolean" => Some(Self::Flag),
            "array" => Self::of(schema.get("items")?).map(|item| Self::List(Box::new(item))),
            "object" => Some(Self::Group),
            _ => None,
        }
    }

    fn of_text(format: Option<&str>) -> Option<Self> {
        match format {
            None => Some(Self::Text),
            Some("date") => Some(Self::Date),
            Some("year-month") => Some(Self::Month),
            Some("uscc") => Some(Self::Institution),
            Some(_) => None,
        }
    }

    /// Whether a record holds it as a text.
    #[must_use]
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Text | Self::Date | Self::Month | Self::Institution)
    }

    /// The type of one item, for a list; the type itself otherwise.
    #[must_use]
    pub fn item(&self) -> &Self {
        match self {
            Self::List(item) => item,
            Self::Text
            | Self::Date
            | Self::Month
            | Self::Institution
            | Self::Integer
            | Self::Number
            | Self::Flag
            | Self::Group => self,
        }
    }
}
