//! A record kind (记录类别) and the class and ceiling of its fields in a given record.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use jiff::civil::Date;
use serde_json::Value;

use crate::class::{Ceiling, Class};
use crate::field::Field;
use crate::lang::{Lang, Titles};
use crate::link::{Keys, LinkRefused, RawLink};
use crate::state::StateRule;
use crate::{KindId, Record};

/// What stands between the parts of a natural key of several fields.
const KEY_SEPARATOR: &str = "\u{1f}";

/// A record kind, decoded from its JSON Schema.
pub struct Kind {
    id: KindId,
    titles: Titles,
    digests: usize,
    states: BTreeMap<String, StateRule>,
    fields: Vec<Field>,
    index: HashMap<String, usize>,
    derived: Vec<usize>,
}

impl Kind {
    pub(crate) fn assemble(
        id: KindId,
        titles: Titles,
        digests: usize,
        states: BTreeMap<String, StateRule>,
        fields: Vec<Field>,
    ) -> Self {
        let index = fields.iter().enumerate().map(|(at, field)| (field.name.clone(), at)).collect();
        let derived =
            fields.iter().enumerate().filter(|(_, f)| f.derivation.is_some()).map(|(at, _)| at).collect();
        Self { id, titles, digests, states, fields, index, derived }
    }

    /// Sets where the link of a field leads, once every kind is decoded.
    pub(crate) fn resolve_link(
        &mut self,
        field: &str,
        link: &RawLink,
        keys: &Keys,
    ) -> Result<(), LinkRefused> {
        let at = self.index.get(field).copied();
        if let Some(field) = at.and_then(|at| self.fields.get_mut(at)) {
            field.link = Some(keys.resolve(link, &field.value_type)?);
        }
        Ok(())
    }

    /// The id, such as `ACH`.
    #[must_use]
    pub fn id(&self) -> &KindId {
        &self.id
    }

    /// The title people read.
    #[must_use]
    pub fn title(&self, lang: Lang) -> &str {
        self.titles.text(lang)
    }

    /// How many digests every disclosure of the kind has, decoys included.
    #[must_use]
    pub fn digests(&self) -> usize {
        self.digests
    }

    /// The fields, in the order of the file.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The field of that name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.index.get(name).and_then(|at| self.fields.get(*at))
    }

    /// The fields of the natural key.
    pub fn key_fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.key)
    }

    /// The natural key of a record: which one it is among its kind; `None` where a part is missing or no text.
    #[must_use]
    pub fn key_of(&self, record: &Record) -> Option<String> {
        let parts: Option<Vec<&str>> =
            self.key_fields().map(|field| record.get(&field.name).and_then(Value::as_str)).collect();
        parts.map(|parts| parts.join(KEY_SEPARATOR))
    }

    /// When each state holds.
    pub(crate) fn states(&self) -> &BTreeMap<String, StateRule> {
        &self.states
    }

    /// Whether the kind's classes or ceilings may follow a state of this name.
    #[must_use]
    pub fn has_state(&self, name: &str) -> bool {
        self.states.contains_key(name)
    }

    /// Whether a state such as `published` holds; `None` where the record does not say, or the kind has no such state.
    #[must_use]
    pub fn state(&self, name: &str, record: &Record, today: Date) -> Option<bool> {
        self.states.get(name).and_then(|rule| rule.holds(record, today))
    }

    /// The class of a field in this record; a name that is no field's is C3.
    #[must_use]
    pub fn class_of(&self, field: &str, record: &Record, today: Date) -> Class {
        self.field(field)
            .map_or(Class::C3, |f| f.class.in_state(self.resolve(f.class.state(), record, today)))
    }

    /// The ceiling of a field in this record; a name that is no field's goes to nobody.
    #[must_use]
    pub fn ceiling_of(&self, field: &str, record: &Record, today: Date) -> Ceiling {
        self.field(field)
            .map_or(Ceiling::Never, |f| f.ceiling.in_state(self.resolve(f.ceiling.state(), record, today)))
    }

    fn resolve(&self, state: Option<&str>, record: &Record, today: Date) -> Option<bool> {
        state.and_then(|name| self.state(name, record, today))
    }

    pub(crate) fn derived_fields(&self) -> impl Iterator<Item = &Field> {
        self.derived.iter().filter_map(|at| self.fields.get(*at))
    }

    /// The first gate the record does not pass, such as a 成果密级 that is absent or not 公开.
    pub(crate) fn closed_gate(&self, record: &Record) -> Option<&Field> {
        self.fields.iter().find(|field| {
            let passes = |gate| record.get(&field.name).and_then(Value::as_str) == Some(gate);
            field.gate.as_deref().is_some_and(|gate| !passes(gate))
        })
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kind({}, {} fields, {} digests)", self.id, self.fields.len(), self.digests)
    }
}
