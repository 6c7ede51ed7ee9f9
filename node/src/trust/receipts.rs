//! Receipts (回执): verified before believed, the first one kept for ever.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use safeharbor_core::checkpoint::Checkpoint;
use safeharbor_core::entry::Entry;
use safeharbor_core::merkle::{hash_leaf, verify_inclusion};
use safeharbor_core::statement::Statement;
use safeharbor_core::tlog_proof::TlogProof;
use safeharbor_proto::ReceivedReceipts;
use safeharbor_service::clock::Clock;
use safeharbor_service::evidence::{Evidence, EvidenceFailed};
use safeharbor_service::store::{Batch, Scan, Store, StoreFailed};
use serde::{Deserialize, Serialize};

use super::{Alarm, Alarms, Believed, CheckpointFailed, LastCheckpoint, Trust, verify_extension};
use crate::chain::{Chain, ChainFailed, Memory, Stated, decode_seq};
use crate::tables::RECEIPTS;

/// The most bytes of a note that are kept as evidence: what a message can hold.
const EVIDENCE_BYTES_MAX: u64 = 8 << 20;

/// What a receipt proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReceiptState {
    /// The log's signature stands under it.
    Logged,
    /// The quorum of the trust policy cosigned it.
    Witnessed,
}

/// A receipt as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptReceipt {
    /// The statement's number.
    pub seq: u64,
    /// What the receipt proves.
    pub state: ReceiptState,
    /// The text of the `.tlog-proof` file.
    pub proof: String,
}

/// Receipts could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptsFailed {
    /// They do not verify; the alarm was raised.
    #[error("{alarm}")]
    Refused {
        /// What was raised.
        alarm: Box<Alarm>,
    },
    /// The hub's registry is smaller than what was verified before; the alarm was raised.
    #[error("{alarm}")]
    Behind {
        /// What was raised.
        alarm: Box<Alarm>,
    },
    /// The registry contradicts itself; the alarm was raised and the evidence kept.
    #[error("{alarm}")]
    Inconsistent {
        /// What was raised.
        alarm: Box<Alarm>,
    },
    /// A statement stands where the key that signed it was not valid; the alarm was raised and the evidence kept.
    #[error("{alarm}")]
    Foreign {
        /// What was raised.
        alarm: Box<Alarm>,
    },
    /// The chain cannot be read.
    #[error(transparent)]
    Chain(#[from] ChainFailed),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreFailed),
    /// The evidence could not be kept.
    #[error(transparent)]
    Evidence(#[from] EvidenceFailed),
}

/// Verifies and keeps receipts. There is one for a store.
#[derive(Debug)]
pub struct ReceiptBook {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    evidence: Evidence,
    trust: Trust,
    /// Held from loading the last checkpoint until the next one is committed: the compare-and-set of section 5.
    replacing: Mutex<()>,
}

impl ReceiptBook {
    /// The receipts in `store`; evidence goes to `evidence`.
    ///
    /// # Errors
    /// The evidence folder cannot be made.
    pub fn open(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        trust: Trust,
        evidence: &Path,
    ) -> Result<Self, EvidenceFailed> {
        let evidence = Evidence::open(evidence, EVIDENCE_BYTES_MAX)?;
        Ok(Self { store, clock, evidence, trust, replacing: Mutex::new(()) })
    }

    /// Verifies checkpoint, consistency and every receipt, then keeps all of it in one commit. Returns the lowest
    /// number without a receipt that meets the policy.
    ///
    /// # Errors
    /// Anything that does not verify (an alarm is raised, nothing is kept), or the store fails.
    pub fn keep(&self, received: &ReceivedReceipts) -> Result<u64, ReceiptsFailed> {
        let _replacing = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let last = LastCheckpoint::load(&*self.store)?;
        let believed = match self.verify_checkpoint(last.as_ref(), received) {
            Ok(believed) => believed,
            Err(failed) => return Err(self.refuse(last.as_ref(), received, &failed)?),
        };
        let mut batch = Batch::new();
        for (seq, index, hashes) in &received.receipts {
            let proof = TlogProof {
                extra: None,
                index: *index,
                hashes: hashes.clone(),
                checkpoint: received.checkpoint.clone(),
            };
            let stated = Chain::new(Arc::clone(&self.store)).statement(*seq)?;
            let statement = match verify_inclusion_of(stated.as_ref(), &proof, &believed.checkpoint) {
                Ok(statement) => statement,
                Err(reason) => return Err(self.raise(Alarm::ReceiptRefused { seq: *seq, reason })?),
            };
            if let Some(alarm) = self.find_invalid_key(*seq, &statement, &proof)? {
                self.alarms().raise(&alarm, self.clock.now_ms())?;
                return Err(ReceiptsFailed::Foreign { alarm: Box::new(alarm) });
            }
            let key = key_of(*seq, believed.state);
            if self.store.get(RECEIPTS, &key)?.is_none() {
                batch.put(RECEIPTS, key, proof.to_string());
            }
        }
        let receipts_from = self.receipts_from(received, believed.state)?;
        Memory::put_receipts_from(receipts_from, &mut batch);
        let next = LastCheckpoint { checkpoint: believed.checkpoint, note: received.checkpoint.clone() };
        next.put_into(&mut batch);
        self.store.commit(batch)?;
        Ok(receipts_from)
    }

    fn verify_checkpoint(
        &self,
        last: Option<&LastCheckpoint>,
        received: &ReceivedReceipts,
    ) -> Result<Believed, CheckpointFailed> {
        let believed = self.trust.verify_checkpoint(&received.checkpoint)?;
        let last = last.map(|last| &last.checkpoint);
        verify_extension(last, &believed.checkpoint, &received.consistency)?;
        Ok(believed)
    }

    /// A proven log index at which the key that signed the statement was not valid. Nothing is held against a key whose positions
    /// are not known: the statement was made here, or verified when it was adopted.
    fn find_invalid_key(
        &self,
        seq: u64,
        statement: &Statement<'_>,
        proof: &TlogProof,
    ) -> Result<Option<Alarm>, EvidenceFailed> {
        let Some((_, term)) = self.trust.own_keys().of(statement) else { return Ok(None) };
        if term.covers(proof.index) {
            return Ok(None);
        }
        let mut evidence = Vec::new();
        for kept in [statement.jwt.as_bytes(), proof.to_string().as_bytes()] {
            evidence.push(self.evidence.put(kept)?.to_string());
        }
        let key = term.key.thumbprint().to_string();
        Ok(Some(Alarm::KeyNotValid { seq, index: proof.index, key, evidence }))
    }

    /// The lowest number without a sufficient receipt, once those received are kept.
    fn receipts_from(&self, received: &ReceivedReceipts, state: ReceiptState) -> Result<u64, ChainFailed> {
        let mut from = Memory::new(Arc::clone(&self.store)).receipts_from()?;
        let suffices = self.trust.suffices(state);
        let arrives = |seq: u64| suffices && received.receipts.iter().any(|(number, ..)| *number == seq);
        while arrives(from) || self.has_sufficient(from)? {
            from = from.saturating_add(1);
        }
        Ok(from)
    }

    fn has_sufficient(&self, seq: u64) -> Result<bool, ChainFailed> {
        Ok(self.receipt(seq)?.is_some_and(|receipt| self.trust.suffices(receipt.state)))
    }

    /// The receipt of a statement: the witnessed one where there is one.
    ///
    /// # Errors
    /// The store fails or is damaged.
    pub fn receipt(&self, seq: u64) -> Result<Option<KeptReceipt>, ChainFailed> {
        load_receipt(&*self.store, seq)
    }

    /// Turns a checkpoint that is not believed into an alarm, with evidence where it contradicts the last one.
    fn refuse(
        &self,
        last: Option<&LastCheckpoint>,
        received: &ReceivedReceipts,
        failed: &CheckpointFailed,
    ) -> Result<ReceiptsFailed, ReceiptsFailed> {
        match *failed {
            CheckpointFailed::Refused(_) | CheckpointFailed::NotTheLogs(_) => {
                self.raise(Alarm::CheckpointRefused { reason: chain_of_reasons(failed) })
            }
            CheckpointFailed::Unproven { ours, theirs, ref source } => {
                self.raise(Alarm::Unproven { ours, theirs, reason: source.to_string() })
            }
            CheckpointFailed::Behind { ours, theirs } => {
                let alarm = Alarm::HubBehind { ours, theirs };
                self.alarms().raise(&alarm, self.clock.now_ms())?;
                Ok(ReceiptsFailed::Behind { alarm: Box::new(alarm) })
            }
            CheckpointFailed::Inconsistent { size } => {
                let notes = [last.map(|last| last.note.as_str()), Some(received.checkpoint.as_str())];
                let mut evidence = Vec::new();
                for note in notes.into_iter().flatten() {
                    evidence.push(self.evidence.put(note.as_bytes())?.to_string());
                }
                let alarm = Alarm::CheckpointInconsistent { size, evidence };
                self.alarms().raise(&alarm, self.clock.now_ms())?;
                Ok(ReceiptsFailed::Inconsistent { alarm: Box::new(alarm) })
            }
        }
    }

    fn raise(&self, alarm: Alarm) -> Result<ReceiptsFailed, ReceiptsFailed> {
        self.alarms().raise(&alarm, self.clock.now_ms())?;
        Ok(ReceiptsFailed::Refused { alarm: Box::new(alarm) })
    }

    fn alarms(&self) -> Alarms {
        Alarms::new(Arc::clone(&self.store))
    }
}

/// Verifies that the entry rebuilt from our own statement is in the tree, and returns the statement.
fn verify_inclusion_of<'s>(
    stated: Option<&'s Stated>,
    proof: &TlogProof,
    checkpoint: &Checkpoint,
) -> Result<Statement<'s>, String> {
    let stated = stated.ok_or_else(|| "no such statement was made here".to_owned())?;
    let statement = Statement::parse(&stated.jwt).map_err(|failed| failed.to_string())?;
    let leaf = hash_leaf(&Entry::of(&statement).encode());
    let Checkpoint { size, root, .. } = checkpoint;
    verify_inclusion(&leaf, proof.index, *size, &proof.hashes, root).map_err(|failed| failed.to_string())?;
    Ok(statement)
}

/// All receipts from a number on, one a statement, in order, shown to `visitor`.
///
/// # Errors
/// The store fails or is damaged.
pub fn visit_receipts(
    store: &dyn Store,
    from: u64,
    visitor: &mut dyn FnMut(KeptReceipt),
) -> Result<(), ChainFailed> {
    let mut next = from;
    loop {
        let rows = store.scan(&Scan::all(RECEIPTS).starting_at(&next.to_be_bytes()).limit(1))?;
        let Some((key, _)) = rows.first() else { return Ok(()) };
        let seq = decode_seq(key.get(..8).unwrap_or_default())?;
        if let Some(receipt) = load_receipt(store, seq)? {
            visitor(receipt);
        }
        next = seq.saturating_add(1);
    }
}

/// The receipt of a statement: the witnessed one where there is one.
///
/// # Errors
/// The store fails or is damaged.
pub fn load_receipt(store: &dyn Store, seq: u64) -> Result<Option<KeptReceipt>, ChainFailed> {
    for state in [ReceiptState::Witnessed, ReceiptState::Logged] {
        if let Some(row) = store.get(RECEIPTS, &key_of(seq, state))? {
            let proof = String::from_utf8(row);
            let proof = proof.or(Err(ChainFailed::damaged(format!("the receipt of statement {seq}"))))?;
            return Ok(Some(KeptReceipt { seq, state, proof }));
        }
    }
    Ok(None)
}

/// The highest number with a receipt; 0 if there is none.
///
/// # Errors
/// The store fails or is damaged.
pub fn last_receipted(store: &dyn Store) -> Result<u64, ChainFailed> {
    let rows = store.scan(&Scan::all(RECEIPTS).backwards().limit(1))?;
    rows.first().map_or(Ok(0), |(key, _)| decode_seq(key.get(..8).unwrap_or_default()))
}

/// The number, then the state: the first receipt of each state stays.
fn key_of(seq: u64, state: ReceiptState) -> Vec<u8> {
    let state = match state {
        ReceiptState::Logged => 0,
        ReceiptState::Witnessed => 1,
    };
    [&seq.to_be_bytes()[..], &[state]].concat()
}

fn chain_of_reasons(failed: &dyn std::error::Error) -> String {
    let mut text = failed.to_string();
    let mut source = failed.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
