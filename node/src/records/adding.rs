//! Adding a revision: the record, its key and what is to be stated of it enter in one batch.

use std::collections::BTreeMap;
use std::sync::Arc;

use safeharbor_core::digest::Digest;
use safeharbor_core::record::RecordHandle;
use safeharbor_rules::{Kind, Record};
use safeharbor_service::random::draw;
use safeharbor_service::store::Batch;

use super::{Current, RecordsFailed, Revision, Source, Stored, base, identity_key, revision_key};
use crate::chain::{Chain, ChainFailed};
use crate::context::Context;
use crate::hold::{self, HoldFailed};
use crate::outbox::{Entry, Grant};
use crate::policy::PolicyFailed;
use crate::recovery;
use crate::tables::{CHAIN, KEYS, RETIRED, REVISIONS};

/// What a revision says, and what the policy lets leave of it.
pub(super) struct Content {
    pub(super) key: String,
    pub(super) record: Record,
    pub(super) raw: BTreeMap<String, String>,
    pub(super) digest: Digest,
    pub(super) grant: Option<Grant>,
    pub(super) source: Source,
}

/// Adds the first revision of a record, or the next one of that which `before` is. A record that was stated under its natural key before
/// the node lost it is that record again.
pub(super) fn add(
    context: &Context,
    kind: &Kind,
    before: Option<Current>,
    content: Content,
    batch: &mut Batch,
) -> Result<(RecordHandle, u32), PolicyFailed> {
    let Content { key, record, raw, digest, grant, source } = content;
    let at = context.clock.now_ms();
    let mut is_withdrawn = false;
    let (rec, rev, waits_on, grant) = match before {
        None => match recovery::link(&*context.store, kind.id(), &key, batch)? {
            Some(stated) => {
                is_withdrawn = stated.is_withdrawn;
                let rev = next_unstated(context, stated.rec, stated.rev)?;
                (stated.rec, rev, 0, grant.filter(|_| !is_withdrawn))
            }
            None => {
                let rec = draw(&*context.random).map_err(RecordsFailed::from)?;
                (RecordHandle::from_bytes(rec), 1, 0, grant)
            }
        },
        Some(current @ Current { rec, rev, queued, .. }) => {
            base::follow(&*context.store, &current, digest, &source, batch)?;
            let (grant, _) = unheld(context, rec, &record, grant, batch)?;
            let waits_on = context.outbox.supersede(queued, rec, batch)?;
            (rec, next_unstated(context, rec, rev)?, if waits_on { queued } else { 0 }, grant)
        }
    };
    let queued = match grant {
        Some(grant) => {
            let entry = Entry::Disclosure { kind: kind.id().clone(), rec, rev, grants: vec![grant], at };
            context.outbox.put(&entry, batch)?
        }
        None => waits_on,
    };
    batch.put(KEYS, identity_key(kind.id(), &key), Current { rec, rev, digest, queued }.encode());
    let revision = Revision { kind: kind.id().clone(), key, record, raw, at, source };
    batch.put(REVISIONS, revision_key(rec, rev), serde_json::to_vec(&revision).map_err(RecordsFailed::from)?);
    if is_withdrawn {
        hold_as_withdrawn(context, &Stored { rec, rev, revision }, batch)?;
    }
    Ok((rec, rev))
}

/// What was taken back does not leave again because it is imported again.
fn hold_as_withdrawn(context: &Context, stored: &Stored, batch: &mut Batch) -> Result<(), PolicyFailed> {
    hold::hold_as_withdrawn(context, stored, batch).map_err(|failed| match failed {
        HoldFailed::Records(failed) => failed.into(),
        HoldFailed::Audit(failed) => failed.into(),
    })
}

/// Adds a last revision with the content of the one before, and takes the record away from its natural key.
pub(super) fn retire(
    context: &Context,
    kind: &Kind,
    current: Current,
    source: Source,
    batch: &mut Batch,
) -> Result<(), RecordsFailed> {
    let Current { rec, digest, .. } = current;
    let Some(last) = context.records.last(rec)? else { return Ok(()) };
    let rev = next(rec, last.rev)?;
    let identity = identity_key(kind.id(), &last.revision.key);
    batch.delete(KEYS, identity.clone());
    batch.put(RETIRED, identity, Current { rec, rev, digest, queued: 0 }.encode());
    let revision = Revision { at: context.clock.now_ms(), source, ..last.revision };
    batch.put(REVISIONS, revision_key(rec, rev), serde_json::to_vec(&revision)?);
    Ok(())
}

/// The number after a revision, and after what was stated of the record: a node that came back with a backup may have adopted later ones,
/// and the hub takes no revision twice.
pub(super) fn next_unstated(context: &Context, rec: RecordHandle, rev: u32) -> Result<u32, RecordsFailed> {
    let chain = Chain::new(Arc::clone(&context.store));
    let stated = chain.last_revision_of(rec).map_err(|failed| match failed {
        ChainFailed::Store(failed) => RecordsFailed::Store(failed),
        ChainFailed::Damaged { .. } => RecordsFailed::Row { table: CHAIN.0 },
    })?;
    next(rec, rev.max(stated.unwrap_or(0)))
}

fn next(rec: RecordHandle, rev: u32) -> Result<u32, RecordsFailed> {
    rev.checked_add(1).ok_or(RecordsFailed::TooManyRevisions(rec))
}

/// What the policy grants to a record that nobody holds; content without what was forbidden ends that hold, and
/// whether it did.
pub(super) fn unheld(
    context: &Context,
    rec: RecordHandle,
    record: &Record,
    grant: Option<Grant>,
    batch: &mut Batch,
) -> Result<(Option<Grant>, bool), RecordsFailed> {
    let (held, has_ended) = hold::follow_content(&*context.store, rec, record, batch)?;
    Ok((grant.filter(|_| held.is_none()), has_ended))
}
