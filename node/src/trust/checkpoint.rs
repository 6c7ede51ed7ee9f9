//! The last checkpoint this node verified, and whether another one extends it.

use safeharbor_core::checkpoint::{Checkpoint, VerifyCheckpointFailed, verify_checkpoint};
use safeharbor_core::digest::Digest;
use safeharbor_core::merkle::{VerifyProofFailed, verify_consistency};
use safeharbor_core::policy::PolicyNotMet;
use safeharbor_service::store::{Batch, Store, Table};

use super::{ReceiptState, Trust};
use crate::chain::ChainFailed;
use crate::tables::SYNC;

const CHECKPOINT: &[u8] = b"checkpoint";

/// A checkpoint that was verified, with the note that proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastCheckpoint {
    /// Size and root.
    pub checkpoint: Checkpoint,
    /// The signed note, verbatim.
    pub note: String,
}

/// A checkpoint whose signatures verified; how it relates to the last one is another question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Believed {
    /// Size and root.
    pub checkpoint: Checkpoint,
    /// Whether only the log signed, or the policy's quorum, too.
    pub state: ReceiptState,
}

/// A checkpoint that is not believed, or does not follow the last one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointFailed {
    /// It is not of the pinned log, not signed by it, or holds a false signature of a known key.
    #[error("the checkpoint is refused")]
    Refused(#[source] PolicyNotMet),
    /// The log's own signature is not there although the note has others.
    #[error("the checkpoint is not the log's")]
    NotTheLogs(#[source] VerifyCheckpointFailed),
    /// It is smaller than the last one.
    #[error("the checkpoint has {theirs} entries, the last one had {ours}")]
    Behind {
        /// The size of the last one.
        ours: u64,
        /// The size of this one.
        theirs: u64,
    },
    /// The proof that it extends the last one does not verify. That proves nothing: a good one may exist.
    #[error(
        "the checkpoint of {theirs} entries comes without a proof that it extends the last one of {ours}"
    )]
    Unproven {
        /// The size of the last one.
        ours: u64,
        /// The size of this one.
        theirs: u64,
        /// What is wrong with the proof.
        #[source]
        source: VerifyProofFailed,
    },
    /// It has another root at the size of the last one: no proof can make both true.
    #[error("the checkpoint of {size} entries has another root than the last one")]
    Inconsistent {
        /// The size of both.
        size: u64,
    },
}

/// Whether a row is the last verified checkpoint.
#[must_use]
pub(crate) fn is_last_checkpoint(table: Table, key: &[u8]) -> bool {
    table == SYNC && key == CHECKPOINT
}

impl LastCheckpoint {
    /// The last checkpoint; none before the first.
    ///
    /// # Errors
    /// The store fails or is damaged.
    pub fn load(store: &dyn Store) -> Result<Option<Self>, ChainFailed> {
        let damaged = || ChainFailed::damaged("the last checkpoint");
        let Some(row) = store.get(SYNC, CHECKPOINT)? else { return Ok(None) };
        let note = String::from_utf8(row).or(Err(damaged()))?;
        let (text, _) = note.rsplit_once("\n\n").ok_or_else(damaged)?;
        let checkpoint = format!("{text}\n").parse().or(Err(damaged()))?;
        Ok(Some(Self { checkpoint, note }))
    }

    /// Puts the checkpoint in the place of the last one as part of `batch`. The caller holds the lock under which
    /// it loaded the one that this was verified against.
    pub(super) fn put_into(&self, batch: &mut Batch) {
        batch.put(SYNC, CHECKPOINT, self.note.as_bytes());
    }
}

impl Trust {
    /// Verifies the signatures of a checkpoint: the pinned log's under its origin, and what the policy asks for.
    /// Without the quorum it is believed as the log's word only.
    ///
    /// # Errors
    /// A malformed note, another log, a false signature of any known key.
    pub fn verify_checkpoint(&self, note: &str) -> Result<Believed, CheckpointFailed> {
        match self.policy().verify_checkpoint(note.as_bytes()) {
            Ok(met) => {
                let witnessed = self.policy().quorum().is_some();
                let state = if witnessed { ReceiptState::Witnessed } else { ReceiptState::Logged };
                Ok(Believed { checkpoint: met.checkpoint, state })
            }
            Err(PolicyNotMet::Quorum { .. }) => {
                let checkpoint = verify_checkpoint(note.as_bytes(), self.log());
                let checkpoint = checkpoint.map_err(CheckpointFailed::NotTheLogs)?;
                Ok(Believed { checkpoint, state: ReceiptState::Logged })
            }
            Err(refused) => Err(CheckpointFailed::Refused(refused)),
        }
    }

    /// Whether a receipt of this state is all that the policy asks for.
    #[must_use]
    pub fn suffices(&self, state: ReceiptState) -> bool {
        state == ReceiptState::Witnessed || self.policy().quorum().is_none()
    }
}

/// Verifies that `next` extends `last`. From no checkpoint or an empty tree anything extends, without a proof; at the same size the
/// roots decide, whatever the proof says.
///
/// # Errors
/// A smaller tree, another root at the same size, or a proof that does not lead from one root to the other.
pub fn verify_extension(
    last: Option<&Checkpoint>,
    next: &Checkpoint,
    proof: &[Digest],
) -> Result<(), CheckpointFailed> {
    let Some(last) = last.filter(|last| last.size > 0) else { return Ok(()) };
    let (ours, theirs) = (last.size, next.size);
    if theirs < ours {
        return Err(CheckpointFailed::Behind { ours, theirs });
    }
    if theirs == ours {
        let is_same = next.root == last.root;
        return if is_same { Ok(()) } else { Err(CheckpointFailed::Inconsistent { size: ours }) };
    }
    verify_consistency(ours, theirs, proof, &last.root, &next.root)
        .map_err(|source| CheckpointFailed::Unproven { ours, theirs, source })
}
