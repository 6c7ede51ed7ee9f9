//! Taking back what cannot be linked again.

use std::collections::BTreeSet;

use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_service::person::Person;
use safeharbor_service::store::{Batch, KEYS_PER_COMMIT_ADVISED};

use super::{Unlinked, list};
use crate::context::Context;
use crate::decision::{Decision, Verdict, draw_id, parse_reason};
use crate::outbox::Entry;
use crate::withdrawal::WithdrawFailed;

/// Records in one commit: each has its row, its withdrawal, its decision.
const RECORDS_PER_COMMIT: usize = KEYS_PER_COMMIT_ADVISED / 4;

/// Which of the records that are not linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// Those of a kind.
    Kind(KindId),
    /// These.
    Records(BTreeSet<RecordHandle>),
}

impl Which {
    /// Whether a record is one of them.
    #[must_use]
    pub fn includes(&self, unlinked: &Unlinked) -> bool {
        match self {
            Self::All => true,
            Self::Kind(kind) => *kind == unlinked.kind,
            Self::Records(recs) => recs.contains(&unlinked.rec),
        }
    }
}

/// Takes back what is not linked: a withdrawal of each enters the outbox in the commit that ends its waiting, so that whoever is
/// interrupted and asks again withdraws the rest. Durable on return.
///
/// # Errors
/// No reason, or the store.
pub fn withdraw(
    context: &Context,
    which: &Which,
    person: &Person,
    reason: &str,
) -> Result<Vec<Unlinked>, WithdrawFailed> {
    let reason = parse_reason(reason).ok_or(WithdrawFailed::NoReason)?;
    let held = context.outbox.hold();
    let mut unlinked = list(&*context.store)?;
    unlinked.retain(|one| which.includes(one));
    let id = draw_id(&*context.random)?;
    for part in unlinked.chunks(RECORDS_PER_COMMIT) {
        let (mut batch, mut notes) = (Batch::new(), Vec::with_capacity(part.len()));
        for one in part {
            let (rec, rev, at) = (one.rec, one.rev, context.clock.now_ms());
            let (id, verdict) = (id.clone(), Verdict::Withdrawn);
            let decision =
                Decision { id, rec, rev, verdict, reason: reason.clone(), person: person.clone(), at };
            notes.push(withdraw_one(context, one, &decision, &mut batch)?);
        }
        // Noted before it is done, and whoever is interrupted between the two notes it again.
        context.audit.append_all(Some(person), "withdraw", notes)?;
        context.store.commit(batch)?;
    }
    context.store.flush()?;
    drop(held);
    context.outbox.announce();
    Ok(unlinked)
}

/// Answers what is to be noted of it.
fn withdraw_one(
    context: &Context,
    unlinked: &Unlinked,
    decision: &Decision,
    batch: &mut Batch,
) -> Result<(String, serde_json::Value), WithdrawFailed> {
    let (kind, rec, rev) = (unlinked.kind.clone(), unlinked.rec, unlinked.rev);
    let subject = format!("{kind} {rec}");
    let entry = Entry::Withdrawal { kind, rec, rev, by: decision.person.clone(), at: decision.at };
    context.outbox.put(&entry, batch)?;
    decision.put_into(batch)?;
    Unlinked { is_withdrawn: true, ..unlinked.clone() }.put_into(batch)?;
    let detail = serde_json::json!({ "decision": decision.id, "revision": rev, "not_linked": true });
    Ok((subject, detail))
}
