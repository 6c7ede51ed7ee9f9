//! Where an import's checked rows become records, revisions and outbox entries, a batch in one commit.

use std::error::Error;

use jiff::civil::Date;
use rayon::prelude::*;
use safeharbor_core::digest::Digest;
use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_rules::{Kind, Record};
use safeharbor_service::random::draw;
use safeharbor_service::store::{BATCH_BYTES_MAX, Batch, KEYS_PER_COMMIT_ADVISED};

use super::{Current, RecordsFailed, Revision, Source, canonical, identity_key, revision_key};
use crate::context::Context;
use crate::hold::{self, Why};
use crate::outbox::{Entry, Grant};
use crate::policy::{InForce, PolicyFailed};
use crate::tables::{KEYS, REVISIONS};
use safeharbor_interchange::import::{ImportedRow, Sink, Taken};

/// Rows in one commit, at most four keys each.
const ROWS_PER_COMMIT: usize = KEYS_PER_COMMIT_ADVISED / 4;
/// Bytes of records in one commit; with keys and places they stay below what a commit takes.
const COMMIT_BYTES: usize = BATCH_BYTES_MAX / 2;

/// Takes rows of one kind into the store. Records and what is to be stated of them enter in the same commit.
#[derive(Debug)]
pub struct RecordSink<'c> {
    context: &'c Context,
    kind: &'c Kind,
    file: String,
}

/// Answers what [`RecordSink`] would, and keeps nothing.
#[derive(Debug)]
pub struct DryRun<'c> {
    context: &'c Context,
    kind: KindId,
}

/// A row with all that does not depend on what is stored.
struct Prepared {
    row: u64,
    key: String,
    record: Record,
    bytes: usize,
    digest: Digest,
    grant: Option<Grant>,
}

impl<'c> RecordSink<'c> {
    /// Takes rows that come from `file`.
    #[must_use]
    pub fn new(context: &'c Context, kind: &'c Kind, file: String) -> Self {
        Self { context, kind, file }
    }

    fn prepare(
        &self,
        row: ImportedRow,
        policy: Option<&InForce>,
        today: Date,
    ) -> Result<Prepared, PolicyFailed> {
        let canonical = canonical(&row.record)?;
        let grant = policy.and_then(|policy| policy.grant(self.kind, &row.record, today));
        let ImportedRow { row, key, record, .. } = row;
        Ok(Prepared { row, key, record, bytes: canonical.len(), digest: Digest::of(&canonical), grant })
    }

    /// One commit, as long as no other changes records or policy.
    fn commit(&self, rows: Vec<Prepared>, taken: &mut Vec<Taken>) -> Result<(), PolicyFailed> {
        let mut batch = Batch::new();
        let at = self.context.clock.now_ms();
        for row in rows {
            taken.push(self.keep(row, at, &mut batch)?);
        }
        Ok(self.context.store.commit(batch)?)
    }

    fn keep(&self, row: Prepared, at: u64, batch: &mut Batch) -> Result<Taken, PolicyFailed> {
        let Prepared { row, key, record, digest, grant, .. } = row;
        let stored = self.context.records.current(self.kind.id(), &key)?;
        let (grant, is_lifted) = match stored {
            Some(current) => self.unheld(current.rec, digest, grant, batch)?,
            None => (grant, false),
        };
        let (rec, rev, waits_on, taken) = match stored {
            Some(current) if current.digest == digest => {
                if let Some(grant) = grant.filter(|_| is_lifted) {
                    self.state_unheld(current, &key, grant, at, batch)?;
                }
                return Ok(Taken::Unchanged);
            }
            Some(Current { rec, rev, queued, .. }) => {
                let waits_on = self.context.outbox.supersede(queued, rec, batch)?;
                let rev = rev.checked_add(1).ok_or(RecordsFailed::TooManyRevisions(rec))?;
                (rec, rev, if waits_on { queued } else { 0 }, Taken::Revised)
            }
            None => (self.draw_handle()?, 1, 0, Taken::New),
        };
        let queued = match grant {
            Some(grant) => {
                let kind = self.kind.id().clone();
                self.context
                    .outbox
                    .put(&Entry::Disclosure { kind, rec, rev, grants: vec![grant], at }, batch)?
            }
            None => waits_on,
        };
        batch.put(KEYS, identity_key(self.kind.id(), &key), Current { rec, rev, digest, queued }.encode());
        let source = Source::Import { file: self.file.clone(), row };
        let revision = Revision { kind: self.kind.id().clone(), key, record, at, source };
        batch.put(REVISIONS, revision_key(rec, rev), serde_json::to_vec(&revision)?);
        Ok(taken)
    }

    /// What the policy grants to a record that nobody holds; a row without what was forbidden ends that hold, and
    /// whether it did.
    fn unheld(
        &self,
        rec: RecordHandle,
        digest: Digest,
        grant: Option<Grant>,
        batch: &mut Batch,
    ) -> Result<(Option<Grant>, bool), RecordsFailed> {
        Ok(match hold::active(&*self.context.store, rec, digest)?.map(|hold| hold.why) {
            Some(Why::Rejected | Why::Withdrawn | Why::Secret) => (None, false),
            Some(Why::Forbidden) => {
                hold::lift(rec, batch);
                (grant, true)
            }
            None => (grant, false),
        })
    }

    /// What waited when the record was held may be gone.
    fn state_unheld(
        &self,
        current: Current,
        key: &str,
        grant: Grant,
        at: u64,
        batch: &mut Batch,
    ) -> Result<(), PolicyFailed> {
        let (outbox, Current { rec, rev, .. }) = (&self.context.outbox, current);
        let waits = outbox.entry(current.queued)?.is_some_and(|entry| entry.rec() == rec);
        if waits || outbox.stated(rec, rev)?.is_some() {
            return Ok(());
        }
        let kind = self.kind.id().clone();
        let queued = outbox.put(&Entry::Disclosure { kind, rec, rev, grants: vec![grant], at }, batch)?;
        batch.put(KEYS, identity_key(self.kind.id(), key), Current { queued, ..current }.encode());
        Ok(())
    }

    fn draw_handle(&self) -> Result<RecordHandle, RecordsFailed> {
        Ok(RecordHandle::from_bytes(draw(&*self.context.random)?))
    }

    fn take_all(&self, rows: Vec<ImportedRow>) -> Result<Vec<Taken>, PolicyFailed> {
        let _held = self.context.outbox.hold();
        let (policy, today) = (self.context.policy()?, self.context.clock.today());
        let prepare = |row| self.prepare(row, policy.as_ref(), today);
        let prepared: Vec<Prepared> =
            rows.into_par_iter().with_min_len(64).map(prepare).collect::<Result<_, _>>()?;
        let mut taken = Vec::with_capacity(prepared.len());
        for part in split_into_commits(prepared) {
            self.commit(part, &mut taken)?;
        }
        self.context.store.flush()?;
        self.context.outbox.announce();
        Ok(taken)
    }
}

fn split_into_commits(rows: Vec<Prepared>) -> Vec<Vec<Prepared>> {
    let mut parts: Vec<Vec<Prepared>> = vec![Vec::new()];
    let mut bytes = 0_usize;
    for row in rows {
        bytes = bytes.saturating_add(row.bytes);
        let full = parts.last().is_none_or(|part| part.len() >= ROWS_PER_COMMIT) || bytes > COMMIT_BYTES;
        if full {
            bytes = row.bytes;
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
}

impl<'c> DryRun<'c> {
    /// Compares rows with the records of a kind.
    #[must_use]
    pub const fn new(context: &'c Context, kind: KindId) -> Self {
        Self { context, kind }
    }

    fn answer(&self, row: &ImportedRow) -> Result<Taken, RecordsFailed> {
        let digest = Digest::of(&canonical(&row.record)?);
        Ok(match self.context.records.current(&self.kind, &row.key)? {
            Some(current) if current.digest == digest => Taken::Unchanged,
            Some(_) => Taken::Revised,
            None => Taken::New,
        })
    }
}

impl Sink for DryRun<'_> {
    fn take(&mut self, rows: Vec<ImportedRow>) -> Result<Vec<Taken>, Box<dyn Error + Send + Sync>> {
        Ok(rows.iter().map(|row| self.answer(row)).collect::<Result<_, _>>()?)
    }
}
