//! The body of add-checkpoint: the size cosigned before, a consistency proof, and the signed checkpoint.

use std::fmt;
use std::str::FromStr;

use crate::digest::Digest;
use crate::line;
use crate::note::{NoteFailed, SignedNote};

/// The most hashes a consistency proof may have (C2SP tlog-witness).
const HASHES_MAX: usize = 63;
/// The most bytes a request may have: a proof, and a checkpoint with 16 signatures of the largest kind twice over.
pub const REQUEST_BYTES_MAX: usize = 128 * 1024;

/// A checkpoint to be cosigned; nothing in it is verified yet.
///
/// Printing gives back exactly the text that was parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size that the witness is thought to have cosigned last; 0 if none.
    pub old: u64,
    /// The proof that the checkpoint extends it.
    pub proof: Vec<Digest>,
    /// The signed checkpoint.
    pub note: SignedNote,
}

/// A text that is no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseRequestFailed {
    /// More bytes than [`REQUEST_BYTES_MAX`].
    #[error("a request of {0} bytes is too long")]
    TooLong(usize),
    /// The first line is not `old` and a decimal.
    #[error("the line of the old size is missing or malformed")]
    Old,
    /// A line of the proof is not the base64 of 32 bytes, or there are more than 63.
    #[error("line {0} of the consistency proof is refused")]
    Hash(usize),
    /// What follows the empty line is no signed note.
    #[error("the checkpoint is refused")]
    Note(#[source] NoteFailed),
}

impl FromStr for AddCheckpoint {
    type Err = ParseRequestFailed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > REQUEST_BYTES_MAX {
            return Err(ParseRequestFailed::TooLong(text.len()));
        }
        let (old, mut rest) = text.split_once('\n').ok_or(ParseRequestFailed::Old)?;
        let old = old.strip_prefix("old ").and_then(line::parse_decimal).ok_or(ParseRequestFailed::Old)?;
        let mut proof = Vec::new();
        loop {
            let at = proof.len().saturating_add(1);
            let (hash, after) = rest.split_once('\n').ok_or(ParseRequestFailed::Hash(at))?;
            rest = after;
            if hash.is_empty() {
                break;
            }
            let hash = line::parse_hash(hash).filter(|_| at <= HASHES_MAX);
            proof.push(hash.ok_or(ParseRequestFailed::Hash(at))?);
        }
        let note = SignedNote::parse(rest.as_bytes()).map_err(ParseRequestFailed::Note)?;
        Ok(Self { old, proof, note })
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", line::print_hash(hash)))?;
        write!(f, "\n{}", self.note)
    }
}

/// Prints the body of an answer with content type `text/x.tlog.size`.
#[must_use]
pub fn print_size(size: u64) -> String {
    format!("{size}\n")
}

/// Parses the body of an answer with content type `text/x.tlog.size`; none if it is no size.
#[must_use]
pub fn parse_size(body: &str) -> Option<u64> {
    line::parse_decimal(body.strip_suffix('\n')?)
}
