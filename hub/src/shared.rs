//! What the committer, the publisher, the streams and the screens share.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use safeharbor_core::directory::Directory;
use safeharbor_core::entry::Entry;
use safeharbor_core::institution::{InstitutionCode, Issuer};
use tokio::sync::{Notify, watch};

use crate::ledger::Ledger;
use crate::registry::{Published, ReadRegistryFailed, RegistryFiles};
use crate::tasks::Tasks;

/// State shared by the hub's parts. Locks are held for moments and never across an await or a write to disk.
#[derive(Debug)]
pub struct Shared {
    ledger: RwLock<Ledger>,
    directory: watch::Sender<Arc<Directory>>,
    unpublished: Mutex<Vec<Vec<u8>>>,
    /// Signals the publisher that entries wait.
    pub entries_wait: Notify,
    /// The registry's files.
    pub files: RegistryFiles,
    /// The last published checkpoint.
    pub published: watch::Sender<Arc<Published>>,
    /// What is asked of nodes and not answered.
    pub tasks: Tasks,
    /// The journal's folder, for reading.
    pub journal_folder: PathBuf,
    contacts: Mutex<BTreeMap<InstitutionCode, Contact>>,
    alarms: Mutex<BTreeSet<InstitutionCode>>,
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
    /// Puts the parts together at start-up.
    #[must_use]
    pub fn new(
        ledger: Ledger,
        files: RegistryFiles,
        published: Published,
        tasks: Tasks,
        journal: PathBuf,
    ) -> Self {
        Self {
            directory: watch::Sender::new(Arc::new(ledger.directory().clone())),
            ledger: RwLock::new(ledger),
            unpublished: Mutex::new(Vec::new()),
            entries_wait: Notify::new(),
            files,
            published: watch::Sender::new(Arc::new(published)),
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
        self.unpublished.lock().unwrap_or_else(PoisonError::into_inner).extend(entries);
        self.entries_wait.notify_one();
    }

    /// Entries that are durable and in no published checkpoint, from the first on. The publisher forgets them
    /// after publishing, so that an entry is always found either here or in the registry's files.
    pub(crate) fn queued_entries(&self) -> Vec<Vec<u8>> {
        self.unpublished.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Publishes a checkpoint that covers the first `count` queued entries.
    pub(crate) fn publish(&self, published: Published, count: usize) {
        let mut queue = self.unpublished.lock().unwrap_or_else(PoisonError::into_inner);
        let covered = count.min(queue.len());
        queue.drain(..covered);
        self.published.send_replace(Arc::new(published));
    }

    /// Finds the registry entry of a logged statement.
    ///
    /// # Errors
    /// The registry's files cannot be read.
    pub fn find_entry(&self, issuer: &Issuer, seq: u64) -> Result<Option<Entry>, ReadRegistryFailed> {
        let run = self.ledger().runs().find(issuer, seq);
        let Some(index) = run.and_then(|run| run.index_of(seq)) else { return Ok(None) };
        let bytes = {
            let queue = self.unpublished.lock().unwrap_or_else(PoisonError::into_inner);
            let published = self.published.borrow().size;
            let queued = index.checked_sub(published).and_then(|n| usize::try_from(n).ok());
            queued.and_then(|n| queue.get(n).cloned())
        };
        let bytes = match bytes {
            Some(bytes) => bytes,
            None => self.files.read_entry(index, self.published.borrow().size)?,
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
