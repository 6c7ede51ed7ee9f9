//! What a policy does to the records that are stored: what is put into the outbox, stated again, or taken back out of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use safeharbor_core::record::KindId;
use safeharbor_rules::{Catalogue, Mode};
use safeharbor_service::store::Batch;

use super::{InForce, PolicyFailed, mode_of};
use crate::context::Context;
use crate::disclosure;
use crate::hold;
use crate::outbox::{Entry, Grant};
use crate::records::{Current, Stored, add_restatement, identity_key};
use crate::tables::{KEYS, OUTBOX};

/// Records whose changes go into one commit.
const RECORDS_PER_COMMIT: usize = 500;

/// What changes for the records of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The mode so far.
    pub before: Mode,
    /// The mode from here on.
    pub after: Mode,
    /// How many records of the kind are stored.
    pub records: u64,
    /// How many of them will be sent that would not have been, or with more revealed.
    pub to_send: u64,
    /// How many that waited will not be sent.
    pub to_stop: u64,
    /// Field name → in how many of those to be sent it is revealed.
    pub revealed: BTreeMap<String, u64>,
}

/// What changes, kind by kind.
pub type Changes = BTreeMap<KindId, Change>;

/// What a policy does to one record.
enum Effect {
    Nothing,
    /// Leaves the outbox under this number.
    Stop(u64),
    /// Waits on under the same number with these grants.
    Replace(u64, Vec<Grant>),
    /// Is stated for the first time.
    State(Grant),
    /// Is stated again with more revealed.
    StateAgain(Vec<Grant>),
}

/// Nothing is changed.
pub(super) fn preview(
    context: &Context,
    catalogue: &Catalogue,
    before: Option<&InForce>,
    next: &InForce,
) -> Result<Changes, PolicyFailed> {
    walk((context, catalogue), before, next, &mut |_, _, _| Ok(()))
}

/// The caller holds the outbox.
pub(super) fn apply(
    context: &Context,
    before: Option<&InForce>,
    next: &InForce,
) -> Result<Changes, PolicyFailed> {
    context.outbox.strip_superseded()?;
    let mut batch = Batch::new();
    let mut in_batch = 0_usize;
    let changes = walk((context, &context.catalogue()), before, next, &mut |current, stored, effect| {
        carry_out(context, next, current, &stored, effect, &mut batch)?;
        in_batch = in_batch.saturating_add(1);
        if in_batch >= RECORDS_PER_COMMIT {
            in_batch = 0;
            context.store.commit(std::mem::take(&mut batch))?;
        }
        Ok(())
    })?;
    context.store.commit(batch)?;
    context.store.flush()?;
    Ok(changes)
}

type Visitor<'v> = dyn FnMut(Current, Stored, Effect) -> Result<(), PolicyFailed> + 'v;

fn walk(
    (context, catalogue): (&Context, &Catalogue),
    before: Option<&InForce>,
    next: &InForce,
    visitor: &mut Visitor<'_>,
) -> Result<Changes, PolicyFailed> {
    let mut changes = Changes::new();
    for kind in catalogue.kinds() {
        let (before, after) = (mode_of(before, kind.id()), mode_of(Some(next), kind.id()));
        let change = Change { before, after, records: 0, to_send: 0, to_stop: 0, revealed: BTreeMap::new() };
        changes.insert(kind.id().clone(), change);
    }
    context.records.visit(None, &mut |current| {
        let Some(stored) = context.records.last(current.rec)? else { return Ok(ControlFlow::Continue(())) };
        let effect = effect_on((context, catalogue), next, current, &stored)?;
        if let Some(change) = changes.get_mut(&stored.revision.kind) {
            change.count(&effect);
        }
        visitor(current, stored, effect)?;
        Ok::<_, PolicyFailed>(ControlFlow::Continue(()))
    })?;
    Ok(changes)
}

impl Change {
    fn count(&mut self, effect: &Effect) {
        self.records = self.records.saturating_add(1);
        let empty = BTreeSet::new();
        let fields = match effect {
            Effect::Nothing => return,
            Effect::Stop(_) => {
                self.to_stop = self.to_stop.saturating_add(1);
                return;
            }
            Effect::Replace(_, grants) | Effect::StateAgain(grants) => {
                grants.iter().find(|grant| grant.is_policy()).map_or(&empty, |grant| &grant.fields)
            }
            Effect::State(grant) => &grant.fields,
        };
        self.to_send = self.to_send.saturating_add(1);
        for field in fields {
            let count = self.revealed.entry(field.clone()).or_insert(0);
            *count = count.saturating_add(1);
        }
    }
}

fn effect_on(
    (context, catalogue): (&Context, &Catalogue),
    next: &InForce,
    current: Current,
    stored: &Stored,
) -> Result<Effect, PolicyFailed> {
    let Some(kind) = disclosure::find_kind(catalogue, &stored.revision.kind) else {
        return Ok(Effect::Nothing);
    };
    if hold::active(&*context.store, current.rec, &stored.revision.record)?.is_some() {
        return Ok(Effect::Nothing);
    }
    let grant = next.grant(kind, &stored.revision.record, context.clock.today());
    let is_current = |entry: &Entry| entry.rec() == current.rec && entry.rev() == current.rev;
    let waiting = context.outbox.entry(current.queued)?.filter(is_current);
    if let Some(Entry::Disclosure { grants, .. }) = waiting {
        return Ok(on_waiting(current.queued, &grants, grant));
    }
    let Some(grant) = grant else { return Ok(Effect::Nothing) };
    Ok(match context.outbox.stated(current.rec, current.rev)? {
        Some(Entry::Disclosure { grants, .. }) => on_stated(grants, grant),
        Some(Entry::Withdrawal { .. }) | None => Effect::State(grant),
    })
}

/// Approvals of the waiting statement stay; what the policy granted is granted by the next one or not at all.
fn on_waiting(number: u64, before: &[Grant], grant: Option<Grant>) -> Effect {
    let approvals = before.iter().filter(|grant| !grant.is_policy()).cloned();
    let after: Vec<Grant> = approvals.chain(grant).collect();
    if after.is_empty() {
        Effect::Stop(number)
    } else if after == before {
        Effect::Nothing
    } else {
        Effect::Replace(number, after)
    }
}

/// A later statement about the same content only adds.
fn on_stated(before: Vec<Grant>, grant: Grant) -> Effect {
    let revealed: BTreeSet<&String> = before.iter().flat_map(|grant| &grant.fields).collect();
    if grant.fields.iter().all(|field| revealed.contains(field)) {
        return Effect::Nothing;
    }
    let approvals = before.into_iter().filter(|grant| !grant.is_policy());
    Effect::StateAgain(approvals.chain([grant]).collect())
}

fn carry_out(
    context: &Context,
    next: &InForce,
    current: Current,
    stored: &Stored,
    effect: Effect,
    batch: &mut Batch,
) -> Result<(), PolicyFailed> {
    let at = context.clock.now_ms();
    let entry = |rev, grants| Entry::Disclosure {
        kind: stored.revision.kind.clone(),
        rec: current.rec,
        rev,
        grants,
        at,
    };
    let (rev, queued) = match effect {
        Effect::Nothing => return Ok(()),
        Effect::Stop(number) => {
            batch.delete(OUTBOX, number.to_be_bytes());
            (current.rev, 0)
        }
        Effect::Replace(number, grants) => {
            batch.put(OUTBOX, number.to_be_bytes(), serde_json::to_vec(&entry(current.rev, grants))?);
            return Ok(());
        }
        Effect::State(grant) => (current.rev, context.outbox.put(&entry(current.rev, vec![grant]), batch)?),
        Effect::StateAgain(grants) => {
            let rev = add_restatement(context, stored, &next.accepted.person, at, batch)?;
            (rev, context.outbox.put(&entry(rev, grants), batch)?)
        }
    };
    let key = identity_key(&stored.revision.kind, &stored.revision.key);
    batch.put(KEYS, key, Current { rev, queued, ..current }.encode());
    Ok(())
}
