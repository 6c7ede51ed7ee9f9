//! A store in memory, for tests; it can be made to lose what was not flushed.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use super::batch::Change;
use super::{Batch, Row, Scan, SnapshotVisitor, Store, StoreFailed, Table};

type Rows = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

#[derive(Default)]
struct Content {
    visible: Rows,
    durable: Rows,
    unflushed: Vec<Change>,
}

/// A store in memory. Clones share their content, as handles on one database would.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<RwLock<Content>>);

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets whatever was committed after the last flush, as a power loss would.
    pub fn lose_power(&self) {
        let mut content = self.0.write().unwrap_or_else(PoisonError::into_inner);
        content.visible = content.durable.clone();
        content.unflushed.clear();
    }
}

fn apply(rows: &mut Rows, change: Change) {
    let key = (change.table, change.key);
    match change.value {
        Some(value) => drop(rows.insert(key, value)),
        None => drop(rows.remove(&key)),
    }
}

impl Store for MemoryStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFailed> {
        let content = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Ok(content.visible.get(&(table, key.to_vec())).cloned())
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Row>, StoreFailed> {
        if scan.is_void() {
            return Ok(Vec::new());
        }
        let content = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let start = Bound::Included((scan.table, scan.start.clone()));
        let end = match &scan.end {
            Some(end) => Bound::Excluded((scan.table, end.clone())),
            None => {
                Table::after(scan.table).map_or(Bound::Unbounded, |next| Bound::Excluded((next, Vec::new())))
            }
        };
        let rows = content.visible.range((start, end));
        let copy = |((_, key), value): (&(Table, Vec<u8>), &Vec<u8>)| (key.clone(), value.clone());
        Ok(if scan.backwards {
            rows.rev().take(scan.limit).map(copy).collect()
        } else {
            rows.take(scan.limit).map(copy).collect()
        })
    }

    fn snapshot(&self, visitor: &mut SnapshotVisitor<'_>) -> Result<(), StoreFailed> {
        let rows = self.0.read().unwrap_or_else(PoisonError::into_inner).visible.clone();
        for ((table, key), value) in &rows {
            if visitor(*table, key, value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreFailed> {
        let changes = batch.verified_changes()?;
        let mut content = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            content.unflushed.push(change.clone());
            apply(&mut content.visible, change);
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreFailed> {
        let mut content = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for change in std::mem::take(&mut content.unflushed) {
            apply(&mut content.durable, change);
        }
        Ok(())
    }
}

impl Table {
    fn after(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let content = self.0.read().unwrap_or_else(PoisonError::into_inner);
        write!(f, "MemoryStore({} rows, content withheld)", content.visible.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::store_suite!(MemoryPlace::default);

    #[derive(Default)]
    struct MemoryPlace(MemoryStore);

    impl crate::store::suite::Place for MemoryPlace {
        fn open(&self) -> Box<dyn Store> {
            Box::new(self.0.clone())
        }
    }

    #[test]
    fn a_power_loss_takes_what_was_not_flushed_and_no_more() {
        let store = MemoryStore::new();
        for (value, flushed) in [(b"one", true), (b"two", false)] {
            let mut batch = Batch::new();
            batch.put(Table(1), *b"key", *value);
            store.commit(batch).unwrap();
            if flushed {
                store.flush().unwrap();
            }
        }
        store.lose_power();
        assert_eq!(store.get(Table(1), b"key").unwrap().as_deref(), Some(&b"one"[..]));
    }
}
