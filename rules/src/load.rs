//! Decoding of a kind's file: its frame, its keys and gates, its states and derivations.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::KindId;
use crate::ceilings::{PUBLISHED, may_publish, never_published};
use crate::codes::CodeList;
use crate::field::Field;
use crate::kind::Kind;
use crate::lang::Titles;
use crate::link::{LinkRefused, RawLink};
use crate::members::Members;
use crate::property::{CodeLists, FieldContext, FieldRefused};
use crate::state::StateRule;
use crate::validators::Validators;
use crate::value_type::ValueType;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

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
    /// A state rests on a field that does not exist, is no date, lacks the code, or does not publish anything.
    #[error("state {state:?} cannot follow from {field:?}")]
    State {
        /// The state.
        state: String,
        /// The field.
        field: String,
    },
    /// A record that nothing publishes, such as a trade secret, would be `published`.
    #[error("state {PUBLISHED:?} must not hold where {field:?} is {code:?}")]
    Published {
        /// The field.
        field: &'static str,
        /// The code that must stand under `unless`.
        code: &'static str,
    },
    /// A link leads nowhere.
    #[error("field {field:?} is refused")]
    Link {
        /// The field's name.
        field: String,
        /// Why.
        #[source]
        source: LinkRefused,
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

/// The links of a kind, by field, before it is known where they lead.
pub(crate) type RawLinks = Vec<(String, RawLink)>;

/// Decodes the file of one kind.
pub(crate) fn decode_kind(
    id: KindId,
    bytes: &[u8],
    codes: &CodeLists,
    validators: &Validators,
) -> Result<(Kind, RawLinks), KindRefused> {
    let raw: RawKind = serde_json::from_slice(bytes).map_err(KindRefused::Json)?;
    check_frame(&id, &raw)?;
    let mut fields = Vec::new();
    let mut links = RawLinks::new();
    for (name, property) in raw.properties.0 {
        let context = FieldContext {
            kind: id.as_str(),
            states: &raw.states,
            codes,
            required: &raw.required,
            validators,
        };
        let decoded = context.decode(&name, property);
        let (field, link) = decoded.map_err(|source| KindRefused::Field { field: name.clone(), source })?;
        fields.push(field);
        links.extend(link.map(|link| (name, link)));
    }
    check_fields(&fields, raw.digests, &raw.required)?;
    check_secrecy(&id, &fields)?;
    check_states(&id, &raw.states, &fields)?;
    check_derivations(&fields)?;
    let titles = Titles { zh: raw.title, en: raw.title_en };
    Ok((Kind::assemble(id, titles, raw.digests, raw.states, fields), links))
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
            let fits = field.is_some_and(|f| {
                let editable = f.codes().is_some_and(CodeList::is_editable);
                let listed = |code: &String| {
                    f.codes().is_some_and(|list| list.codes().iter().any(|known| known.code == *code))
                };
                (f.value_type == ValueType::Date) == condition.wants_date()
                    && !editable
                    && condition.codes().iter().all(listed)
            });
            let publishes = state != PUBLISHED || !opens;
            if !fits || !publishes && !may_publish(id.as_str(), condition.field(), condition.wants_date()) {
                return Err(KindRefused::State { state: state.clone(), field: condition.field().to_owned() });
            }
        }
    }
    check_never_published(id, states)
}

fn check_never_published(id: &KindId, states: &BTreeMap<String, StateRule>) -> Result<(), KindRefused> {
    let Some(rule) = states.get(PUBLISHED) else { return Ok(()) };
    match never_published(id.as_str()).find(|(field, code)| !rule.excludes(field, code)) {
        Some((field, code)) => Err(KindRefused::Published { field, code }),
        None => Ok(()),
    }
}

/// A derived field fits its source and goes no further: the month of a guarded date and the band of a price are guarded.
fn check_derivations(fields: &[Field]) -> Result<(), KindRefused> {
    for field in fields {
        let Some(derivation) = &field.derivation else { continue };
        let refused = |source| Err(KindRefused::Field { field: field.name.clone(), source });
        let of = derivation.source().to_owned();
        let source = fields.iter().find(|f| f.name == of).filter(|source| {
            source.derivation.is_none() && derivation.fits(source.value_type(), field.value_type())
        });
        let Some(source) = source else { return refused(FieldRefused::Derivation(of)) };
        if let Some((declared, source_ceiling)) = field.ceiling.above(&source.ceiling) {
            return refused(FieldRefused::DerivationRaised { declared, source_ceiling, of });
        }
    }
    Ok(())
}
