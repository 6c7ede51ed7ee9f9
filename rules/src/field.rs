//! One field of a kind: its schema and everything the catalogue says about it.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::class::{ByState, Ceiling, Class};
use crate::codes::CodeList;
use crate::derive::Derivation;
use crate::lang::{Lang, Titles};
use crate::link::Link;
use crate::value_type::ValueType;

/// Whom or what a field could give away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// A natural person.
    Person,
    /// The other party of a deal.
    Counterparty,
    /// A price.
    Price,
}

/// A field (字段) of a kind.
pub struct Field {
    pub(crate) name: String,
    pub(crate) titles: Titles,
    pub(crate) value_type: ValueType,
    pub(crate) schema: Value,
    pub(crate) validator: Arc<jsonschema::Validator>,
    /// Set where the code list is editable: it takes any code.
    pub(crate) stated: Option<Arc<jsonschema::Validator>>,
    pub(crate) class: ByState<Class>,
    pub(crate) ceiling: ByState<Ceiling>,
    pub(crate) unit: Option<String>,
    pub(crate) forms: Vec<String>,
    pub(crate) codes: Option<Arc<CodeList>>,
    pub(crate) key: bool,
    pub(crate) required: bool,
    pub(crate) free_text: bool,
    pub(crate) subject: Option<Subject>,
    pub(crate) gate: Option<String>,
    pub(crate) example: Option<String>,
    pub(crate) derivation: Option<Derivation>,
    pub(crate) link: Option<Link>,
}

impl Field {
    /// The name in records and statements.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The title people read.
    #[must_use]
    pub fn title(&self, lang: Lang) -> &str {
        self.titles.text(lang)
    }

    /// What type of value it takes.
    #[must_use]
    pub fn value_type(&self) -> &ValueType {
        &self.value_type
    }

    /// The JSON Schema of the value, code lists filled in.
    #[must_use]
    pub fn schema(&self) -> &Value {
        &self.schema
    }

    /// The class: a constant or a table over a state.
    #[must_use]
    pub fn class(&self) -> &ByState<Class> {
        &self.class
    }

    /// The ceiling: a constant or a table over a state.
    #[must_use]
    pub fn ceiling(&self) -> &ByState<Ceiling> {
        &self.ceiling
    }

    /// The unit of the number, such as `分` or `bp`.
    #[must_use]
    pub fn unit(&self) -> Option<&str> {
        self.unit.as_deref()
    }

    /// The standard forms (R, Y, T, P, N, L) that have the field.
    #[must_use]
    pub fn forms(&self) -> &[String] {
        &self.forms
    }

    /// The code list its value, or each item of it, is taken from.
    #[must_use]
    pub fn codes(&self) -> Option<&CodeList> {
        self.codes.as_deref()
    }

    /// Whether it is part of the natural key.
    #[must_use]
    pub fn is_key(&self) -> bool {
        self.key
    }

    /// Whether every record has it.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.required
    }

    /// Whether it is free text: C3 unless a person approves the value.
    #[must_use]
    pub fn is_free_text(&self) -> bool {
        self.free_text
    }

    /// Whom or what it could give away.
    #[must_use]
    pub fn subject(&self) -> Option<Subject> {
        self.subject
    }

    /// The only value with which a record is taken at all, for a gate such as 成果密级.
    #[must_use]
    pub fn gate(&self) -> Option<&str> {
        self.gate.as_deref()
    }

    /// A value of the right form, for people.
    #[must_use]
    pub fn example(&self) -> Option<&str> {
        self.example.as_deref()
    }

    /// The field it is derived from.
    #[must_use]
    pub fn derived_from(&self) -> Option<&str> {
        self.derivation.as_ref().map(Derivation::source)
    }

    /// The kind whose records the values are keys of; each value must be one of theirs in the same node.
    #[must_use]
    pub fn link(&self) -> Option<&Link> {
        self.link.as_ref()
    }

    /// Whether the value fits the field's schema. A whole number written as `1.0` does not.
    #[must_use]
    pub fn accepts(&self, value: &Value) -> bool {
        self.fractions_fit(value) && self.validator.is_valid(value)
    }

    /// Whether the value fits the field as another institution may have it: a code of an editable list may be one of
    /// that institution's own.
    #[must_use]
    pub fn accepts_stated(&self, value: &Value) -> bool {
        let validator = self.stated.as_ref().unwrap_or(&self.validator);
        self.fractions_fit(value) && validator.is_valid(value)
    }

    /// JSON Schema calls 1.0 an integer; two spellings of one value would be two values to every reader of the bytes.
    pub(crate) fn fractions_fit(&self, value: &Value) -> bool {
        self.value_type.item() == &ValueType::Number || !holds_fraction(value)
    }
}

fn holds_fraction(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => false,
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(holds_fraction),
        Value::Object(parts) => parts.values().any(holds_fraction),
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({}, {:?}, {:?})", self.name, self.class, self.ceiling)
    }
}
