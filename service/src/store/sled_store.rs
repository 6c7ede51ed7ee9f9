//! The store on sled 0.34; the only file that names sled.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::batch::Change;
use super::reserve::Reserve;
use super::scan::successor;
use super::snapshot::{KEPT_BYTES_MAX, ROWS_PER_PAGE, Snapshot};
use super::watchdog::{self, Watchdog};
use super::{Applied, Batch, Row, Scan, SnapshotVisitor, Store, StoreFailed, Table};
use crate::durable_file;

/// With sled's own 512 KiB, commits have been seen to wait for each other for ever; with this never.
const SEGMENT_BYTES: usize = 8 * 1024 * 1024;
/// A write that takes longer hangs for good.
const WRITE_TIME_MAX: Duration = Duration::from_secs(30);
/// How long a store that was dropped in this process may take to let go of its file.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(10);
const CLOSE_POLL: Duration = Duration::from_millis(5);

/// What can be set for a [`SledStore`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SledSettings {
    /// What sled is told to cache; its memory grows past it with the keys of a batch.
    pub cache_bytes: u64,
    /// The length of the file that is given up when the disk is full.
    pub reserve_bytes: u64,
}

impl Default for SledSettings {
    fn default() -> Self {
        Self { cache_bytes: 32 * 1024 * 1024, reserve_bytes: 16 * 1024 * 1024 }
    }
}

/// A store in a folder. All tables share one sled tree under a one-byte prefix, because sled applies a batch
/// atomically to one tree only.
pub struct SledStore {
    path: PathBuf,
    tree: sled::Db,
    /// sled's database file; see [`Store::flush`] below.
    database_file: File,
    /// Held for writing while a batch is applied, so that no scan sees half of it; holds the copy that is under way.
    commits: RwLock<Option<Snapshot>>,
    /// One copy at a time.
    snapshots: Mutex<()>,
    kept_bytes_max: usize,
    stopped: AtomicBool,
    reserve_held: bool,
    watchdog: Watchdog,
}

impl SledStore {
    /// Opens the store in folder `path`, or makes one. The reserve file is `path` with `.reserve` appended; when the
    /// disk is full it is given up, because sled does not open without free space. A store without its reserve only
    /// reads: what it wrote would use up the space that the next opening needs.
    ///
    /// # Errors
    /// The folder is in use or unusable, or what is in it is corrupt.
    pub fn open(path: &Path, settings: SledSettings) -> Result<Self, StoreFailed> {
        let config =
            sled::Config::new().path(path).cache_capacity(settings.cache_bytes).segment_size(SEGMENT_BYTES);
        let mut reserve_path = path.as_os_str().to_owned();
        reserve_path.push(".reserve");
        let reserve = Reserve::new(reserve_path.into(), settings.reserve_bytes);
        let tree = open_with(&reserve, || open_when_free(|| config.open()))?;
        let database_file = make_durable(path).map_err(open_failed)?;
        let watchdog = Watchdog::start(WRITE_TIME_MAX, watchdog::end_process).map_err(open_failed)?;
        Ok(Self {
            path: path.to_owned(),
            tree,
            database_file,
            commits: RwLock::new(None),
            snapshots: Mutex::new(()),
            kept_bytes_max: KEPT_BYTES_MAX,
            stopped: AtomicBool::new(false),
            reserve_held: hold(&reserve)?,
            watchdog,
        })
    }

    /// Whether the reserve file could be kept; if not, the disk is full and every commit is refused.
    #[must_use]
    pub const fn holds_reserve(&self) -> bool {
        self.reserve_held
    }

    fn refuse_if_stopped(&self) -> Result<(), StoreFailed> {
        if self.stopped.load(Ordering::SeqCst) { Err(StoreFailed::Stopped) } else { Ok(()) }
    }

    /// Keeps what a batch is about to change for the copy that is under way.
    fn keep_before(&self, snapshot: &mut Snapshot, keys: &[Vec<u8>]) -> Result<(), StoreFailed> {
        for key in keys {
            if snapshot.needs(key) {
                let value = self.tree.get(key).map_err(read_failed)?;
                snapshot.keep(key.clone(), value.map(|value| value.to_vec()));
            }
        }
        Ok(())
    }

    /// The next rows of the copy that is under way, and whether they are the last.
    fn next_page(&self, snapshot: &mut Snapshot) -> Result<(Vec<Row>, bool), StoreFailed> {
        let rows = self.tree.range((snapshot.next(), Bound::Unbounded)).take(ROWS_PER_PAGE);
        let rows: Vec<Row> = rows
            .map(|row| row.map(|(key, value)| (key.to_vec(), value.to_vec())).map_err(read_failed))
            .collect::<Result<_, _>>()?;
        let is_last = rows.len() < ROWS_PER_PAGE;
        Ok((snapshot.take(rows, is_last), is_last))
    }

    /// Reads with the commits held, shows without, unless so much changed that they must wait.
    fn show_all(&self, visitor: &mut SnapshotVisitor<'_>) -> Result<(), StoreFailed> {
        loop {
            let mut held = self.commits.write().unwrap_or_else(PoisonError::into_inner);
            let Some(snapshot) = held.as_mut() else { return Ok(()) };
            let (rows, is_last) = self.next_page(snapshot)?;
            let waiting = snapshot.is_full(self.kept_bytes_max).then_some(held);
            for (key, value) in &rows {
                let (table, key) = key.split_first().map_or((0, [].as_slice()), |(table, key)| (*table, key));
                if visitor(Table(table), key, value).is_break() {
                    return Ok(());
                }
            }
            if is_last {
                return Ok(());
            }
            drop(waiting);
        }
    }

    /// After a failed write it is open what the disk holds; a later flush that succeeds would not say.
    fn stop<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        &self,
        step: &'static str,
        applied: Applied,
    ) -> impl FnOnce(E) -> StoreFailed {
        self.stopped.store(true, Ordering::SeqCst);
        move |source| StoreFailed::Backend { step, applied, source: source.into() }
    }
}

fn open_failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(source: E) -> StoreFailed {
    StoreFailed::Backend { step: "open", applied: Applied::No, source: source.into() }
}

fn read_failed(source: sled::Error) -> StoreFailed {
    StoreFailed::Backend { step: "read", applied: Applied::No, source: source.into() }
}

/// A dropped sled holds its file until its own threads have finished; that is soon, but after `drop` returns.
fn open_when_free<T>(mut open: impl FnMut() -> Result<T, sled::Error>) -> Result<T, sled::Error> {
    let deadline = Instant::now() + CLOSE_TIME_MAX;
    loop {
        match open() {
            Err(sled::Error::Io(failed)) if is_held(&failed) && Instant::now() < deadline => {
                std::thread::park_timeout(CLOSE_POLL);
            }
            opened => return opened,
        }
    }
}

/// sled gives the failure to lock its file no kind of its own.
fn is_held(failed: &io::Error) -> bool {
    failed.to_string().starts_with("could not acquire lock")
}

/// Tries once more without the reserve when the disk is full.
fn open_with<T>(
    reserve: &Reserve,
    mut open: impl FnMut() -> Result<T, sled::Error>,
) -> Result<T, StoreFailed> {
    match open() {
        Err(sled::Error::Io(failed)) if is_full(&failed) => {
            tracing::error!(path = %reserve.path().display(), "the disk is full; giving up the reserve");
            reserve.release().map_err(open_failed)?;
            open().map_err(open_failed)
        }
        opened => opened.map_err(open_failed),
    }
}

/// Whether there is space for the reserve.
fn hold(reserve: &Reserve) -> Result<bool, StoreFailed> {
    match reserve.hold() {
        Ok(()) => Ok(true),
        Err(failed) if is_full(&failed) => {
            tracing::error!(path = %reserve.path().display(), "the disk is full; the store only reads");
            Ok(false)
        }
        Err(failed) => Err(open_failed(failed)),
    }
}

fn is_full(failed: &io::Error) -> bool {
    matches!(failed.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Opens the database file, and makes the names of what sled has just created durable.
fn make_durable(path: &Path) -> io::Result<File> {
    durable_file::sync_folder(path)?;
    if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
        durable_file::sync_folder(above)?;
    }
    File::options().read(true).write(true).open(path.join("db"))
}

fn prefixed(table: Table, key: &[u8]) -> Vec<u8> {
    let mut prefixed = Vec::with_capacity(key.len().saturating_add(1));
    prefixed.push(table.0);
    prefixed.extend_from_slice(key);
    prefixed
}

fn without_table((key, value): (sled::IVec, sled::IVec)) -> Row {
    (key.get(1..).unwrap_or_default().to_vec(), value.to_vec())
}

impl Store for SledStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFailed> {
        let value = self.tree.get(prefixed(table, key)).map_err(read_failed)?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Row>, StoreFailed> {
        if scan.is_void() {
            return Ok(Vec::new());
        }
        let start = prefixed(scan.table, &scan.start);
        let end = match &scan.end {
            Some(end) => Some(prefixed(scan.table, end)),
            None => successor(&[scan.table.0]),
        };
        let _whole = self.commits.read().unwrap_or_else(PoisonError::into_inner);
        let rows = match end {
            Some(end) => self.tree.range(start..end),
            None => self.tree.range(start..),
        };
        let convert = |row: Result<_, _>| row.map(without_table).map_err(read_failed);
        if scan.backwards {
            rows.rev().take(scan.limit).map(convert).collect()
        } else {
            rows.take(scan.limit).map(convert).collect()
        }
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreFailed> {
        let mut changes = sled::Batch::default();
        let mut keys = Vec::with_capacity(batch.len());
        for Change { table, key, value } in batch.verified_changes()? {
            let key = prefixed(table, &key);
            keys.push(key.clone());
            match value {
                Some(value) => changes.insert(key, value),
                None => changes.remove(key),
            }
        }
        let mut alone = self.commits.write().unwrap_or_else(PoisonError::into_inner);
        // Waiting for a copy is no hang; a commit that hangs is watched itself.
        let _watch = self.watchdog.watch("commit");
        self.refuse_if_stopped()?;
        if !self.reserve_held {
            return Err(StoreFailed::NoSpace);
        }
        if let Some(snapshot) = alone.as_mut() {
            self.keep_before(snapshot, &keys)?;
        }
        self.tree.apply_batch(changes).map_err(|failed| self.stop("commit", Applied::Unknown)(failed))
    }

    fn snapshot(&self, visitor: &mut SnapshotVisitor<'_>) -> Result<(), StoreFailed> {
        let _one = self.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        *self.commits.write().unwrap_or_else(PoisonError::into_inner) = Some(Snapshot::default());
        let _ended = Ended(&self.commits);
        self.show_all(visitor)
    }

    /// On Linux sled's flush is `sync_file_range`, which does not reach the disk's own cache nor the file's
    /// length; `sync_data` on the same file does.
    fn flush(&self) -> Result<(), StoreFailed> {
        let _watch = self.watchdog.watch("flush");
        self.refuse_if_stopped()?;
        self.tree.flush().map_err(|failed| self.stop("flush", Applied::Yes)(failed))?;
        self.database_file.sync_data().map_err(|failed| self.stop("flush to disk", Applied::Yes)(failed))
    }
}

/// Forgets the copy when it is over, however it ended.
struct Ended<'s>(&'s RwLock<Option<Snapshot>>);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl fmt::Debug for SledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SledStore({}, content withheld)", self.path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::store_suite!(SledPlace::new);

    const SMALL: SledSettings = SledSettings { cache_bytes: 8 * 1024 * 1024, reserve_bytes: 64 * 1024 };

    struct SledPlace(tempfile::TempDir);

    impl SledPlace {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }
    }

    impl crate::store::suite::Place for SledPlace {
        fn open(&self) -> Box<dyn Store> {
            Box::new(SledStore::open(&self.0.path().join("store"), SMALL).unwrap())
        }
    }

    fn disk_full() -> sled::Error {
        sled::Error::Io(io::Error::from(io::ErrorKind::StorageFull))
    }

    #[test]
    fn a_full_disk_costs_the_reserve_and_opens() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = Reserve::new(folder.path().join("store.reserve"), 1000);
        reserve.hold().unwrap();
        let path = reserve.path().to_owned();
        let opened = open_with(&reserve, || if path.exists() { Err(disk_full()) } else { Ok(7) });
        assert_eq!(opened.unwrap(), 7);
    }

    #[test]
    fn a_file_that_is_held_a_moment_longer_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let held = std::sync::Mutex::new(Some(sled::open(&path).unwrap()));
        let mut refused = false;
        let opened = open_when_free(|| {
            sled::open(&path).inspect_err(|_| {
                refused = true;
                drop(held.lock().unwrap().take());
            })
        });
        assert!(opened.is_ok() && refused, "sled's words for a held file are known");
    }

    #[test]
    fn a_disk_that_stays_full_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = Reserve::new(folder.path().join("store.reserve"), 1000);
        assert!(open_with::<()>(&reserve, || Err(disk_full())).is_err());
    }

    #[test]
    fn a_store_without_its_reserve_only_reads() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = SledStore::open(&folder.path().join("store"), SMALL).unwrap();
        store.reserve_held = false;
        assert!(matches!(store.commit(Batch::new()), Err(StoreFailed::NoSpace)));
        assert_eq!(store.get(Table(1), b"key").unwrap(), None);
    }

    #[test]
    fn after_a_failed_write_only_reading_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let store = SledStore::open(&folder.path().join("store"), SMALL).unwrap();
        assert!(store.holds_reserve());
        let failed: StoreFailed = store.stop("flush", Applied::Yes)("broken by the test");
        assert_eq!(failed.applied(), Applied::Yes);
        assert!(matches!(store.commit(Batch::new()), Err(StoreFailed::Stopped)));
        assert!(matches!(store.flush(), Err(StoreFailed::Stopped)));
        assert_eq!(store.get(Table(1), b"key").unwrap(), None);
    }

    #[test]
    fn a_copy_with_too_many_changes_makes_commits_wait_and_stays_of_one_moment() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = SledStore::open(&folder.path().join("store"), SMALL).unwrap();
        store.kept_bytes_max = 10;
        crate::store::suite::check_snapshots_beside_commits(&store);
    }

    #[test]
    fn debug_shows_no_content() {
        let folder = tempfile::tempdir().unwrap();
        let store = SledStore::open(&folder.path().join("store"), SMALL).unwrap();
        let mut batch = Batch::new();
        batch.put(Table(1), *b"key", *b"secret");
        assert!(!format!("{batch:?}").contains("secret"));
        store.commit(batch).unwrap();
        assert!(!format!("{store:?}").contains("secret"));
    }
}
