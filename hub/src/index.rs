//! The index: heads and runs in the store, brought up at each checkpoint. A projection of the journal.

use std::sync::Arc;

use safeharbor_core::chain::Head;
use safeharbor_core::digest::Digest;
use safeharbor_core::institution::Issuer;
use safeharbor_service::store::{Batch, Scan, Store, StoreFailed, Table};

use crate::journal::Position;
use crate::ledger::{Run, Runs, Tip};

const META: Table = Table(1);
const RUNS: Table = Table(2);
const HEADS: Table = Table(4);
const SIZE: &[u8] = b"size";

/// Heads and runs up to an indexed size.
#[derive(Debug, Clone)]
pub struct Index {
    store: Arc<dyn Store>,
}

/// What the index holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Indexed {
    /// How many entries of the log it covers.
    pub size: u64,
    /// The last statement of every issuer.
    pub tips: Vec<(Issuer, Tip)>,
    /// All runs.
    pub runs: Vec<(Issuer, Run)>,
}

/// The index cannot be used; `rebuild` makes it again from the journal.
#[derive(Debug, thiserror::Error)]
pub enum IndexFailed {
    /// The store failed.
    #[error("the index's store failed")]
    Store(#[from] StoreFailed),
    /// A row is malformed.
    #[error("the index is damaged: run `safeharbor-hub rebuild`")]
    Damaged,
}

impl Indexed {
    /// Checks that the journal still says of every indexed run and head what it said when they were indexed.
    ///
    /// # Errors
    /// A run is elsewhere or shorter, or a head is gone: index and journal are not of one hub, or one of them was changed.
    pub fn verify(&self, runs: &Runs) -> Result<(), IndexFailed> {
        let stands = |(issuer, indexed): &(Issuer, Run)| {
            runs.find(issuer, indexed.first_seq).is_some_and(|found| {
                found.index_of(indexed.first_seq) == Some(indexed.first_index)
                    && found.position == indexed.position
                    && found.length >= indexed.length
            })
        };
        let is_there = |(issuer, tip): &(Issuer, Tip)| {
            let run = runs.find(issuer, tip.head.seq);
            run.and_then(|run| run.index_of(tip.head.seq)) == Some(tip.index)
        };
        if self.runs.iter().all(stands) && self.tips.iter().all(is_there) {
            Ok(())
        } else {
            Err(IndexFailed::Damaged)
        }
    }
}

impl Index {
    /// Keeps the index in `store`.
    #[must_use]
    pub const fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Reads the whole index.
    ///
    /// # Errors
    /// The store fails or a row is malformed.
    pub fn load(&self) -> Result<Indexed, IndexFailed> {
        let Some(size) = self.store.get(META, SIZE)? else { return Ok(Indexed::default()) };
        let mut indexed = Indexed { size: decode_numbers::<1>(&size)?[0], ..Indexed::default() };
        for (key, value) in self.store.scan(&Scan::all(HEADS))? {
            indexed.tips.push((decode_issuer(&key)?, decode_tip(&value)?));
        }
        for (key, value) in self.store.scan(&Scan::all(RUNS))? {
            let (issuer, seq) = key.split_last_chunk::<8>().ok_or(IndexFailed::Damaged)?;
            let issuer = decode_issuer(issuer.strip_suffix(b"/").ok_or(IndexFailed::Damaged)?)?;
            let [first_index, length, segment, offset] = decode_numbers(&value)?;
            let (first_seq, position) = (u64::from_be_bytes(*seq), Position { segment, offset });
            indexed.runs.push((issuer, Run { first_seq, first_index, length, position }));
        }
        Ok(indexed)
    }

    /// Brings the index up to `size`; durable on return. `extra` adds rows of other tables to the same commit.
    ///
    /// # Errors
    /// The store fails; what was indexed before stays.
    pub fn advance(
        &self,
        size: u64,
        tips: impl Iterator<Item = (Issuer, Tip)>,
        runs: impl Iterator<Item = (Issuer, Run)>,
        extra: impl FnOnce(&mut Batch),
    ) -> Result<(), IndexFailed> {
        let mut batch = Batch::new();
        for (issuer, Run { first_seq, first_index, length, position }) in runs {
            let key = [issuer.to_string().as_bytes(), b"/", &first_seq.to_be_bytes()].concat();
            batch.put(RUNS, key, encode_numbers(&[first_index, length, position.segment, position.offset]));
            if batch.len() >= 4096 {
                // Rows beyond the indexed size are overwritten by the replay; only the size makes them count.
                self.store.commit(std::mem::take(&mut batch))?;
            }
        }
        for (issuer, tip) in tips {
            let mut value = encode_numbers(&[tip.head.seq, tip.index, tip.logged_ms]);
            value.extend_from_slice(tip.head.digest.as_bytes());
            batch.put(HEADS, issuer.to_string(), value);
        }
        extra(&mut batch);
        batch.put(META, SIZE, encode_numbers(&[size]));
        self.store.commit(batch)?;
        Ok(self.store.flush()?)
    }
}

fn encode_numbers(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn decode_numbers<const N: usize>(bytes: &[u8]) -> Result<[u64; N], IndexFailed> {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let numbers: Vec<u64> = chunks.iter().map(|chunk| u64::from_be_bytes(*chunk)).collect();
    if rest.is_empty() { numbers.try_into().or(Err(IndexFailed::Damaged)) } else { Err(IndexFailed::Damaged) }
}

fn decode_issuer(bytes: &[u8]) -> Result<Issuer, IndexFailed> {
    std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()).ok_or(IndexFailed::Damaged)
}

fn decode_tip(bytes: &[u8]) -> Result<Tip, IndexFailed> {
    let (numbers, digest) = bytes.split_last_chunk::<32>().ok_or(IndexFailed::Damaged)?;
    let [seq, index, logged_ms] = decode_numbers(numbers)?;
    Ok(Tip { head: Head { seq, digest: Digest::from_bytes(*digest) }, index, logged_ms })
}

#[cfg(test)]
mod tests {
    use safeharbor_service::store::MemoryStore;

    use super::*;

    #[test]
    fn an_index_of_another_journal_is_noticed() {
        let issuer: Issuer = "urn:uscc:12100000400002259P".parse().unwrap();
        let mut runs = Runs::default();
        for n in 1..=3 {
            runs.note(&issuer, n, n - 1, Position { segment: 0, offset: n * 8 });
        }
        let check =
            |run: Run| Indexed { runs: vec![(issuer.clone(), run)], ..Indexed::default() }.verify(&runs);
        let run =
            Run { first_seq: 1, first_index: 0, length: 2, position: Position { segment: 0, offset: 8 } };
        check(run).unwrap();
        let head = Head { seq: 4, digest: Digest::of(b"4") };
        let gone = Tip { head, index: 3, logged_ms: 0 };
        let ahead = Indexed { tips: vec![(issuer.clone(), gone)], ..Indexed::default() };
        assert!(ahead.verify(&runs).is_err());
        assert!(check(Run { length: 4, ..run }).is_err());
        assert!(check(Run { first_index: 1, ..run }).is_err());
        assert!(check(Run { position: Position { segment: 0, offset: 9 }, ..run }).is_err());
    }

    #[test]
    fn what_was_indexed_is_loaded_again() {
        let index = Index::new(Arc::new(MemoryStore::new()));
        assert_eq!(index.load().unwrap(), Indexed::default());
        let issuer: Issuer = "urn:uscc:12100000400002259P".parse().unwrap();
        let tip = Tip { head: Head { seq: 7, digest: Digest::of(b"7") }, index: 9, logged_ms: 11 };
        let position = Position { segment: 0, offset: 8 };
        let run = Run { first_seq: 1, first_index: 3, length: 7, position };
        let (tips, runs) = ([(issuer.clone(), tip)], [(issuer.clone(), run)]);
        index.advance(10, tips.clone().into_iter(), runs.clone().into_iter(), |_| ()).unwrap();
        let expected = Indexed { size: 10, tips: tips.to_vec(), runs: runs.to_vec() };
        assert_eq!(index.load().unwrap(), expected);
    }
}
