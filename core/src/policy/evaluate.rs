//! Whether a checkpoint meets a policy, and since when.

use std::collections::{BTreeMap, BTreeSet};

use super::Policy;
use crate::checkpoint::{Checkpoint, ParseCheckpointFailed};
use crate::note::{NoteFailed, SignedNote, VerifiedSignature};

/// A checkpoint that meets a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessedCheckpoint {
    /// The tree head.
    pub checkpoint: Checkpoint,
    /// The witnesses that cosigned, by the policy's names, each with its earliest time in POSIX seconds; earliest first.
    pub witnesses: Vec<(String, u64)>,
    /// The earliest time T such that the cosignatures dated T or before meet the quorum by themselves; none where
    /// the policy asks for no witness.
    pub witnessed_at: Option<u64>,
}

/// A checkpoint that does not meet the policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyNotMet {
    /// The note is malformed, holds a false signature of a known key, or none of a known key.
    #[error("the note is refused")]
    Note(#[source] NoteFailed),
    /// The signed text is no checkpoint.
    #[error("the signed text is no checkpoint")]
    Text(#[source] ParseCheckpointFailed),
    /// No log of the policy signed a checkpoint of its own origin.
    #[error("no log of the policy signed this checkpoint of {0:?}")]
    Log(String),
    /// The witnesses that cosigned are not enough.
    #[error("the quorum {quorum:?} is not met by {witnesses:?}")]
    Quorum {
        /// The witness or group that must have cosigned.
        quorum: String,
        /// The names of those that did.
        witnesses: Vec<String>,
    },
}

impl Policy {
    /// Verifies that a checkpoint is signed by one of the logs, under its origin, and cosigned by the quorum.
    ///
    /// # Errors
    /// A malformed note or checkpoint, a false signature of any known key, no signature of the log it names, or
    /// cosignatures that do not meet the quorum.
    pub fn verify_checkpoint(&self, note: &[u8]) -> Result<WitnessedCheckpoint, PolicyNotMet> {
        let note = SignedNote::parse(note).map_err(PolicyNotMet::Note)?;
        let logs = self.logs.iter().map(|log| &log.key);
        let keys = logs.chain(self.witnesses.iter().map(|witness| &witness.key));
        let verified = note.verify(keys).map_err(PolicyNotMet::Note)?;
        let checkpoint: Checkpoint = note.text().parse().map_err(PolicyNotMet::Text)?;
        let by_its_log = |signature: &VerifiedSignature<'_>| {
            self.logs.iter().any(|log| log.key == *signature.key && log.key.name() == checkpoint.origin)
        };
        if !verified.iter().any(by_its_log) {
            return Err(PolicyNotMet::Log(checkpoint.origin));
        }
        let witnesses = self.earliest_cosignatures(&verified);
        let witnessed_at = self.quorum_time(&witnesses).map_err(|quorum| {
            let witnesses = witnesses.iter().map(|(name, _)| name.clone()).collect();
            PolicyNotMet::Quorum { quorum, witnesses }
        })?;
        Ok(WitnessedCheckpoint { checkpoint, witnesses, witnessed_at })
    }

    /// Whether the quorum is met when exactly these witnesses, named as in the policy, have cosigned.
    #[must_use]
    pub fn is_met_by<'a>(&'a self, witnesses: impl IntoIterator<Item = &'a str>) -> bool {
        let known = |name: &&str| self.witnesses.iter().any(|witness| witness.name == *name);
        let mut met: BTreeSet<&str> = witnesses.into_iter().filter(known).collect();
        // A group names only what stands before it, so one pass settles all of them.
        for group in &self.groups {
            let count = group.members.iter().filter(|member| met.contains(member.as_str())).count();
            if count >= group.threshold {
                met.insert(&group.name);
            }
        }
        self.quorum.as_deref().is_none_or(|quorum| met.contains(quorum))
    }

    /// Each witness with the earliest of its cosignatures, ordered by time.
    fn earliest_cosignatures(&self, verified: &[VerifiedSignature<'_>]) -> Vec<(String, u64)> {
        let mut earliest: BTreeMap<&str, u64> = BTreeMap::new();
        for signature in verified {
            let witness = self.witnesses.iter().find(|witness| witness.key == *signature.key);
            if let (Some(witness), Some(time)) = (witness, signature.time) {
                let known = earliest.entry(&witness.name).or_insert(time);
                *known = time.min(*known);
            }
        }
        let mut witnesses: Vec<(String, u64)> =
            earliest.into_iter().map(|(name, time)| (name.to_owned(), time)).collect();
        witnesses.sort_by_key(|(_, time)| *time);
        witnesses
    }

    /// The time at which the quorum was met, given cosignatures ordered by time; none where it takes no witness.
    fn quorum_time(&self, witnesses: &[(String, u64)]) -> Result<Option<u64>, String> {
        let Some(quorum) = &self.quorum else { return Ok(None) };
        let mut cosigned: Vec<&str> = Vec::new();
        for (name, time) in witnesses {
            cosigned.push(name);
            if self.is_met_by(cosigned.iter().copied()) {
                return Ok(Some(*time));
            }
        }
        Err(quorum.clone())
    }
}
