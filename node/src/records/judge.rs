//! Judging the rows of one file against what is stored, in their order; nothing is changed by it.

use std::collections::BTreeMap;

use safeharbor_core::digest::Digest;
use safeharbor_interchange::import::{Action, ImportedRow, RefusedRow, Remark};
use safeharbor_rules::Kind;

use super::absent::{Absent, Named};
use super::links::LinkLookup;
use super::resolution::{Changed, Refusal, Resolution, Standing, resolve};
use super::{Current, Links, RecordsFailed, Source, Terms, words};
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
    /// Field to how many rows name a record in it that is not here, and the first of them.
    dangling: BTreeMap<String, (u64, u64)>,
}

impl<'c> Judge<'c> {
    pub(super) fn new(context: &'c Context, kind: &'c Kind, terms: Terms) -> Self {
        let (links, named) = (LinkLookup::new(kind), Named::default());
        Self { context, kind, terms, links, named, dangling: BTreeMap::new() }
    }

    pub(super) fn begin_batch(&mut self) {
        self.links.begin_batch();
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
        let changed = if deletes || current.digest == digest { None } else { self.changed(current)? };
        Ok(Standing::Here { current, changed, is_barred: deletes && self.is_barred(current)? })
    }

    /// A record whose last revision says what the last imported one says was not changed here.
    fn changed(&self, current: Current) -> Result<Option<Changed>, RecordsFailed> {
        let records = &self.context.records;
        let Some(mut ours) = records.last(current.rec)? else { return Ok(None) };
        if matches!(ours.revision.source, Source::Import { .. }) {
            return Ok(None);
        }
        let imported = records.last_imported(current.rec)?;
        let imported = imported.map(|imported| imported.digest()).transpose()?;
        if imported == Some(current.digest) {
            return Ok(None);
        }
        if let Some(edit) = records.last_from(current.rec, |source| matches!(source, Source::Edit { .. }))? {
            (ours.revision.source, ours.revision.at) = (edit.revision.source, edit.revision.at);
        }
        Ok(Some(Changed { ours: Box::new(ours), imported }))
    }

    fn is_barred(&self, current: Current) -> Result<bool, RecordsFailed> {
        hold::is_barred(&*self.context.store, current.rec)
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

    pub(super) fn remarks(&mut self) -> Vec<Remark> {
        let dangling = std::mem::take(&mut self.dangling);
        dangling
            .into_iter()
            .map(|(field, (rows, first_row))| words::dangling(self.kind, field, rows, first_row))
            .collect()
    }

    pub(super) fn absent(&self) -> Result<Option<Absent>, RecordsFailed> {
        self.named.absent(self.context, self.kind.id(), self.terms.origin())
    }
}
