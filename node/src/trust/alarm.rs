//! Alarms: what a person must look at, kept until somebody does.

use std::sync::Arc;

use safeharbor_core::digest::Digest;
use safeharbor_service::store::{Batch, Scan, Store};
use serde::{Deserialize, Serialize};

use crate::as_text;
use crate::chain::ChainFailed;
use crate::tables::SYNC;

const PREFIX: &[u8] = b"alarm/";

/// Something that must not happen and did. No value of a record stands in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "alarm", rename_all = "kebab-case")]
pub enum Alarm {
    /// The hub's chain ends before a statement that has a receipt.
    #[error(
        "the hub lost statements: its chain ends at {hub_seq}, we hold a receipt for {receipted}; they are sent again"
    )]
    HubLostStatements {
        /// The hub's last number.
        hub_seq: u64,
        /// The highest number with a receipt.
        receipted: u64,
    },
    /// Two statements validly stand for one number.
    #[error("fork: statement {seq} at the hub is {theirs}, ours is {ours}; both are kept, a person decides")]
    Fork {
        /// The number.
        seq: u64,
        /// The digest of ours.
        #[serde(with = "as_text")]
        ours: Digest,
        /// The digest of the hub's.
        #[serde(with = "as_text")]
        theirs: Digest,
    },
    /// The hub says another statement of ours has the number already.
    #[error(
        "fork: the hub has another statement {seq} than ours, {ours}: {text}; both are kept, a person decides"
    )]
    NumberTaken {
        /// The number.
        seq: u64,
        /// The digest of ours.
        #[serde(with = "as_text")]
        ours: Digest,
        /// What the hub said.
        text: String,
    },
    /// The hub names another admitting statement than the one pinned at enrolment.
    #[error("the hub says we were admitted by {theirs}, pinned is {ours}")]
    OtherAdmission {
        /// What is pinned.
        #[serde(with = "as_text")]
        ours: Digest,
        /// What the hub says.
        #[serde(with = "as_text")]
        theirs: Digest,
    },
    /// The hub holds a statement in our name that we did not make.
    #[error("statement {seq} at the hub is not ours: {reason}")]
    ForeignStatement {
        /// The number.
        seq: u64,
        /// Why it is not believed.
        reason: String,
    },
    /// A statement stands in the log where the key that signed it was not valid: it counts as foreign. Both are kept as evidence.
    #[error(
        "statement {seq} is logged at {index}, where the key {key} that signed it was not valid; it is not ours, and kept as evidence"
    )]
    KeyNotValid {
        /// The number.
        seq: u64,
        /// The log index that its receipt proves.
        index: u64,
        /// The thumbprint of the key.
        key: String,
        /// The digests of the statement and of its receipt in the evidence folder.
        evidence: Vec<String>,
    },
    /// The hub acknowledged something else than what was sent.
    #[error("the hub acknowledged statement {seq} as {theirs}, which is not what was sent")]
    WrongAcknowledgement {
        /// The number.
        seq: u64,
        /// The digest it named.
        #[serde(with = "as_text")]
        theirs: Digest,
    },
    /// A receipt does not verify.
    #[error("the receipt for statement {seq} is refused: {reason}")]
    ReceiptRefused {
        /// The number.
        seq: u64,
        /// Why.
        reason: String,
    },
    /// A checkpoint is not signed by the pinned log, or is none.
    #[error("a checkpoint is refused: {reason}")]
    CheckpointRefused {
        /// Why.
        reason: String,
    },
    /// It is not shown that a checkpoint extends the last one verified; the next attempt may show it.
    #[error("unproven: nothing shows that the registry of {theirs} entries extends ours of {ours}: {reason}")]
    Unproven {
        /// The size of the last verified one.
        ours: u64,
        /// The size of the other.
        theirs: u64,
        /// What is wrong with the proof.
        reason: String,
    },
    /// Two signed checkpoints of one size have different roots: proof of misbehaviour, kept as evidence.
    #[error("two checkpoints of size {size} with different roots are signed; both notes are kept")]
    CheckpointInconsistent {
        /// The size of both.
        size: u64,
        /// The digests of both notes in the evidence folder.
        evidence: Vec<String>,
    },
    /// The hub's registry is smaller than what this node verified before.
    #[error("hub behind: its registry has {theirs} entries, we verified one of {ours}")]
    HubBehind {
        /// The size of the last verified checkpoint.
        ours: u64,
        /// The size of the one offered.
        theirs: u64,
    },
    /// Another node with our key is connected to the hub, and answers there.
    #[error("a second node with our key is connected to the hub: {text}; stop one of the two, then resume")]
    Cloned {
        /// What the hub said.
        text: String,
    },
    /// The registry names a key under our code that is not and never was this node's.
    #[error(
        "the registry has a key of ours that is not ours: {key}, for {signs}, entry {index}; ask the hub's operator at once"
    )]
    ForeignKey {
        /// The log index of the statement that begins it.
        index: u64,
        /// Its thumbprint.
        #[serde(with = "as_text")]
        key: Digest,
        /// What it signs.
        signs: String,
        /// The digest of the hub's statement in the evidence folder.
        evidence: String,
    },
    /// What the hub presents as its public statement about us is not to be believed.
    #[error("the hub's public statement of entry {index} is refused: {reason}")]
    PublicStatementRefused {
        /// The log index it named.
        index: u64,
        /// Why.
        reason: String,
    },
    /// An outbox entry can never become a statement and was set aside.
    #[error("revision {rev} of record {rec} was not stated: {reason}; correct the record")]
    NotStated {
        /// The record.
        rec: String,
        /// The revision.
        rev: u32,
        /// Why.
        reason: String,
    },
}

/// An alarm with when it was raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaisedAlarm {
    /// What happened.
    #[serde(flatten)]
    pub alarm: Alarm,
    /// The first time, in milliseconds since 1970 UTC.
    pub first_ms: u64,
    /// The last time, in milliseconds since 1970 UTC.
    pub last_ms: u64,
    /// How often.
    pub count: u64,
}

/// The alarms in a node's store.
#[derive(Debug, Clone)]
pub struct Alarms {
    store: Arc<dyn Store>,
}

impl Alarms {
    /// The alarms in `store`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Keeps an alarm as part of `batch` and tells the log; the same one again only counts.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn put(&self, alarm: &Alarm, now_ms: u64, batch: &mut Batch) -> Result<(), ChainFailed> {
        tracing::error!(alarm = %alarm, "alarm");
        let key = key_of(alarm);
        let first = RaisedAlarm { alarm: alarm.clone(), first_ms: now_ms, last_ms: now_ms, count: 0 };
        let raised = self.store.get(SYNC, &key)?.map_or(Ok(first), |row| decode(&row))?;
        let raised = RaisedAlarm { last_ms: now_ms, count: raised.count.saturating_add(1), ..raised };
        // Numbers and texts always serialise.
        batch.put(SYNC, key, serde_json::to_vec(&raised).unwrap_or_default());
        Ok(())
    }

    /// Keeps an alarm at once and for good.
    ///
    /// # Errors
    /// The store fails.
    pub fn raise(&self, alarm: &Alarm, now_ms: u64) -> Result<(), ChainFailed> {
        let mut batch = Batch::new();
        self.put(alarm, now_ms, &mut batch)?;
        self.store.commit(batch)?;
        Ok(self.store.flush()?)
    }

    /// All alarms, the latest first.
    ///
    /// # Errors
    /// The store fails or is damaged.
    pub fn list(&self) -> Result<Vec<RaisedAlarm>, ChainFailed> {
        let rows = self.store.scan(&Scan::prefix(SYNC, PREFIX))?;
        let mut alarms: Vec<RaisedAlarm> =
            rows.iter().map(|(_, row)| decode(row)).collect::<Result<_, _>>()?;
        alarms.sort_by_key(|raised| std::cmp::Reverse(raised.last_ms));
        Ok(alarms)
    }

    /// Removes an alarm that a person has dealt with, as part of `batch`; whoever calls writes the audit log.
    pub fn dismiss(alarm: &Alarm, batch: &mut Batch) {
        batch.delete(SYNC, key_of(alarm));
    }
}

fn key_of(alarm: &Alarm) -> Vec<u8> {
    let text = serde_json::to_vec(alarm).unwrap_or_default();
    [PREFIX, Digest::of(&text).as_bytes()].concat()
}

fn decode(row: &[u8]) -> Result<RaisedAlarm, ChainFailed> {
    serde_json::from_slice(row).or(Err(ChainFailed::damaged("an alarm")))
}
