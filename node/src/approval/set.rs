//! Approvals in bulk: one approval for a set of records of a kind, of exactly what was seen.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use safeharbor_core::record::KindId;
use safeharbor_rules::{Catalogue, Ceiling, Fate, Kind};
use safeharbor_service::person::Person;
use safeharbor_service::store::{Batch, KEYS_PER_COMMIT_ADVISED, Scan};
use serde::{Deserialize, Serialize};

use super::base::{base_in, enqueue};
use super::{Approval, ApproveFailed};
use crate::as_text;
use crate::context::Context;
use crate::decision::draw_id;
use crate::disclosure::{self, Planned};
use crate::outbox::{Authority, Grant};
use crate::selection::{Filter, Pinned, Selected, Selection};
use crate::tables::META;

/// Records in one commit, at most five keys each.
const RECORDS_PER_COMMIT: usize = KEYS_PER_COMMIT_ADVISED / 5;
/// The rows of sets in `META` begin with this.
const SET_PREFIX: &[u8] = b"approved-set/";

/// What somebody saw of a set before they approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetSeen {
    /// Which records.
    pub filter: Filter,
    /// Which fields are to be revealed.
    pub fields: BTreeSet<String>,
    /// How many records there are and what they say.
    pub pinned: Pinned,
}

/// An approval of a set; what it says of each record is an [`Approval`] under the same id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetApproval {
    /// Names it.
    pub id: String,
    /// Of which kind.
    #[serde(with = "as_text")]
    pub kind: KindId,
    /// Which fields.
    pub fields: BTreeSet<String>,
    /// How many records, if it was not interrupted.
    pub records: u64,
    /// Who approved.
    pub person: Person,
    /// When, in milliseconds since 1970 UTC.
    pub at: u64,
}

/// What becomes of one field in the records of a set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FieldCount {
    /// In how many it is revealed because of the approval.
    pub approved: u64,
    /// In how many it is, or was, revealed without it.
    pub before: u64,
    /// In how many only a digest leaves.
    pub digest: u64,
    /// In how many of these the field is above its ceiling, so that nobody can approve it.
    pub above_ceiling: u64,
    /// In how many nothing leaves.
    pub stays: u64,
}

/// What would leave of a set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SetSummary {
    /// Field by field.
    pub fields: BTreeMap<String, FieldCount>,
    /// How many of the records are stated once more, with more revealed.
    pub stated_again: u64,
    /// How many fit the selection and are left out because they are held.
    pub held: u64,
    /// How many fit, and the approval would add nothing to them.
    pub unchanged: u64,
}

/// What would leave if a set were approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetPreview {
    /// What the approval would be about.
    pub seen: SetSeen,
    /// What would leave.
    pub summary: SetSummary,
}

/// A record of the set with what the approval adds.
struct Addition {
    selected: Selected,
    fields: BTreeSet<String>,
}

/// What would leave if `person` approved `fields` of all records of the set. Nothing is changed. Every record of the set is shown to
/// `visitor` with the fields that would be revealed of it by the approval.
///
/// # Errors
/// As [`approve_set`].
pub fn preview_set(
    context: &Context,
    filter: &Filter,
    fields: &BTreeSet<String>,
    person: &Person,
    visitor: &mut dyn FnMut(&crate::records::Stored, &BTreeSet<String>),
) -> Result<SetPreview, ApproveFailed> {
    let _held = context.outbox.hold();
    let catalogue = context.catalogue();
    let selection = bind(&catalogue, filter, fields)?;
    let today = context.clock.today();
    let authority = Authority::Approval { id: String::new(), person: person.clone() };
    let (mut pinned, mut summary) = (Pinned::default(), SetSummary::default());
    let (held, unchanged) = walk(context, &selection, fields, &mut |addition| {
        pinned.add_revealing(&addition.selected.current, &addition.fields);
        visitor(&addition.selected.stored, &addition.fields);
        let grant = Grant { authority: authority.clone(), fields: addition.fields };
        summary.count(selection.kind, addition.selected, grant, today)
    })?;
    (summary.held, summary.unchanged) = (held, unchanged);
    let seen = SetSeen { filter: filter.clone(), fields: fields.clone(), pinned };
    Ok(SetPreview { seen, summary })
}

/// Lets the fields that were `seen` leave of every record of the set, if the set is exactly what was seen. Batches are committed one
/// after the other; if that is interrupted, the records that were reached are approved, and approving the same again reaches the rest.
/// Durable on return.
///
/// # Errors
/// The set changed since, is empty, a field that the kind lacks; the store.
pub fn approve_set(context: &Context, seen: &SetSeen, person: &Person) -> Result<SetApproval, ApproveFailed> {
    let held = context.outbox.hold();
    let catalogue = context.catalogue();
    let selection = bind(&catalogue, &seen.filter, &seen.fields)?;
    let mut pinned = Pinned::default();
    walk(context, &selection, &seen.fields, &mut |addition| {
        pinned.add_revealing(&addition.selected.current, &addition.fields);
        Ok(())
    })?;
    if pinned != seen.pinned {
        return Err(ApproveFailed::SetChanged { seen: seen.pinned.records, now: pinned.records });
    }
    if pinned.records == 0 {
        return Err(ApproveFailed::NoneFits);
    }
    let set = SetApproval {
        id: draw_id(&*context.random)?,
        kind: seen.filter.kind.clone(),
        fields: seen.fields.clone(),
        records: pinned.records,
        person: person.clone(),
        at: context.clock.now_ms(),
    };
    log(context, &set, seen, &selection)?;
    carry_out(context, &selection, &set)?;
    drop(held);
    context.outbox.announce();
    Ok(set)
}

/// The approvals of sets, in no particular order.
///
/// # Errors
/// The store.
pub fn load_sets(context: &Context) -> Result<Vec<SetApproval>, ApproveFailed> {
    let rows = context.store.scan(&Scan::prefix(META, SET_PREFIX))?;
    rows.iter().map(|(_, row)| Ok(serde_json::from_slice(row)?)).collect()
}

/// The log names what decided which records, and no value.
fn log(
    context: &Context,
    set: &SetApproval,
    seen: &SetSeen,
    selection: &Selection<'_>,
) -> Result<(), ApproveFailed> {
    let detail = serde_json::json!({
        "approval": set.id, "fields": set.fields, "records": set.records, "sha256": seen.pinned.sha256.to_string(),
        "among": seen.filter.among, "conditions_on": selection.names(),
    });
    context.audit.append(Some(&set.person), "approve set", set.kind.as_str(), detail)?;
    Ok(())
}

fn carry_out(context: &Context, selection: &Selection<'_>, set: &SetApproval) -> Result<(), ApproveFailed> {
    let mut batch = Batch::new();
    batch.put(META, [SET_PREFIX, set.id.as_bytes()].concat(), serde_json::to_vec(set)?);
    let mut in_batch = 0_usize;
    walk(context, selection, &set.fields, &mut |addition| {
        let Addition { selected: Selected { current, stored, situation }, fields } = addition;
        let approval = Approval {
            id: set.id.clone(),
            rec: stored.rec,
            rev: stored.rev,
            fields,
            person: set.person.clone(),
            at: set.at,
        };
        enqueue(context, &stored, current, base_in(current, situation)?, &approval, &mut batch)?;
        in_batch = in_batch.saturating_add(1);
        if in_batch >= RECORDS_PER_COMMIT {
            in_batch = 0;
            context.store.commit(std::mem::take(&mut batch))?;
        }
        Ok(())
    })?;
    context.store.commit(batch)?;
    Ok(context.store.flush()?)
}

fn bind<'c>(
    catalogue: &'c Catalogue,
    filter: &Filter,
    fields: &BTreeSet<String>,
) -> Result<Selection<'c>, ApproveFailed> {
    let kind = disclosure::find_kind(catalogue, &filter.kind)
        .ok_or_else(|| ApproveFailed::UnknownKind(filter.kind.clone()))?;
    if fields.is_empty() {
        return Err(ApproveFailed::NoField);
    }
    if let Some(field) = fields.iter().find(|field| kind.field(field).is_none()) {
        return Err(ApproveFailed::UnknownField { kind: kind.id().clone(), field: field.clone() });
    }
    Ok(Selection::parse(filter, kind)?)
}

/// Shows `visitor` the records to which approving `fields` adds something; answers how many are held, and how many it adds nothing to.
fn walk(
    context: &Context,
    selection: &Selection<'_>,
    fields: &BTreeSet<String>,
    visitor: &mut dyn FnMut(Addition) -> Result<(), ApproveFailed>,
) -> Result<(u64, u64), ApproveFailed> {
    let today = context.clock.today();
    let mut unchanged = 0_u64;
    let held = selection.visit(context, &mut |selected| {
        let fields = added(selection.kind, &selected, fields, today);
        if fields.is_empty() {
            unchanged = unchanged.saturating_add(1);
            return Ok(());
        }
        visitor(Addition { selected, fields })
    })?;
    Ok((held, unchanged))
}

/// Those of the fields that have a value which may go to the hub and that nobody allowed yet.
fn added(kind: &Kind, selected: &Selected, fields: &BTreeSet<String>, today: Date) -> BTreeSet<String> {
    let (record, allowed) = (&selected.stored.revision.record, selected.situation.allowed());
    if disclosure::automatic(kind, record, today).is_none() {
        return BTreeSet::new();
    }
    let is_added = |name: &&String| {
        let value = record.get(name.as_str());
        let fits = value.is_some_and(|value| kind.field(name).is_some_and(|field| field.accepts(value)));
        fits && !allowed.contains(name.as_str()) && kind.ceiling_of(name, record, today) == Ceiling::Hub
    };
    fields.iter().filter(is_added).cloned().collect()
}

impl SetSummary {
    fn count(
        &mut self,
        kind: &Kind,
        selected: Selected,
        grant: Grant,
        today: Date,
    ) -> Result<(), ApproveFailed> {
        let Selected { current, stored, situation } = selected;
        let base = base_in(current, situation)?;
        if base.is_stated_again() {
            self.stated_again = self.stated_again.saturating_add(1);
        }
        let grants = super::add(base.into_grants(), grant)?;
        for Planned { field, authority } in
            disclosure::under_grants(kind, &stored.revision.record, &grants, today)?
        {
            let count = self.fields.entry(field.name).or_default();
            let place = match (&authority, field.fate) {
                (Some(Authority::Approval { id, .. }), _) if id.is_empty() => &mut count.approved,
                (Some(_), _) => &mut count.before,
                (None, Fate::Stays) => &mut count.stays,
                (None, Fate::DigestOnly { .. } | Fate::Revealed { .. }) => &mut count.digest,
            };
            *place = place.saturating_add(1);
            if authority.is_none() && field.ceiling < Ceiling::Hub {
                count.above_ceiling = count.above_ceiling.saturating_add(1);
            }
        }
        Ok(())
    }
}
