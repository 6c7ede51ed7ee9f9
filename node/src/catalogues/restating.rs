//! Stating again what the hub refused because it did not know the catalogue version, once node and hub share one.

use safeharbor_core::code::Code;
use safeharbor_core::digest::Digest;
use safeharbor_core::statement::{Statement, StatementType};
use safeharbor_service::store::Batch;

use super::Offer;
use crate::chain::{Chain, ChainFailed, Stated};
use crate::context::Context;
use crate::disclosure;
use crate::hold;
use crate::outbox::{Authority, Entry, Grant, OutboxFailed};
use crate::records::{Stored, add_restatement, identity_key};
use crate::sync::{refused_for, settle};
use crate::tables::KEYS;

/// Records whose changes go into one commit.
const RECORDS_PER_COMMIT: usize = 500;

/// Why somebody looks for refused statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// Another version was accepted here, or a refusal arrived: what names the version in use was refused for good.
    ChangedHere,
    /// The hub said which version it published last: what named it before it was published was refused, too.
    Published(Digest),
}

/// What was refused cannot be stated again.
#[derive(Debug, thiserror::Error)]
pub enum RestateFailed {
    /// Statements or tasks cannot be read.
    #[error(transparent)]
    Chain(#[from] ChainFailed),
    /// Records, policy or outbox cannot be read or written.
    #[error(transparent)]
    Outbox(#[from] OutboxFailed),
}

/// What becomes of a refused statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Restated,
    /// A later revision says it, or there is nothing to say any more.
    Superseded,
    /// Its record is held: a person decides first.
    Kept,
}

/// Puts the next revision of every record whose last one was refused as `catalogue-unknown` into the outbox, under the grants it
/// was stated under, if the version in use is the one the hub published last; answers how many. The caller holds the outbox and
/// announces what is in it. Whatever a crash leaves is found again.
pub(crate) fn restate_refused(context: &Context, occasion: Occasion) -> Result<u64, RestateFailed> {
    let in_use = context.catalogue().digest();
    let published = match occasion {
        Occasion::Published(cat) => Some(cat),
        Occasion::ChangedHere => {
            Offer::load(&*context.store).map_err(ChainFailed::from)?.map(|offer| offer.cat)
        }
    };
    if published != Some(in_use) {
        return Ok(0);
    }
    let chain = Chain::new(std::sync::Arc::clone(&context.store));
    let (mut batch, mut in_batch, mut restated) = (Batch::new(), 0_usize, 0_u64);
    for task in refused_for(&*context.store, Code::CatalogueUnknown)? {
        let Some(stated) = task.seq().map(|seq| chain.statement(seq)).transpose()?.flatten() else {
            continue;
        };
        if occasion == Occasion::ChangedHere && named(&stated) == Some(in_use) {
            continue;
        }
        match restate(context, &stated, &mut batch)? {
            Fate::Kept => continue,
            Fate::Superseded => {}
            Fate::Restated => restated = restated.saturating_add(1),
        }
        settle(task, context.clock.now_ms(), &mut batch);
        in_batch = in_batch.saturating_add(1);
        if in_batch >= RECORDS_PER_COMMIT {
            in_batch = 0;
            context.store.commit(std::mem::take(&mut batch)).map_err(ChainFailed::from)?;
        }
    }
    context.store.commit(batch).map_err(ChainFailed::from)?;
    if restated > 0 {
        context.store.flush().map_err(ChainFailed::from)?;
        tracing::info!(restated, "what was refused under an unknown catalogue version is stated again");
    }
    Ok(restated)
}

/// The catalogue version that a statement names.
fn named(stated: &Stated) -> Option<Digest> {
    Statement::parse(&stated.jwt).ok()?.envelope.cat
}

fn restate(context: &Context, stated: &Stated, batch: &mut Batch) -> Result<Fate, OutboxFailed> {
    let (StatementType::Disclosure, Some(rec), Some(rev)) = (stated.statement, stated.rec, stated.rev) else {
        return Ok(Fate::Superseded);
    };
    let Some(last) = context.records.last(rec)?.filter(|last| last.rev == rev) else {
        return Ok(Fate::Superseded);
    };
    let (kind, key) = (&last.revision.kind, &last.revision.key);
    let current = context.records.current(kind, key)?;
    let Some(current) = current.filter(|current| current.rec == rec && current.rev == rev) else {
        return Ok(Fate::Superseded);
    };
    if hold::active(&*context.store, rec, &last.revision.record)?.is_some() {
        return Ok(Fate::Kept);
    }
    let waiting = context.outbox.entry(current.queued)?;
    if waiting.is_some_and(|entry| entry.rec() == rec && entry.rev() == rev) {
        return Ok(Fate::Superseded);
    }
    let grants = grants_of(context, &last)?;
    let Some(person) = grants.first().map(|grant| match &grant.authority {
        Authority::Policy { person, .. } | Authority::Approval { person, .. } => person.clone(),
    }) else {
        return Ok(Fate::Superseded);
    };
    let at = context.clock.now_ms();
    let next = add_restatement(context, &last, &person, at, batch)?;
    let entry = Entry::Disclosure { kind: kind.clone(), rec, rev: next, grants, at };
    let queued = context.outbox.put(&entry, batch)?;
    let row = crate::records::Current { rev: next, queued, ..current };
    batch.put(KEYS, identity_key(kind, key), row.encode());
    Ok(Fate::Restated)
}

/// The grants it was stated under; where those are lost with an earlier store, what the policy in force grants.
fn grants_of(context: &Context, last: &Stored) -> Result<Vec<Grant>, OutboxFailed> {
    if let Some(Entry::Disclosure { grants, .. }) = context.outbox.stated(last.rec, last.rev)? {
        return Ok(grants);
    }
    let policy = context.policy().map_err(|failed| OutboxFailed::Policy(Box::new(failed)))?;
    let catalogue = context.catalogue();
    let kind = disclosure::find_kind(&catalogue, &last.revision.kind);
    let grant = policy
        .zip(kind)
        .and_then(|(policy, kind)| policy.grant(kind, &last.revision.record, context.clock.today()));
    Ok(grant.into_iter().collect())
}
