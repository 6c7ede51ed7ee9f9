//! What there is to know about one record: its fields, what becomes of each and on whose word, and what was stated.

use safeharbor_core::record::RecordHandle;
use safeharbor_core::statement::StatementType;
use safeharbor_rules::Kind;
use serde_json::Value;

use super::CommandFailed;
use super::failure::no_record;
use crate::chain::{Chain, Stated};
use crate::context::Context;
use crate::disclosure::{self, Planned};
use crate::outbox::{Entry, Grant};
use crate::records::Stored;
use crate::trust::{ReceiptState, load_receipt};

/// A record as a person sees it.
pub(super) struct View<'c> {
    pub(super) kind: &'c Kind,
    pub(super) stored: Stored,
    /// What becomes of each field of the last revision, with its value.
    pub(super) fields: Vec<(Planned, Value)>,
    pub(super) way: Way,
    pub(super) statements: Vec<Made>,
}

/// How far the last revision is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Nothing of it leaves.
    Stays,
    /// It is about to leave; nothing of it has left.
    Waits,
    /// It has left.
    Left,
}

/// A statement about the record that was made.
pub(super) struct Made {
    pub(super) stated: Stated,
    pub(super) receipt: Option<ReceiptState>,
    pub(super) acknowledged: bool,
}

impl Made {
    pub(super) const fn is_withdrawal(&self) -> bool {
        matches!(self.stated.statement, StatementType::Withdrawal)
    }
}

/// Looks at the last revision of a record that was not erased.
pub(super) fn view(context: &Context, rec: RecordHandle) -> Result<View<'_>, CommandFailed> {
    let stored = context.records.last(rec)?.ok_or_else(|| no_record(rec))?;
    let kind_id = &stored.revision.kind;
    let kind = disclosure::find_kind(&context.catalogue, kind_id)
        .ok_or_else(|| CommandFailed::NoKind(kind_id.to_string()))?;
    let (way, grants) = way_of(context, &stored)?;
    let planned = disclosure::under_grants(kind, &stored.revision.record, &grants, context.clock.today())?;
    let value = |planned: Planned| {
        let value = stored.revision.record.get(&planned.field.name).cloned().unwrap_or_default();
        (planned, value)
    };
    let fields = planned.into_iter().map(value).collect();
    Ok(View { kind, fields, way, statements: statements_of(context, rec)?, stored })
}

/// How far a revision is, and what may be revealed of it.
fn way_of(context: &Context, stored: &Stored) -> Result<(Way, Vec<Grant>), CommandFailed> {
    let mut waiting = context.outbox.waiting_for(stored.rec)?;
    waiting.retain(|entry| entry.rev() == stored.rev);
    if let Some(Entry::Disclosure { grants, .. }) = waiting.pop() {
        return Ok((Way::Waits, grants));
    }
    match context.outbox.stated(stored.rec, stored.rev)? {
        Some(Entry::Disclosure { grants, .. }) => Ok((Way::Left, grants)),
        Some(Entry::Withdrawal { .. }) | None => Ok((Way::Stays, Vec::new())),
    }
}

/// The statements made about a record, in order.
pub(super) fn statements_of(context: &Context, rec: RecordHandle) -> Result<Vec<Made>, CommandFailed> {
    let chain = Chain::new(std::sync::Arc::clone(&context.store));
    let acknowledged = chain.memory().acknowledged()?.map_or(0, |head| head.seq);
    let made = |stated: Stated| {
        let receipt = load_receipt(&*context.store, stated.seq)?.map(|receipt| receipt.state);
        Ok(Made { acknowledged: stated.seq <= acknowledged, stated, receipt })
    };
    chain.statements_of(rec)?.into_iter().map(made).collect()
}
