//! Approvals (审批): a named person lets fields of one statement leave that the policy keeps.

use std::collections::BTreeSet;

use safeharbor_core::b64;
use safeharbor_core::record::RecordHandle;
use safeharbor_rules::Ceiling;
use safeharbor_service::audit::AuditFailed;
use safeharbor_service::person::Person;
use safeharbor_service::random::{RandomFailed, draw};
use safeharbor_service::store::{Batch, Scan, StoreFailed};
use serde::{Deserialize, Serialize};

use crate::as_text;
use crate::context::Context;
use crate::disclosure;
use crate::outbox::{Authority, Entry, Grant, OutboxFailed};
use crate::records::{Current, RecordsFailed, Stored, add_restatement, identity_key};
use crate::tables::{APPROVALS, KEYS, OUTBOX};

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

/// Lets `fields` of the last revision of `rec` leave, besides what the policy and earlier approvals of it allow. If that revision was
/// stated, the same content is stated again as the next one; nothing that was revealed is hidden by it. Durable on return.
///
/// # Errors
/// A field without value or above its ceiling, nothing to add, no such record; the store.
pub fn approve(
    context: &Context,
    rec: RecordHandle,
    fields: &BTreeSet<String>,
    person: &Person,
) -> Result<Approval, ApproveFailed> {
    let held = context.outbox.hold();
    let stored = context.records.last(rec)?.ok_or(ApproveFailed::NoRecord(rec))?;
    verify_ceilings(context, &stored, fields)?;
    let current = context.records.current(&stored.revision.kind, &stored.revision.key)?;
    let current = current.ok_or(ApproveFailed::NoRecord(rec))?;
    let mut batch = Batch::new();
    let approval = Approval {
        id: b64::encode_url(&draw::<9>(&*context.random)?),
        rec,
        rev: stored.rev,
        fields: fields.clone(),
        person: person.clone(),
        at: context.clock.now_ms(),
    };
    enqueue(context, &stored, current, &approval, &mut batch)?;
    batch.put(APPROVALS, approval_key(&approval), serde_json::to_vec(&approval)?);
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
    let rows = context.store.scan(&Scan::prefix(APPROVALS, rec.as_bytes()))?;
    rows.iter().map(|(_, row)| Ok(serde_json::from_slice(row)?)).collect()
}

fn approval_key(approval: &Approval) -> Vec<u8> {
    [approval.rec.as_bytes().as_slice(), approval.id.as_bytes()].concat()
}

fn verify_ceilings(
    context: &Context,
    stored: &Stored,
    fields: &BTreeSet<String>,
) -> Result<(), ApproveFailed> {
    let kind_id = &stored.revision.kind;
    let kind = disclosure::find_kind(&context.catalogue, kind_id)
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
    Ok(())
}

fn enqueue(
    context: &Context,
    stored: &Stored,
    current: Current,
    approval: &Approval,
    batch: &mut Batch,
) -> Result<(), ApproveFailed> {
    let authority = Authority::Approval { id: approval.id.clone(), person: approval.person.clone() };
    let grant = Grant { authority, fields: approval.fields.clone() };
    let entry = |rev, before, grant| -> Result<Entry, ApproveFailed> {
        let grants = add(before, grant)?;
        let kind = stored.revision.kind.clone();
        Ok(Entry::Disclosure { kind, rec: stored.rec, rev, grants, at: approval.at })
    };
    let waiting = context.outbox.entry(current.queued)?;
    if let Some(Entry::Disclosure { grants, rec, rev, .. }) = waiting
        && rec == stored.rec
        && rev == stored.rev
    {
        let row = serde_json::to_vec(&entry(rev, grants, grant)?)?;
        batch.put(OUTBOX, current.queued.to_be_bytes(), row);
        return Ok(());
    }
    let (rev, before) = match context.outbox.stated(stored.rec, stored.rev)? {
        Some(Entry::Disclosure { grants, .. }) => {
            (add_restatement(stored, &approval.person, approval.at, batch)?, grants)
        }
        Some(Entry::Withdrawal { .. }) | None => (stored.rev, Vec::new()),
    };
    let queued = context.outbox.put(&entry(rev, before, grant)?, batch)?;
    let key = identity_key(&stored.revision.kind, &stored.revision.key);
    batch.put(KEYS, key, Current { rev, queued, ..current }.encode());
    Ok(())
}

fn add(mut grants: Vec<Grant>, grant: Grant) -> Result<Vec<Grant>, ApproveFailed> {
    let has = |field| grants.iter().any(|granted| granted.fields.contains(field));
    if grant.fields.iter().all(has) {
        return Err(ApproveFailed::Nothing);
    }
    grants.push(grant);
    Ok(grants)
}
