//! A store that fails when told to, for tests.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::{Applied, Batch, Row, Scan, SnapshotVisitor, Store, StoreFailed, Table};

/// What goes wrong, by both halves: was it applied, and what was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Not applied, reported as not applied.
    CommitRefused,
    /// Not applied, reported as unknown.
    CommitLost,
    /// Applied, reported as unknown.
    CommitKept,
    /// Nothing was made durable, and so it was reported.
    FlushRefused,
}

/// Passes everything on to another store, except what is to fail.
#[derive(Debug)]
pub struct FaultyStore<S> {
    inner: S,
    faults: Mutex<VecDeque<Fault>>,
}

impl<S: Store> FaultyStore<S> {
    /// Wraps `inner`; nothing fails yet.
    pub const fn new(inner: S) -> Self {
        Self { inner, faults: Mutex::new(VecDeque::new()) }
    }

    /// Adds a fault for the next call of its kind that no earlier fault hits.
    pub fn plan(&self, fault: Fault) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push_back(fault);
    }

    /// How many planned faults have not struck.
    pub fn planned(&self) -> usize {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn next(&self, of_flush: bool) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let at = faults.iter().position(|fault| (*fault == Fault::FlushRefused) == of_flush)?;
        faults.remove(at)
    }
}

fn failed(step: &'static str, applied: Applied) -> StoreFailed {
    StoreFailed::Backend { step, applied, source: "planned by the test".into() }
}

impl<S: Store> Store for FaultyStore<S> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFailed> {
        self.inner.get(table, key)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Row>, StoreFailed> {
        self.inner.scan(scan)
    }

    fn snapshot(&self, visitor: &mut SnapshotVisitor<'_>) -> Result<(), StoreFailed> {
        self.inner.snapshot(visitor)
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreFailed> {
        match self.next(false) {
            None => self.inner.commit(batch),
            Some(Fault::CommitKept) => {
                self.inner.commit(batch)?;
                Err(failed("commit", Applied::Unknown))
            }
            Some(Fault::CommitLost) => Err(failed("commit", Applied::Unknown)),
            Some(Fault::CommitRefused | Fault::FlushRefused) => Err(failed("commit", Applied::No)),
        }
    }

    fn flush(&self) -> Result<(), StoreFailed> {
        match self.next(true) {
            None => self.inner.flush(),
            Some(_) => Err(failed("flush", Applied::Yes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;

    fn check(fault: Fault, applied: Applied, visible: bool) {
        let store = FaultyStore::new(MemoryStore::new());
        store.plan(fault);
        let mut batch = Batch::new();
        batch.put(Table(1), *b"key", *b"value");
        let refused = store.commit(batch).and_then(|()| store.flush()).unwrap_err();
        assert_eq!(refused.applied(), applied, "{fault:?}");
        assert_eq!(store.get(Table(1), b"key").unwrap().is_some(), visible, "{fault:?}");
        assert_eq!(store.planned(), 0);
    }

    #[test]
    fn faults_differ_in_what_was_applied_and_what_was_reported() {
        check(Fault::CommitRefused, Applied::No, false);
        check(Fault::CommitLost, Applied::Unknown, false);
        check(Fault::CommitKept, Applied::Unknown, true);
        check(Fault::FlushRefused, Applied::Yes, true);
    }
}
