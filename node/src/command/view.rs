//! What there is to know about one record: its fields, what becomes of each and on whose word, and what was stated.

use std::collections::BTreeMap;

use safeharbor_core::record::RecordHandle;
use safeharbor_core::statement::StatementType;
use safeharbor_rules::{Catalogue, Kind};
use serde_json::Value;

use super::CommandFailed;
use super::failure::no_record;
use crate::approval::approvals_of;
use crate::chain::{Chain, Stated};
use crate::context::Context;
use crate::decision::decisions_of;
use crate::disclosure::{self, Planned};
use crate::hold::{self, Held, Why};
use crate::outbox::{Content, Entry, Grant};
use crate::records::Stored;
use crate::situation::Situation;
use crate::trust::{ReceiptState, load_receipt};

/// A record as a person sees it.
pub(super) struct View<'c> {
    pub(super) kind: &'c Kind,
    pub(super) stored: Stored,
    /// What becomes of each field of the last revision, with its value.
    pub(super) fields: Vec<(Planned, Value)>,
    pub(super) way: Way,
    /// Approval → when it was given, in milliseconds since 1970 UTC.
    pub(super) approved_at: BTreeMap<String, u64>,
    /// What keeps the record here, with the reason a person gave.
    pub(super) hold: Option<(Held, String)>,
    /// Earlier revisions that wait because a person approved them, with the names of what would be revealed.
    pub(super) earlier: Vec<(u32, Vec<String>)>,
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

/// How a record stands: how far it is on its way, or who keeps it here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody decided, and nothing of it leaves.
    Undecided,
    /// It is about to leave; nothing of it has left.
    Waits,
    /// It has left.
    Left,
    /// It is held.
    Held(Why),
    /// It is held because a person rejected what it said before; a person has to decide again.
    AwaitsAgain,
}

impl Standing {
    /// That of a held record.
    pub(super) const fn of_held(held: &Held) -> Self {
        if held.awaits_again { Self::AwaitsAgain } else { Self::Held(held.hold.why) }
    }
}

/// How far the last revision in this situation is.
pub(super) fn standing_of(situation: &Situation) -> Standing {
    match (&situation.hold, &situation.waiting, &situation.stated) {
        (Some(held), ..) => Standing::of_held(held),
        (None, Some(_), _) => Standing::Waits,
        (None, None, Some(_)) => Standing::Left,
        (None, None, None) => Standing::Undecided,
    }
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
pub(super) fn view<'c>(
    context: &Context,
    catalogue: &'c Catalogue,
    rec: RecordHandle,
) -> Result<View<'c>, CommandFailed> {
    let stored = context.records.last(rec)?.ok_or_else(|| no_record(rec))?;
    let kind_id = &stored.revision.kind;
    let kind = disclosure::find_kind(catalogue, kind_id)
        .ok_or_else(|| CommandFailed::NoKind(kind_id.to_string()))?;
    let hold = hold_of(context, &stored)?;
    let approvals = approvals_of(context, rec)?.into_iter();
    let approved_at = approvals.map(|approval| (approval.id, approval.at)).collect();
    let (way, grants, earlier) = way_of(context, &stored)?;
    let planned = disclosure::under_grants(kind, &stored.revision.record, &grants, context.clock.today())?;
    let value = |planned: Planned| {
        let value = stored.revision.record.get(&planned.field.name).cloned().unwrap_or_default();
        (planned, value)
    };
    let fields = planned.into_iter().map(value).collect();
    Ok(View {
        kind,
        fields,
        way,
        approved_at,
        hold,
        earlier,
        statements: statements_of(context, rec)?,
        stored,
    })
}

fn hold_of(context: &Context, stored: &Stored) -> Result<Option<(Held, String)>, CommandFailed> {
    let held = hold::active(&*context.store, stored.rec, &stored.revision.record)?;
    let Some(held) = held else { return Ok(None) };
    let decisions = decisions_of(&*context.store, stored.rec)?;
    let reason = decisions.into_iter().find(|decision| Some(&decision.id) == held.hold.decision.as_ref());
    Ok(Some((held, reason.map_or_else(String::new, |decision| decision.reason))))
}

/// How far a revision is, what may be revealed of it, and which earlier ones wait.
type OnItsWay = (Way, Vec<Grant>, Vec<(u32, Vec<String>)>);

fn way_of(context: &Context, stored: &Stored) -> Result<OnItsWay, CommandFailed> {
    let (mut current, mut earlier) = (None, Vec::new());
    for (entry, content) in context.outbox.waiting_for(stored.rec)? {
        match (entry, content) {
            (Entry::Disclosure { rev, grants, .. }, Some(_)) if rev == stored.rev => current = Some(grants),
            (_, Some(Content::Disclosure { rev, revealed, .. })) => {
                earlier.push((rev, revealed.into_iter().collect()));
            }
            (_, Some(Content::Withdrawal { .. }) | None) => {}
        }
    }
    if let Some(grants) = current {
        return Ok((Way::Waits, grants, earlier));
    }
    Ok(match context.outbox.stated(stored.rec, stored.rev)? {
        Some(Entry::Disclosure { grants, .. }) => (Way::Left, grants, earlier),
        Some(Entry::Withdrawal { .. }) | None => (Way::Stays, Vec::new(), earlier),
    })
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
