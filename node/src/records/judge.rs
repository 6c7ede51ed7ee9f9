//! Judging the rows of one file against what is stored, in their order; nothing is changed by it.

use std::collections::{BTreeMap, BTreeSet};

use safeharbor_core::digest::Digest;
use safeharbor_core::record::RecordHandle;
use safeharbor_interchange::import::{Action, ImportedRow, RefusedRow, Remark};
use safeharbor_rules::Kind;

use super::absent::{Absent, Named};
use super::links::{LinkLookup, count_naming};
use super::resolution::{Changed, Refusal, Resolution, Standing, resolve};
use super::{Current, Links, RecordsFailed, Source, Terms, base, words};
use crate::context::Context;
use crate::hold;

/// Judges the rows of one file.
#[derive(Debug)]
pub(super) struct Judge<'c> {
    pub(super) context: &'c Context,
    pub(super) kind: &'c Kind,
    pub(super) terms: Terms,
    links: LinkLookup<'c>,
    named: Named,
    /// Records that a person changed here, as of the batch under way.
    changed_here: BTreeSet<RecordHandle>,
    /// Records for which rows came that may not be stored, as of then.
    barred: BTreeSet<RecordHandle>,
    /// Field to how many rows name a record in it that is not here, and the first of them.
    dangling: BTreeMap<String, (u64, u64)>,
    /// How many records name one that the file retires, and the first row that does.
    still_named: Option<(u64, u64)>,
}

impl<'c> Judge<'c> {
    pub(super) fn new(context: &'c Context, kind: &'c Kind, terms: Terms) -> Self {
        let (links, named) = (LinkLookup::new(kind), Named::default());
        let (changed_here, barred) = (BTreeSet::new(), BTreeSet::new());
        let (dangling, still_named) = (BTreeMap::new(), None);
        Self { context, kind, terms, links, named, changed_here, barred, dangling, still_named }
    }

    /// Between batches others change records.
    pub(super) fn begin_batch(&mut self) -> Result<(), RecordsFailed> {
        self.links.begin_batch();
        self.changed_here = base::changed_here(&*self.context.store)?;
        self.barred = hold::barred(&*self.context.store)?;
        Ok(())
    }

    /// Whether a row that changes nothing may end anything at all.
    pub(super) fn is_anything_open(&self) -> bool {
        !self.changed_here.is_empty() || !self.barred.is_empty()
    }

    /// Whether a person changed the record here since a row was last taken for it.
    pub(super) fn is_changed_here(&self, rec: RecordHandle) -> bool {
        self.changed_here.contains(&rec)
    }

    /// Takes note of a row that breaks a rule.
    pub(super) fn pass_over(&mut self, row: &RefusedRow) {
        self.named.note(self.kind.id(), row.key.as_deref());
    }

    /// What becomes of a row whose content has this digest.
    pub(super) fn judge(&mut self, row: &ImportedRow, digest: Digest) -> Result<Resolution, RecordsFailed> {
        self.named.note(self.kind.id(), Some(&row.key));
        self.named.lists_changes |= row.action != Action::Upsert;
        let standing = self.standing(row, digest)?;
        let digest = self.without_loss(row, digest, &standing)?;
        let resolution = resolve(row.action, digest, standing, &self.terms);
        let resolution = match resolution {
            Resolution::New | Resolution::Revived(_) | Resolution::Revised { .. } => {
                self.check_links(row, resolution)?
            }
            Resolution::Unchanged
            | Resolution::Retired(_)
            | Resolution::Conflict(_)
            | Resolution::Refused(_) => resolution,
        };
        match resolution {
            Resolution::Retired(_) => self.links.note(&row.key, false),
            Resolution::Refused(_) => {}
            Resolution::Unchanged if row.action == Action::Delete => {}
            Resolution::Unchanged
            | Resolution::New
            | Resolution::Revived(_)
            | Resolution::Revised { .. }
            | Resolution::Conflict(_) => self.links.note(&row.key, true),
        }
        Ok(resolution)
    }

    fn standing(&self, row: &ImportedRow, digest: Digest) -> Result<Standing, RecordsFailed> {
        let records = &self.context.records;
        let Some(current) = records.current(self.kind.id(), &row.key)? else {
            let retired = records.retired(self.kind.id(), &row.key)?;
            return Ok(retired.map_or(Standing::Absent, Standing::Retired));
        };
        let deletes = row.action == Action::Delete;
        let is_compared = !deletes && current.digest != digest && self.is_changed_here(current.rec);
        let changed = if is_compared { self.changed(current, row)? } else { None };
        Ok(Standing::Here { current, changed, is_barred: deletes && self.barred.contains(&current.rec) })
    }

    /// A row that has every value of the record and no source text of its own, such as one of an export, takes none away:
    /// its content counts as the record's.
    fn without_loss(
        &self,
        row: &ImportedRow,
        digest: Digest,
        standing: &Standing,
    ) -> Result<Digest, RecordsFailed> {
        let Standing::Here { current, .. } = standing else { return Ok(digest) };
        if !row.raw.is_empty() || row.action == Action::Delete || current.digest == digest {
            return Ok(digest);
        }
        let ours = self.context.records.last(current.rec)?;
        let says_the_same = ours.is_some_and(|ours| ours.revision.record == row.record);
        Ok(if says_the_same { current.digest } else { digest })
    }

    /// A row that says what the record says, if from other texts, brings it into step with the file.
    fn changed(&self, current: Current, row: &ImportedRow) -> Result<Option<Changed>, RecordsFailed> {
        let records = &self.context.records;
        let Some(mut ours) = records.last(current.rec)? else { return Ok(None) };
        if ours.revision.record == row.record {
            return Ok(None);
        }
        if let Some(edit) = records.last_from(current.rec, |source| matches!(source, Source::Edit { .. }))? {
            (ours.revision.source, ours.revision.at) = (edit.revision.source, edit.revision.at);
        }
        let imported = base::of(&*self.context.store, current.rec)?;
        Ok(Some(Changed { ours: Box::new(ours), imported }))
    }

    fn check_links(
        &mut self,
        row: &ImportedRow,
        resolution: Resolution,
    ) -> Result<Resolution, RecordsFailed> {
        let missing = self.links.missing(&row.record, &self.context.records)?;
        if missing.is_empty() {
            return Ok(resolution);
        }
        if self.terms.links == Links::Refuse {
            return Ok(Resolution::Refused(Refusal::Links(missing)));
        }
        let mut fields: Vec<String> = missing.into_iter().map(|(field, _)| field).collect();
        fields.dedup();
        for field in fields {
            let (rows, _) = self.dangling.entry(field).or_insert((0, row.row));
            *rows = rows.saturating_add(1);
        }
        Ok(resolution)
    }

    /// Takes note of the records that name one of those that a batch retires: natural key to row.
    pub(super) fn note_retired(&mut self, retired: &BTreeMap<&str, u64>) -> Result<(), RecordsFailed> {
        let Some(first_row) = retired.values().min() else { return Ok(()) };
        let naming = count_naming(self.context, self.kind.id(), retired)?;
        if naming > 0 {
            let (count, _) = self.still_named.get_or_insert((0, *first_row));
            *count = count.saturating_add(naming);
        }
        Ok(())
    }

    pub(super) fn remarks(&mut self) -> Vec<Remark> {
        let dangling = std::mem::take(&mut self.dangling);
        let dangling = dangling
            .into_iter()
            .map(|(field, (rows, first_row))| words::dangling(self.kind, field, rows, first_row));
        let still_named =
            self.still_named.take().map(|(count, first_row)| words::still_named(self.kind, count, first_row));
        dangling.chain(still_named).collect()
    }

    pub(super) fn absent(&self) -> Result<Option<Absent>, RecordsFailed> {
        self.named.absent(self.context, self.kind.id(), self.terms.origin())
    }
}
