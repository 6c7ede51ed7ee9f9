//! Where an import's checked rows become records, revisions and outbox entries, a batch in one commit.

use std::collections::BTreeSet;
use std::error::Error;

use jiff::civil::Date;
use rayon::prelude::*;
use safeharbor_core::digest::Digest;
use safeharbor_core::record::RecordHandle;
use safeharbor_interchange::import::{ImportedRow, RefusedRow, Remark, Sink, Taken, Withheld};
use safeharbor_rules::Kind;
use safeharbor_service::store::{BATCH_BYTES_MAX, Batch, KEYS_PER_COMMIT_ADVISED};

use super::adding::{Content, add, retire, unheld};
use super::judge::Judge;
use super::resolution::Resolution;
use super::{Absent, Current, RecordsFailed, Source, Terms, base, canonical, identity_key, words};
use crate::context::Context;
use crate::hold;
use crate::outbox::{Entry, Grant};
use crate::policy::{InForce, PolicyFailed};
use crate::tables::{KEYS, RETIRED};
use crate::withdrawal::withdraw_held;

/// Rows in one commit, at most five keys each.
const ROWS_PER_COMMIT: usize = KEYS_PER_COMMIT_ADVISED / 5;
/// Bytes of records in one commit; with keys and places they stay below what a commit takes.
const COMMIT_BYTES: usize = BATCH_BYTES_MAX / 2;
/// Why a record is withdrawn that a row of a file retires.
const RETIRED_BY_FILE: &str = "导入文件中的删除行（DELETE） a row of an imported file deletes it";

/// Takes rows of one kind into the store. Records and what is to be stated of them enter in the same commit.
#[derive(Debug)]
pub struct RecordSink<'c> {
    judge: Judge<'c>,
    keeps: bool,
    overruled: Vec<RecordHandle>,
}

/// A row with all that does not depend on what is stored.
struct Prepared {
    row: ImportedRow,
    bytes: usize,
    digest: Digest,
    grant: Option<Grant>,
}

/// A row and what becomes of it.
struct Judged {
    prepared: Prepared,
    resolution: Resolution,
}

impl<'c> RecordSink<'c> {
    /// Takes rows on these terms.
    #[must_use]
    pub fn new(context: &'c Context, kind: &'c Kind, terms: Terms) -> Self {
        Self { judge: Judge::new(context, kind, terms), keeps: true, overruled: Vec::new() }
    }

    /// Answers the same and keeps nothing.
    #[must_use]
    pub fn dry_run(context: &'c Context, kind: &'c Kind, terms: Terms) -> Self {
        Self { keeps: false, ..Self::new(context, kind, terms) }
    }

    /// The records that earlier files of the same origin brought and this one lacks; none of a file that lists changes alone.
    ///
    /// # Errors
    /// The store.
    pub fn absent(&self) -> Result<Option<Absent>, RecordsFailed> {
        self.judge.absent()
    }

    /// The records whose changes made here the file overruled.
    #[must_use]
    pub fn overruled(&self) -> &[RecordHandle] {
        &self.overruled
    }

    fn take_all(&mut self, rows: Vec<ImportedRow>) -> Result<Vec<Taken>, PolicyFailed> {
        let context = self.judge.context;
        let _held = context.outbox.hold();
        let judged = self.judge_all(rows)?;
        let taken = judged
            .iter()
            .map(|judged| words::taken(self.judge.kind, &judged.prepared.row, &judged.resolution));
        let taken = taken.collect();
        let retired = judged.iter().filter(|judged| judged.resolution.retires().is_some());
        let retired = retired.map(|judged| (judged.prepared.row.key.as_str(), judged.prepared.row.row));
        self.judge.note_retired(&retired.collect())?;
        if self.keeps {
            self.withdraw_retired(&judged)?;
            for part in split_into_commits(judged) {
                self.commit(part)?;
            }
            context.store.flush()?;
            context.outbox.announce();
        }
        Ok(taken)
    }

    fn judge_all(&mut self, rows: Vec<ImportedRow>) -> Result<Vec<Judged>, PolicyFailed> {
        let Judge { context, kind, .. } = self.judge;
        let (policy, today) = (context.policy()?, context.clock.today());
        let prepare = |row| prepare(row, kind, policy.as_ref(), today);
        let prepared: Vec<Prepared> =
            rows.into_par_iter().with_min_len(64).map(prepare).collect::<Result<_, _>>()?;
        self.judge.begin_batch()?;
        let judge = &mut self.judge;
        let mut judged = Vec::with_capacity(prepared.len());
        for prepared in prepared {
            let resolution = judge.judge(&prepared.row, prepared.digest)?;
            judged.push(Judged { prepared, resolution });
        }
        Ok(judged)
    }

    /// Before anything is retired, so that nothing of it leaves whatever comes between.
    fn withdraw_retired(&self, judged: &[Judged]) -> Result<(), PolicyFailed> {
        let Judge { context, terms, .. } = &self.judge;
        let retired = judged.iter().filter_map(|judged| judged.resolution.retires());
        let retired: BTreeSet<RecordHandle> = retired.collect();
        if let Some(person) = terms.retiring().filter(|_| !retired.is_empty()) {
            withdraw_held(context, &retired, person, RETIRED_BY_FILE)
                .map_err(|failed| RecordsFailed::Withdraw(Box::new(failed)))?;
        }
        Ok(())
    }

    /// One commit, as long as no other changes records or policy.
    fn commit(&mut self, rows: Vec<Judged>) -> Result<(), PolicyFailed> {
        let mut batch = Batch::new();
        for judged in rows {
            self.keep(judged, &mut batch)?;
        }
        Ok(self.judge.context.store.commit(batch)?)
    }

    fn keep(&mut self, judged: Judged, batch: &mut Batch) -> Result<(), PolicyFailed> {
        let Judge { context, kind, .. } = self.judge;
        let Judged { prepared, resolution } = judged;
        let before = match resolution {
            Resolution::Refused(_) | Resolution::Conflict(_) => return Ok(()),
            Resolution::Unchanged => return self.keep_unchanged(&prepared, batch),
            Resolution::Retired(current) => return self.keep_retired(prepared.row.row, current, batch),
            Resolution::New => None,
            Resolution::Revived(current) => {
                batch.delete(RETIRED, identity_key(kind.id(), &prepared.row.key));
                Some(current)
            }
            Resolution::Revised { current, overrules } => {
                self.overruled.extend(overrules.then_some(current.rec));
                Some(current)
            }
        };
        let Prepared { row, digest, grant, .. } = prepared;
        let Terms { file, origin, .. } = &self.judge.terms;
        let source = Source::Import { file: file.clone(), row: row.row, origin: origin.clone() };
        let ImportedRow { key, record, raw, .. } = row;
        add(context, kind, before, Content { key, record, raw, digest, grant, source }, batch)?;
        Ok(())
    }

    fn keep_retired(&self, row: u64, current: Current, batch: &mut Batch) -> Result<(), PolicyFailed> {
        let Judge { context, kind, terms, .. } = &self.judge;
        let Some(person) = terms.retiring().cloned() else { return Ok(()) };
        let source = Source::Retirement { file: terms.file.clone(), row, person };
        Ok(retire(context, kind, current, source, batch)?)
    }

    /// A row that changes nothing may still end a hold or a difference; what waited when the record was held may be gone.
    fn keep_unchanged(&self, prepared: &Prepared, batch: &mut Batch) -> Result<(), PolicyFailed> {
        let Judge { context, kind, .. } = self.judge;
        if !self.judge.is_anything_open() {
            return Ok(());
        }
        let current = context.records.current(kind.id(), &prepared.row.key)?;
        let Some(current) = current.filter(|current| current.digest == prepared.digest) else {
            return Ok(());
        };
        if self.judge.is_changed_here(current.rec) {
            base::forget(current.rec, batch);
        }
        let (grant, is_lifted) =
            unheld(context, current.rec, &prepared.row.record, prepared.grant.clone(), batch)?;
        let Some(grant) = grant.filter(|_| is_lifted) else { return Ok(()) };
        let (outbox, Current { rec, rev, .. }) = (&context.outbox, current);
        let waits = outbox.entry(current.queued)?.is_some_and(|entry| entry.rec() == rec);
        if waits || outbox.stated(rec, rev)?.is_some() {
            return Ok(());
        }
        let at = context.clock.now_ms();
        let entry = Entry::Disclosure { kind: kind.id().clone(), rec, rev, grants: vec![grant], at };
        let queued = outbox.put(&entry, batch)?;
        let identity = identity_key(kind.id(), &prepared.row.key);
        batch.put(KEYS, identity, Current { queued, ..current }.encode());
        Ok(())
    }

    /// What is stored under the key of a row that may not be stored is held back.
    fn hold_back(&self, rows: &[RefusedRow]) -> Result<(), Box<dyn Error + Send + Sync>> {
        let Judge { context, kind, .. } = self.judge;
        let withheld = rows.iter().filter_map(|row| Some((row.key.as_deref()?, row.withheld?)));
        let withheld: Vec<(&str, Withheld)> = withheld.collect();
        for part in withheld.chunks(ROWS_PER_COMMIT) {
            let _held = context.outbox.hold();
            let mut batch = Batch::new();
            for (key, why) in part {
                hold::hold_refused_row(context, kind.id(), key, *why == Withheld::Secrecy, &mut batch)?;
            }
            context.store.commit(batch)?;
        }
        Ok(context.store.flush()?)
    }
}

fn prepare(
    row: ImportedRow,
    kind: &Kind,
    policy: Option<&InForce>,
    today: Date,
) -> Result<Prepared, PolicyFailed> {
    let canonical = canonical(&row.record, &row.raw)?;
    let grant = policy.and_then(|policy| policy.grant(kind, &row.record, today));
    Ok(Prepared { row, bytes: canonical.len(), digest: Digest::of(&canonical), grant })
}

fn split_into_commits(rows: Vec<Judged>) -> Vec<Vec<Judged>> {
    let mut parts: Vec<Vec<Judged>> = vec![Vec::new()];
    let mut bytes = 0_usize;
    for row in rows {
        bytes = bytes.saturating_add(row.prepared.bytes);
        let full = parts.last().is_none_or(|part| part.len() >= ROWS_PER_COMMIT) || bytes > COMMIT_BYTES;
        if full {
            bytes = row.prepared.bytes;
            parts.push(Vec::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push(row);
        }
    }
    parts
}

impl Sink for RecordSink<'_> {
    fn take(&mut self, rows: Vec<ImportedRow>) -> Result<Vec<Taken>, Box<dyn Error + Send + Sync>> {
        Ok(self.take_all(rows)?)
    }

    fn pass_over(&mut self, rows: Vec<RefusedRow>) -> Result<(), Box<dyn Error + Send + Sync>> {
        rows.iter().for_each(|row| self.judge.pass_over(row));
        if self.keeps { self.hold_back(&rows) } else { Ok(()) }
    }

    fn remarks(&mut self) -> Vec<Remark> {
        self.judge.remarks()
    }
}
