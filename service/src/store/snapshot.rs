//! A copy of a whole store as of one moment, taken while batches are committed.
//!
//! Rows are shown page by page in the order of their keys. Whatever a commit changes beyond the pages shown so far is
//! kept as it was before, and shown in its place; commits wait only while one page is read.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use super::Table;

/// What [`Store::snapshot`](super::Store::snapshot) shows tables, keys and values to.
pub type SnapshotVisitor<'a> = dyn FnMut(Table, &[u8], &[u8]) -> ControlFlow<()> + 'a;

/// How many rows are read at a time.
pub(super) const ROWS_PER_PAGE: usize = 512;

/// Bytes of earlier values that are kept; past them commits wait until the copy is done.
pub(super) const KEPT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Keys with the table in front of them, and what stood there.
type Row = (Vec<u8>, Vec<u8>);

/// A copy under way: how far it has come, and what was changed beyond.
#[derive(Default)]
pub(super) struct Snapshot {
    /// The last key shown, or passed over because it did not exist at the moment.
    shown: Option<Vec<u8>>,
    /// What stood at keys beyond `shown` before they were changed; nothing where there was no such key.
    before: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    bytes: usize,
}

impl Snapshot {
    /// Where the next page begins.
    pub(super) fn next(&self) -> Bound<Vec<u8>> {
        self.shown.clone().map_or(Bound::Unbounded, Bound::Excluded)
    }

    /// Whether a change of `key` must be kept out of the copy: it is not shown yet, and changes for the first time.
    pub(super) fn needs(&self, key: &[u8]) -> bool {
        self.shown.as_deref().is_none_or(|shown| key > shown) && !self.before.contains_key(key)
    }

    /// Keeps what stands at `key` before it is changed.
    pub(super) fn keep(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.bytes = self.bytes.saturating_add(bytes_of(&key, value.as_ref()));
        self.before.insert(key, value);
    }

    /// Whether so much is kept that commits must wait.
    pub(super) const fn is_full(&self, bytes_max: usize) -> bool {
        self.bytes > bytes_max
    }

    /// The page that was read behind [`Snapshot::next`], as it was at the moment; `is_last` if nothing follows it.
    pub(super) fn take(&mut self, rows: Vec<Row>, is_last: bool) -> Vec<Row> {
        let end = if is_last { None } else { rows.last().map(|(key, _)| key.clone()) };
        let mut page: BTreeMap<Vec<u8>, Vec<u8>> = rows.into_iter().collect();
        let later = end.as_ref().map_or_else(BTreeMap::new, |end| {
            let mut later = self.before.split_off(end);
            // The end itself belongs to this page.
            if let Some(value) = later.remove(end) {
                self.before.insert(end.clone(), value);
            }
            later
        });
        for (key, value) in std::mem::replace(&mut self.before, later) {
            match value {
                Some(value) => drop(page.insert(key, value)),
                None => drop(page.remove(&key)),
            }
        }
        let kept = |(key, value): (&Vec<u8>, &Option<Vec<u8>>)| bytes_of(key, value.as_ref());
        self.bytes = self.before.iter().map(kept).sum();
        if end.is_some() {
            self.shown = end;
        }
        page.into_iter().collect()
    }
}

fn bytes_of(key: &[u8], value: Option<&Vec<u8>>) -> usize {
    key.len().saturating_add(value.map_or(0, Vec::len))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: &str, value: &str) -> Row {
        (key.into(), value.into())
    }

    #[test]
    fn a_page_is_shown_as_it_was() {
        let mut snapshot = Snapshot::default();
        snapshot.keep(b"b".into(), Some(b"old".into()));
        snapshot.keep(b"c".into(), None);
        snapshot.keep(b"d".into(), Some(b"gone since".into()));
        let page = snapshot.take(vec![row("a", "1"), row("b", "new"), row("c", "new")], false);
        assert_eq!(page, [row("a", "1"), row("b", "old")]);
        assert!(!snapshot.needs(b"c") && !snapshot.needs(b"d") && snapshot.needs(b"e"));
        assert_eq!(snapshot.take(vec![row("e", "5")], true), [row("d", "gone since"), row("e", "5")]);
    }
}
