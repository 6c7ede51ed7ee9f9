//! What an outbox entry states at the moment it is asked.

use std::collections::BTreeSet;

use jiff::civil::Date;
use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_rules::{Catalogue, Fate};
use serde_json::Value;

use super::{Entry, OutboxFailed};
use crate::disclosure;
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

/// None if the revision is not there, or nothing of it may leave.
pub(super) fn of_entry(
    entry: &Entry,
    records: &Records,
    catalogue: &Catalogue,
    today: Date,
) -> Result<Option<Content>, OutboxFailed> {
    let (kind_id, rec, rev, grants) = match entry {
        Entry::Withdrawal { kind, rec, rev, .. } => {
            return Ok(Some(Content::Withdrawal { kind: kind.clone(), rec: *rec, rev: *rev }));
        }
        Entry::Disclosure { kind, rec, rev, grants, .. } => (kind, *rec, *rev, grants),
    };
    let Some(revision) = records.revision(rec, rev)? else { return Ok(None) };
    let kind = disclosure::find_kind(catalogue, kind_id)
        .ok_or_else(|| OutboxFailed::UnknownKind(kind_id.clone()))?;
    let Ok(planned) = disclosure::under_grants(kind, &revision.record, grants, today) else {
        return Ok(None);
    };
    let mut record = revision.record;
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
