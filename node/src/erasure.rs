//! Erasure (删除): the record, its salts and what opens its digests go; the fact stays.

use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_service::audit::AuditFailed;
use safeharbor_service::person::Person;
use safeharbor_service::store::{Batch, KEYS_PER_COMMIT_MAX, Scan, StoreFailed};
use serde::{Deserialize, Serialize};

use crate::as_text;
use crate::chain::{Chain, ChainFailed};
use crate::context::Context;
use crate::decision;
use crate::hold;
use crate::outbox::{Entry, OutboxFailed};
use crate::records::{Current, RecordsFailed, Stored, base, identity_key};
use crate::recovery;
use crate::tables::{KEYS, RETIRED, REVISIONS, TOMBSTONES};
use crate::withdrawal::stands_at_hub;

/// What is left of an erased record: no value, no natural key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// Its kind.
    #[serde(with = "as_text")]
    pub kind: KindId,
    /// Its handle.
    #[serde(with = "as_text")]
    pub rec: RecordHandle,
    /// How many revisions it had.
    pub rev: u32,
    /// Who erased it.
    pub person: Person,
    /// When, in milliseconds since 1970 UTC.
    pub at: u64,
    /// How many statements had been made about it; unless the last is a withdrawal, one follows them.
    pub statements: u64,
    /// The names of fields whose values had left.
    pub revealed: Vec<String>,
}

/// A record could not be erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseFailed {
    /// There is no such record.
    #[error("there is no record {0}")]
    NoRecord(RecordHandle),
    /// It was erased before.
    #[error("the record {0} was erased before")]
    ErasedBefore(RecordHandle),
    /// Records cannot be had.
    #[error("the record cannot be read")]
    Records(#[from] RecordsFailed),
    /// The outbox cannot be had.
    #[error("the outbox cannot be changed")]
    Outbox(#[from] OutboxFailed),
    /// The chain cannot be had.
    #[error("the statements about the record cannot be changed")]
    Chain(#[from] ChainFailed),
    /// The store failed.
    #[error("the erasure cannot be kept")]
    Store(#[from] StoreFailed),
    /// The audit log cannot be written.
    #[error("the erasure cannot be logged")]
    Audit(#[from] AuditFailed),
    /// Something has no JSON form.
    #[error("the erasure cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
}

/// Erases `rec` in one commit: every revision, its natural key, salts and disclosures of its statements, and what waits about it. If
/// anything was stated about it, a withdrawal takes back at the hub what was revealed. A record that is not here, and that only the
/// adopted chain tells of, is erased likewise. Durable on return.
///
/// # Errors
/// There is no such record, or the store.
pub fn erase(context: &Context, rec: RecordHandle, person: &Person) -> Result<Tombstone, EraseFailed> {
    let held = context.outbox.hold();
    if context.records.tombstone(rec)?.is_some() {
        return Err(EraseFailed::ErasedBefore(rec));
    }
    let subject = Subject::find(context, rec)?.ok_or(EraseFailed::NoRecord(rec))?;
    let stands = stands_at_hub(context, rec)?;
    let mut batch = Batch::new();
    context.outbox.drop_record(rec, &mut batch)?;
    let tombstone = bury(context, &subject, person, &mut batch)?;
    if stands {
        context.outbox.put(&withdrawal(&tombstone, person), &mut batch)?;
    }
    context.store.commit(batch)?;
    context.store.flush()?;
    drop(held);
    context.outbox.announce();
    Ok(tombstone)
}

/// What can be erased: a record, or what the chain has of one that is not here.
struct Subject {
    kind: KindId,
    rec: RecordHandle,
    rev: u32,
    last: Option<Stored>,
}

impl Subject {
    fn find(context: &Context, rec: RecordHandle) -> Result<Option<Self>, EraseFailed> {
        if let Some(last) = context.records.last(rec)? {
            return Ok(Some(Self { kind: last.revision.kind.clone(), rec, rev: last.rev, last: Some(last) }));
        }
        let stated = Chain::new(std::sync::Arc::clone(&context.store)).statements_of(rec)?;
        let rev = stated.iter().filter_map(|stated| stated.rev).max().unwrap_or_default();
        Ok(stated.last().map(|stated| Self { kind: stated.kind.clone(), rec, rev, last: None }))
    }
}

/// A tombstone for the record, and nothing else of it.
fn bury(
    context: &Context,
    subject: &Subject,
    person: &Person,
    batch: &mut Batch,
) -> Result<Tombstone, EraseFailed> {
    let rec = subject.rec;
    let chain = Chain::new(std::sync::Arc::clone(&context.store));
    let statements = chain.numbers_of(rec)?.len();
    let tombstone = Tombstone {
        kind: subject.kind.clone(),
        rec,
        rev: subject.rev,
        person: person.clone(),
        at: context.clock.now_ms(),
        statements: u64::try_from(statements).unwrap_or(u64::MAX),
        revealed: chain.revealed_of(rec)?.into_iter().collect(),
    };
    if let Some(last) = &subject.last {
        forget_key(context, last, batch)?;
    }
    recovery::forget(&*context.store, rec, batch)?;
    chain.forget(rec, batch)?;
    hold::forget(&*context.store, rec, batch)?;
    base::forget(rec, batch);
    decision::forget_reasons(&*context.store, rec, batch)?;
    batch.put(TOMBSTONES, *rec.as_bytes(), serde_json::to_vec(&tombstone)?);
    let detail = serde_json::json!({ "revisions": tombstone.rev, "statements": tombstone.statements });
    context.audit.append(Some(person), "erase", &format!("{} {rec}", tombstone.kind), detail)?;
    delete_revisions(context, rec, batch)?;
    Ok(tombstone)
}

/// The natural key goes, wherever it leads to this record; another record may have it by now.
fn forget_key(context: &Context, last: &Stored, batch: &mut Batch) -> Result<(), RecordsFailed> {
    let (kind, key) = (&last.revision.kind, &last.revision.key);
    let is_this = |current: Option<Current>| current.is_some_and(|current| current.rec == last.rec);
    if is_this(context.records.current(kind, key)?) {
        batch.delete(KEYS, identity_key(kind, key));
    }
    if is_this(context.records.retired(kind, key)?) {
        batch.delete(RETIRED, identity_key(kind, key));
    }
    Ok(())
}

/// A record with more revisions than one commit takes loses the oldest first, in commits of their own.
fn delete_revisions(context: &Context, rec: RecordHandle, batch: &mut Batch) -> Result<(), EraseFailed> {
    let mut keys: Vec<Vec<u8>> = Vec::new();
    context.store.visit(Scan::prefix(REVISIONS, rec.as_bytes()), &mut |key, _| {
        keys.push(key.to_vec());
        std::ops::ControlFlow::Continue(())
    })?;
    let room = KEYS_PER_COMMIT_MAX.saturating_sub(batch.len()).min(KEYS_PER_COMMIT_MAX / 2);
    let (oldest, latest) = keys.split_at(keys.len().saturating_sub(room));
    for part in oldest.chunks(KEYS_PER_COMMIT_MAX) {
        let mut earlier = Batch::new();
        part.iter().for_each(|key| earlier.delete(REVISIONS, key.clone()));
        context.store.commit(earlier)?;
    }
    latest.iter().for_each(|key| batch.delete(REVISIONS, key.clone()));
    Ok(())
}

fn withdrawal(tombstone: &Tombstone, by: &Person) -> Entry {
    Entry::Withdrawal {
        kind: tombstone.kind.clone(),
        rec: tombstone.rec,
        rev: tombstone.rev,
        by: by.clone(),
        at: tombstone.at,
    }
}
