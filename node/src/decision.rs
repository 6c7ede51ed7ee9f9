//! Decisions (决定) against leaving: a named person rejected a record or took back what had left. They are kept, as approvals are.

use std::ops::ControlFlow;

use safeharbor_core::b64;
use safeharbor_core::record::RecordHandle;
use safeharbor_service::person::Person;
use safeharbor_service::random::{Random, RandomFailed, draw};
use safeharbor_service::store::{Batch, Scan, Store};
use serde::{Deserialize, Serialize};

use crate::as_text;
use crate::records::RecordsFailed;
use crate::tables::DECISIONS;

/// Characters of a reason.
pub const REASON_CHARACTERS_MAX: usize = 500;

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is not to leave.
    Rejected,
    /// What had left is taken back.
    Withdrawn,
}

/// A decision about one record; those of one command share an id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Names it.
    pub id: String,
    /// About which record.
    #[serde(with = "as_text")]
    pub rec: RecordHandle,
    /// About which revision.
    pub rev: u32,
    /// What was decided.
    pub verdict: Verdict,
    /// Why, in the person's words, which never leave; empty once the record was erased.
    pub reason: String,
    /// Who decided.
    pub person: Person,
    /// When, in milliseconds since 1970 UTC.
    pub at: u64,
}

impl Decision {
    pub(crate) fn put_into(&self, batch: &mut Batch) -> Result<(), RecordsFailed> {
        let key = [self.rec.as_bytes().as_slice(), self.id.as_bytes()].concat();
        batch.put(DECISIONS, key, serde_json::to_vec(self)?);
        Ok(())
    }
}

/// A name for an approval or decision.
pub(crate) fn draw_id(random: &dyn Random) -> Result<String, RandomFailed> {
    Ok(b64::encode_url(&draw::<9>(random)?))
}

/// A reason as it is kept: on one line and of limited length; none if nothing is left.
#[must_use]
pub fn parse_reason(typed: &str) -> Option<String> {
    let line: String = typed.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line: String = line.trim().chars().take(REASON_CHARACTERS_MAX).collect();
    Some(line).filter(|line| !line.is_empty())
}

/// The decisions about a record, in no particular order.
///
/// # Errors
/// The store.
pub fn decisions_of(store: &dyn Store, rec: RecordHandle) -> Result<Vec<Decision>, RecordsFailed> {
    let rows = store.scan(&Scan::prefix(DECISIONS, rec.as_bytes()))?;
    rows.iter().map(|(_, row)| decode(row)).collect()
}

/// Shows `visitor` every decision.
///
/// # Errors
/// The store.
pub fn visit_decisions(store: &dyn Store, visitor: &mut dyn FnMut(Decision)) -> Result<(), RecordsFailed> {
    let mut outcome = Ok(());
    store.visit(Scan::all(DECISIONS), &mut |_, row| match decode(row) {
        Ok(decision) => {
            visitor(decision);
            ControlFlow::Continue(())
        }
        Err(failed) => {
            outcome = Err(failed);
            ControlFlow::Break(())
        }
    })?;
    outcome
}

/// Takes the reasons out of the decisions about a record that is erased: they may say what it said.
pub(crate) fn forget_reasons(
    store: &dyn Store,
    rec: RecordHandle,
    batch: &mut Batch,
) -> Result<(), RecordsFailed> {
    for mut decision in decisions_of(store, rec)? {
        decision.reason.clear();
        decision.put_into(batch)?;
    }
    Ok(())
}

fn decode(row: &[u8]) -> Result<Decision, RecordsFailed> {
    serde_json::from_slice(row).or(Err(RecordsFailed::Row { table: DECISIONS.0 }))
}
