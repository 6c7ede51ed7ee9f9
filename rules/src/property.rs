//! Decoding of one property of a kind: every annotation is known, its class and ceiling are ones that may be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::ceilings::{Guarded, PUBLISHED};
use crate::class::{ByState, Ceiling, Class};
use crate::codes::CodeList;
use crate::derive::Derivation;
use crate::field::{Field, Subject};
use crate::lang::Titles;
use crate::link::RawLink;
use crate::schema_words::{SchemaRefused, check_words, fill_any_code, fill_codes, is_name, part_names};
use crate::state::StateRule;
use crate::validators::Validators;
use crate::value_type::ValueType;

/// Names that a statement's envelope or the SD-JWT format uses (WIRE.md, SD-JWT).
const RESERVED_NAMES: &[&str] = &[
    "_sd", "_sd_alg", "...", "iss", "iat", "nbf", "exp", "aud", "sub", "jti", "cnf", "vct", "seq", "prev",
    "rec", "rev", "cat", "status",
];

/// Code lists by name.
pub(crate) type CodeLists = BTreeMap<String, Arc<CodeList>>;

/// A field that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FieldRefused {
    /// The name is reserved, or not letters, digits and '_' after a small letter, at most 40.
    #[error("the name is reserved or not of the form a-z, A-Z, 0-9 and '_'")]
    Name,
    /// The property is no object, or an annotation or its value is unknown.
    #[error("an annotation is refused")]
    Annotation(#[source] serde_json::Error),
    /// A schema keyword that kinds do not use, or a value without bounds.
    #[error("the schema is refused")]
    Schema(#[source] SchemaRefused),
    /// The class table has no C3: something must be withheld while the state is unknown.
    #[error("a table of classes must contain C3")]
    TableWithoutC3,
    /// A table over a state that the kind does not define, or two tables over two states.
    #[error("the class and ceiling depend on states the kind does not define, or on two of them")]
    UnknownState,
    /// A code list that does not exist.
    #[error("there is no code list {0:?}")]
    UnknownCodes(String),
    /// The ceiling is above the compiled one.
    #[error("the ceiling {declared} is above {highest}, which is compiled in")]
    CeilingRaised {
        /// What the catalogue says.
        declared: Ceiling,
        /// What is compiled in.
        highest: Ceiling,
    },
    /// Free text with another class than C3.
    #[error("free text is C3 unless a person approves the value")]
    FreeTextClass,
    /// The source of a derived field does not exist or does not fit.
    #[error("the derivation from {0:?} does not fit")]
    Derivation(String),
    /// The field may go further than the one its value follows from.
    #[error("the ceiling {declared} is above {source_ceiling}, that of {of:?}, from which the value follows")]
    DerivationRaised {
        /// What the catalogue says.
        declared: Ceiling,
        /// The ceiling of the source in the same state.
        source_ceiling: Ceiling,
        /// The source.
        of: String,
    },
    /// A key, gate or derived field whose list an institution may replace.
    #[error("{0:?} is a list institutions edit themselves; no key, gate or derivation rests on it")]
    EditableDecides(String),
    /// The gate's value is not in the field's code list.
    #[error("the gate's value {0:?} is not in the code list")]
    Gate(String),
}

/// The annotations of one property; what is left over is its schema.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Annotations {
    title: String,
    #[serde(rename = "x-title-en")]
    title_en: String,
    #[serde(rename = "x-class")]
    class: ByState<Class>,
    #[serde(rename = "x-ceiling")]
    ceiling: ByState<Ceiling>,
    #[serde(rename = "x-source")]
    _source: Source,
    #[serde(default, rename = "x-unit")]
    unit: Option<String>,
    #[serde(default, rename = "x-forms")]
    forms: Vec<Form>,
    #[serde(default, rename = "x-codes")]
    codes: Option<String>,
    #[serde(default, rename = "x-key")]
    key: bool,
    #[serde(default, rename = "x-free-text")]
    free_text: bool,
    #[serde(default, rename = "x-subject")]
    subject: Option<Subject>,
    #[serde(default, rename = "x-example")]
    example: Option<String>,
    #[serde(default, rename = "x-gate")]
    gate: Option<String>,
    #[serde(default, rename = "x-derived")]
    derivation: Option<Derivation>,
    #[serde(default, rename = "x-link")]
    link: Option<RawLink>,
}

/// A field, and the link it has, which leads to kinds that may not be decoded yet.
pub(crate) type Decoded = (Field, Option<RawLink>);

/// Where a field and its class come from.
#[derive(Deserialize)]
enum Source {
    #[serde(rename = "DOMAIN 2")]
    Domain,
    #[serde(rename = "own")]
    Own,
    #[serde(rename = "inference")]
    Inference,
}

/// The standard forms: R 成果登记表, Y 年度报告, T 技术合同登记表, P patent register, N notice, L 单列台账.
#[derive(Deserialize, Debug)]
enum Form {
    R,
    Y,
    T,
    P,
    N,
    L,
}

/// What a field is decoded against.
pub(crate) struct FieldContext<'a> {
    pub(crate) kind: &'a str,
    pub(crate) states: &'a BTreeMap<String, StateRule>,
    pub(crate) codes: &'a CodeLists,
    pub(crate) required: &'a BTreeSet<String>,
    pub(crate) validators: &'a Validators,
}

impl FieldContext<'_> {
    pub(crate) fn decode(&self, name: &str, property: Value) -> Result<Decoded, FieldRefused> {
        if !is_field_name(name) {
            return Err(FieldRefused::Name);
        }
        let (annotations, schema) = split(property);
        let notes: Annotations =
            serde_json::from_value(Value::Object(annotations)).map_err(FieldRefused::Annotation)?;
        self.check_class(name, &notes, &part_names(&schema))?;
        let codes = notes.codes.as_ref().map(|list| self.code_list(list)).transpose()?;
        check_gate(notes.gate.as_deref(), codes.as_deref())?;
        check_editable(&notes, codes.as_deref())?;
        let derivation = notes.derivation.map(|d| d.with_codes(codes.as_deref())).transpose()?;
        let stated = self.compile_stated(&schema, codes.as_deref()).map_err(FieldRefused::Schema)?;
        let (schema, value_type, validator) =
            self.compile(schema, codes.as_deref()).map_err(FieldRefused::Schema)?;
        let field = Field {
            name: name.to_owned(),
            titles: Titles { zh: notes.title, en: notes.title_en },
            value_type,
            schema,
            validator,
            stated,
            class: notes.class,
            ceiling: notes.ceiling,
            unit: notes.unit,
            forms: notes.forms.iter().map(|form| format!("{form:?}")).collect(),
            codes,
            key: notes.key,
            required: self.required.contains(name),
            free_text: notes.free_text,
            subject: notes.subject,
            gate: notes.gate,
            example: notes.example,
            derivation,
            link: None,
        };
        Ok((field, notes.link))
    }

    fn compile(
        &self,
        mut schema: Map<String, Value>,
        codes: Option<&CodeList>,
    ) -> Result<(Value, ValueType, Arc<jsonschema::Validator>), SchemaRefused> {
        if let Some(codes) = codes {
            fill_codes(&mut schema, codes)?;
        }
        check_words(&schema)?;
        let schema = Value::Object(schema);
        let value_type = ValueType::of(&schema).ok_or(SchemaRefused::Type)?;
        let validator = self.validators.compile(&schema)?;
        Ok((schema, value_type, validator))
    }

    /// What the hub takes where the institution may have a list of its own: anything of the form of a code.
    fn compile_stated(
        &self,
        schema: &Map<String, Value>,
        codes: Option<&CodeList>,
    ) -> Result<Option<Arc<jsonschema::Validator>>, SchemaRefused> {
        if !codes.is_some_and(CodeList::is_editable) {
            return Ok(None);
        }
        let mut schema = schema.clone();
        fill_any_code(&mut schema)?;
        self.validators.compile(&Value::Object(schema)).map(Some)
    }

    fn code_list(&self, name: &str) -> Result<Arc<CodeList>, FieldRefused> {
        self.codes.get(name).map(Arc::clone).ok_or_else(|| FieldRefused::UnknownCodes(name.to_owned()))
    }

    fn check_class(&self, name: &str, notes: &Annotations, parts: &[&str]) -> Result<(), FieldRefused> {
        let states: BTreeSet<&str> = notes.class.state().into_iter().chain(notes.ceiling.state()).collect();
        if states.len() > 1 || states.iter().any(|state| !self.states.contains_key(*state)) {
            return Err(FieldRefused::UnknownState);
        }
        if let ByState::Table { when_true, when_false, .. } = &notes.class
            && ![when_true, when_false].contains(&&Class::C3)
        {
            return Err(FieldRefused::TableWithoutC3);
        }
        if notes.free_text && notes.class != ByState::Constant(Class::C3) {
            return Err(FieldRefused::FreeTextClass);
        }
        let depends_on_publication = states.contains(PUBLISHED);
        self.check_ceiling(name, notes, parts, depends_on_publication)
    }

    fn check_ceiling(
        &self,
        name: &str,
        notes: &Annotations,
        parts: &[&str],
        by_publication: bool,
    ) -> Result<(), FieldRefused> {
        let Annotations { subject, free_text, .. } = *notes;
        let guarded = Guarded { kind: self.kind, field: name, parts, subject, free_text };
        for holds in [true, false] {
            let declared = notes.ceiling.in_state(Some(holds));
            let highest = guarded.highest(notes.class.in_state(Some(holds)), by_publication && holds);
            if declared > highest {
                return Err(FieldRefused::CeilingRaised { declared, highest });
            }
        }
        Ok(())
    }
}

/// Separates what the catalogue says about a property from the schema of its value.
fn split(property: Value) -> (Map<String, Value>, Map<String, Value>) {
    let Value::Object(members) = property else { return (Map::new(), Map::new()) };
    members.into_iter().partition(|(word, _)| word == "title" || word.starts_with("x-"))
}

/// What an institution edits itself decides nothing.
fn check_editable(notes: &Annotations, codes: Option<&CodeList>) -> Result<(), FieldRefused> {
    let decides = notes.key || notes.gate.is_some() || notes.derivation.is_some();
    match codes.filter(|list| list.is_editable() && decides) {
        Some(list) => Err(FieldRefused::EditableDecides(list.name().to_owned())),
        None => Ok(()),
    }
}

fn check_gate(gate: Option<&str>, codes: Option<&CodeList>) -> Result<(), FieldRefused> {
    let Some(gate) = gate else { return Ok(()) };
    let listed = codes.is_some_and(|list| list.codes().iter().any(|code| code.code == gate));
    if listed { Ok(()) } else { Err(FieldRefused::Gate(gate.to_owned())) }
}

fn is_field_name(name: &str) -> bool {
    is_name(name) && !RESERVED_NAMES.contains(&name)
}
