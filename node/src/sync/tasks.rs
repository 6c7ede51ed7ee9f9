//! Tasks of the hub: stored before they are answered.

use std::ops::ControlFlow;
use std::sync::Arc;

use safeharbor_core::code::Code;
use safeharbor_core::json;
use safeharbor_proto::TaskMessage;
use safeharbor_service::store::{Batch, Scan, Store};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::foreign_text::{clean, clean_value};
use crate::chain::ChainFailed;
use crate::tables::TASKS;

/// The type of the task that tells of a statement that is logged and counts nowhere.
pub(super) const CONTENT_REFUSED: &str = "content-refused";

const ID_BYTES_MAX: usize = 256;
const PAYLOAD_BYTES_MAX: usize = 256 << 10;

/// A task as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptTask {
    /// Names the task.
    pub id: String,
    /// What is to be done.
    #[serde(rename = "type")]
    pub kind: String,
    /// When an answer is due, in milliseconds since 1970 UTC.
    pub due_ms: Option<u64>,
    /// What the hub said; null where it is no JSON object.
    pub payload: Value,
    /// When it arrived first, in milliseconds since 1970 UTC.
    pub received_ms: u64,
    /// What was answered.
    pub answer: Value,
    /// When a later statement took the place of the refused one, in milliseconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_ms: Option<u64>,
}

impl KeptTask {
    /// The number of the statement it is about.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        self.payload.get("seq").and_then(Value::as_u64)
    }

    /// Whether it tells of a statement whose content was refused and that nothing took the place of.
    pub(crate) fn is_open_refusal(&self) -> bool {
        self.kind == CONTENT_REFUSED && self.settled_ms.is_none()
    }
}

/// Keeps a task and returns the answer; the same task again gets the same answer. Durable on return.
///
/// A task whose id is too long for any store has no answer.
///
/// # Errors
/// The store fails or is damaged.
pub(crate) fn keep_task(
    store: &dyn Store,
    task: &TaskMessage,
    now_ms: u64,
) -> Result<Option<Value>, ChainFailed> {
    let TaskMessage { id, kind, due_ms, payload } = task;
    if id.is_empty() || id.len() > ID_BYTES_MAX {
        tracing::warn!(bytes = id.len(), "the hub sent a task without a usable id");
        return Ok(None);
    }
    if let Some(row) = store.get(TASKS, id.as_bytes())? {
        return Ok(Some(decode(&row)?.answer));
    }
    let parsed = Some(payload).filter(|payload| payload.len() <= PAYLOAD_BYTES_MAX);
    let parsed =
        parsed.and_then(|payload| json::parse_object(payload).ok()).map(Value::Object).map(clean_value);
    let answer = match (&parsed, kind.as_str()) {
        (None, _) => json!({"malformed": true}),
        (Some(_), CONTENT_REFUSED) => json!({"stored": true}),
        (Some(_), _) => json!({"unsupported": true}),
    };
    let kept = KeptTask {
        id: id.clone(),
        kind: clean(kind),
        due_ms: *due_ms,
        payload: parsed.unwrap_or_default(),
        received_ms: now_ms,
        answer: answer.clone(),
        settled_ms: None,
    };
    let mut batch = Batch::new();
    // JSON values always serialise.
    batch.put(TASKS, id.as_bytes(), serde_json::to_vec(&kept).unwrap_or_default());
    store.commit(batch)?;
    store.flush()?;
    Ok(Some(answer))
}

/// Whether a task says that the hub does not know the catalogue version of a statement.
pub(super) fn is_unknown_version(task: &TaskMessage) -> bool {
    let code = json::parse_object(&task.payload).ok().and_then(|payload| payload.get("code").cloned());
    task.kind == CONTENT_REFUSED && code == Some(Code::CatalogueUnknown.as_str().into())
}

/// All tasks by id.
///
/// # Errors
/// The store fails or is damaged.
pub fn list_tasks(store: &Arc<dyn Store>) -> Result<Vec<KeptTask>, ChainFailed> {
    store.scan(&Scan::all(TASKS))?.iter().map(|(_, row)| decode(row)).collect()
}

/// The tasks that tell of statements whose content was refused with `code` and that nothing took the place of, by id.
pub(crate) fn refused_for(store: &dyn Store, code: Code) -> Result<Vec<KeptTask>, ChainFailed> {
    let mut found = Ok(Vec::new());
    store.visit(Scan::all(TASKS), &mut |_, row| match decode(row) {
        Ok(task) => {
            let is_wanted = task.is_open_refusal()
                && task.payload.get("code").and_then(Value::as_str) == Some(code.as_str());
            if let Ok(found) = &mut found
                && is_wanted
            {
                found.push(task);
            }
            ControlFlow::Continue(())
        }
        Err(failed) => {
            found = Err(failed);
            ControlFlow::Break(())
        }
    })?;
    found
}

/// Marks in `batch` that a later statement took the place of the refused one.
pub(crate) fn settle(task: KeptTask, now_ms: u64, batch: &mut Batch) {
    let settled = KeptTask { settled_ms: Some(now_ms), ..task };
    // JSON values always serialise.
    batch.put(TASKS, settled.id.as_bytes(), serde_json::to_vec(&settled).unwrap_or_default());
}

fn decode(row: &[u8]) -> Result<KeptTask, ChainFailed> {
    serde_json::from_slice(row).or(Err(ChainFailed::damaged("a task of the hub")))
}

#[cfg(test)]
mod tests {
    use safeharbor_service::store::MemoryStore;

    use super::*;

    fn task(id: &str, kind: &str, payload: &str) -> TaskMessage {
        let (id, kind) = (id.to_owned(), kind.to_owned());
        TaskMessage { id, kind, due_ms: None, payload: payload.as_bytes().to_vec() }
    }

    fn check(task: &TaskMessage, answer: Option<&Value>) {
        let store = MemoryStore::new();
        assert_eq!(keep_task(&store, task, 5).unwrap().as_ref(), answer, "{task:?}");
        store.lose_power();
        let kept = list_tasks(&(Arc::new(store) as Arc<dyn Store>)).unwrap();
        assert_eq!(kept.first().map(|kept| &kept.answer), answer, "stored before it is answered");
    }

    #[test]
    fn every_task_is_stored_and_answered() {
        check(&task("1", "content-refused", r#"{"seq":1}"#), Some(&json!({"stored": true})));
        check(&task("1", "reveal", "{}"), Some(&json!({"unsupported": true})));
        check(&task("1", "content-refused", "[]"), Some(&json!({"malformed": true})));
        check(&task("1", "content-refused", r#"{"a":1,"a":2}"#), Some(&json!({"malformed": true})));
        check(&task("", "content-refused", "{}"), None);
        check(&task(&"x".repeat(2000), "content-refused", "{}"), None);
    }

    #[test]
    fn texts_of_the_hub_are_kept_clean() {
        let store = MemoryStore::new();
        let payload = r#"{"seq":1,"code":"x","text":"bad\u001b[2J \u202evalue"}"#;
        keep_task(&store, &task("1", "content-refused", payload), 5).unwrap();
        let kept = list_tasks(&(Arc::new(store) as Arc<dyn Store>)).unwrap();
        assert_eq!(kept[0].payload["text"], "bad[2J value");
    }

    #[test]
    fn the_same_task_again_gets_the_first_answer() {
        let store = MemoryStore::new();
        keep_task(&store, &task("1", "content-refused", r#"{"seq":1}"#), 5).unwrap();
        let again = keep_task(&store, &task("1", "other", r#"{"seq":2}"#), 6).unwrap();
        assert_eq!(again, Some(json!({"stored": true})));
        let kept = list_tasks(&(Arc::new(store) as Arc<dyn Store>)).unwrap();
        assert_eq!((kept.len(), kept[0].received_ms), (1, 5));
    }
}
