//! An author over a store of the test's choice, with an outbox that is one table.

use std::collections::BTreeSet;
use std::sync::Arc;

use safeharbor_core::digest::Digest;
use safeharbor_core::key::{MemorySigner, Signer as _};
use safeharbor_core::record::RecordHandle;
use safeharbor_proto::Submission;
use safeharbor_service::clock::ManualClock;
use safeharbor_service::random::SystemRandom;
use safeharbor_service::store::{Batch, Scan, Store};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{Author, Chain, Fetched, StateFailed, Stating};
use crate::outbox::{Content, Pending};
use crate::tables::OUTBOX;
use crate::trust::KeyTerms;

/// What every test's institution was admitted by.
pub(crate) fn admitted() -> Digest {
    Digest::of(b"admission")
}

/// The key of `seed`.
pub(crate) fn signer(seed: u8) -> MemorySigner {
    MemorySigner::from_seed(&Zeroizing::new([seed; 32]))
}

/// An author whose process has just started.
pub(crate) fn author(store: &Arc<dyn Store>) -> Author {
    Author {
        chain: Chain::new(Arc::clone(store)),
        store: Arc::clone(store),
        clock: Arc::new(ManualClock::at_ms(1_700_000_000_000)),
        random: Arc::new(SystemRandom),
        signer: Arc::new(signer(1)),
        institution: "12100000400002259P".parse().unwrap(),
        admitted: admitted(),
        own_keys: KeyTerms::default().including(signer(1).public_key()),
        durable_through: Arc::default(),
    }
}

/// The record that entry `number` is about.
pub(crate) fn record(number: u64) -> RecordHandle {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    RecordHandle::from_bytes(bytes)
}

/// A revision with a revealed name and a price that stays.
pub(crate) fn disclosure(number: u64) -> Content {
    Content::Disclosure {
        kind: "ACH".parse().unwrap(),
        rec: record(number),
        rev: 1,
        claims: vec![
            ("name".to_owned(), Value::from(format!("成果{number}"))),
            ("price".to_owned(), Value::from(1_000_003 + number)),
        ],
        revealed: BTreeSet::from(["name".to_owned()]),
        digests: 4,
    }
}

/// Puts entries `numbers` into the outbox.
pub(crate) fn fill(store: &dyn Store, numbers: impl IntoIterator<Item = u64>) {
    let mut batch = Batch::new();
    for number in numbers {
        batch.put(OUTBOX, number.to_be_bytes(), Vec::new());
    }
    store.commit(batch).unwrap();
    store.flush().unwrap();
}

/// What waits in the outbox.
pub(crate) fn waiting(store: &dyn Store, limit: usize) -> Vec<Pending> {
    let rows = store.scan(&Scan::all(OUTBOX).limit(limit)).unwrap();
    let number = |(key, _): &(Vec<u8>, Vec<u8>)| u64::from_be_bytes(key.as_slice().try_into().unwrap());
    rows.iter().map(number).map(|number| Pending { number, content: disclosure(number) }).collect()
}

/// Numbers what waits, as [`Author::state`] does with the real outbox.
pub(crate) fn state(author: &Author, limit: usize) -> Result<Stating, StateFailed> {
    let pending = waiting(&*author.store, limit);
    state_these(author, pending)
}

/// Numbers `pending`.
pub(crate) fn state_these(author: &Author, pending: Vec<Pending>) -> Result<Stating, StateFailed> {
    let stating = author.commit((pending, Digest::of(b"catalogue")), &mut |number, _, batch| {
        batch.delete(OUTBOX, number.to_be_bytes());
        Ok(())
    })?;
    author.make_durable(stating.head.seq)?;
    Ok(stating)
}

/// Statements as a hub hands them out that holds nothing of what they revealed.
pub(crate) fn fetched(jwts: &[String]) -> Vec<Fetched> {
    let bare = |jwt: &String| Submission { jwt: jwt.clone(), disclosures: Vec::new() };
    jwts.iter().map(|jwt| Fetched { submission: bare(jwt), is_refused: false }).collect()
}
