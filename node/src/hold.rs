//! Holds (留置): why a record must not leave although a policy or an earlier approval would let it.
//!
//! Holds are looked up wherever something enters the outbox and once more when a statement is numbered. A record has one for each
//! reason, so that what a row of a file says and what a person decided stand beside each other and each ends by itself.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use safeharbor_core::digest::Digest;
use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_rules::Record;
use safeharbor_service::person::Person;
use safeharbor_service::store::{Batch, Scan, Store};
use serde::{Deserialize, Serialize};

use crate::as_text;
use crate::context::Context;
use crate::records::{RecordsFailed, Stored};
use crate::tables::HOLDS;

/// Bytes of a handle at the beginning of a key.
const HANDLE_BYTES: usize = 16;

/// Why a record is held, the weakest reason first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// A person decided that what the record says is not to leave. Ends when a person approves something of it.
    Rejected,
    /// A person took back what had left. Ends with a new approval.
    Withdrawn,
    /// A row for it came that may not be stored for what it holds (class CX). Ends when the row comes without.
    Forbidden,
    /// A row for it came that says it is no longer public. Ends when the record is erased.
    Secret,
}

impl Why {
    /// Whether a person's approval ends it.
    #[must_use]
    pub const fn yields_to_approval(self) -> bool {
        matches!(self, Self::Rejected | Self::Withdrawn)
    }

    const fn byte(self) -> u8 {
        match self {
            Self::Rejected => 1,
            Self::Withdrawn => 2,
            Self::Forbidden => 3,
            Self::Secret => 4,
        }
    }
}

/// Keeps one record here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Why.
    pub why: Why,
    /// SHA-256 of the record's fields then, as canonical JSON.
    #[serde(with = "as_text")]
    pub content: Digest,
    /// Of a rejection: whether a person approved other content since, so that it keeps here no more than what it was about.
    #[serde(default)]
    pub is_narrowed: bool,
    /// Who decided; nobody where a row of a file did.
    pub person: Option<Person>,
    /// The [`Decision`](crate::decision::Decision) it follows from.
    pub decision: Option<String>,
    /// When, in milliseconds since 1970 UTC.
    pub at: u64,
}

impl Hold {
    fn keeps(&self, content: Digest) -> bool {
        !self.is_narrowed || self.content == content
    }

    /// A record may have been rejected for several contents.
    fn key(&self, rec: RecordHandle) -> Vec<u8> {
        let content = if self.why == Why::Rejected { self.content.as_bytes().as_slice() } else { &[] };
        [rec.as_bytes().as_slice(), &[self.why.byte()], content].concat()
    }

    pub(crate) fn put_into(&self, rec: RecordHandle, batch: &mut Batch) -> Result<(), RecordsFailed> {
        batch.put(HOLDS, self.key(rec), serde_json::to_vec(self)?);
        Ok(())
    }
}

/// What keeps a record here at the moment: the strongest of its holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The hold.
    pub hold: Hold,
    /// The record says something else by now than what a person rejected, and stays until a person decides again.
    pub awaits_again: bool,
}

/// SHA-256 of a record's fields as canonical JSON, whatever the texts they were read from.
///
/// # Errors
/// The record has no JSON form.
pub fn content_of(record: &Record) -> Result<Digest, RecordsFailed> {
    Ok(Digest::of(&serde_json::to_vec(record)?))
}

/// What keeps a record here that says this.
///
/// # Errors
/// The store.
pub fn active(store: &dyn Store, rec: RecordHandle, record: &Record) -> Result<Option<Held>, RecordsFailed> {
    strongest(load(store, rec)?, record)
}

/// Ends in `batch` what yields to an approval of `record`, as far as it is about what that says. Rejections of other content keep no
/// more than that content.
pub(crate) fn follow_approval(
    store: &dyn Store,
    rec: RecordHandle,
    record: &Record,
    batch: &mut Batch,
) -> Result<(), RecordsFailed> {
    let content = content_of(record)?;
    for hold in load(store, rec)?.into_iter().filter(|hold| hold.why.yields_to_approval()) {
        if hold.why == Why::Rejected && hold.content != content {
            Hold { is_narrowed: true, ..hold }.put_into(rec, batch)?;
        } else {
            batch.delete(HOLDS, hold.key(rec));
        }
    }
    Ok(())
}

/// What holds a record that is to say `record`, which was found to hold nothing forbidden: that hold ends in `batch`. Whether one ended.
/// Content that a person rejected is rejected again, whatever they approved in between.
pub(crate) fn follow_content(
    store: &dyn Store,
    rec: RecordHandle,
    record: &Record,
    batch: &mut Batch,
) -> Result<(Option<Held>, bool), RecordsFailed> {
    let holds = load(store, rec)?;
    if holds.is_empty() {
        return Ok((None, false));
    }
    let content = content_of(record)?;
    let (forbidden, others): (Vec<Hold>, Vec<Hold>) =
        holds.into_iter().partition(|hold| hold.why == Why::Forbidden);
    forbidden.iter().for_each(|hold| batch.delete(HOLDS, hold.key(rec)));
    for hold in others.iter().filter(|hold| hold.is_narrowed && hold.content == content) {
        Hold { is_narrowed: false, ..hold.clone() }.put_into(rec, batch)?;
    }
    Ok((strongest(others, record)?, !forbidden.is_empty()))
}

/// Ends every hold of a record that is being erased.
pub(crate) fn forget(store: &dyn Store, rec: RecordHandle, batch: &mut Batch) -> Result<(), RecordsFailed> {
    load(store, rec)?.iter().for_each(|hold| batch.delete(HOLDS, hold.key(rec)));
    Ok(())
}

/// The records for which rows came that may not be stored.
///
/// # Errors
/// The store.
pub fn barred(store: &dyn Store) -> Result<BTreeSet<RecordHandle>, RecordsFailed> {
    let (mut barred, mut damaged) = (BTreeSet::new(), false);
    store.visit(Scan::all(HOLDS), &mut |key, row| {
        match (key.first_chunk::<HANDLE_BYTES>(), decode(row)) {
            (Some(rec), Ok(hold)) if !hold.why.yields_to_approval() => {
                barred.insert(RecordHandle::from_bytes(*rec));
            }
            (Some(_), Ok(_)) => {}
            (None, _) | (_, Err(_)) => damaged = true,
        }
        ControlFlow::Continue(())
    })?;
    if damaged { Err(RecordsFailed::Row { table: HOLDS.0 }) } else { Ok(barred) }
}

/// Holds in `batch` what is stored or retired under a natural key, because a row for it came that must not be stored: for secrecy, or
/// for holding something of class CX. Nothing of the row is needed. The caller holds the outbox. Whether there is such a record that
/// was not held so.
///
/// # Errors
/// The store, or the audit log.
pub fn hold_refused_row(
    context: &Context,
    kind: &KindId,
    key: &str,
    is_secret: bool,
    batch: &mut Batch,
) -> Result<bool, HoldFailed> {
    let records = &context.records;
    let Some(current) =
        records.current(kind, key)?.map_or_else(|| records.retired(kind, key), |here| Ok(Some(here)))?
    else {
        return Ok(false);
    };
    let Some(last) = records.last(current.rec)? else { return Ok(false) };
    hold_as_barred(context, &last, is_secret, batch)
}

/// As [`hold_refused_row`], for a record at hand.
///
/// # Errors
/// As [`hold_refused_row`].
pub(crate) fn hold_as_barred(
    context: &Context,
    last: &Stored,
    is_secret: bool,
    batch: &mut Batch,
) -> Result<bool, HoldFailed> {
    let rec = last.rec;
    let why = if is_secret { Why::Secret } else { Why::Forbidden };
    if load(&*context.store, rec)?.iter().any(|before| before.why >= why) {
        return Ok(false);
    }
    let content = content_of(&last.revision.record)?;
    let at = context.clock.now_ms();
    Hold { why, content, is_narrowed: false, person: None, decision: None, at }.put_into(rec, batch)?;
    let detail = serde_json::json!({ "why": why });
    context.audit.append(None, "hold", &format!("{} {rec}", last.revision.kind), detail)?;
    Ok(true)
}

/// Holds in `batch` a record that the institution took back after the backup was made that the node came back with.
pub(crate) fn hold_as_withdrawn(
    context: &Context,
    last: &Stored,
    batch: &mut Batch,
) -> Result<(), HoldFailed> {
    let why = Why::Withdrawn;
    if load(&*context.store, last.rec)?.iter().any(|before| before.why == why) {
        return Ok(());
    }
    let (content, at) = (content_of(&last.revision.record)?, context.clock.now_ms());
    let hold = Hold { why, content, is_narrowed: false, person: None, decision: None, at };
    hold.put_into(last.rec, batch)?;
    let detail = serde_json::json!({ "why": why, "from": "the adopted chain" });
    context.audit.append(None, "hold", &format!("{} {}", last.revision.kind, last.rec), detail)?;
    Ok(())
}

/// Ends in `batch` what [`hold_as_withdrawn`] put there: a later statement of the adopted chain discloses the record again.
pub(crate) fn end_adopted(
    store: &dyn Store,
    rec: RecordHandle,
    batch: &mut Batch,
) -> Result<(), RecordsFailed> {
    let adopted = |hold: &&Hold| hold.why == Why::Withdrawn && hold.person.is_none();
    load(store, rec)?.iter().filter(adopted).for_each(|hold| batch.delete(HOLDS, hold.key(rec)));
    Ok(())
}

fn load(store: &dyn Store, rec: RecordHandle) -> Result<Vec<Hold>, RecordsFailed> {
    let rows = store.scan(&Scan::prefix(HOLDS, rec.as_bytes()))?;
    rows.iter().map(|(_, row)| decode(row)).collect()
}

fn decode(row: &[u8]) -> Result<Hold, RecordsFailed> {
    serde_json::from_slice(row).or(Err(RecordsFailed::Row { table: HOLDS.0 }))
}

fn strongest(holds: Vec<Hold>, record: &Record) -> Result<Option<Held>, RecordsFailed> {
    if holds.is_empty() {
        return Ok(None);
    }
    let content = content_of(record)?;
    let keeping = holds.into_iter().filter(|hold| hold.keeps(content));
    let strongest = keeping.max_by_key(|hold| (hold.why, hold.content == content, hold.at));
    Ok(strongest
        .map(|hold| Held { awaits_again: hold.why == Why::Rejected && hold.content != content, hold }))
}

/// A record could not be held.
#[derive(Debug, thiserror::Error)]
pub enum HoldFailed {
    /// Records cannot be had.
    #[error("the record cannot be held back")]
    Records(#[from] RecordsFailed),
    /// The audit log cannot be written.
    #[error("the hold cannot be logged")]
    Audit(#[from] safeharbor_service::audit::AuditFailed),
}

#[cfg(test)]
mod tests;
