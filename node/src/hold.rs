//! Holds (留置): why a record must not leave although a policy or an earlier approval would let it.
//!
//! A hold is looked up wherever something enters the outbox and once more when a statement is numbered. A person's
//! approval ends one that a person put there; one for secrecy ends with the record.

use safeharbor_core::digest::Digest;
use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_service::person::Person;
use safeharbor_service::store::{Batch, Scan, Store};
use serde::{Deserialize, Serialize};

use crate::as_text;
use crate::context::Context;
use crate::records::RecordsFailed;
use crate::tables::HOLDS;

/// Why a record is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// A person decided that what the record says is not to leave. Ends when it says something else.
    Rejected,
    /// A person took back what had left. Ends with a new approval.
    Withdrawn,
    /// A row for it came that may not be stored for what it holds (class CX). Ends when the row comes without.
    Forbidden,
    /// A row for it came that says it is no longer public. Ends when the record is erased.
    Secret,
}

/// Keeps one record here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Why.
    pub why: Why,
    /// SHA-256 of what the record said then, as canonical JSON.
    #[serde(with = "as_text")]
    pub content: Digest,
    /// Who decided; nobody where a row of a file did.
    pub person: Option<Person>,
    /// The [`Decision`](crate::decision::Decision) it follows from.
    pub decision: Option<String>,
    /// When, in milliseconds since 1970 UTC.
    pub at: u64,
}

impl Hold {
    /// Whether it keeps a record of this content here.
    #[must_use]
    pub fn keeps(&self, content: Digest) -> bool {
        self.why != Why::Rejected || self.content == content
    }

    /// Whether a person's approval ends it.
    #[must_use]
    pub const fn yields_to_approval(&self) -> bool {
        matches!(self.why, Why::Rejected | Why::Withdrawn)
    }

    pub(crate) fn put_into(&self, rec: RecordHandle, batch: &mut Batch) -> Result<(), RecordsFailed> {
        batch.put(HOLDS, *rec.as_bytes(), serde_json::to_vec(self)?);
        Ok(())
    }
}

/// Ends a hold.
pub(crate) fn lift(rec: RecordHandle, batch: &mut Batch) {
    batch.delete(HOLDS, *rec.as_bytes());
}

/// The hold on a record whose content has this digest.
///
/// # Errors
/// The store.
pub fn active(store: &dyn Store, rec: RecordHandle, content: Digest) -> Result<Option<Hold>, RecordsFailed> {
    let Some(row) = store.get(HOLDS, rec.as_bytes())? else { return Ok(None) };
    let hold: Hold = serde_json::from_slice(&row).or(Err(RecordsFailed::Row { table: HOLDS.0 }))?;
    Ok(Some(hold).filter(|hold| hold.keeps(content)))
}

/// How many records are held, for whatever reason, and how many for secrecy or CX.
///
/// # Errors
/// The store.
pub fn count(store: &dyn Store) -> Result<(u64, u64), RecordsFailed> {
    let (mut all, mut barred) = (0_u64, 0_u64);
    store.visit(Scan::all(HOLDS), &mut |_, row| {
        all = all.saturating_add(1);
        if serde_json::from_slice::<Hold>(row).is_ok_and(|hold| !hold.yields_to_approval()) {
            barred = barred.saturating_add(1);
        }
        std::ops::ControlFlow::Continue(())
    })?;
    Ok((all, barred))
}

/// Holds in `batch` what is stored under a natural key, because a row for it came that must not be stored: for secrecy, or for holding
/// something of class CX. Nothing of the row is needed. The caller holds the outbox. Whether there is such a record that was not held so.
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
    let Some(current) = context.records.current(kind, key)? else { return Ok(false) };
    let why = if is_secret { Why::Secret } else { Why::Forbidden };
    let before = active(&*context.store, current.rec, current.digest)?;
    if before.is_some_and(|before| before.why >= why) {
        return Ok(false);
    }
    let hold =
        Hold { why, content: current.digest, person: None, decision: None, at: context.clock.now_ms() };
    hold.put_into(current.rec, batch)?;
    let detail = serde_json::json!({ "why": why });
    context.audit.append(None, "hold", &format!("{kind} {}", current.rec), detail)?;
    Ok(true)
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
