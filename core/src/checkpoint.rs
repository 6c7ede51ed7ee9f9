//! Checkpoints (C2SP tlog-checkpoint): the size and root of a log at one moment, signed by the log.

use std::fmt;
use std::str::FromStr;

use crate::digest::Digest;
use crate::key::Signer;
use crate::line;
use crate::note::{self, NoteFailed, SignedNote, VerifierKey};

/// The tree head of a log.
///
/// Extension lines are accepted when parsing and never printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The schema-less URL prefix of the log; also the name of its key.
    pub origin: String,
    /// The number of entries.
    pub size: u64,
    /// The root of their Merkle tree.
    pub root: Digest,
}

/// A text that is no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseCheckpointFailed {
    /// Fewer than three lines, an empty line, or no newline at the end.
    #[error("a checkpoint has three or more non-empty lines, each ending in a newline")]
    Lines,
    /// The second line is no decimal without leading zeros.
    #[error("the size is not a decimal number")]
    Size,
    /// The third line is not the base64 of 32 bytes.
    #[error("the root is not the base64 of a SHA-256 hash")]
    Root,
}

/// A checkpoint that cannot be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyCheckpointFailed {
    /// The note is malformed or not signed by the log.
    #[error("the note is refused")]
    Note(#[source] NoteFailed),
    /// The signed text is no checkpoint.
    #[error("the signed text is no checkpoint")]
    Text(#[source] ParseCheckpointFailed),
    /// The origin is not the name of the key.
    #[error("the checkpoint is of {found:?}, not of {expected:?}")]
    Origin {
        /// The name of the key.
        expected: String,
        /// The origin in the checkpoint.
        found: String,
    },
}

impl FromStr for Checkpoint {
    type Err = ParseCheckpointFailed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lines = text.strip_suffix('\n').ok_or(ParseCheckpointFailed::Lines)?;
        let mut lines = lines.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(ParseCheckpointFailed::Lines);
        };
        if origin.is_empty() || lines.any(str::is_empty) {
            return Err(ParseCheckpointFailed::Lines);
        }
        let size = line::parse_decimal(size).ok_or(ParseCheckpointFailed::Size)?;
        let root = line::parse_hash(root).ok_or(ParseCheckpointFailed::Root)?;
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}

/// Prints the three lines that are signed.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.size, line::print_hash(&self.root))
    }
}

/// Signs a checkpoint as its log, under the origin's name.
///
/// # Errors
/// An origin that cannot name a key, or a signing device that refuses.
pub fn sign_checkpoint(checkpoint: &Checkpoint, signer: &dyn Signer) -> Result<SignedNote, NoteFailed> {
    note::sign_note(&checkpoint.to_string(), &checkpoint.origin, signer)
}

/// Verifies that `note` is a checkpoint signed by `log`, whose name is its origin; other signatures are ignored.
///
/// # Errors
/// A malformed note or checkpoint, another origin, or no valid signature of the log.
pub fn verify_checkpoint(note: &[u8], log: &VerifierKey) -> Result<Checkpoint, VerifyCheckpointFailed> {
    let note = SignedNote::parse(note).map_err(VerifyCheckpointFailed::Note)?;
    note.verify([log]).map_err(VerifyCheckpointFailed::Note)?;
    let checkpoint: Checkpoint = note.text().parse().map_err(VerifyCheckpointFailed::Text)?;
    if checkpoint.origin != log.name() {
        let (expected, found) = (log.name().to_owned(), checkpoint.origin);
        return Err(VerifyCheckpointFailed::Origin { expected, found });
    }
    Ok(checkpoint)
}
