//! Runs: consecutive statements of one issuer that are also consecutive in the log.

use std::collections::BTreeMap;

use safeharbor_core::institution::Issuer;

use crate::journal::Position;

/// A run is closed at this length, so that finding a statement in it reads little.
const RUN_MAX: u64 = 1024;

/// Statements of one issuer without a gap in numbers or log indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The number of the first statement.
    pub first_seq: u64,
    /// Its log index.
    pub first_index: u64,
    /// How many statements.
    pub length: u64,
    /// Where the frame of the first one begins.
    pub position: Position,
}

impl Run {
    /// The log index of the statement with this number, if it is in the run.
    #[must_use]
    pub fn index_of(&self, seq: u64) -> Option<u64> {
        let into = seq.checked_sub(self.first_seq).filter(|into| *into < self.length)?;
        Some(self.first_index.saturating_add(into))
    }
}

/// All runs, and which of them the index does not have yet.
#[derive(Debug, Default)]
pub struct Runs {
    by_issuer: BTreeMap<Issuer, BTreeMap<u64, Run>>,
    unsaved: BTreeMap<(Issuer, u64), Run>,
}

impl Runs {
    /// Notes that statement `seq` of `issuer` has this log index.
    pub(crate) fn note(&mut self, issuer: &Issuer, seq: u64, index: u64, position: Position) {
        if !self.by_issuer.contains_key(issuer) {
            self.by_issuer.insert(issuer.clone(), BTreeMap::new());
        }
        let Some(runs) = self.by_issuer.get_mut(issuer) else { return };
        let last = runs.last_entry().map(|entry| *entry.get());
        let continues = |run: &Run| {
            run.length < RUN_MAX
                && run.first_seq.saturating_add(run.length) == seq
                && run.first_index.saturating_add(run.length) == index
                && run.position.segment == position.segment
        };
        let run = match last.filter(continues) {
            Some(run) => Run { length: run.length.saturating_add(1), ..run },
            None => Run { first_seq: seq, first_index: index, length: 1, position },
        };
        runs.insert(run.first_seq, run);
        self.unsaved.insert((issuer.clone(), run.first_seq), run);
    }

    /// The run that holds statement `seq` of `issuer`.
    #[must_use]
    pub fn find(&self, issuer: &Issuer, seq: u64) -> Option<Run> {
        let (_, run) = self.by_issuer.get(issuer)?.range(..=seq).next_back()?;
        (seq.checked_sub(run.first_seq)? < run.length).then_some(*run)
    }

    /// Takes what the index does not have yet.
    pub fn take_unsaved(&mut self) -> BTreeMap<(Issuer, u64), Run> {
        std::mem::take(&mut self.unsaved)
    }

    /// All runs, issuer by issuer.
    pub fn iter(&self) -> impl Iterator<Item = (&Issuer, &Run)> {
        self.by_issuer.iter().flat_map(|(issuer, runs)| runs.values().map(move |run| (issuer, run)))
    }

    /// How many runs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_issuer.values().map(BTreeMap::len).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_issuer.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_found_by_number() {
        let a: Issuer = "urn:uscc:12100000400002259P".parse().unwrap();
        let b: Issuer = "urn:uscc:12100000400000624D".parse().unwrap();
        let at = |offset| Position { segment: 0, offset };
        let mut runs = Runs::default();
        for (issuer, seq, index) in [(&a, 1, 0), (&a, 2, 1), (&b, 1, 2), (&a, 3, 3), (&a, 4, 4)] {
            runs.note(issuer, seq, index, at(index * 100));
        }
        assert_eq!(runs.len(), 3);
        assert_eq!(runs.find(&a, 4).and_then(|run| run.index_of(4)), Some(4));
        assert_eq!(runs.find(&a, 2).and_then(|run| run.index_of(2)), Some(1));
        assert_eq!(runs.find(&b, 1).map(|run| run.position), Some(at(200)));
        assert_eq!(runs.find(&a, 5), None);
        assert_eq!(runs.find(&b, 0), None);
        assert_eq!(runs.take_unsaved().len(), 3);
        assert!(runs.take_unsaved().is_empty());
    }
}
