//! The node as a witness (见证): cosigns checkpoints of its hub's registry that extend what it cosigned before.
//!
//! In scope: what the witness stands on, and its answers to the hub's requests. Out of scope: the judgement
//! (`safeharbor_core::witness`), the check of published checkpoints and receipts, which every node makes (`trust`).

mod state;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use safeharbor_core::institution::InstitutionCode;
use safeharbor_core::key::Signer;
use safeharbor_core::note::VerifierKey;
use safeharbor_core::witness::{
    AddCheckpoint, AddCheckpointFailed, CLOCK_OFF_MAX_MS, Cosigner, NotCosigned, anchor_name, print_size,
};
use safeharbor_proto::v1::{WitnessAnswer, WitnessRequest};
use safeharbor_service::clock::{Clock, to_seconds};
use safeharbor_service::evidence::{Evidence, EvidenceFailed};
use safeharbor_service::key_file::{self, KeyUse};
use safeharbor_service::store::Store;

use crate::chain::ChainFailed;
use crate::trust::{Alarm, Alarms};

use state::StoredState;
pub use state::{is_witness_state, last_witnessed};

/// What HTTP calls a service that cannot answer by now.
const UNAVAILABLE: u32 = 503;

/// The witness of one node. There is one for a store.
#[derive(Debug)]
pub struct Witness {
    log: [VerifierKey; 1],
    name: String,
    signer: Option<Box<dyn Signer>>,
    clock: Arc<dyn Clock>,
    state: StoredState,
    /// Held from loading the state until the next one is durable: the compare-and-set of C2SP tlog-witness.
    replacing: Mutex<()>,
}

/// What a request leads to.
#[derive(Debug, Clone, PartialEq)]
pub enum Answered {
    /// The hub is to be told.
    Say(WitnessAnswer),
    /// The registry contradicts itself: the alarm was raised and the evidence kept, and nothing is cosigned any more.
    Inconsistent(Alarm),
}

/// The witness itself is broken.
#[derive(Debug, thiserror::Error)]
pub enum WitnessFailed {
    /// What it stands on cannot be read or kept.
    #[error("what the witness stands on cannot be kept")]
    State(#[from] ChainFailed),
    /// The evidence cannot be kept.
    #[error(transparent)]
    Evidence(#[from] EvidenceFailed),
}

impl Witness {
    /// The witness of `institution` for one log, with the key at `key_path`; without a key that can be used it cosigns nothing.
    #[must_use]
    pub fn open(
        (store, clock): (Arc<dyn Store>, Arc<dyn Clock>),
        log: VerifierKey,
        institution: &InstitutionCode,
        key_path: &Path,
    ) -> Self {
        let signer = match key_file::load(key_path, KeyUse::Witness) {
            Ok(signer) => Some(Box::new(signer) as Box<dyn Signer>),
            Err(failed) => {
                tracing::warn!(error = &failed as &dyn std::error::Error, "this node does not cosign");
                None
            }
        };
        let name = anchor_name(log.name(), institution);
        Self { log: [log], name, signer, clock, state: StoredState(store), replacing: Mutex::new(()) }
    }

    /// Answers a request to cosign. What is cosigned is durable before the answer exists.
    ///
    /// # Errors
    /// The store or the evidence folder fails.
    pub fn answer(&self, request: &WitnessRequest, evidence: &Evidence) -> Result<Answered, WitnessFailed> {
        let now_ms = self.clock.now_ms();
        let say = |status, body| Ok(Answered::Say(WitnessAnswer { nonce: request.nonce, status, body }));
        let Some(signer) = &self.signer else {
            return say(UNAVAILABLE, "the node has no witness key that can be used\n".to_owned());
        };
        let off_ms = now_ms.abs_diff(request.now_ms);
        if off_ms > CLOCK_OFF_MAX_MS {
            tracing::warn!(off_ms, "our clock differs from the hub's: nothing is cosigned");
            let body = format!("the clocks differ by {} s; one of them is wrong\n", off_ms / 1000);
            return say(UNAVAILABLE, body);
        }
        let body: AddCheckpoint = match request.body.parse() {
            Ok(body) => body,
            Err(malformed) => return say(400, format!("{malformed}\n")),
        };
        let _replacing = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let cosigner = Cosigner { logs: &self.log, name: &self.name, signer: &**signer, store: &self.state };
        match cosigner.add_checkpoint(&body, to_seconds(now_ms)) {
            Ok(line) => say(200, line.to_string()),
            Err(AddCheckpointFailed::Not(NotCosigned::Inconsistent { size, ours, theirs })) => {
                self.keep_evidence(size, [&ours, &theirs], evidence).map(Answered::Inconsistent)
            }
            Err(AddCheckpointFailed::Not(NotCosigned::Conflict { size })) => say(409, print_size(size)),
            Err(AddCheckpointFailed::Not(not)) => {
                let status = not.http_status();
                tracing::warn!(
                    status,
                    error = &not as &dyn std::error::Error,
                    "a checkpoint is not cosigned"
                );
                say(status.into(), format!("{not}\n"))
            }
            Err(AddCheckpointFailed::Sign(failed)) => {
                tracing::error!(error = &failed as &dyn std::error::Error, "the witness key does not sign");
                say(UNAVAILABLE, "the witness key does not sign\n".to_owned())
            }
            Err(AddCheckpointFailed::Store(failed)) => Err(failed.into()),
        }
    }

    fn keep_evidence(&self, size: u64, notes: [&str; 2], folder: &Evidence) -> Result<Alarm, WitnessFailed> {
        let mut evidence = Vec::new();
        for note in notes {
            evidence.push(folder.put(note.as_bytes())?.to_string());
        }
        let alarm = Alarm::CheckpointInconsistent { size, evidence };
        Alarms::new(Arc::clone(&self.state.0)).raise(&alarm, self.clock.now_ms())?;
        Ok(alarm)
    }
}

#[cfg(test)]
mod tests;
