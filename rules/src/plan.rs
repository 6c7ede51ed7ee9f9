//! What of a record would leave, and what stays: the one decision that both the preview and sending follow.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde_json::Value;

use crate::class::{ByState, Ceiling, Class};
use crate::field::Field;
use crate::kind::Kind;
use crate::policy::Mode;
use crate::{KindId, Record};

/// On whose authority a field is revealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    /// The institution's policy, for C0 and C1.
    Policy,
    /// A named person's approval of this statement.
    Approval,
}

/// Why a field leaves as a digest only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithheldBecause {
    /// The policy states revisions of this kind with nothing revealed.
    CommitOnly,
    /// Its class needs a person's approval, and there is none.
    NeedsApproval,
    /// Its ceiling is below the hub.
    Ceiling,
    /// The value does not fit the kind's schema, so nobody can say what it holds.
    Unfit,
}

/// What becomes of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The value leaves.
    Revealed {
        /// On whose authority.
        by: Authority,
    },
    /// A salted digest leaves.
    DigestOnly {
        /// Why no more.
        why: WithheldBecause,
    },
    /// Nothing leaves.
    Stays,
}

/// One field of the record, with what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedField {
    /// The field.
    pub name: String,
    /// Its class in this record.
    pub class: Class,
    /// Its ceiling in this record.
    pub ceiling: Ceiling,
    /// What becomes of it.
    pub fate: Fate,
}

/// What would leave of a record, field by field, in the order of the kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The kind.
    pub kind: KindId,
    /// The mode it was planned under.
    pub mode: Mode,
    /// The fields the record has.
    pub fields: Vec<PlannedField>,
}

/// A record or approval for which there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanRefused {
    /// The record fails its gate (成果密级) or holds something of class CX.
    #[error("the record must not be stored, so nothing of it can leave")]
    NotStorable,
    /// The approval names something that is no field of the kind.
    #[error("{kind} has no field {field:?} that could be approved")]
    UnknownField {
        /// The kind.
        kind: KindId,
        /// What was named.
        field: String,
    },
    /// The approval goes above the field's ceiling.
    #[error("{field:?} may go no further than \"{ceiling}\", so no approval reveals it to the hub")]
    AboveCeiling {
        /// The field.
        field: String,
        /// Its ceiling in this record.
        ceiling: Ceiling,
    },
}

impl Plan {
    /// The names of the fields whose values leave.
    pub fn revealed(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(|f| matches!(f.fate, Fate::Revealed { .. })).map(|f| f.name.as_str())
    }

    /// The names of the fields of which a digest leaves, revealed or not: what a statement is made from.
    pub fn stated(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(|f| f.fate != Fate::Stays).map(|f| f.name.as_str())
    }
}

/// Plans what of a record would leave under a mode and the approvals given to this statement.
///
/// C0 and C1 leave by policy in mode `reveal`; C2 and C3 only if approved; nothing above its ceiling; CX never.
///
/// # Errors
/// A record that must not be stored, an approval of something that is no field, or one above the field's ceiling.
pub fn plan(
    kind: &Kind,
    record: &Record,
    mode: Mode,
    approved: &BTreeSet<String>,
    today: Date,
) -> Result<Plan, PlanRefused> {
    if kind.must_not_be_stored(record) {
        return Err(PlanRefused::NotStorable);
    }
    for name in approved {
        check_approval(kind, record, name, today)?;
    }
    let mut fields = Vec::new();
    for field in kind.fields() {
        let Some(value) = record.get(field.name()) else { continue };
        if field.class() == &ByState::Constant(Class::CX) {
            return Err(PlanRefused::NotStorable);
        }
        let class = kind.class_of(field.name(), record, today);
        let ceiling = kind.ceiling_of(field.name(), record, today);
        let is_approved = approved.contains(field.name());
        let fate = decide(field, value, (class, ceiling), mode, is_approved);
        fields.push(PlannedField { name: field.name().to_owned(), class, ceiling, fate });
    }
    fields.extend(record.keys().filter(|name| kind.field(name).is_none()).map(|name| foreign_field(name)));
    Ok(Plan { kind: kind.id().clone(), mode, fields })
}

fn check_approval(kind: &Kind, record: &Record, name: &str, today: Date) -> Result<(), PlanRefused> {
    if kind.field(name).is_none() {
        return Err(PlanRefused::UnknownField { kind: kind.id().clone(), field: name.to_owned() });
    }
    let ceiling = kind.ceiling_of(name, record, today);
    if ceiling < Ceiling::Hub {
        return Err(PlanRefused::AboveCeiling { field: name.to_owned(), ceiling });
    }
    Ok(())
}

fn decide(field: &Field, value: &Value, limits: (Class, Ceiling), mode: Mode, is_approved: bool) -> Fate {
    let (class, ceiling) = limits;
    let automatic = matches!(class, Class::C0 | Class::C1);
    let withheld = |why| Fate::DigestOnly { why };
    match mode {
        Mode::Off => Fate::Stays,
        Mode::Commit | Mode::Reveal if class == Class::CX => Fate::Stays,
        Mode::Commit | Mode::Reveal if ceiling < Ceiling::Hub => withheld(WithheldBecause::Ceiling),
        Mode::Commit | Mode::Reveal if !field.accepts(value) => withheld(WithheldBecause::Unfit),
        Mode::Commit | Mode::Reveal if is_approved => Fate::Revealed { by: Authority::Approval },
        Mode::Reveal if automatic => Fate::Revealed { by: Authority::Policy },
        Mode::Commit if automatic => withheld(WithheldBecause::CommitOnly),
        Mode::Commit | Mode::Reveal => withheld(WithheldBecause::NeedsApproval),
    }
}

/// A field that the kind does not have (any more): of unknown class, so not even a digest of it leaves.
fn foreign_field(name: &str) -> PlannedField {
    PlannedField { name: name.to_owned(), class: Class::C3, ceiling: Ceiling::Never, fate: Fate::Stays }
}
