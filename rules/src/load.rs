//! Decoding of a kind's file: every annotation is known, every class and ceiling is one that may be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::KindId;
use crate::ceilings::{Guarded, PUBLISHED, may_publish};
use crate::class::{ByState, Ceiling, Class};
use crate::codes::CodeList;
use crate::dates::{is_month, parse_date};
use crate::derive::Derivation;
use crate::field::{Field, Subject};
use crate::kind::Kind;
use crate::lang::Titles;
use crate::members::Members;
use crate::schema_words::{SchemaRefused, check_words, fill_codes};
use crate::state::StateRule;
use crate::value_type::ValueType;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Names that a statement's envelope or the SD-JWT format uses (WIRE.md, SD-JWT).
const RESERVED_NAMES: &[&str] = &[
    "_sd", "_sd_alg", "...", "iss", "iat", "nbf", "exp", "aud", "sub", "jti", "cnf", "vct", "seq", "prev",
    "rec", "rev", "cat", "status",
];

/// Code lists by name.
pub(crate) type CodeLists = BTreeMap<String, Arc<CodeList>>;

/// A kind's file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KindRefused {
    /// Not the JSON of a kind: a syntax error, a member that occurs twice, or one that kinds do not have.
    #[error("not a kind's schema")]
    Json(#[source] serde_json::Error),
    /// Another dialect than JSON Schema 2020-12.
    #[error("\"$schema\" must be {DIALECT:?}")]
    Dialect,
    /// `$id` is not that of the file's name.
    #[error("\"$id\" must be {0:?}")]
    Id(String),
    /// The kind takes properties it does not name, or is no object.
    #[error("a kind is of type \"object\" with \"additionalProperties\": false")]
    Open,
    /// More fields than digests: an absent optional field would show.
    #[error("{fields} fields do not fit into {digests} digests")]
    TooFewDigests {
        /// How many fields there are.
        fields: usize,
        /// What `x-digests` says.
        digests: usize,
    },
    /// More digests than a statement can carry.
    #[error("{0} digests are more than 512")]
    TooManyDigests(usize),
    /// No field is marked `x-key`, or a key or gate is not required.
    #[error("a kind has at least one \"x-key\", and every key and every gate is required: {0:?}")]
    Key(String),
    /// The kind needs a field `secrecy` (成果密级) that passes only "public", and does not have it.
    #[error("\"secrecy\" must be a field with the gate \"public\"")]
    Ungated,
    /// `required` names no field.
    #[error("\"required\" names {0:?}, which is no field")]
    Required(String),
    /// Two fields have one title.
    #[error("two fields have the title {0:?}")]
    DuplicateTitle(String),
    /// A state rests on a field that does not exist, is no date, or does not publish anything.
    #[error("state {state:?} cannot follow from {field:?}")]
    State {
        /// The state.
        state: String,
        /// The field.
        field: String,
    },
    /// A field is refused.
    #[error("field {field:?} is refused")]
    Field {
        /// The field's name.
        field: String,
        /// Why.
        #[source]
        source: FieldRefused,
    },
}

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
    /// The gate's value is not in the field's code list.
    #[error("the gate's value {0:?} is not in the code list")]
    Gate(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKind {
    #[serde(rename = "$schema")]
    schema: String,
    #[serde(rename = "$id")]
    id: String,
    title: String,
    #[serde(rename = "x-title-en")]
    title_en: String,
    #[serde(default, rename = "description")]
    _description: Option<String>,
    r#type: String,
    #[serde(rename = "additionalProperties")]
    additional_properties: bool,
    #[serde(rename = "x-digests")]
    digests: usize,
    #[serde(default, rename = "x-states")]
    states: BTreeMap<String, StateRule>,
    required: BTreeSet<String>,
    properties: Members,
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
}

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

/// Decodes the file of one kind.
pub(crate) fn decode_kind(id: KindId, bytes: &[u8], codes: &CodeLists) -> Result<Kind, KindRefused> {
    let raw: RawKind = serde_json::from_slice(bytes).map_err(KindRefused::Json)?;
    check_frame(&id, &raw)?;
    let mut fields = Vec::new();
    for (name, property) in raw.properties.0 {
        let context = FieldContext { kind: id.as_str(), states: &raw.states, codes, required: &raw.required };
        let field = context.decode(&name, property);
        fields.push(field.map_err(|source| KindRefused::Field { field: name, source })?);
    }
    check_fields(&fields, raw.digests, &raw.required)?;
    check_secrecy(&id, &fields)?;
    check_states(&id, &raw.states, &fields)?;
    check_derivations(&fields)?;
    let titles = Titles { zh: raw.title, en: raw.title_en };
    Ok(Kind::assemble(id, titles, raw.digests, raw.states, fields))
}

fn check_frame(id: &KindId, raw: &RawKind) -> Result<(), KindRefused> {
    if raw.schema != DIALECT {
        return Err(KindRefused::Dialect);
    }
    let expected = format!("urn:safeharbor:kind:{id}:1");
    if raw.id != expected {
        return Err(KindRefused::Id(expected));
    }
    if raw.r#type != "object" || raw.additional_properties {
        return Err(KindRefused::Open);
    }
    Ok(())
}

fn check_fields(fields: &[Field], digests: usize, required: &BTreeSet<String>) -> Result<(), KindRefused> {
    if fields.len() > digests {
        return Err(KindRefused::TooFewDigests { fields: fields.len(), digests });
    }
    if digests > 512 {
        return Err(KindRefused::TooManyDigests(digests));
    }
    if let Some(name) = required.iter().find(|name| !fields.iter().any(|f| f.name == **name)) {
        return Err(KindRefused::Required(name.clone()));
    }
    if !fields.iter().any(|f| f.key) {
        return Err(KindRefused::Key("x-key".to_owned()));
    }
    if let Some(field) = fields.iter().find(|f| (f.key || f.gate.is_some()) && !f.required) {
        return Err(KindRefused::Key(field.name.clone()));
    }
    let mut titles = BTreeSet::new();
    let twice = fields.iter().flat_map(|f| [&f.titles.zh, &f.titles.en]).find(|title| !titles.insert(*title));
    twice.map_or(Ok(()), |title| Err(KindRefused::DuplicateTitle(title.clone())))
}

/// No catalogue opens the door to classified results.
fn check_secrecy(id: &KindId, fields: &[Field]) -> Result<(), KindRefused> {
    let secrecy = fields.iter().find(|field| field.name == "secrecy");
    let needed = id.as_str() == "ACH" || secrecy.is_some();
    let gated = secrecy.and_then(|field| field.gate.as_deref()) == Some("public");
    if needed && !gated { Err(KindRefused::Ungated) } else { Ok(()) }
}

fn check_states(
    id: &KindId,
    states: &BTreeMap<String, StateRule>,
    fields: &[Field],
) -> Result<(), KindRefused> {
    for (state, rule) in states {
        for (condition, opens) in rule.conditions() {
            let field = fields.iter().find(|f| f.name == condition.field());
            let fits = field.is_some_and(|f| (f.value_type == ValueType::Date) == condition.wants_date());
            let publishes = state != PUBLISHED || !opens;
            if !fits || !publishes && !may_publish(id.as_str(), condition.field(), condition.wants_date()) {
                return Err(KindRefused::State { state: state.clone(), field: condition.field().to_owned() });
            }
        }
    }
    Ok(())
}

fn check_derivations(fields: &[Field]) -> Result<(), KindRefused> {
    for field in fields {
        let Some(derivation) = &field.derivation else { continue };
        let source = fields.iter().find(|f| f.name == derivation.source());
        let fits = source
            .is_some_and(|s| s.derivation.is_none() && derivation.fits(s.value_type(), field.value_type()));
        if !fits {
            let source = FieldRefused::Derivation(derivation.source().to_owned());
            return Err(KindRefused::Field { field: field.name.clone(), source });
        }
    }
    Ok(())
}

/// What a field is decoded against.
struct FieldContext<'a> {
    kind: &'a str,
    states: &'a BTreeMap<String, StateRule>,
    codes: &'a CodeLists,
    required: &'a BTreeSet<String>,
}

impl FieldContext<'_> {
    fn decode(&self, name: &str, property: Value) -> Result<Field, FieldRefused> {
        if !is_field_name(name) {
            return Err(FieldRefused::Name);
        }
        let (annotations, schema) = split(property);
        let notes: Annotations =
            serde_json::from_value(Value::Object(annotations)).map_err(FieldRefused::Annotation)?;
        self.check_class(name, &notes)?;
        let codes = notes.codes.as_ref().map(|list| self.code_list(list)).transpose()?;
        check_gate(notes.gate.as_deref(), codes.as_deref())?;
        let derivation = notes.derivation.map(|d| d.with_codes(codes.as_deref())).transpose()?;
        let (schema, value_type, validator) =
            compile(schema, codes.as_deref()).map_err(FieldRefused::Schema)?;
        Ok(Field {
            name: name.to_owned(),
            titles: Titles { zh: notes.title, en: notes.title_en },
            value_type,
            schema,
            validator,
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
        })
    }

    fn code_list(&self, name: &str) -> Result<Arc<CodeList>, FieldRefused> {
        self.codes.get(name).map(Arc::clone).ok_or_else(|| FieldRefused::UnknownCodes(name.to_owned()))
    }

    fn check_class(&self, name: &str, notes: &Annotations) -> Result<(), FieldRefused> {
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
        self.check_ceiling(name, notes, depends_on_publication)
    }

    fn check_ceiling(
        &self,
        name: &str,
        notes: &Annotations,
        by_publication: bool,
    ) -> Result<(), FieldRefused> {
        let Annotations { subject, free_text, .. } = *notes;
        let guarded = Guarded { kind: self.kind, field: name, subject, free_text };
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

fn compile(
    mut schema: Map<String, Value>,
    codes: Option<&CodeList>,
) -> Result<(Value, ValueType, jsonschema::Validator), SchemaRefused> {
    if let Some(codes) = codes {
        fill_codes(&mut schema, codes)?;
    }
    check_words(&schema)?;
    let schema = Value::Object(schema);
    let value_type = ValueType::of(&schema).ok_or(SchemaRefused::Type)?;
    let validator = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .with_pattern_options(jsonschema::PatternOptions::regex())
        .should_validate_formats(true)
        .with_format("date", |text: &str| parse_date(text).is_some())
        .with_format("year-month", is_month)
        .with_format("uscc", |text: &str| {
            text.parse::<safeharbor_core::institution::InstitutionCode>().is_ok()
        })
        .build(&schema)
        .map_err(|source| SchemaRefused::Invalid(source.to_string()))?;
    Ok((schema, value_type, validator))
}

fn check_gate(gate: Option<&str>, codes: Option<&CodeList>) -> Result<(), FieldRefused> {
    let Some(gate) = gate else { return Ok(()) };
    let listed = codes.is_some_and(|list| list.codes().iter().any(|code| code.code == gate));
    if listed { Ok(()) } else { Err(FieldRefused::Gate(gate.to_owned())) }
}

fn is_field_name(name: &str) -> bool {
    let starts_small = name.starts_with(|c: char| c.is_ascii_lowercase());
    let word = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    starts_small && word && name.len() <= 40 && !RESERVED_NAMES.contains(&name)
}
