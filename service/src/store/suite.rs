//! The suite that every backend passes: the contract of [`Store`], case by case.
//!
//! What fails: the process, between any two calls (the store is dropped and opened again). What does not: the
//! disk and the machine; power loss is `MemoryStore`'s to simulate.
#![expect(clippy::unwrap_used, reason = "a test suite panics")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::{
    Applied, BATCH_BYTES_MAX, Batch, KEY_BYTES_MAX, KEYS_PER_COMMIT_MAX, Row, Scan, Store, Table,
    VALUE_BYTES_MAX,
};

const LEFT: Table = Table(7);
const RIGHT: Table = Table(8);

/// Somewhere a store can be opened, closed and opened again with the same content.
pub trait Place {
    /// Opens the store; at most one is open at a time.
    fn open(&self) -> Box<dyn Store>;
}

/// Writes one test for each case of the suite; takes a function that makes an empty [`Place`].
#[macro_export]
macro_rules! store_suite {
    ($new_place:expr) => {
        $crate::store_suite!(@cases $new_place;
            what_is_committed_is_read, a_batch_is_applied_in_order, keys_are_ordered_by_their_bytes,
            tables_do_not_touch, scans_keep_their_bounds, visits_see_every_row_once,
            broken_limits_apply_nothing, flushed_content_is_there_when_opened_again,
            scans_see_batches_whole, an_empty_batch_changes_nothing,
            a_snapshot_shows_every_row_of_every_table, a_snapshot_hides_what_is_committed_meanwhile,
            a_snapshot_beside_commits_is_of_one_moment);

        ::proptest::proptest! {
            #![proptest_config(::proptest::prelude::ProptestConfig::with_cases(24))]
            #[test]
            fn random_operations_match_a_model(
                seeds in ::proptest::collection::vec(::proptest::prelude::any::<u64>(), 1..40)
            ) {
                let operations: Vec<_> =
                    seeds.into_iter().map($crate::store::suite::Operation::from_seed).collect();
                $crate::store::suite::check_against_model(&$new_place(), &operations);
            }
        }
    };
    (@cases $new_place:expr; $($case:ident),*) => {
        $(#[test]
        fn $case() {
            $crate::store::suite::$case(&$new_place());
        })*
    };
}

fn put(store: &dyn Store, table: Table, key: &[u8], value: &[u8]) {
    let mut batch = Batch::new();
    batch.put(table, key, value);
    store.commit(batch).unwrap();
}

fn keys(rows: &[Row]) -> Vec<&[u8]> {
    rows.iter().map(|(key, _)| key.as_slice()).collect()
}

/// `get` answers the last committed value, and nothing for a key that is not there or was deleted.
pub fn what_is_committed_is_read(place: &dyn Place) {
    let store = place.open();
    assert_eq!(store.get(LEFT, b"key").unwrap(), None);
    put(&*store, LEFT, b"key", b"one");
    put(&*store, LEFT, b"key", b"two");
    put(&*store, LEFT, b"", b"the empty key is a key");
    assert_eq!(store.get(LEFT, b"key").unwrap().as_deref(), Some(&b"two"[..]));
    assert!(store.get(LEFT, b"").unwrap().is_some());
    let mut batch = Batch::new();
    batch.delete(LEFT, *b"key");
    batch.delete(LEFT, *b"never there");
    store.commit(batch).unwrap();
    assert_eq!(store.get(LEFT, b"key").unwrap(), None);
}

/// The last word on a key counts.
pub fn a_batch_is_applied_in_order(place: &dyn Place) {
    let store = place.open();
    let mut batch = Batch::new();
    batch.put(LEFT, *b"kept", *b"one");
    batch.delete(LEFT, *b"kept");
    batch.put(LEFT, *b"kept", *b"two");
    batch.put(LEFT, *b"gone", *b"one");
    batch.delete(LEFT, *b"gone");
    store.commit(batch).unwrap();
    assert_eq!(store.get(LEFT, b"kept").unwrap().as_deref(), Some(&b"two"[..]));
    assert_eq!(store.get(LEFT, b"gone").unwrap(), None);
}

/// Shorter before longer, then byte by byte as unsigned numbers.
pub fn keys_are_ordered_by_their_bytes(place: &dyn Place) {
    let store = place.open();
    let ordered: [&[u8]; 6] = [b"", &[0], &[0, 0], &[0, 255], &[127], &[255, 255]];
    for key in ordered.iter().rev() {
        put(&*store, LEFT, key, key);
    }
    assert_eq!(keys(&store.scan(&Scan::all(LEFT)).unwrap()), ordered);
    let mut reversed = ordered;
    reversed.reverse();
    assert_eq!(keys(&store.scan(&Scan::all(LEFT).backwards()).unwrap()), reversed);
}

/// The first and the last table are like any other.
pub fn tables_do_not_touch(place: &dyn Place) {
    let store = place.open();
    for table in [0, 6, 7, 8, 255] {
        put(&*store, Table(table), &[table], &[table]);
        put(&*store, Table(table), &[255; 3], &[table]);
    }
    for table in [0, 6, 7, 8, 255] {
        let rows = store.scan(&Scan::all(Table(table))).unwrap();
        assert_eq!(rows.len(), 2, "table {table}");
        assert!(rows.iter().all(|(_, value)| value == &[table]), "table {table}");
    }
    assert!(store.scan(&Scan::all(Table(9))).unwrap().is_empty());
}

/// The start is in, the end is out, a prefix ends where its successor begins.
pub fn scans_keep_their_bounds(place: &dyn Place) {
    let store = place.open();
    let all: [&[u8]; 6] = [b"a", b"b", b"b\x00", b"b\xff\xff", b"c", b"\xff\xff"];
    for key in all {
        put(&*store, LEFT, key, b"");
    }
    let check = |scan: Scan, expected: &[&[u8]]| {
        assert_eq!(keys(&store.scan(&scan).unwrap()), expected, "{scan:?}");
    };
    check(Scan::prefix(LEFT, b"b"), &[b"b", b"b\x00", b"b\xff\xff"]);
    check(Scan::prefix(LEFT, b"b").backwards().limit(2), &[b"b\xff\xff", b"b\x00"]);
    check(Scan::prefix(LEFT, b"b").starting_at(b"b\x00"), &[b"b\x00", b"b\xff\xff"]);
    check(Scan::prefix(LEFT, b"\xff"), &[b"\xff\xff"]);
    check(Scan::all(LEFT).starting_at(b"b").before(b"c").limit(1), &[b"b"]);
    check(Scan::all(LEFT).starting_at(b"bb"), &[b"b\xff\xff", b"c", b"\xff\xff"]);
    check(Scan::all(LEFT).before(b"b"), &[b"a"]);
    check(Scan::all(LEFT).before(b""), &[]);
    check(Scan::all(LEFT).starting_at(b"c").before(b"b"), &[]);
    check(Scan::all(LEFT).limit(0), &[]);
}

/// Over more rows than a page has, in both directions, with a limit and a break.
pub fn visits_see_every_row_once(place: &dyn Place) {
    let store = place.open();
    let mut batch = Batch::new();
    for number in 0..1500_u32 {
        batch.put(LEFT, number.to_be_bytes(), *b"");
    }
    store.commit(batch).unwrap();
    let check = |scan: Scan, stop_after: usize, expected: &[u32]| {
        let mut seen = Vec::new();
        let mut visitor = |key: &[u8], _: &[u8]| {
            seen.push(u32::from_be_bytes(key.try_into().unwrap()));
            if seen.len() == stop_after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        store.visit(scan, &mut visitor).unwrap();
        assert_eq!(seen, expected);
    };
    let all: Vec<u32> = (0..1500).collect();
    let reversed: Vec<u32> = (0..1500).rev().collect();
    check(Scan::all(LEFT), 0, &all);
    check(Scan::all(LEFT).backwards(), 0, &reversed);
    check(Scan::all(LEFT).limit(512), 0, all.get(..512).unwrap());
    check(Scan::all(LEFT), 513, all.get(..513).unwrap());
}

/// A batch past any limit is refused, says so, and leaves no trace.
pub fn broken_limits_apply_nothing(place: &dyn Place) {
    let store = place.open();
    let check = |change: &dyn Fn(&mut Batch)| {
        let mut batch = Batch::new();
        batch.put(LEFT, *b"first", *b"");
        change(&mut batch);
        assert_eq!(store.commit(batch).unwrap_err().applied(), Applied::No);
        assert!(store.scan(&Scan::all(LEFT)).unwrap().is_empty());
    };
    check(&|batch| batch.put(LEFT, vec![0; KEY_BYTES_MAX + 1], *b""));
    check(&|batch| batch.put(LEFT, *b"key", vec![0; VALUE_BYTES_MAX + 1]));
    check(&|batch| (0..KEYS_PER_COMMIT_MAX).for_each(|key| batch.put(LEFT, key.to_be_bytes(), *b"")));
    check(&|batch| {
        for key in 0..=BATCH_BYTES_MAX / VALUE_BYTES_MAX {
            batch.put(LEFT, key.to_be_bytes(), vec![0; VALUE_BYTES_MAX]);
        }
    });
    let mut largest = Batch::new();
    largest.put(LEFT, vec![0; KEY_BYTES_MAX], vec![0; VALUE_BYTES_MAX]);
    store.commit(largest).unwrap();
}

/// Dropping and opening is a restart of the process.
pub fn flushed_content_is_there_when_opened_again(place: &dyn Place) {
    for round in 0..3_u8 {
        let store = place.open();
        assert_eq!(store.scan(&Scan::all(LEFT)).unwrap().len(), usize::from(round) * 2);
        let mut batch = Batch::new();
        batch.put(LEFT, [round, 0], vec![round; 100_000]);
        batch.put(LEFT, [round, 1], [round]);
        batch.put(RIGHT, *b"count", [round]);
        store.commit(batch).unwrap();
        store.flush().unwrap();
    }
    let store = place.open();
    assert_eq!(store.get(RIGHT, b"count").unwrap().as_deref(), Some(&[2][..]));
    assert_eq!(store.get(LEFT, &[1, 0]).unwrap(), Some(vec![1; 100_000]));
}

/// Keys that always change together are never seen apart, by scans that run beside the commits; there are enough of
/// them to be kept in several places.
pub fn scans_see_batches_whole(place: &dyn Place) {
    let store = place.open();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 0..100_u8 {
                let mut batch = Batch::new();
                (0..200_u8).for_each(|key| batch.put(LEFT, [key], [round; 300]));
                store.commit(batch).unwrap();
            }
        });
        while !writer.is_finished() {
            let rows = store.scan(&Scan::all(LEFT)).unwrap();
            let first = rows.first().map(|(_, value)| value);
            assert!(rows.is_empty() || rows.len() == 200, "half a batch was seen");
            assert!(rows.iter().all(|(_, value)| Some(value) == first), "parts of two batches were seen");
        }
    });
}

/// Nothing is a batch, too.
pub fn an_empty_batch_changes_nothing(place: &dyn Place) {
    let store = place.open();
    store.commit(Batch::new()).unwrap();
    store.flush().unwrap();
    assert!(store.scan(&Scan::all(LEFT)).unwrap().is_empty());
}

/// All rows of a snapshot.
fn snapshot_of(store: &dyn Store) -> Model {
    let mut rows = Model::new();
    let mut last = None;
    let mut visitor = |table: Table, key: &[u8], value: &[u8]| {
        let place = (table, key.to_vec());
        assert!(last.as_ref() < Some(&place), "rows come in order");
        last = Some(place.clone());
        rows.insert(place, value.to_vec());
        ControlFlow::Continue(())
    };
    store.snapshot(&mut visitor).unwrap();
    rows
}

/// The first and the last table, the empty key, and more rows than a page has.
pub fn a_snapshot_shows_every_row_of_every_table(place: &dyn Place) {
    let store = place.open();
    assert!(snapshot_of(&*store).is_empty());
    let mut expected = Model::new();
    let mut batch = Batch::new();
    for table in [0, 7, 8, 255] {
        batch.put(Table(table), *b"", [table]);
        expected.insert((Table(table), Vec::new()), vec![table]);
    }
    for number in 0..1024_u32 {
        batch.put(RIGHT, number.to_be_bytes(), *b"x");
        expected.insert((RIGHT, number.to_be_bytes().to_vec()), b"x".to_vec());
    }
    store.commit(batch).unwrap();
    assert_eq!(snapshot_of(&*store), expected);
    let mut seen = 0;
    let mut visitor = |_: Table, _: &[u8], _: &[u8]| {
        seen += 1;
        if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    store.snapshot(&mut visitor).unwrap();
    assert_eq!(seen, 3);
}

/// What is added, changed and deleted once the first row is shown does not show, and is there afterwards.
pub fn a_snapshot_hides_what_is_committed_meanwhile(place: &dyn Place) {
    let store = place.open();
    let mut batch = Batch::new();
    for number in 0..2000_u32 {
        batch.put(LEFT, number.to_be_bytes(), *b"old");
    }
    store.commit(batch).unwrap();
    let before = snapshot_of(&*store);
    let mut seen = Model::new();
    let mut visitor = |table: Table, key: &[u8], value: &[u8]| {
        if seen.is_empty() {
            std::thread::scope(|scope| scope.spawn(|| change_half(&*store)).join().unwrap());
        }
        seen.insert((table, key.to_vec()), value.to_vec());
        ControlFlow::Continue(())
    };
    store.snapshot(&mut visitor).unwrap();
    assert!(seen == before, "a row changed since shows");
    assert_eq!(store.get(LEFT, &1999_u32.to_be_bytes()).unwrap(), None);
    assert_eq!(store.get(RIGHT, b"new").unwrap().as_deref(), Some(&b"new"[..]));
    assert_eq!(snapshot_of(&*store).len(), 2000);
}

fn change_half(store: &dyn Store) {
    let mut batch = Batch::new();
    for number in (1..2000_u32).step_by(2) {
        batch.delete(LEFT, number.to_be_bytes());
        batch.put(LEFT, (number + 10_000).to_be_bytes(), *b"new");
    }
    (0..2000_u32).step_by(2).for_each(|number| batch.put(LEFT, number.to_be_bytes(), *b"changed"));
    // Twice: only the first value is of the moment.
    let mut again = Batch::new();
    again.put(LEFT, 1000_u32.to_be_bytes(), *b"changed again");
    again.delete(LEFT, 11_999_u32.to_be_bytes());
    again.put(RIGHT, *b"new", *b"new");
    store.commit(batch).unwrap();
    store.commit(again).unwrap();
}

/// Two tables that always change together are never seen apart, whatever is committed while they are copied.
pub fn a_snapshot_beside_commits_is_of_one_moment(place: &dyn Place) {
    check_snapshots_beside_commits(&*place.open());
}

/// Takes copies of a store while batches are committed to it.
pub fn check_snapshots_beside_commits(store: &dyn Store) {
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 0..60_u8 {
                let mut batch = Batch::new();
                for key in 0..400_u16 {
                    batch.put(LEFT, key.to_be_bytes(), [round; 50]);
                    batch.put(RIGHT, key.to_be_bytes(), [round; 50]);
                }
                store.commit(batch).unwrap();
            }
        });
        while !writer.is_finished() {
            let rows = snapshot_of(store);
            let first = rows.values().next().cloned();
            assert!(rows.is_empty() || rows.len() == 800, "half a batch was seen");
            assert!(rows.values().all(|value| Some(value) == first.as_ref()), "two moments were seen");
        }
    });
}

/// Table, key and value; without a value the key is deleted.
pub type Change = (Table, Vec<u8>, Option<Vec<u8>>);

/// What a run against the model does next.
#[derive(Debug, Clone)]
pub enum Operation {
    /// Commits a batch.
    Commit(Vec<Change>),
    /// Compares one scan with the model.
    Compare(Scan),
    /// Flushes, closes and opens.
    Reopen,
}

impl Operation {
    /// Derives an operation from a number; few distinct keys, so that operations meet.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        let mut bytes = Seeds(seed);
        match bytes.below(8) {
            0 => Self::Reopen,
            1 | 2 => Self::Compare(bytes.scan()),
            _ => Self::Commit((0..bytes.below(9)).map(|_| bytes.change()).collect()),
        }
    }
}

/// A small generator (splitmix64): the cases must not depend on anything but the seed.
struct Seeds(u64);

impl Seeds {
    fn below(&mut self, bound: u8) -> u8 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        u8::try_from((mixed >> 33) % u64::from(bound)).unwrap()
    }

    fn table(&mut self) -> Table {
        Table([0, 7, 8, 255].get(usize::from(self.below(4))).copied().unwrap())
    }

    fn key(&mut self) -> Vec<u8> {
        (0..self.below(4)).map(|_| [0, 1, 255].get(usize::from(self.below(3))).copied().unwrap()).collect()
    }

    fn change(&mut self) -> Change {
        let value = (self.below(3) > 0).then(|| vec![self.below(255); usize::from(self.below(200))]);
        (self.table(), self.key(), value)
    }

    fn scan(&mut self) -> Scan {
        let mut scan = Scan::prefix(self.table(), &self.key());
        if self.below(2) == 0 {
            scan = scan.starting_at(&self.key());
        }
        if self.below(2) == 0 {
            scan = scan.before(&self.key());
        }
        if self.below(2) == 0 {
            scan = scan.backwards();
        }
        if self.below(2) == 0 { scan.limit(usize::from(self.below(6))) } else { scan }
    }
}

type Model = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

/// Runs `operations` on the store and on a map, and compares all that can be read, now and after each reopening.
pub fn check_against_model(place: &dyn Place, operations: &[Operation]) {
    let mut model = Model::new();
    let mut store = place.open();
    for operation in operations {
        match operation {
            Operation::Commit(changes) => store.commit(apply(changes, &mut model)).unwrap(),
            Operation::Compare(scan) => compare(&*store, &model, scan),
            Operation::Reopen => {
                store.flush().unwrap();
                drop(store);
                store = place.open();
            }
        }
    }
    for table in [0, 7, 8, 255] {
        compare(&*store, &model, &Scan::all(Table(table)));
    }
}

fn apply(changes: &[Change], model: &mut Model) -> Batch {
    let mut batch = Batch::new();
    for (table, key, value) in changes.iter().cloned() {
        if let Some(value) = value {
            batch.put(table, key.clone(), value.clone());
            model.insert((table, key), value);
        } else {
            batch.delete(table, key.clone());
            model.remove(&(table, key));
        }
    }
    batch
}

fn compare(store: &dyn Store, model: &Model, scan: &Scan) {
    let inside = |key: &Vec<u8>| *key >= scan.start && scan.end.as_ref().is_none_or(|end| key < end);
    let matching = model.iter().filter(|((table, key), _)| *table == scan.table && inside(key));
    let mut expected: Vec<Row> = matching.map(|((_, key), value)| (key.clone(), value.clone())).collect();
    if scan.backwards {
        expected.reverse();
    }
    expected.truncate(scan.limit);
    assert_eq!(store.scan(scan).unwrap(), expected, "{scan:?}");
    for (key, value) in &expected {
        assert_eq!(store.get(scan.table, key).unwrap().as_ref(), Some(value));
    }
}
