//! What the committer, the publisher, the streams and the screens share.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use safeharbor_core::directory::Directory;
use safeharbor_core::entry::Entry;
use safeharbor_core::institution::{InstitutionCode, Issuer};
use safeharbor_core::merkle::empty_root;
use tokio::sync::{Notify, watch};

use crate::ledger::Ledger;
use crate::registry::{Published, ReadRegistryFailed, RegistryFiles};
use crate::tasks::Tasks;

/// State shared by the hub's parts. Locks are held for moments and never across an await or a write to disk.
#[derive(Debug)]
pub struct Shared {
    ledger: RwLock<Ledger>,
    directory: watch::Sender<Arc<Directory>>,
    queue: Mutex<Queue>,
    /// Signals the publisher that entries wait.
    pub entries_wait: Notify,
    /// The registry's files.
    pub files: RegistryFiles,
    /// The last published checkpoint; its note is empty before the first.
    pub published: watch::Sender<Arc<Published>>,
    /// What is asked of nodes and not answered.
    pub tasks: Tasks,
    /// The journal's folder, for reading.
    pub journal_folder: PathBuf,
    contacts: Mutex<BTreeMap<InstitutionCode, Contact>>,
    alarms: Mutex<BTreeSet<InstitutionCode>>,
}

/// Durable entries that are not in the tree on disk.
#[derive(Debug)]
struct Queue {
    /// The log index of the first.
    first: u64,
    entries: Vec<Vec<u8>>,
}

/// When an institution's node was last heard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contact {
    /// In milliseconds since 1970 UTC.
    pub last_ms: u64,
    /// Whether its stream is open.
    pub live: bool,
    /// What it said of its software.
    pub software: String,
    /// How many records stated once it has not linked to a record of its own: it is in recovery until there are none.
    pub unlinked: u64,
    /// When another node with its key tried last to take its place, in milliseconds since 1970 UTC.
    pub cloned_ms: Option<u64>,
}

impl Shared {
    /// Puts the parts together at start-up; `on_disk` is the number of entries in the registry's files.
    #[must_use]
    pub fn new(ledger: Ledger, files: RegistryFiles, on_disk: u64, tasks: Tasks, journal: PathBuf) -> Self {
        let nothing = Published { size: 0, root: empty_root(), note: String::new() };
        Self {
            directory: watch::Sender::new(Arc::new(ledger.directory().clone())),
            ledger: RwLock::new(ledger),
            queue: Mutex::new(Queue { first: on_disk, entries: Vec::new() }),
            entries_wait: Notify::new(),
            files,
            published: watch::Sender::new(Arc::new(nothing)),
            tasks,
            journal_folder: journal,
            contacts: Mutex::new(BTreeMap::new()),
            alarms: Mutex::new(BTreeSet::new()),
        }
    }

    /// Reads the ledger.
    pub fn ledger(&self) -> RwLockReadGuard<'_, Ledger> {
        self.ledger.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the ledger; for the committer alone.
    pub(crate) fn ledger_mut(&self) -> RwLockWriteGuard<'_, Ledger> {
        self.ledger.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Institutions and keys as of the last durable entry.
    #[must_use]
    pub fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory.borrow())
    }

    /// Wakes whenever the directory changes.
    #[must_use]
    pub fn directory_changes(&self) -> watch::Receiver<Arc<Directory>> {
        self.directory.subscribe()
    }

    /// Makes the ledger's directory visible; for the committer alone.
    pub(crate) fn refresh_directory(&self) {
        self.directory.send_replace(Arc::new(self.ledger().directory().clone()));
    }

    /// Hands durable entries to the publisher.
    pub(crate) fn queue_entries(&self, entries: impl IntoIterator<Item = Vec<u8>>) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).entries.extend(entries);
        self.entries_wait.notify_one();
    }

    /// Entries that are durable and not in the tree on disk, from the first on. The publisher forgets them once they are
    /// there, so that an entry is always found either here or in the registry's files.
    pub(crate) fn queued_entries(&self) -> Vec<Vec<u8>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).entries.clone()
    }

    /// Forgets the first `count` queued entries, which are in the registry's files.
    pub(crate) fn forget_queued(&self, count: usize) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let count = count.min(queue.entries.len());
        let forgotten = queue.entries.drain(..count).count();
        queue.first = queue.first.saturating_add(u64::try_from(forgotten).unwrap_or(u64::MAX));
    }

    /// The number of entries in the tree on disk, published or not.
    #[must_use]
    pub fn on_disk(&self) -> u64 {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).first
    }

    /// Tells that a checkpoint is published.
    pub(crate) fn publish(&self, published: Published) {
        self.published.send_replace(Arc::new(published));
    }

    /// Finds the registry entry of a logged statement.
    ///
    /// # Errors
    /// The registry's files cannot be read.
    pub fn find_entry(&self, issuer: &Issuer, seq: u64) -> Result<Option<Entry>, ReadRegistryFailed> {
        let run = self.ledger().runs().find(issuer, seq);
        let Some(index) = run.and_then(|run| run.index_of(seq)) else { return Ok(None) };
        let (queued, on_disk) = {
            let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let place = index.checked_sub(queue.first).and_then(|n| usize::try_from(n).ok());
            (place.and_then(|n| queue.entries.get(n).cloned()), queue.first)
        };
        let bytes = match queued {
            Some(bytes) => bytes,
            None => self.files.read_entry(index, on_disk)?,
        };
        Ok(Entry::decode(&bytes).ok())
    }

    /// Notes that an institution's node was heard.
    pub fn note_contact(&self, code: InstitutionCode, now_ms: u64, change: impl FnOnce(&mut Contact)) {
        let mut contacts = self.contacts.lock().unwrap_or_else(PoisonError::into_inner);
        let contact = contacts.entry(code).or_default();
        contact.last_ms = contact.last_ms.max(now_ms);
        change(contact);
    }

    /// Sets which institutions have an alarm that no person looked at.
    pub fn set_alarms(&self, alarms: BTreeSet<InstitutionCode>) {
        *self.alarms.lock().unwrap_or_else(PoisonError::into_inner) = alarms;
    }

    /// Which institutions have an alarm that no person looked at.
    #[must_use]
    pub fn alarms(&self) -> BTreeSet<InstitutionCode> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// When each institution's node was last heard.
    #[must_use]
    pub fn contacts(&self) -> BTreeMap<InstitutionCode, Contact> {
        self.contacts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
