//! Tasks: what the hub asks of a node, kept until it is answered.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use safeharbor_core::code::Code;
use safeharbor_core::digest::Digest;
use safeharbor_core::institution::InstitutionCode;
use safeharbor_proto::TaskMessage;
use safeharbor_service::store::{Batch, Scan, Store, StoreFailed, Table};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

/// The index table of tasks.
const TASKS: Table = Table(3);
/// The most bytes an answer may have.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Open tasks of one institution: several windows of statements, all of them refused.
const OPEN_MAX: usize = 10_000;
/// The type of the task that tells a node that a logged statement's content was refused.
pub const CONTENT_REFUSED: &str = "content-refused";

/// One task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Names it; derived from what it is about, so that making it twice makes one.
    pub id: String,
    /// Whose node is asked.
    pub institution: InstitutionCode,
    /// What is asked.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it is due, in milliseconds since 1970 UTC.
    pub due_ms: Option<u64>,
    /// Its content; never a value of a record.
    pub payload: serde_json::Value,
}

impl Task {
    /// Tells a node that a logged statement's content was refused.
    #[must_use]
    pub fn content_refused(
        institution: InstitutionCode,
        seq: u64,
        digest: Digest,
        code: Code,
        text: &str,
    ) -> Self {
        let digest = digest.to_string();
        let payload = serde_json::json!({"seq": seq, "digest": digest, "code": code.as_str(), "text": text});
        Self { id: digest, institution, kind: CONTENT_REFUSED.to_owned(), due_ms: None, payload }
    }

    /// The message that carries it.
    #[must_use]
    pub fn to_message(&self) -> TaskMessage {
        TaskMessage {
            id: self.id.clone(),
            kind: self.kind.clone(),
            due_ms: self.due_ms,
            payload: self.payload.to_string().into_bytes(),
        }
    }

    fn key(&self) -> Vec<u8> {
        key_of(&self.institution, &self.id)
    }
}

fn key_of(institution: &InstitutionCode, id: &str) -> Vec<u8> {
    format!("{institution}/{id}").into_bytes()
}

/// The open tasks, in memory and in the index.
pub struct Tasks {
    store: Arc<dyn Store>,
    open: Mutex<BTreeMap<InstitutionCode, BTreeMap<String, Task>>>,
    unsaved: Mutex<Vec<Task>>,
    /// Wakes the streams.
    pub changed: Notify,
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks").field("open", &self.open).finish_non_exhaustive()
    }
}

impl Tasks {
    /// Loads the tasks that are not answered.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn load(store: Arc<dyn Store>) -> Result<Self, StoreFailed> {
        let mut open: BTreeMap<InstitutionCode, BTreeMap<String, Task>> = BTreeMap::new();
        for (_, value) in store.scan(&Scan::all(TASKS))? {
            if let Ok(task) = serde_json::from_slice::<Task>(&value) {
                open.entry(task.institution).or_default().insert(task.id.clone(), task);
            }
        }
        Ok(Self { store, open: Mutex::new(open), unsaved: Mutex::new(Vec::new()), changed: Notify::new() })
    }

    /// Opens tasks; they are saved with the index.
    pub(crate) fn open(&self, tasks: Vec<Task>) {
        if tasks.is_empty() {
            return;
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut unsaved = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner);
        for task in tasks {
            let of_institution = open.entry(task.institution).or_default();
            // What is beyond stands in the journal all the same, and in the count on the screen.
            if of_institution.len() < OPEN_MAX {
                unsaved.push(task.clone());
                of_institution.insert(task.id.clone(), task);
            }
        }
        self.changed.notify_waiters();
    }

    /// Puts what is not saved yet into a batch of the index.
    pub(crate) fn save_into(&self, batch: &mut Batch) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let is_open =
            |task: &Task| open.get(&task.institution).is_some_and(|tasks| tasks.contains_key(&task.id));
        for task in self.unsaved.lock().unwrap_or_else(PoisonError::into_inner).drain(..).filter(is_open) {
            batch.put(TASKS, task.key(), serde_json::to_vec(&task).unwrap_or_default());
        }
    }

    /// The open tasks of an institution.
    #[must_use]
    pub fn of(&self, institution: &InstitutionCode) -> Vec<Task> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(institution).map(|tasks| tasks.values().cloned().collect()).unwrap_or_default()
    }

    /// Closes a task durably; an answer to no open task is ignored.
    ///
    /// # Errors
    /// The index cannot be written; the task stays open.
    pub fn answer(
        &self,
        institution: &InstitutionCode,
        id: &str,
        answer: &safeharbor_core::json::Object,
    ) -> Result<(), StoreFailed> {
        let task = {
            let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.get(institution).and_then(|tasks| tasks.get(id)).cloned()
        };
        let Some(task) = task else { return Ok(()) };
        tracing::info!(%institution, task = task.kind, id, fields = answer.len(), "a task was answered");
        let mut batch = Batch::new();
        batch.delete(TASKS, task.key());
        self.store.commit(batch)?;
        self.store.flush()?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tasks) = open.get_mut(institution) {
            tasks.remove(id);
        }
        Ok(())
    }
}
