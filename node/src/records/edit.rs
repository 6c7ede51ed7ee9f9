//! Editing (修改): a person changes fields of one record here, by the rules that rows of files are read by.

use std::collections::BTreeMap;

use safeharbor_core::digest::Digest;
use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_interchange::import::Objection;
use safeharbor_interchange::layout::{Column, Layout};
use safeharbor_rules::{Kind, Lang, Problem, ProblemCode, Record, holds_personal_id};
use safeharbor_service::audit::AuditFailed;
use safeharbor_service::person::Person;
use safeharbor_service::store::{Batch, StoreFailed};

use super::adding::{Content, add};
use super::links::LinkLookup;
use super::{RecordsFailed, Source, Stored, canonical, words};
use crate::context::Context;
use crate::disclosure::find_kind;
use crate::hold::{self, HoldFailed};
use crate::policy::PolicyFailed;

/// A revision made by a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// Which record.
    pub rec: RecordHandle,
    /// The revision's number.
    pub rev: u32,
    /// The names of the fields that say something else than before.
    pub fields: Vec<String>,
}

/// A record could not be edited. Texts may hold values: they stay here.
#[derive(Debug, thiserror::Error)]
pub enum EditFailed {
    /// There is no such record, it was erased or retired.
    #[error("there is no record {0}")]
    NoRecord(RecordHandle),
    /// The catalogue lacks the record's kind.
    #[error("the catalogue has no kind {0}")]
    UnknownKind(KindId),
    /// The kind has no such field.
    #[error("the kind {kind} has no field {field:?}")]
    NoField {
        /// The kind.
        kind: KindId,
        /// What was typed.
        field: String,
    },
    /// A part of the natural key, without which it would be another record.
    #[error(
        "the field {0:?} tells the record apart from others and cannot be edited; import the record under its right number and retire this one"
    )]
    Key(String),
    /// It follows from another field.
    #[error("the field {field:?} follows from {source_field:?}; edit that one")]
    Derived {
        /// The field.
        field: String,
        /// What it follows from.
        source_field: String,
    },
    /// The text is no value of the field.
    #[error("the field {field:?} does not take this value")]
    Value {
        /// The field.
        field: String,
        /// What is wrong, and what to do.
        objection: Box<Objection>,
    },
    /// The record would break rules of its kind.
    #[error("the record would break rules of its kind")]
    Problems(Vec<Problem>),
    /// It may not be stored as it was typed, so what is stored is held back.
    #[error("the record is not edited but held back: nothing of it leaves by itself any more")]
    Withheld(#[source] Box<Self>),
    /// It would name records that are not here.
    #[error("the record would name records that are not here: {}", .0.join(", "))]
    Links(Vec<String>),
    /// It says so already.
    #[error("nothing would change")]
    Nothing,
    /// The record cannot be read.
    #[error("the record cannot be read")]
    Records(#[from] RecordsFailed),
    /// It cannot be held back.
    #[error("the record cannot be held back")]
    Hold(#[from] HoldFailed),
    /// What may leave of it cannot be told.
    #[error("the record cannot be changed")]
    Policy(#[from] PolicyFailed),
    /// The store failed.
    #[error("the edit cannot be kept")]
    Store(#[from] StoreFailed),
    /// The audit log cannot be written.
    #[error("the edit cannot be logged")]
    Audit(#[from] AuditFailed),
}

/// Gives fields of `rec` other values as the own layout writes them; an empty text clears a field. Durable on return. A record that
/// would say that it is secret, or hold what must not be stored, stays as it is and is held back as by a row that says so.
///
/// # Errors
/// A field or value that the kind does not take, or the store.
pub fn edit(
    context: &Context,
    rec: RecordHandle,
    values: &BTreeMap<String, String>,
    person: &Person,
) -> Result<Edited, EditFailed> {
    let held = context.outbox.hold();
    let stored = context.records.last(rec)?.ok_or(EditFailed::NoRecord(rec))?;
    let revision = stored.revision.clone();
    let current = context.records.current(&revision.kind, &revision.key)?;
    let current = current.filter(|current| current.rec == rec).ok_or(EditFailed::NoRecord(rec))?;
    let catalogue = context.catalogue();
    let kind = find_kind(&catalogue, &revision.kind)
        .ok_or_else(|| EditFailed::UnknownKind(revision.kind.clone()))?;
    let (mut record, mut raw) = (revision.record.clone(), revision.raw);
    let read = set_all(kind, values, &mut record);
    if let Err(failed) = read.and_then(|()| verify(context, kind, &revision.record, &record)) {
        return Err(hold_back(context, kind, &stored, values, failed)?);
    }
    let fields = words::differing(&revision.record, &record);
    if fields.is_empty() {
        return Err(EditFailed::Nothing);
    }
    raw.retain(|field, _| !fields.contains(field));
    let digest = Digest::of(&canonical(&record, &raw)?);
    let policy = context.policy()?;
    let grant = policy.and_then(|policy| policy.grant(kind, &record, context.clock.today()));
    let source = Source::Edit { person: person.clone() };
    let content = Content { key: revision.key, record, raw, digest, grant, source };
    let mut batch = Batch::new();
    let (rec, rev) = add(context, kind, Some(current), content, &mut batch)?;
    let detail = serde_json::json!({ "revision": rev, "fields": fields });
    context.audit.append(Some(person), "edit", &format!("{} {rec}", kind.id()), detail)?;
    context.store.commit(batch)?;
    context.store.flush()?;
    drop(held);
    context.outbox.announce();
    Ok(Edited { rec, rev, fields })
}

/// Holds the record back if what was typed may not be stored, as a row that says so would.
fn hold_back(
    context: &Context,
    kind: &Kind,
    stored: &Stored,
    values: &BTreeMap<String, String>,
    failed: EditFailed,
) -> Result<EditFailed, EditFailed> {
    let Some(is_secret) = is_withheld(kind, values, &failed) else { return Ok(failed) };
    let mut batch = Batch::new();
    hold::hold_as_barred(context, stored, is_secret, &mut batch)?;
    context.store.commit(batch)?;
    context.store.flush()?;
    Ok(EditFailed::Withheld(Box::new(failed)))
}

/// Whether values are refused for secrecy, or, if not, for what must not be stored.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others say nothing of what was typed")]
fn is_withheld(kind: &Kind, values: &BTreeMap<String, String>, failed: &EditFailed) -> Option<bool> {
    let has_id = || values.values().any(|text| holds_personal_id(text));
    let (is_secret, is_forbidden) = match failed {
        EditFailed::Problems(problems) => (
            problems.iter().any(|problem| problem.code == ProblemCode::Secrecy),
            problems.iter().any(|problem| problem.code.withholds_record()),
        ),
        EditFailed::Value { field, .. } => {
            (kind.field(field).is_some_and(|field| field.gate().is_some()), has_id())
        }
        _ => return None,
    };
    (is_secret || is_forbidden).then_some(is_secret)
}

fn set_all(kind: &Kind, values: &BTreeMap<String, String>, record: &mut Record) -> Result<(), EditFailed> {
    let layout = Layout::of(kind);
    for (typed, text) in values {
        let column = find_column(&layout, typed)
            .ok_or_else(|| EditFailed::NoField { kind: kind.id().clone(), field: typed.clone() })?;
        let field = column.field();
        if field.is_key() {
            return Err(EditFailed::Key(field.name().to_owned()));
        }
        if let Some(source) = field.derived_from() {
            let (field, source_field) = (field.name().to_owned(), source.to_owned());
            return Err(EditFailed::Derived { field, source_field });
        }
        let value = column.parse(text);
        let value =
            value.map_err(|objection| EditFailed::Value { field: field.name().to_owned(), objection })?;
        match value {
            Some(value) => drop(record.insert(field.name().to_owned(), value)),
            None => drop(record.remove(field.name())),
        }
    }
    for field in kind.fields().iter().filter(|field| field.derived_from().is_some()) {
        record.remove(field.name());
    }
    kind.derive(record);
    Ok(())
}

/// By the field's name or title.
fn find_column<'l, 'k>(layout: &'l Layout<'k>, typed: &str) -> Option<&'l Column<'k>> {
    let typed = typed.trim();
    layout.columns().iter().find(|column| {
        let field = column.field();
        let titles = [Lang::Zh, Lang::En].map(|lang| [field.title(lang), column.header(lang)]);
        field.name() == typed || titles.as_flattened().contains(&typed)
    })
}

fn verify(context: &Context, kind: &Kind, before: &Record, after: &Record) -> Result<(), EditFailed> {
    let problems = kind.check(after);
    if !problems.is_empty() {
        return Err(EditFailed::Problems(problems));
    }
    let mut lookup = LinkLookup::new(kind);
    let known = lookup.missing(before, &context.records)?;
    let missing = lookup.missing(after, &context.records)?;
    let missing: Vec<String> =
        missing.into_iter().filter(|link| !known.contains(link)).map(|(_, name)| name).collect();
    if missing.is_empty() { Ok(()) } else { Err(EditFailed::Links(missing)) }
}
