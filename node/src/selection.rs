//! Selections (筛选): the records of one kind that a decision in bulk is about, by simple conditions on their fields.

mod condition;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use safeharbor_core::digest::Digest;
use safeharbor_core::record::KindId;
use safeharbor_rules::Kind;
use serde::{Deserialize, Serialize};

use crate::as_text;
use crate::context::Context;
use crate::outbox::OutboxFailed;
use crate::records::{Current, RecordsFailed, Stored};
use crate::situation::Situation;
use condition::Condition;
pub use condition::ParseConditionFailed;

/// Which records are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Among {
    /// 待审批：尚无人批准或驳回 Those about which nobody decided
    #[default]
    #[value(alias = "waiting")]
    Undecided,
    /// 全部（留置的除外） All but those that are held
    All,
}

/// A selection as people write it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Of which kind.
    #[serde(with = "as_text")]
    pub kind: KindId,
    /// `field=value`, `field=one|another`, `field=2020-01-01..2020-12-31`, `published` or `published=no`; all must hold.
    pub conditions: Vec<String>,
    /// Among which records.
    pub among: Among,
}

/// A selection bound to its kind.
#[derive(Debug)]
pub(crate) struct Selection<'k> {
    pub(crate) kind: &'k Kind,
    conditions: Vec<Condition>,
    among: Among,
}

/// A record that was selected.
#[derive(Debug)]
pub(crate) struct Selected {
    pub(crate) current: Current,
    pub(crate) stored: Stored,
    pub(crate) situation: Situation,
}

/// How many records of a set there are, and what they say: a set that changed has another digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinned {
    /// How many.
    pub records: u64,
    /// SHA-256 over handle, revision and content of each, in order, and over the fields that an approval would reveal of it.
    #[serde(with = "as_text")]
    pub sha256: Digest,
}

impl Default for Pinned {
    fn default() -> Self {
        Self { records: 0, sha256: Digest::of(b"") }
    }
}

impl Pinned {
    pub(crate) fn add(&mut self, current: &Current) {
        let parts = [
            self.sha256.as_bytes().as_slice(),
            current.rec.as_bytes(),
            &current.rev.to_be_bytes(),
            current.digest.as_bytes(),
        ];
        self.sha256 = Digest::of(&parts.concat());
        self.records = self.records.saturating_add(1);
    }
}

impl Pinned {
    /// As [`Pinned::add`], for an approval that reveals these fields of it: which, changes also when a record is published.
    pub(crate) fn add_revealing(&mut self, current: &Current, fields: &BTreeSet<String>) {
        self.add(current);
        for field in fields {
            let name = Digest::of(field.as_bytes());
            self.sha256 = Digest::of(&[self.sha256.as_bytes().as_slice(), name.as_bytes()].concat());
        }
    }
}

impl<'k> Selection<'k> {
    /// Binds `filter` to its kind.
    ///
    /// # Errors
    /// A condition that cannot be understood or names what the kind does not have.
    pub(crate) fn parse(filter: &Filter, kind: &'k Kind) -> Result<Self, ParseConditionFailed> {
        let conditions = filter.conditions.iter().map(|typed| Condition::parse(typed, kind));
        Ok(Self { kind, conditions: conditions.collect::<Result<_, _>>()?, among: filter.among })
    }

    /// The names of fields and states that decide; the values asked for may be ones that must not leave.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        self.conditions.iter().map(Condition::name).collect()
    }

    /// Shows `visitor` every selected record in the order of keys; answers how many fit and are held. The caller holds the outbox.
    pub(crate) fn visit<E: From<RecordsFailed> + From<OutboxFailed>>(
        &self,
        context: &Context,
        visitor: &mut dyn FnMut(Selected) -> Result<(), E>,
    ) -> Result<u64, E> {
        let today = context.clock.today();
        let mut held = 0_u64;
        context.records.visit(Some(self.kind.id()), &mut |current| {
            let Some(stored) = context.records.last(current.rec)? else {
                return Ok(ControlFlow::Continue(()));
            };
            let record = &stored.revision.record;
            if !self.conditions.iter().all(|condition| condition.holds(self.kind, record, today)) {
                return Ok(ControlFlow::Continue(()));
            }
            let situation = Situation::of(context, current, &stored)?;
            if situation.held().is_some() {
                held = held.saturating_add(1);
            } else if self.among == Among::All || !situation.is_decided() {
                visitor(Selected { current, stored, situation })?;
            }
            Ok::<_, E>(ControlFlow::Continue(()))
        })?;
        Ok(held)
    }
}
