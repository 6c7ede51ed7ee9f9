//! The outbox (待发件箱): what is to be stated, in order, until it gets its place in the chain.
//!
//! An entry is written in the same commit as the revision it is about. Whoever reads the outbox, records or the policy
//! and commits what follows from them holds [`Outbox::hold`] from reading to the commit, so that no statement is made of a
//! record that is being erased and no import answers for a revision that is being restated.

mod content;
mod entry;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use safeharbor_core::record::RecordHandle;
use safeharbor_rules::Catalogue;
use safeharbor_service::clock::Clock;
use safeharbor_service::store::{Batch, KEYS_PER_COMMIT_ADVISED, Scan, Store, StoreFailed};
use tokio::sync::Notify;

use crate::catalogues::InUse;
use crate::chain::Adopted;
use crate::hold::{self, Why};
use crate::policy::{self, InForce, PolicyFailed};
use crate::records::{Records, RecordsFailed, revision_key};
use crate::tables::{OUTBOX, STATED};
use content::Ground;
pub use content::{Content, Pending};
pub use entry::{Authority, Entry, Grant};

/// The outbox could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum OutboxFailed {
    /// The store failed.
    #[error("the outbox cannot be read or written")]
    Store(#[from] StoreFailed),
    /// The record behind an entry cannot be had.
    #[error("the record behind an outbox entry cannot be read")]
    Records(#[from] RecordsFailed),
    /// A row of the store is not what was written.
    #[error("the outbox entry {number} cannot be understood; restore the data folder from a backup")]
    Row {
        /// Its number.
        number: u64,
    },
    /// The entry has no JSON form.
    #[error("an outbox entry cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
    /// It cannot be told what the policy lets leave.
    #[error("the policy in force cannot be read")]
    Policy(#[source] Box<PolicyFailed>),
}

/// How an entry leaves the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// It has its place in the chain.
    Stated,
    /// It can never become a statement.
    SetAside,
}

/// What is to be stated; one for a store.
#[derive(Debug)]
pub struct Outbox {
    store: Arc<dyn Store>,
    records: Records,
    in_use: InUse,
    clock: Arc<dyn Clock>,
    next: AtomicU64,
    more: Notify,
    held: Mutex<()>,
    paused: AtomicBool,
}

impl Outbox {
    /// The outbox in `store`.
    ///
    /// # Errors
    /// The store.
    pub fn open(store: Arc<dyn Store>, in_use: InUse, clock: Arc<dyn Clock>) -> Result<Self, OutboxFailed> {
        let last = store.scan(&Scan::all(OUTBOX).backwards().limit(1))?;
        let last = last.first().map(|(key, _)| parse_number(key)).transpose()?.unwrap_or(0);
        Ok(Self {
            records: Records::new(Arc::clone(&store)),
            store,
            in_use,
            clock,
            next: AtomicU64::new(last.saturating_add(1)),
            more: Notify::new(),
            held: Mutex::new(()),
            paused: AtomicBool::new(false),
        })
    }

    /// Keeps others from changing records and outbox until the guard is dropped.
    pub fn hold(&self) -> MutexGuard<'_, ()> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets nothing become a statement until [`Outbox::resume`]; entries go on being put here. On return no numbering is under way.
    pub fn pause(&self) {
        let _held = self.hold();
        self.paused.store(true, Ordering::SeqCst);
    }

    /// Ends a pause.
    pub fn resume(&self) {
        self.paused.store(false, Ordering::SeqCst);
        self.announce();
    }

    /// Whether nothing becomes a statement for now.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused.load(Ordering::SeqCst)
    }

    /// The first `limit` entries with what they state at this moment. A field whose class or ceiling has become stricter since it
    /// was allowed to be revealed is not, nor one that only a policy allowed that is no longer in force; one that was not allowed
    /// never is.
    ///
    /// # Errors
    /// The store.
    pub fn pending(&self, limit: usize) -> Result<Vec<Pending>, OutboxFailed> {
        Ok(self.look(limit)?.0)
    }

    /// As [`Outbox::pending`], with the numbers of the entries before and between of which nothing may leave any more: what closed
    /// them does not open again. Those of a record that a row may still free are none.
    pub(crate) fn look(&self, limit: usize) -> Result<(Vec<Pending>, Vec<u64>), OutboxFailed> {
        let (policy, catalogue) = (self.policy()?, self.catalogue());
        let ground = self.ground(policy.as_ref(), &catalogue);
        let (mut pending, mut dead) = (Vec::new(), Vec::new());
        self.visit(&mut |number, entry| {
            match content::of_entry(&entry, &ground)? {
                Some(content) => pending.push(Pending { number, content }),
                None if self.may_be_freed(entry.rec())? => {}
                None => dead.push(number),
            }
            Ok(if pending.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        Ok((pending, dead))
    }

    fn may_be_freed(&self, rec: RecordHandle) -> Result<bool, OutboxFailed> {
        let Some(last) = self.records.last(rec)? else { return Ok(false) };
        let held = hold::active(&*self.store, rec, &last.revision.record)?;
        Ok(held.is_some_and(|held| held.hold.why == Why::Forbidden))
    }

    /// Takes out entries of which nothing may leave any more.
    pub(crate) fn bury(&self, dead: &[u64]) -> Result<(), OutboxFailed> {
        for part in dead.chunks(KEYS_PER_COMMIT_ADVISED) {
            let mut batch = Batch::new();
            part.iter().for_each(|number| self.drop_entry(*number, &mut batch));
            self.store.commit(batch)?;
            tracing::info!(
                entries = part.len(),
                "taken out of the outbox: nothing of them may leave any more"
            );
        }
        Ok(())
    }

    /// Takes an entry out in `batch`, because the same batch gives it its place in the chain, or because it never gets one.
    ///
    /// # Errors
    /// The store.
    pub fn remove(&self, number: u64, left: Left, batch: &mut Batch) -> Result<(), OutboxFailed> {
        if let Some(entry) = self.entry(number)? {
            if left == Left::Stated && matches!(entry, Entry::Disclosure { .. }) {
                batch.put(STATED, revision_key(entry.rec(), entry.rev()), serde_json::to_vec(&entry)?);
            }
            batch.delete(OUTBOX, number.to_be_bytes());
        }
        Ok(())
    }

    /// How many entries wait to leave: none about a record whose row may not be stored, which waits for a person to erase or correct it.
    ///
    /// # Errors
    /// The store.
    pub fn len(&self) -> Result<u64, OutboxFailed> {
        let mut count = 0_u64;
        self.visit_leaving(&mut |_| {
            count = count.saturating_add(1);
            ControlFlow::Continue(())
        })?;
        Ok(count)
    }

    /// Whether there is no entry at all, of those neither that [`Outbox::len`] leaves out.
    ///
    /// # Errors
    /// The store.
    pub fn is_empty(&self) -> Result<bool, OutboxFailed> {
        Ok(self.store.scan(&Scan::all(OUTBOX).limit(1))?.is_empty())
    }

    /// The entry that waits longest of those that [`Outbox::len`] counts.
    ///
    /// # Errors
    /// The store.
    pub fn first(&self) -> Result<Option<Entry>, OutboxFailed> {
        let mut first = None;
        self.visit_leaving(&mut |entry| {
            first = Some(entry);
            ControlFlow::Break(())
        })?;
        Ok(first)
    }

    fn visit_leaving(&self, visitor: &mut dyn FnMut(Entry) -> ControlFlow<()>) -> Result<(), OutboxFailed> {
        let barred = hold::barred(&*self.store)?;
        self.visit(&mut |_, entry| {
            let is_kept = matches!(entry, Entry::Disclosure { .. }) && barred.contains(&entry.rec());
            Ok(if is_kept { ControlFlow::Continue(()) } else { visitor(entry) })
        })
    }

    /// Returns when entries were put here since the last call; one task waits.
    pub async fn wait_for_more(&self) {
        self.more.notified().await;
    }

    /// Adds an entry to `batch` and returns its number; [`Outbox::announce`] follows the commit.
    pub(crate) fn put(&self, entry: &Entry, batch: &mut Batch) -> Result<u64, OutboxFailed> {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        batch.put(OUTBOX, number.to_be_bytes(), serde_json::to_vec(entry)?);
        Ok(number)
    }

    /// Leaves of the entry `number`, if it is about `rec`, only what a person approved, in `batch`: what the policy
    /// granted to a revision ends with the next one. Whether the entry waits on.
    pub(crate) fn supersede(
        &self,
        number: u64,
        rec: RecordHandle,
        batch: &mut Batch,
    ) -> Result<bool, OutboxFailed> {
        let Some(entry) = self.entry(number)?.filter(|entry| entry.rec() == rec) else { return Ok(false) };
        match entry.superseded() {
            Some(approved) => {
                batch.put(OUTBOX, number.to_be_bytes(), serde_json::to_vec(&approved)?);
                Ok(true)
            }
            None => {
                batch.delete(OUTBOX, number.to_be_bytes());
                Ok(false)
            }
        }
    }

    /// Leaves of every entry about a revision that is not its record's last only what a person approved.
    pub(crate) fn strip_superseded(&self) -> Result<(), OutboxFailed> {
        let mut superseded = Vec::new();
        self.visit(&mut |number, entry| {
            // Most entries have one grant; a superseded one without an approval is gone.
            if matches!(&entry, Entry::Disclosure { grants, .. } if grants.len() > 1)
                && self.records.last(entry.rec())?.is_some_and(|last| last.rev != entry.rev())
            {
                superseded.push((number, entry.rec()));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        for part in superseded.chunks(KEYS_PER_COMMIT_ADVISED) {
            let mut batch = Batch::new();
            for (number, rec) in part {
                self.supersede(*number, *rec, &mut batch)?;
            }
            self.store.commit(batch)?;
        }
        Ok(())
    }

    /// The numbers of all entries about these records, in order, and whether each is a withdrawal.
    pub(crate) fn numbers_about(
        &self,
        recs: &BTreeSet<RecordHandle>,
    ) -> Result<BTreeMap<RecordHandle, Vec<(u64, bool)>>, OutboxFailed> {
        let mut numbers: BTreeMap<RecordHandle, Vec<(u64, bool)>> = BTreeMap::new();
        self.visit(&mut |number, entry| {
            if recs.contains(&entry.rec()) {
                let is_withdrawal = matches!(entry, Entry::Withdrawal { .. });
                numbers.entry(entry.rec()).or_default().push((number, is_withdrawal));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(numbers)
    }

    /// Takes one entry out in `batch`: it is not to become a statement.
    #[expect(clippy::unused_self, reason = "only who has the outbox takes something out of it")]
    pub(crate) fn drop_entry(&self, number: u64, batch: &mut Batch) {
        batch.delete(OUTBOX, number.to_be_bytes());
    }

    /// Takes everything about `rec` out in `batch`.
    pub(crate) fn drop_record(&self, rec: RecordHandle, batch: &mut Batch) -> Result<(), OutboxFailed> {
        self.visit(&mut |number, entry| {
            if entry.rec() == rec {
                batch.delete(OUTBOX, number.to_be_bytes());
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Takes out in `batch` what the chain has already: everything about records that were taken back last, withdrawals of those that
    /// were taken back before, and the disclosed revisions, which are marked as stated.
    pub(crate) fn drop_adopted(&self, adopted: &Adopted, batch: &mut Batch) -> Result<(), OutboxFailed> {
        self.visit(&mut |number, entry| {
            let (rec, rev) = (entry.rec(), entry.rev());
            let is_disclosure = matches!(entry, Entry::Disclosure { .. });
            if adopted.withdrawn.contains(&rec) || (!is_disclosure && adopted.once_withdrawn.contains(&rec)) {
                batch.delete(OUTBOX, number.to_be_bytes());
            } else if is_disclosure && adopted.disclosed.contains(&(rec, rev)) {
                batch.put(STATED, revision_key(rec, rev), serde_json::to_vec(&entry)?);
                batch.delete(OUTBOX, number.to_be_bytes());
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Wakes whoever waits for more.
    pub(crate) fn announce(&self) {
        self.more.notify_one();
    }

    /// One entry, unless it got its place in the chain or was superseded.
    pub(crate) fn entry(&self, number: u64) -> Result<Option<Entry>, OutboxFailed> {
        let row = self.store.get(OUTBOX, &number.to_be_bytes())?;
        row.map(|row| decode(number, &row)).transpose()
    }

    /// The entry under which a revision got its place in the chain.
    pub(crate) fn stated(&self, rec: RecordHandle, rev: u32) -> Result<Option<Entry>, OutboxFailed> {
        let row = self.store.get(STATED, &revision_key(rec, rev))?;
        row.map(|row| decode(0, &row)).transpose()
    }

    /// Entries about `rec` that wait, in order, with what each states; none for one of which nothing may leave.
    pub(crate) fn waiting_for(
        &self,
        rec: RecordHandle,
    ) -> Result<Vec<(Entry, Option<Content>)>, OutboxFailed> {
        let (policy, catalogue) = (self.policy()?, self.catalogue());
        let ground = self.ground(policy.as_ref(), &catalogue);
        let mut entries = Vec::new();
        self.visit(&mut |_, entry| {
            if entry.rec() == rec {
                let content = content::of_entry(&entry, &ground)?;
                entries.push((entry, content));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(entries)
    }

    /// Shows `visitor` every entry in order with what it states; none for one of which nothing may leave.
    ///
    /// # Errors
    /// The store.
    pub fn visit_waiting(
        &self,
        visitor: &mut dyn FnMut(Entry, Option<Content>) -> ControlFlow<()>,
    ) -> Result<(), OutboxFailed> {
        let (policy, catalogue) = (self.policy()?, self.catalogue());
        let ground = self.ground(policy.as_ref(), &catalogue);
        self.visit(&mut |_, entry| {
            let content = content::of_entry(&entry, &ground)?;
            Ok(visitor(entry, content))
        })
    }

    fn policy(&self) -> Result<Option<InForce>, OutboxFailed> {
        policy::load(&*self.store).map_err(|failed| OutboxFailed::Policy(Box::new(failed)))
    }

    /// The catalogue version under which entries are planned; while the outbox is held it stays the same.
    pub(crate) fn catalogue(&self) -> Arc<Catalogue> {
        self.in_use.current()
    }

    fn ground<'o>(&'o self, policy: Option<&'o InForce>, catalogue: &'o Catalogue) -> Ground<'o> {
        let today = self.clock.today();
        Ground { store: &*self.store, records: &self.records, catalogue, policy, today }
    }

    fn visit(
        &self,
        visitor: &mut dyn FnMut(u64, Entry) -> Result<ControlFlow<()>, OutboxFailed>,
    ) -> Result<(), OutboxFailed> {
        let mut outcome = Ok(());
        self.store.visit(Scan::all(OUTBOX), &mut |key, row| {
            let number = parse_number(key);
            match number.and_then(|number| visitor(number, decode(number, row)?)) {
                Ok(flow) => flow,
                Err(failed) => {
                    outcome = Err(failed);
                    ControlFlow::Break(())
                }
            }
        })?;
        outcome
    }
}

fn parse_number(key: &[u8]) -> Result<u64, OutboxFailed> {
    key.try_into().map(u64::from_be_bytes).or(Err(OutboxFailed::Row { number: 0 }))
}

fn decode(number: u64, row: &[u8]) -> Result<Entry, OutboxFailed> {
    serde_json::from_slice(row).or(Err(OutboxFailed::Row { number }))
}
