//! What the stream to the hub remembers between connections: the small rows of the table `SYNC`.

use std::sync::Arc;

use safeharbor_core::chain::Head;
use safeharbor_core::code::Code;
use safeharbor_core::digest::Digest;
use safeharbor_core::record::RecordHandle;
use safeharbor_service::store::{Batch, Store};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::ChainFailed;
use crate::as_text;
use crate::tables::SYNC;

const HEAD: &[u8] = b"head";
const ACKNOWLEDGED: &[u8] = b"acknowledged";
const RECEIPTS_FROM: &[u8] = b"receipts-from";
const CONTACT: &[u8] = b"contact";
const REFUSED: &[u8] = b"refused";
const RECORD_PREFIX: &[u8] = b"record/";

/// The head, what the hub acknowledged, and when things happened.
#[derive(Debug, Clone)]
pub struct Memory {
    store: Arc<dyn Store>,
}

/// Why the hub takes no statements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedState {
    /// The hub's code.
    #[serde(with = "as_text")]
    pub code: Code,
    /// The number of the refused statement; 0 where the refusal is about the institution.
    pub seq: u64,
    /// What the hub said, in English.
    pub text: String,
    /// Since when, in milliseconds since 1970 UTC.
    pub since_ms: u64,
}

/// The keys under which the numbers of a record's statements stand, each followed by the number.
pub(super) fn record_prefix(rec: RecordHandle) -> Vec<u8> {
    [RECORD_PREFIX, rec.as_bytes()].concat()
}

impl Memory {
    /// The memory in a node's store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// The last numbered statement; none before the first.
    ///
    /// # Errors
    /// The store fails or is damaged.
    pub fn head(&self) -> Result<Option<Head>, ChainFailed> {
        self.load_head(HEAD)
    }

    /// The highest statement that the hub says is durable and sequenced there; none before the first.
    ///
    /// # Errors
    /// The store fails or is damaged.
    pub fn acknowledged(&self) -> Result<Option<Head>, ChainFailed> {
        self.load_head(ACKNOWLEDGED)
    }

    /// The lowest number without a receipt that meets the policy.
    ///
    /// # Errors
    /// The store fails or is damaged.
    pub fn receipts_from(&self) -> Result<u64, ChainFailed> {
        Ok(self.load(RECEIPTS_FROM)?.unwrap_or(1))
    }

    /// When the hub last spoke, in milliseconds since 1970 UTC.
    ///
    /// # Errors
    /// The store fails or is damaged.
    pub fn contact_ms(&self) -> Result<Option<u64>, ChainFailed> {
        self.load(CONTACT)
    }

    /// Why the hub takes no statements, if so.
    ///
    /// # Errors
    /// The store fails or is damaged.
    pub fn refused(&self) -> Result<Option<RefusedState>, ChainFailed> {
        self.load(REFUSED)
    }

    pub(crate) fn put_head(head: Head, batch: &mut Batch) {
        batch.put(SYNC, HEAD, encode_head(head));
    }

    pub(crate) fn put_acknowledged(head: Head, batch: &mut Batch) {
        batch.put(SYNC, ACKNOWLEDGED, encode_head(head));
    }

    pub(crate) fn put_receipts_from(seq: u64, batch: &mut Batch) {
        put(RECEIPTS_FROM, &seq, batch);
    }

    pub(crate) fn put_contact(now_ms: u64, batch: &mut Batch) {
        put(CONTACT, &now_ms, batch);
    }

    pub(crate) fn put_refused(refused: Option<&RefusedState>, batch: &mut Batch) {
        match refused {
            Some(refused) => put(REFUSED, refused, batch),
            None => batch.delete(SYNC, REFUSED),
        }
    }

    fn load_head(&self, key: &[u8]) -> Result<Option<Head>, ChainFailed> {
        let row = self.store.get(SYNC, key)?;
        row.map(|row| decode_head(&row).ok_or_else(|| damaged(key))).transpose()
    }

    fn load<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, ChainFailed> {
        let row = self.store.get(SYNC, key)?;
        row.map(|row| serde_json::from_slice(&row).or(Err(damaged(key)))).transpose()
    }
}

fn put<T: Serialize>(key: &[u8], value: &T, batch: &mut Batch) {
    // Numbers and rows of numbers and strings always serialise.
    batch.put(SYNC, key, serde_json::to_vec(value).unwrap_or_default());
}

fn damaged(key: &[u8]) -> ChainFailed {
    ChainFailed::damaged(format!("the row {:?} of the stream", String::from_utf8_lossy(key)))
}

fn encode_head(head: Head) -> Vec<u8> {
    [&head.seq.to_be_bytes()[..], head.digest.as_bytes()].concat()
}

fn decode_head(bytes: &[u8]) -> Option<Head> {
    let (seq, digest) = bytes.split_first_chunk::<8>()?;
    Some(Head { seq: u64::from_be_bytes(*seq), digest: Digest::try_from(digest).ok()? })
}
