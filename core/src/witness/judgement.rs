//! Whether a checkpoint may be cosigned, in the order in which C2SP tlog-witness asks.

use super::{AddCheckpoint, Witnessed};
use crate::checkpoint::{Checkpoint, ParseCheckpointFailed};
use crate::merkle::{VerifyProofFailed, empty_root, verify_consistency};
use crate::note::{NoteFailed, SignedNote, VerifierKey};

/// A checkpoint that may be cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Size and root.
    pub checkpoint: Checkpoint,
    /// The note with the log's signatures alone.
    pub note: SignedNote,
}

/// Why a checkpoint is not cosigned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCosigned {
    /// The signed text is no checkpoint.
    #[error("the signed text is no checkpoint")]
    Text(#[source] ParseCheckpointFailed),
    /// The log is not one that is witnessed here.
    #[error("the log {0:?} is not witnessed here")]
    UnknownOrigin(String),
    /// No signature of a key that is trusted for the log verifies.
    #[error("the checkpoint has no signature that is trusted")]
    NotTheLogs(#[source] NoteFailed),
    /// The old size is larger than the checkpoint.
    #[error("the old size {old} is larger than the checkpoint's {size}")]
    OldLarger {
        /// The old size.
        old: u64,
        /// That of the checkpoint.
        size: u64,
    },
    /// Another size was cosigned last.
    #[error("the size cosigned last is {size}")]
    Conflict {
        /// The size cosigned last; 0 if none.
        size: u64,
    },
    /// The checkpoint has another root than the one of the same size that was cosigned: both notes together are proof.
    #[error("another root was cosigned at size {size}")]
    Inconsistent {
        /// The size of both.
        size: u64,
        /// The note that was cosigned.
        ours: String,
        /// The note that contradicts it, with the log's signatures alone.
        theirs: String,
    },
    /// Nothing shows that the checkpoint extends what was cosigned.
    #[error("the consistency proof is refused")]
    Proof(#[source] VerifyProofFailed),
}

impl NotCosigned {
    /// The status with which the HTTP interface answers (C2SP tlog-witness, "add-checkpoint").
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::Text(_) | Self::OldLarger { .. } => 400,
            Self::NotTheLogs(_) => 403,
            Self::UnknownOrigin(_) => 404,
            Self::Conflict { .. } | Self::Inconsistent { .. } => 409,
            Self::Proof(_) => 422,
        }
    }
}

/// Judges a request against what was cosigned `last` of the same log; `logs` are the trusted keys of all witnessed logs, each named
/// by its origin.
///
/// # Errors
/// Any of [`NotCosigned`]; nothing may be cosigned then.
pub fn judge(
    last: Option<&Witnessed>,
    request: &AddCheckpoint,
    logs: &[VerifierKey],
) -> Result<Accepted, NotCosigned> {
    let next: Checkpoint = request.note.text().parse().map_err(NotCosigned::Text)?;
    let trusted: Vec<&VerifierKey> = logs.iter().filter(|key| key.name() == next.origin).collect();
    if trusted.is_empty() {
        return Err(NotCosigned::UnknownOrigin(next.origin));
    }
    request.note.verify(trusted.iter().copied()).map_err(NotCosigned::NotTheLogs)?;
    let note = request.note.signed_by(&trusted);
    if request.old > next.size {
        return Err(NotCosigned::OldLarger { old: request.old, size: next.size });
    }
    // A state of another log would be a mistake of the caller: it counts as none of this one.
    let last = last.filter(|last| last.checkpoint.origin == next.origin);
    let size = last.map_or(0, |last| last.checkpoint.size);
    if request.old != size {
        return Err(NotCosigned::Conflict { size });
    }
    if let Some(last) =
        last.filter(|last| last.checkpoint.size == next.size && last.checkpoint.root != next.root)
    {
        return Err(NotCosigned::Inconsistent { size, ours: last.note.clone(), theirs: note.to_string() });
    }
    verify_extension(last, &next, request).map_err(NotCosigned::Proof)?;
    Ok(Accepted { checkpoint: next, note })
}

/// Everything extends the empty tree, and its proof is empty.
fn verify_extension(
    last: Option<&Witnessed>,
    next: &Checkpoint,
    request: &AddCheckpoint,
) -> Result<(), VerifyProofFailed> {
    if next.size == 0 && next.root != empty_root() {
        return Err(VerifyProofFailed::Root);
    }
    match last.filter(|last| last.checkpoint.size > 0) {
        Some(Witnessed { checkpoint: last, .. }) => {
            verify_consistency(last.size, next.size, &request.proof, &last.root, &next.root)
        }
        None if request.proof.is_empty() => Ok(()),
        None => Err(VerifyProofFailed::Length { expected: 0, found: request.proof.len() }),
    }
}
