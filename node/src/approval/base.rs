//! What an approval adds to, and how it gets into the outbox.

use safeharbor_service::store::Batch;

use super::{Approval, ApproveFailed, approval_key};
use crate::context::Context;
use crate::hold::{self, Why};
use crate::outbox::{Authority, Entry, Grant};
use crate::records::{Current, Stored, add_restatement, identity_key};
use crate::situation::Situation;
use crate::tables::{APPROVALS, KEYS, OUTBOX};

/// What an approval adds to.
pub(super) enum Base {
    /// An entry that waits under the same number.
    Waiting(Vec<Grant>),
    /// What was stated, which is stated again as the next revision.
    Stated(Vec<Grant>),
    /// Nothing any more: it was stated and taken back, and the next revision begins anew.
    Withdrawn,
    /// Nothing.
    Nothing,
}

impl Base {
    /// Whether the content is stated once more under the next number.
    pub(super) const fn is_stated_again(&self) -> bool {
        matches!(self, Self::Stated(_) | Self::Withdrawn)
    }

    pub(super) fn into_grants(self) -> Vec<Grant> {
        match self {
            Self::Waiting(grants) | Self::Stated(grants) => grants,
            Self::Withdrawn | Self::Nothing => Vec::new(),
        }
    }
}

/// What an approval of the last revision would add to.
pub(super) fn base_of(context: &Context, current: Current, stored: &Stored) -> Result<Base, ApproveFailed> {
    base_in(current, Situation::of(context, current, stored)?)
}

/// What an approval of a revision in this situation would add to.
pub(super) fn base_in(current: Current, situation: Situation) -> Result<Base, ApproveFailed> {
    let Situation { hold, waiting, stated } = situation;
    let is_withdrawn = match hold.map(|held| held.hold.why) {
        Some(why @ (Why::Secret | Why::Forbidden)) => {
            return Err(ApproveFailed::Held { rec: current.rec, why });
        }
        Some(Why::Withdrawn) => true,
        Some(Why::Rejected) | None => false,
    };
    Ok(match (waiting, stated) {
        (Some(grants), _) => Base::Waiting(grants),
        (None, Some(_)) if is_withdrawn => Base::Withdrawn,
        (None, Some(grants)) => Base::Stated(grants),
        (None, None) => Base::Nothing,
    })
}

/// Keeps the approval, puts what it lets leave into the outbox and ends a hold that yields to it, all in `batch`.
pub(super) fn enqueue(
    context: &Context,
    stored: &Stored,
    current: Current,
    base: Base,
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
    batch.put(APPROVALS, approval_key(approval.rec, &approval.id), serde_json::to_vec(approval)?);
    hold::follow_approval(&*context.store, stored.rec, &stored.revision.record, batch)?;
    let rev = match &base {
        Base::Waiting(_) => {
            let row = serde_json::to_vec(&entry(stored.rev, base.into_grants(), grant)?)?;
            batch.put(OUTBOX, current.queued.to_be_bytes(), row);
            return Ok(());
        }
        Base::Stated(_) | Base::Withdrawn => {
            add_restatement(context, stored, &approval.person, approval.at, batch)?
        }
        Base::Nothing => stored.rev,
    };
    let queued = context.outbox.put(&entry(rev, base.into_grants(), grant)?, batch)?;
    let key = identity_key(&stored.revision.kind, &stored.revision.key);
    batch.put(KEYS, key, Current { rev, queued, ..current }.encode());
    Ok(())
}

/// The grants with one more, unless it adds nothing.
pub(super) fn add(mut grants: Vec<Grant>, grant: Grant) -> Result<Vec<Grant>, ApproveFailed> {
    let has = |field| grants.iter().any(|granted| granted.fields.contains(field));
    if grant.fields.iter().all(has) {
        return Err(ApproveFailed::Nothing);
    }
    grants.push(grant);
    Ok(grants)
}
