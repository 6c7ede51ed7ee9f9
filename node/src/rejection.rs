//! Rejections (驳回): a named person decided that what a record says is not to leave.

use std::collections::{BTreeMap, BTreeSet};

use safeharbor_core::digest::Digest;
use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_service::audit::AuditFailed;
use safeharbor_service::person::Person;
use safeharbor_service::random::RandomFailed;
use safeharbor_service::store::{Batch, KEYS_PER_COMMIT_ADVISED, StoreFailed};
use serde::{Deserialize, Serialize};

use crate::as_text;
use crate::context::Context;
use crate::decision::{Decision, Verdict, draw_id, parse_reason};
use crate::disclosure;
use crate::hold::{self, Hold, Why};
use crate::outbox::OutboxFailed;
use crate::records::{Current, RecordsFailed, Stored};
use crate::selection::{Filter, ParseConditionFailed, Pinned, Selection};
use crate::situation::Situation;

/// Records in one commit, with what waits about them.
const RECORDS_PER_COMMIT: usize = KEYS_PER_COMMIT_ADVISED / 8;

/// What is rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// One record.
    One(#[serde(with = "as_text")] RecordHandle),
    /// Those of a kind that fit.
    Set(Filter),
}

/// What a rejection would be about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectSeen {
    /// Which records.
    pub target: Target,
    /// How many there are and what they say.
    pub pinned: Pinned,
}

/// What a rejection does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// Names the decision; empty before it is made.
    pub decision: String,
    /// How many records it is about.
    pub records: u64,
    /// How many statements that waited will not be made.
    pub stopped: u64,
    /// How many fit and had left already, so that only a withdrawal takes them back.
    pub left: u64,
}

/// Nothing was rejected, or not all.
#[derive(Debug, thiserror::Error)]
pub enum RejectFailed {
    /// There is no such record, or it was erased.
    #[error("there is no record {0}")]
    NoRecord(RecordHandle),
    /// No reason was given.
    #[error("say why: a reason is kept with the decision")]
    NoReason,
    /// What the record says has left.
    #[error("what the record says has left already; `withdraw` takes it back")]
    Left,
    /// Somebody keeps it here already.
    #[error("the record is held back already: nothing of it leaves")]
    Held,
    /// No record fits.
    #[error("no record fits that could be rejected")]
    NoneFits,
    /// The records are not what the person saw.
    #[error(
        "the records changed since they were shown: {seen} were seen, {now} fit now, or what they say is another; look again and decide"
    )]
    Changed {
        /// How many were seen.
        seen: u64,
        /// How many there are.
        now: u64,
    },
    /// The catalogue lacks the kind.
    #[error("the catalogue has no kind {0}")]
    UnknownKind(KindId),
    /// A condition is wrong.
    #[error("the selection is not understood")]
    Condition(#[from] ParseConditionFailed),
    /// Records cannot be had.
    #[error("the records cannot be read")]
    Records(#[from] RecordsFailed),
    /// The outbox cannot be had.
    #[error("the outbox cannot be changed")]
    Outbox(#[from] OutboxFailed),
    /// The store failed.
    #[error("the rejection cannot be kept")]
    Store(#[from] StoreFailed),
    /// The audit log cannot be written.
    #[error("the rejection cannot be logged")]
    Audit(#[from] AuditFailed),
    /// No random bytes for an id.
    #[error("a decision's id needs random bytes")]
    Random(#[from] RandomFailed),
}

/// The records to be rejected, each with the digest of its fields, and how many had left already.
struct Found {
    records: Vec<(Current, Digest)>,
    pinned: Pinned,
    left: u64,
}

/// What rejecting would be about. Nothing is changed.
///
/// # Errors
/// As [`reject`].
pub fn preview(context: &Context, target: &Target) -> Result<(RejectSeen, Rejected), RejectFailed> {
    let _held = context.outbox.hold();
    let found = find(context, target)?;
    let stopped = count_disclosures(&waiting_about(context, &found)?);
    let rejected =
        Rejected { decision: String::new(), records: found.pinned.records, stopped, left: found.left };
    Ok((RejectSeen { target: target.clone(), pinned: found.pinned }, rejected))
}

/// Keeps the records that were `seen` here: what waits about them is not stated, and no policy lets them leave, also when they say
/// something else, until a person approves something of them. Durable on return.
///
/// # Errors
/// The records changed since, had left, or are held; no reason; the store.
pub fn reject(
    context: &Context,
    seen: &RejectSeen,
    person: &Person,
    reason: &str,
) -> Result<Rejected, RejectFailed> {
    let reason = parse_reason(reason).ok_or(RejectFailed::NoReason)?;
    let _held = context.outbox.hold();
    let found = find(context, &seen.target)?;
    if found.pinned != seen.pinned {
        return Err(RejectFailed::Changed { seen: seen.pinned.records, now: found.pinned.records });
    }
    let waiting = waiting_about(context, &found)?;
    let stopped = count_disclosures(&waiting);
    let (id, at) = (draw_id(&*context.random)?, context.clock.now_ms());
    let detail = serde_json::json!({
        "decision": id, "records": found.pinned.records, "sha256": found.pinned.sha256.to_string(),
        "stopped": stopped,
    });
    context.audit.append(Some(person), "reject", &subject(&seen.target), detail)?;
    let decided = |current: &Current| Decision {
        id: id.clone(),
        rec: current.rec,
        rev: current.rev,
        verdict: Verdict::Rejected,
        reason: reason.clone(),
        person: person.clone(),
        at,
    };
    for part in found.records.chunks(RECORDS_PER_COMMIT) {
        let mut batch = Batch::new();
        for (current, content) in part {
            for (number, _) in
                waiting.get(&current.rec).into_iter().flatten().filter(|(_, is_withdrawal)| !is_withdrawal)
            {
                context.outbox.drop_entry(*number, &mut batch);
            }
            keep_here(current.rec, *content, &decided(current), &mut batch)?;
        }
        context.store.commit(batch)?;
    }
    context.store.flush()?;
    Ok(Rejected { decision: id, records: found.pinned.records, stopped, left: found.left })
}

fn keep_here(
    rec: RecordHandle,
    content: Digest,
    decision: &Decision,
    batch: &mut Batch,
) -> Result<(), RecordsFailed> {
    let (person, id, at) = (Some(decision.person.clone()), Some(decision.id.clone()), decision.at);
    let hold = Hold { why: Why::Rejected, content, is_narrowed: false, person, decision: id, at };
    hold.put_into(rec, batch)?;
    decision.put_into(batch)
}

fn subject(target: &Target) -> String {
    match target {
        Target::One(rec) => rec.to_string(),
        Target::Set(filter) => filter.kind.to_string(),
    }
}

fn find(context: &Context, target: &Target) -> Result<Found, RejectFailed> {
    let mut found = Found { records: Vec::new(), pinned: Pinned::default(), left: 0 };
    match target {
        Target::One(rec) => find_one(context, *rec, &mut found)?,
        Target::Set(filter) => {
            let catalogue = context.catalogue();
            let kind = disclosure::find_kind(&catalogue, &filter.kind)
                .ok_or_else(|| RejectFailed::UnknownKind(filter.kind.clone()))?;
            let selection = Selection::parse(filter, kind)?;
            selection.visit(context, &mut |selected| {
                Ok::<_, RejectFailed>(found.add(selected.current, &selected.stored, &selected.situation)?)
            })?;
            if found.records.is_empty() {
                return Err(RejectFailed::NoneFits);
            }
        }
    }
    Ok(found)
}

fn find_one(context: &Context, rec: RecordHandle, found: &mut Found) -> Result<(), RejectFailed> {
    let stored = context.records.last(rec)?.ok_or(RejectFailed::NoRecord(rec))?;
    let current = context.records.current(&stored.revision.kind, &stored.revision.key)?;
    let current = current.ok_or(RejectFailed::NoRecord(rec))?;
    let situation = Situation::of(context, current, &stored)?;
    if situation.held().is_some() {
        return Err(RejectFailed::Held);
    }
    found.add(current, &stored, &situation)?;
    if found.records.is_empty() { Err(RejectFailed::Left) } else { Ok(()) }
}

impl Found {
    fn add(&mut self, current: Current, stored: &Stored, situation: &Situation) -> Result<(), RecordsFailed> {
        if situation.stated.is_some() {
            self.left = self.left.saturating_add(1);
        } else {
            self.pinned.add(&current);
            self.records.push((current, hold::content_of(&stored.revision.record)?));
        }
        Ok(())
    }
}

/// The entries about the records, by number, and whether each is a withdrawal, which goes on.
type Waiting = BTreeMap<RecordHandle, Vec<(u64, bool)>>;

fn waiting_about(context: &Context, found: &Found) -> Result<Waiting, OutboxFailed> {
    let recs: BTreeSet<RecordHandle> = found.records.iter().map(|(current, _)| current.rec).collect();
    context.outbox.numbers_about(&recs)
}

fn count_disclosures(waiting: &Waiting) -> u64 {
    let disclosures = waiting.values().flatten().filter(|(_, is_withdrawal)| !is_withdrawal);
    u64::try_from(disclosures.count()).unwrap_or(u64::MAX)
}
