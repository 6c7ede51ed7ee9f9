//! Witnessing (见证; C2SP tlog-witness): a checkpoint is cosigned only if it extends the one cosigned before.
//!
//! In scope: the request, the judgement over it, and the order in which state is replaced and a signature answered. Out of
//! scope: HTTP (`safeharbor-verify witness`), the stream between node and hub (`proto`), where the state lies (a
//! [`WitnessStore`]).

mod cosigner;
mod judgement;
mod memory;
mod request;

pub use cosigner::{AddCheckpointFailed, Cosigner, WitnessStore};
pub use judgement::{Accepted, NotCosigned, judge};
pub use memory::MemoryWitnessStore;
pub use request::{AddCheckpoint, ParseRequestFailed, REQUEST_BYTES_MAX, parse_size, print_size};

use crate::checkpoint::{Checkpoint, ParseCheckpointFailed};
use crate::institution::InstitutionCode;
use crate::note::{NoteFailed, ParseVerifierKeyFailed, SignedNote, VerifierKey};

/// The most witnesses that cosign one published checkpoint: with the log's own line they are the 16 signatures that every
/// reader must take (C2SP signed-note).
pub const ANCHORS_MAX: usize = 15;

/// The most a node's clock may differ from the hub's when it cosigns, in milliseconds.
pub const CLOCK_OFF_MAX_MS: u64 = 30_000;

/// What a witness cosigned last of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    checkpoint: Checkpoint,
    note: String,
}

/// A note that cannot be what a witness cosigned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadWitnessedFailed {
    /// It is no signed note.
    #[error("what was cosigned last is no signed note")]
    Note(#[source] NoteFailed),
    /// Its text is no checkpoint.
    #[error("what was cosigned last is no checkpoint")]
    Checkpoint(#[source] ParseCheckpointFailed),
}

impl Witnessed {
    /// Reads a kept note; its signatures were verified when it was cosigned.
    ///
    /// # Errors
    /// It is no note, or its text is no checkpoint.
    pub fn read(note: &str) -> Result<Self, ReadWitnessedFailed> {
        let parsed = SignedNote::parse(note.as_bytes()).map_err(ReadWitnessedFailed::Note)?;
        let checkpoint = parsed.text().parse().map_err(ReadWitnessedFailed::Checkpoint)?;
        Ok(Self { checkpoint, note: note.to_owned() })
    }

    /// Size and root.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note with the log's signatures and the witness's own.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }
}

/// The key under which an institution's node cosigns a log: its name is `<origin>/witness/<code>`.
///
/// # Errors
/// An origin that cannot stand in the name of a key.
pub fn anchor_key(
    origin: &str,
    code: &InstitutionCode,
    key: crate::key::PublicKey,
) -> Result<VerifierKey, ParseVerifierKeyFailed> {
    VerifierKey::cosignature(&anchor_name(origin, code), key)
}

/// The name of the key under which an institution's node cosigns a log.
#[must_use]
pub fn anchor_name(origin: &str, code: &InstitutionCode) -> String {
    format!("{origin}/witness/{code}")
}

/// How many of `witnesses` must cosign so that two quorums always share an honest one although `colluding` of them sign
/// anything: floor((n + f) / 2) + 1. None if no number suffices: more collude than there are, or no quorum is left.
#[must_use]
pub const fn quorum_size(witnesses: u32, colluding: u32) -> Option<u32> {
    if witnesses <= colluding {
        return None;
    }
    match witnesses.checked_add(colluding) {
        // More than half of both together, and never more than all.
        Some(sum) => match (sum >> 1).checked_add(1) {
            Some(needed) if needed <= witnesses => Some(needed),
            Some(_) | None => None,
        },
        None => None,
    }
}

#[cfg(test)]
mod tests;
