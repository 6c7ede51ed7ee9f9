//! Approvals (审批): a named person lets fields of one statement leave that the policy keeps.

mod base;
mod set;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use safeharbor_core::digest::Digest;
use safeharbor_core::record::RecordHandle;
use safeharbor_rules::{Catalogue, Ceiling, Kind, Mode, PlanRefused};
use safeharbor_service::audit::AuditFailed;
use safeharbor_service::person::Person;
use safeharbor_service::random::RandomFailed;
use safeharbor_service::store::{Batch, Scan, StoreFailed};
use serde::{Deserialize, Serialize};

use crate::as_text;
use crate::context::Context;
use crate::decision::draw_id;
use crate::disclosure::{self, Planned};
use crate::hold::Why;
use crate::outbox::{Authority, Grant, OutboxFailed};
use crate::records::{Current, RecordsFailed, Stored};
use crate::tables::APPROVALS;
use base::{add, base_of, enqueue};
pub use set::{
    FieldCount, SetApproval, SetPreview, SetSeen, SetSummary, approve_set, load_sets, preview_set,
};

/// An approval; it is kept also when the record is erased, since it holds no value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Names it.
    pub id: String,
    /// Of which record.
    #[serde(with = "as_text")]
    pub rec: RecordHandle,
    /// Of which revision: what it says, no other, may leave.
    pub rev: u32,
    /// Which fields.
    pub fields: BTreeSet<String>,
    /// Who approved.
    pub person: Person,
    /// When, in milliseconds since 1970 UTC.
    pub at: u64,
}

/// What somebody saw of a record before they approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Which record.
    #[serde(with = "as_text")]
    pub rec: RecordHandle,
    /// Its last revision.
    pub rev: u32,
    /// SHA-256 of what that revision says.
    #[serde(with = "as_text")]
    pub sha256: Digest,
}

/// What would leave under an approval.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// What the approval would be about.
    pub seen: Seen,
    /// Which revision would be stated: the last one, or its content once more under the next number.
    pub rev: u32,
    /// The last revision.
    pub stored: Stored,
    /// What becomes of its fields.
    pub fields: Vec<Planned>,
}

/// An approval was refused or could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum ApproveFailed {
    /// There is no such record, or it was erased.
    #[error("there is no record {0}")]
    NoRecord(RecordHandle),
    /// No field was named.
    #[error("name at least one field to reveal")]
    NoField,
    /// The record has no value there.
    #[error("the record has no value in the field {0:?}")]
    NoValue(String),
    /// The field may never be revealed to the hub.
    #[error("the field {field:?} is above its ceiling: it may be revealed at most to: {ceiling}")]
    Ceiling {
        /// Which field.
        field: String,
        /// Its ceiling for this record.
        ceiling: Ceiling,
    },
    /// The record is not what the person saw.
    #[error(
        "the record changed since it was shown: revision {now} is stored, revision {seen} was seen; look again and decide"
    )]
    Changed {
        /// Which revision was seen.
        seen: u32,
        /// Which is the last.
        now: u32,
    },
    /// Nothing of the record may leave.
    #[error("nothing of the record may leave")]
    Plan(#[from] PlanRefused),
    /// A row for it may not be stored, so nothing of what is stored leaves either.
    #[error("the record {rec} is held back: a later row for it must not be stored; erase the record")]
    Held {
        /// Which record.
        rec: RecordHandle,
        /// Why.
        why: Why,
    },
    /// The set is not what the person saw.
    #[error(
        "the records changed since they were shown: {seen} were seen, {now} fit now, or what they say is another; look again and decide"
    )]
    SetChanged {
        /// How many were seen.
        seen: u64,
        /// How many there are.
        now: u64,
    },
    /// No record is left to approve.
    #[error("no record fits for which the approval would reveal anything more")]
    NoneFits,
    /// The kind has no such field.
    #[error("the kind {kind} has no field {field:?}; `kind {kind}` shows its fields")]
    UnknownField {
        /// The kind.
        kind: safeharbor_core::record::KindId,
        /// What was named.
        field: String,
    },
    /// A condition is wrong.
    #[error("the selection is not understood")]
    Condition(#[from] crate::selection::ParseConditionFailed),
    /// All the fields are revealed, or waiting to be.
    #[error("these fields of the record are revealed already")]
    Nothing,
    /// The catalogue lacks the record's kind.
    #[error("the catalogue has no kind {0}")]
    UnknownKind(safeharbor_core::record::KindId),
    /// Records cannot be had.
    #[error("the record cannot be read")]
    Records(#[from] RecordsFailed),
    /// The outbox cannot be had.
    #[error("the outbox cannot be changed")]
    Outbox(#[from] OutboxFailed),
    /// The store failed.
    #[error("the approval cannot be kept")]
    Store(#[from] StoreFailed),
    /// The audit log cannot be written.
    #[error("the approval cannot be logged")]
    Audit(#[from] AuditFailed),
    /// No random bytes for an id.
    #[error("an approval's id needs random bytes")]
    Random(#[from] RandomFailed),
    /// Something has no JSON form.
    #[error("the approval cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
}

/// What would leave if `person` approved `fields` of the last revision of `rec`. Nothing is changed.
///
/// # Errors
/// As [`approve`].
pub fn preview(
    context: &Context,
    rec: RecordHandle,
    fields: &BTreeSet<String>,
    person: &Person,
) -> Result<Preview, ApproveFailed> {
    let _held = context.outbox.hold();
    let (stored, current) = last(context, rec)?;
    let catalogue = context.catalogue();
    let kind = verify_ceilings(context, &catalogue, &stored, fields)?;
    let base = base_of(context, current, &stored)?;
    let rev = if base.is_stated_again() { stored.rev.saturating_add(1) } else { stored.rev };
    let authority = Authority::Approval { id: String::new(), person: person.clone() };
    let mut grants = add(base.into_grants(), Grant { authority, fields: fields.clone() })?;
    if let Some(policy) = context.policy().map_err(|failed| OutboxFailed::Policy(Box::new(failed)))? {
        grants.retain(|grant| !grant.is_policy() || policy.policy.mode(kind.id()) != Mode::Off);
    }
    let fields = disclosure::under_grants(kind, &stored.revision.record, &grants, context.clock.today())?;
    Ok(Preview { seen: Seen { rec, rev: stored.rev, sha256: current.digest }, rev, stored, fields })
}

/// Lets `fields` of the revision that was `seen` leave, besides what the policy and earlier approvals of it allow. If that revision
/// was stated, the same content is stated again as the next one; nothing that was revealed is hidden by it. Durable on return.
///
/// # Errors
/// The record changed since, a field without value or above its ceiling, nothing to add, no such record; the store.
pub fn approve(
    context: &Context,
    seen: &Seen,
    fields: &BTreeSet<String>,
    person: &Person,
) -> Result<Approval, ApproveFailed> {
    let held = context.outbox.hold();
    let rec = seen.rec;
    let (stored, current) = last(context, rec)?;
    if (stored.rev, current.digest) != (seen.rev, seen.sha256) {
        return Err(ApproveFailed::Changed { seen: seen.rev, now: stored.rev });
    }
    verify_ceilings(context, &context.catalogue(), &stored, fields)?;
    let mut batch = Batch::new();
    let approval = Approval {
        id: draw_id(&*context.random)?,
        rec,
        rev: stored.rev,
        fields: fields.clone(),
        person: person.clone(),
        at: context.clock.now_ms(),
    };
    let base = base_of(context, current, &stored)?;
    enqueue(context, &stored, current, base, &approval, &mut batch)?;
    let detail =
        serde_json::json!({ "approval": approval.id, "revision": approval.rev, "fields": approval.fields });
    context.audit.append(Some(person), "approve", &format!("{} {rec}", stored.revision.kind), detail)?;
    context.store.commit(batch)?;
    context.store.flush()?;
    drop(held);
    context.outbox.announce();
    Ok(approval)
}

/// The approvals of a record, in no particular order.
///
/// # Errors
/// The store.
pub fn approvals_of(context: &Context, rec: RecordHandle) -> Result<Vec<Approval>, ApproveFailed> {
    let mut approvals = Vec::new();
    visit_approvals(context, Some(rec), &mut |approval| approvals.push(approval))?;
    Ok(approvals)
}

/// Shows `visitor` the approvals of one record, or all there are.
///
/// # Errors
/// The store.
pub fn visit_approvals(
    context: &Context,
    rec: Option<RecordHandle>,
    visitor: &mut dyn FnMut(Approval),
) -> Result<(), ApproveFailed> {
    let scan = rec.map_or_else(|| Scan::all(APPROVALS), |rec| Scan::prefix(APPROVALS, rec.as_bytes()));
    let mut outcome = Ok(());
    context.store.visit(scan, &mut |_, row| match serde_json::from_slice(row) {
        Ok(approval) => {
            visitor(approval);
            ControlFlow::Continue(())
        }
        Err(failed) => {
            outcome = Err(failed.into());
            ControlFlow::Break(())
        }
    })?;
    outcome
}

/// When an approval of a record was given, in milliseconds since 1970 UTC.
///
/// # Errors
/// The store.
pub fn approval_time(context: &Context, rec: RecordHandle, id: &str) -> Result<Option<u64>, ApproveFailed> {
    let row = context.store.get(APPROVALS, &approval_key(rec, id))?;
    let approval: Option<Approval> = row.map(|row| serde_json::from_slice(&row)).transpose()?;
    Ok(approval.map(|approval| approval.at))
}

fn approval_key(rec: RecordHandle, id: &str) -> Vec<u8> {
    [rec.as_bytes().as_slice(), id.as_bytes()].concat()
}

fn last(context: &Context, rec: RecordHandle) -> Result<(Stored, Current), ApproveFailed> {
    let stored = context.records.last(rec)?.ok_or(ApproveFailed::NoRecord(rec))?;
    let current = context.records.current(&stored.revision.kind, &stored.revision.key)?;
    Ok((stored, current.ok_or(ApproveFailed::NoRecord(rec))?))
}

fn verify_ceilings<'c>(
    context: &Context,
    catalogue: &'c Catalogue,
    stored: &Stored,
    fields: &BTreeSet<String>,
) -> Result<&'c Kind, ApproveFailed> {
    let kind_id = &stored.revision.kind;
    let kind = disclosure::find_kind(catalogue, kind_id)
        .ok_or_else(|| ApproveFailed::UnknownKind(kind_id.clone()))?;
    if fields.is_empty() {
        return Err(ApproveFailed::NoField);
    }
    let ceilings = disclosure::ceilings(kind, &stored.revision.record, context.clock.today());
    for field in fields {
        match ceilings.get(field) {
            None => return Err(ApproveFailed::NoValue(field.clone())),
            Some(Ceiling::Hub) => {}
            Some(ceiling) => return Err(ApproveFailed::Ceiling { field: field.clone(), ceiling: *ceiling }),
        }
    }
    Ok(kind)
}
