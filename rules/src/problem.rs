//! What is wrong with a record, as facts; the words for people are in `problem_text`.

use std::fmt;

use crate::lang::Titles;
use crate::value_type::ValueType;

/// The longest piece of a value that a problem repeats.
const SHOWN_MAX: usize = 60;

/// What kind of problem it is; stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProblemCode {
    /// 成果密级 is missing or not 公开: the record is refused.
    Secrecy,
    /// An identity card number: the record is refused.
    PersonalId,
    /// The field's class is CX: it must not be stored.
    Forbidden,
    /// The kind has no such field.
    UnknownField,
    /// A required field is missing.
    Missing,
    /// The value is not in the code list.
    NotInList,
    /// The value has another type.
    Type,
    /// The value is no date, month or institution code, or does not have the field's form.
    Format,
    /// The text or list is too long or too short.
    Length,
    /// The number is out of range.
    Range,
    /// The value contradicts the field it follows from.
    Contradiction,
}

impl ProblemCode {
    /// The code as it stands in files and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Secrecy => "secrecy",
            Self::PersonalId => "personal-id",
            Self::Forbidden => "forbidden",
            Self::UnknownField => "unknown-field",
            Self::Missing => "missing",
            Self::NotInList => "not-in-list",
            Self::Type => "type",
            Self::Format => "format",
            Self::Length => "length",
            Self::Range => "range",
            Self::Contradiction => "contradiction",
        }
    }

    /// Whether nothing of the record may be copied anywhere, not even into a file of rejected rows.
    #[must_use]
    pub const fn withholds_record(self) -> bool {
        matches!(self, Self::Secrecy | Self::PersonalId | Self::Forbidden)
    }
}

impl fmt::Display for ProblemCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the field wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Nothing more than the code says.
    Plain,
    /// One of these labels, in Chinese and English, and how many there are.
    OneOf { labels: Vec<Titles>, of: usize },
    /// Nothing yet: the list of this name and title is empty until the institution fills it in.
    EmptyList { list: String, titles: Titles },
    /// A value of this type, with its unit.
    Typed { value_type: ValueType, unit: Option<String> },
    /// A text of the form of this example.
    Like(String),
    /// At least or at most so many characters.
    Characters { least: Option<u64>, most: Option<u64> },
    /// At least or at most so many items.
    Items { least: Option<u64>, most: Option<u64> },
    /// No item twice.
    Unique,
    /// A number within these bounds, written out, with its unit.
    Bounds { least: Option<String>, most: Option<String>, unit: Option<String> },
    /// The value that follows from the field of these titles.
    FollowsFrom(Titles),
    /// A group with the right parts.
    Parts,
    /// The one value of a gate.
    Gate(Titles),
}

/// One thing that is wrong with a record. It may hold a value: it stays in the node, and `Debug` withholds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field, where it is one of the kind's or its name may be repeated.
    pub field: Option<String>,
    /// What kind of problem it is.
    pub code: ProblemCode,
    /// The value as found, shortened; never one of a record that is refused for secrecy or CX.
    pub value: Option<String>,
    pub(crate) titles: Option<Titles>,
    pub(crate) expected: Expected,
}

impl Problem {
    pub(crate) fn new(code: ProblemCode, field: Option<&crate::Field>, expected: Expected) -> Self {
        let titles = field.map(|f| f.titles.clone());
        Self { field: field.map(|f| f.name.clone()), code, value: None, titles, expected }
    }

    pub(crate) fn with_value(mut self, value: &serde_json::Value) -> Self {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.value = Some(shorten(&text));
        self
    }
}

/// At most [`SHOWN_MAX`] characters, without control characters.
pub(crate) fn shorten(text: &str) -> String {
    let mut shown: String = text.chars().filter(|c| !c.is_control()).take(SHOWN_MAX).collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        shown.push('…');
    }
    shown
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if self.value.is_some() { "value withheld" } else { "no value" };
        write!(f, "Problem({}, {:?}, {value})", self.code, self.field)
    }
}
