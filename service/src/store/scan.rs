//! Scans: which rows to read, in which direction.

use super::Table;

/// A range of one table's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    pub(super) table: Table,
    /// Inclusive.
    pub(super) start: Vec<u8>,
    /// Exclusive; `None` runs to the end of the table.
    pub(super) end: Option<Vec<u8>>,
    pub(super) limit: usize,
    pub(super) backwards: bool,
}

impl Scan {
    /// All rows of a table.
    #[must_use]
    pub const fn all(table: Table) -> Self {
        Self { table, start: Vec::new(), end: None, limit: usize::MAX, backwards: false }
    }

    /// The rows whose keys begin with `prefix`.
    #[must_use]
    pub fn prefix(table: Table, prefix: &[u8]) -> Self {
        Self { start: prefix.to_vec(), end: successor(prefix), ..Self::all(table) }
    }

    /// Leaves out keys before `key`.
    #[must_use]
    pub fn starting_at(mut self, key: &[u8]) -> Self {
        if key > self.start.as_slice() {
            self.start = key.to_vec();
        }
        self
    }

    /// Leaves out `key` and keys after it.
    #[must_use]
    pub fn before(mut self, key: &[u8]) -> Self {
        if self.end.as_ref().is_none_or(|end| key < end.as_slice()) {
            self.end = Some(key.to_vec());
        }
        self
    }

    /// Yields the last rows first.
    #[must_use]
    pub const fn backwards(mut self) -> Self {
        self.backwards = true;
        self
    }

    /// Yields at most `rows` rows.
    #[must_use]
    pub const fn limit(mut self, rows: usize) -> Self {
        self.limit = rows;
        self
    }

    /// Whether no key can be in the range.
    pub(super) fn is_void(&self) -> bool {
        self.limit == 0 || self.end.as_ref().is_some_and(|end| end.as_slice() <= self.start.as_slice())
    }

    /// Narrows the range to what comes after `last` in its direction.
    pub(super) fn resume_after(&mut self, last: &[u8]) {
        if self.backwards {
            self.end = Some(last.to_vec());
        } else {
            self.start = [last, &[0]].concat();
        }
    }
}

/// The first key after all keys that begin with `prefix`; none if there is no such key.
pub(super) fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_successor_of_a_prefix_carries() {
        for (prefix, end) in
            [(&b"ab"[..], Some(&b"ac"[..])), (&[1, 255], Some(&[2])), (&[255, 255], None), (&[], None)]
        {
            assert_eq!(successor(prefix).as_deref(), end, "{prefix:?}");
        }
    }

    #[test]
    fn bounds_only_narrow() {
        let scan = Scan::prefix(Table(1), b"b").starting_at(b"a").before(b"d");
        assert_eq!(scan, Scan::prefix(Table(1), b"b"));
        assert!(Scan::prefix(Table(1), b"b").starting_at(b"c").is_void());
    }
}
