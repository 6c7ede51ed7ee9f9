//! What an outbox entry states at the moment it is asked.

use std::collections::BTreeSet;

use jiff::civil::Date;
use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_rules::{Catalogue, Fate, Kind, Record};
use safeharbor_service::store::Store;
use serde_json::Value;

use super::{Entry, Grant, OutboxFailed};
use crate::disclosure::{self, Planned};
use crate::hold;
use crate::policy::InForce;
use crate::records::Records;

/// What is to be stated.
#[derive(Clone, PartialEq)]
pub enum Content {
    /// One revision of a record.
    Disclosure {
        /// Its kind.
        kind: KindId,
        /// Which record.
        rec: RecordHandle,
        /// Which revision.
        rev: u32,
        /// Every field that has a value, to be concealed.
        claims: Vec<(String, Value)>,
        /// The names of those to be revealed.
        revealed: BTreeSet<String>,
        /// How many digests statements of the kind have, decoys among them.
        digests: usize,
    },
    /// The values of a record are taken back.
    Withdrawal {
        /// Its kind.
        kind: KindId,
        /// Which record.
        rec: RecordHandle,
        /// Its last revision.
        rev: u32,
    },
}

/// An outbox entry with what it states.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    /// The entry's number.
    pub number: u64,
    /// What it states.
    pub content: Content,
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Disclosure { kind, rec, rev, claims, revealed, .. } => write!(
                f,
                "Disclosure({kind} {rec} revision {rev}, {} claims withheld, {} revealed)",
                claims.len(),
                revealed.len()
            ),
            Self::Withdrawal { kind, rec, rev } => write!(f, "Withdrawal({kind} {rec} revision {rev})"),
        }
    }
}

/// What it takes to tell what an entry states.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground<'g> {
    pub(super) store: &'g dyn Store,
    pub(super) records: &'g Records,
    pub(super) catalogue: &'g Catalogue,
    /// The policy in force.
    pub(super) policy: Option<&'g InForce>,
    pub(super) today: Date,
}

/// None if the revision is not there, the record is held, nothing of it may leave, or the catalogue version has lost its kind.
pub(super) fn of_entry(entry: &Entry, ground: &Ground<'_>) -> Result<Option<Content>, OutboxFailed> {
    let (kind_id, rec, rev, grants) = match entry {
        Entry::Withdrawal { kind, rec, rev, .. } => {
            return Ok(Some(Content::Withdrawal { kind: kind.clone(), rec: *rec, rev: *rev }));
        }
        Entry::Disclosure { kind, rec, rev, grants, .. } => (kind, *rec, *rev, grants),
    };
    let Some(last) = ground.records.last(rec)? else { return Ok(None) };
    if hold::active(ground.store, rec, &last.revision.record)?.is_some() {
        return Ok(None);
    }
    let (mut record, latest) = if last.rev == rev {
        (last.revision.record, None)
    } else {
        let Some(revision) = ground.records.revision(rec, rev)? else { return Ok(None) };
        (revision.record, Some(last.revision.record))
    };
    let Some(kind) = disclosure::find_kind(ground.catalogue, kind_id) else { return Ok(None) };
    let Some(planned) = planned(kind, &record, latest.as_ref(), grants, ground) else { return Ok(None) };
    let stated = planned.iter().filter(|planned| planned.field.fate != Fate::Stays);
    let claims = stated.filter_map(|planned| record.remove_entry(&planned.field.name)).collect();
    let revealed = planned.into_iter().filter(|planned| planned.authority.is_some());
    let revealed = revealed.map(|planned| planned.field.name).collect();
    Ok(Some(Content::Disclosure {
        kind: kind_id.clone(),
        rec,
        rev,
        claims,
        revealed,
        digests: kind.digests(),
    }))
}

/// The plan for a revision under those of its grants that are still in force; none if nothing of it may leave. `latest` is the record
/// as it is by now, where that is another revision: nothing is revealed that is too strict in either, nor anything by the policy.
fn planned(
    kind: &Kind,
    record: &Record,
    latest: Option<&Record>,
    grants: &[Grant],
    ground: &Ground<'_>,
) -> Option<Vec<Planned>> {
    let by_policy = ground.policy.filter(|_| latest.is_none());
    let by_policy = by_policy.and_then(|policy| policy.grant(kind, record, ground.today));
    let in_force = grants.iter().filter_map(|grant| match &by_policy {
        _ if !grant.is_policy() => Some(grant.clone()),
        Some(granted) => {
            let fields = grant.fields.intersection(&granted.fields).cloned().collect();
            Some(Grant { authority: grant.authority.clone(), fields })
        }
        None => None,
    });
    let in_force: Vec<Grant> = in_force.collect();
    if in_force.is_empty() {
        return None;
    }
    let planned = disclosure::under_grants(kind, record, &in_force, ground.today).ok()?;
    let Some(latest) = latest else { return Some(planned) };
    let planned = disclosure::within(planned, kind, latest, ground.today)?;
    // Only an approval can be the ground on which it is stated, and nothing of it is left.
    planned.iter().any(|planned| planned.authority.is_some()).then_some(planned)
}
