//! What of one record leaves under grants that were given earlier: never more than they allow, less where the record's classes have become stricter.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use safeharbor_core::record::KindId;
use safeharbor_rules::{
    self as rules, Catalogue, Ceiling, Class, Fate, Kind, Mode, PlannedField, Record, plan,
};

use crate::outbox::{Authority, Grant};

/// A field of a record with what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The field, its class, ceiling and fate.
    pub field: PlannedField,
    /// On whose word its value leaves; none if it does not.
    pub authority: Option<Authority>,
}

pub(crate) fn find_kind<'c>(catalogue: &'c Catalogue, kind: &KindId) -> Option<&'c Kind> {
    catalogue.kind(kind)
}

/// The fields that a policy in mode `reveal` reveals of a record by itself; none for one of which nothing may leave.
pub(crate) fn automatic(kind: &Kind, record: &Record, today: Date) -> Option<BTreeSet<String>> {
    let plan = plan(kind, record, Mode::Reveal, &BTreeSet::new(), today).ok()?;
    Some(plan.revealed().map(str::to_owned).collect())
}

/// How far each field that the record has may go.
pub(crate) fn ceilings(kind: &Kind, record: &Record, today: Date) -> BTreeMap<String, Ceiling> {
    record.keys().map(|name| (name.clone(), kind.ceiling_of(name, record, today))).collect()
}

/// What becomes of every field of a record under `grants`, in the order of the kind. Without grants everything stays.
pub(crate) fn under_grants(
    kind: &Kind,
    record: &Record,
    grants: &[Grant],
    today: Date,
) -> Result<Vec<Planned>, rules::PlanRefused> {
    let approved = approved_within_ceilings(kind, record, grants, today);
    let mode = if grants.is_empty() { Mode::Off } else { Mode::Reveal };
    let plan = plan(kind, record, mode, &approved, today)?;
    Ok(plan.fields.into_iter().map(|field| under_grant(field, grants)).collect())
}

/// Narrows the plan for an earlier revision to what the record as it is by now lets leave; none if that is nothing.
pub(crate) fn within(
    mut planned: Vec<Planned>,
    kind: &Kind,
    latest: &Record,
    today: Date,
) -> Option<Vec<Planned>> {
    plan(kind, latest, Mode::Off, &BTreeSet::new(), today).ok()?;
    for Planned { field, authority } in &mut planned {
        field.class = field.class.max(kind.class_of(&field.name, latest, today));
        field.ceiling = field.ceiling.min(kind.ceiling_of(&field.name, latest, today));
        if field.class == Class::CX {
            field.fate = Fate::Stays;
        } else if field.ceiling < Ceiling::Hub && field.fate != Fate::Stays {
            field.fate = Fate::DigestOnly { why: rules::WithheldBecause::Ceiling };
        }
        if !matches!(field.fate, Fate::Revealed { .. }) {
            *authority = None;
        }
    }
    Some(planned)
}

/// The plan asks for a policy that reveals; only what some grant names is revealed in the end.
fn under_grant(mut field: PlannedField, grants: &[Grant]) -> Planned {
    let Fate::Revealed { by } = field.fate else { return Planned { field, authority: None } };
    let grant = grants.iter().find(|grant| is_by(grant, by) && grant.fields.contains(&field.name));
    if grant.is_none() {
        field.fate = Fate::DigestOnly { why: rules::WithheldBecause::CommitOnly };
    }
    Planned { field, authority: grant.map(|grant| grant.authority.clone()) }
}

const fn is_by(grant: &Grant, by: rules::Authority) -> bool {
    matches!(
        (&grant.authority, by),
        (Authority::Policy { .. }, rules::Authority::Policy)
            | (Authority::Approval { .. }, rules::Authority::Approval)
    )
}

/// A field whose ceiling was lowered since a person approved it is approved no more.
fn approved_within_ceilings(kind: &Kind, record: &Record, grants: &[Grant], today: Date) -> BTreeSet<String> {
    grants
        .iter()
        .filter(|grant| matches!(grant.authority, Authority::Approval { .. }))
        .flat_map(|grant| &grant.fields)
        .filter(|name| kind.field(name).is_some() && kind.ceiling_of(name, record, today) >= Ceiling::Hub)
        .cloned()
        .collect()
}
