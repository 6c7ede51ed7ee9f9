//! Withdrawal (撤回): the values that left are taken back at the hub; the record stays here and does not leave again by itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_core::statement::StatementType;
use safeharbor_service::audit::AuditFailed;
use safeharbor_service::person::Person;
use safeharbor_service::random::RandomFailed;
use safeharbor_service::store::{Batch, KEYS_PER_COMMIT_ADVISED, StoreFailed};
use serde::Serialize;

use crate::as_text;
use crate::chain::{Chain, ChainFailed};
use crate::context::Context;
use crate::decision::{Decision, Verdict, draw_id};
use crate::hold::{self, Hold, Why};
use crate::outbox::{Entry, OutboxFailed};
use crate::records::{RecordsFailed, Stored};

/// Records in one commit, with what waits about them.
const RECORDS_PER_COMMIT: usize = KEYS_PER_COMMIT_ADVISED / 8;

/// What came of withdrawing one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Withdrawn {
    /// Its kind.
    #[serde(with = "as_text")]
    pub kind: KindId,
    /// Which record.
    #[serde(with = "as_text")]
    pub rec: RecordHandle,
    /// Its last revision.
    pub rev: u32,
    /// Names the decision.
    pub decision: String,
    /// How many statements about it waited and will not be made.
    pub stopped: u64,
    /// Whether something of it had left, which a withdrawal statement takes back.
    pub taken_back: bool,
    /// The names of fields whose values had left.
    pub revealed: BTreeSet<String>,
}

impl Withdrawn {
    /// What the audit log says of it.
    fn to_detail(&self) -> serde_json::Value {
        let Self { decision, rev, stopped, taken_back, .. } = self;
        serde_json::json!({ "decision": decision, "revision": rev, "stopped": stopped, "taken_back": taken_back })
    }
}

/// Nothing, or not all, could be withdrawn.
#[derive(Debug, thiserror::Error)]
pub enum WithdrawFailed {
    /// There is no such record, or it was erased.
    #[error("there is no record {0}")]
    NoRecord(RecordHandle),
    /// No reason was given.
    #[error("say why: a reason is kept with the decision")]
    NoReason,
    /// Records cannot be had.
    #[error("the record cannot be read")]
    Records(#[from] RecordsFailed),
    /// The outbox cannot be had.
    #[error("the outbox cannot be changed")]
    Outbox(#[from] OutboxFailed),
    /// The chain cannot be had.
    #[error("the statements about the record cannot be read")]
    Chain(#[from] ChainFailed),
    /// The store failed.
    #[error("the withdrawal cannot be kept")]
    Store(#[from] StoreFailed),
    /// The audit log cannot be written.
    #[error("the withdrawal cannot be logged")]
    Audit(#[from] AuditFailed),
    /// No random bytes for an id.
    #[error("a decision's id needs random bytes")]
    Random(#[from] RandomFailed),
}

/// Takes back what left of `recs`, and keeps them here until a person approves something of them again, whatever the policy says and
/// whatever is imported for them. Durable on return.
///
/// # Errors
/// A record that is not there, no reason, or the store.
pub fn withdraw(
    context: &Context,
    recs: &BTreeSet<RecordHandle>,
    person: &Person,
    reason: &str,
) -> Result<Vec<Withdrawn>, WithdrawFailed> {
    let held = context.outbox.hold();
    let withdrawn = withdraw_held(context, recs, person, reason)?;
    drop(held);
    context.outbox.announce();
    Ok(withdrawn)
}

/// As [`withdraw`], for a caller that holds the outbox and announces.
///
/// # Errors
/// As [`withdraw`].
pub(crate) fn withdraw_held(
    context: &Context,
    recs: &BTreeSet<RecordHandle>,
    person: &Person,
    reason: &str,
) -> Result<Vec<Withdrawn>, WithdrawFailed> {
    let reason = crate::decision::parse_reason(reason).ok_or(WithdrawFailed::NoReason)?;
    let waiting = context.outbox.numbers_about(recs)?;
    let id = draw_id(&*context.random)?;
    let (mut batch, mut notes, mut withdrawn) = (Batch::new(), Vec::new(), Vec::new());
    for (count, rec) in recs.iter().enumerate() {
        if count > 0 && count % RECORDS_PER_COMMIT == 0 {
            context.audit.append_all(Some(person), "withdraw", std::mem::take(&mut notes))?;
            context.store.commit(std::mem::take(&mut batch))?;
        }
        let stored = context.records.last(*rec)?.ok_or(WithdrawFailed::NoRecord(*rec))?;
        let decision = Decision {
            id: id.clone(),
            rec: *rec,
            rev: stored.rev,
            verdict: Verdict::Withdrawn,
            reason: reason.clone(),
            person: person.clone(),
            at: context.clock.now_ms(),
        };
        let of_record = waiting.get(rec).map(Vec::as_slice).unwrap_or_default();
        let one = withdraw_one(context, &stored, &decision, of_record, &mut batch)?;
        notes.push((format!("{} {rec}", one.kind), one.to_detail()));
        withdrawn.push(one);
    }
    context.audit.append_all(Some(person), "withdraw", notes)?;
    context.store.commit(batch)?;
    context.store.flush()?;
    Ok(withdrawn)
}

fn withdraw_one(
    context: &Context,
    stored: &Stored,
    decision: &Decision,
    waiting: &[(u64, bool)],
    batch: &mut Batch,
) -> Result<Withdrawn, WithdrawFailed> {
    let (rec, kind) = (stored.rec, stored.revision.kind.clone());
    let disclosures = waiting.iter().filter(|(_, is_withdrawal)| !is_withdrawal);
    let stopped = disclosures.clone().count();
    for (number, _) in disclosures {
        context.outbox.drop_entry(*number, batch);
    }
    let stands = stands_at_hub(context, rec)?;
    let taken_back = stands && !waiting.iter().any(|(_, is_withdrawal)| *is_withdrawal);
    if taken_back {
        let entry = Entry::Withdrawal {
            kind: kind.clone(),
            rec,
            rev: stored.rev,
            by: decision.person.clone(),
            at: decision.at,
        };
        context.outbox.put(&entry, batch)?;
    }
    let (person, id) = (Some(decision.person.clone()), Some(decision.id.clone()));
    let (content, at) = (hold::content_of(&stored.revision.record)?, decision.at);
    let hold = Hold { why: Why::Withdrawn, content, is_narrowed: false, person, decision: id, at };
    hold.put_into(rec, batch)?;
    decision.put_into(batch)?;
    let revealed =
        if stands { Chain::new(Arc::clone(&context.store)).revealed_of(rec)? } else { BTreeSet::new() };
    Ok(Withdrawn {
        kind,
        rec,
        rev: stored.rev,
        decision: decision.id.clone(),
        stopped: u64::try_from(stopped).unwrap_or(u64::MAX),
        taken_back,
        revealed,
    })
}

/// Whether the last statement made about the record is one that a withdrawal can take back: the hub refuses one of what it does not have.
pub(crate) fn stands_at_hub(context: &Context, rec: RecordHandle) -> Result<bool, ChainFailed> {
    let chain = Chain::new(Arc::clone(&context.store));
    let Some(last) = chain.numbers_of(rec)?.pop() else { return Ok(false) };
    Ok(chain.statement(last)?.is_some_and(|stated| stated.statement == StatementType::Disclosure))
}

#[cfg(test)]
mod tests;
