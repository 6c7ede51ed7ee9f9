//! Forks of a registry (分叉): two signed checkpoints of which no tree can have both, as evidence for third parties.
//!
//! A text: the line `safeharbor-fork@v1`, the line `first <bytes of the first note>`, one line of base64 for each
//! hash, an empty line, the first note, the second note. The hashes are those of [`roots_of_both`]; there are none where both
//! notes have the same size.

use std::fmt;
use std::str::FromStr;

use crate::checkpoint::{Checkpoint, VerifyCheckpointFailed, verify_checkpoint};
use crate::digest::Digest;
use crate::line;
use crate::merkle::{VerifyProofFailed, roots_of_both};
use crate::note::{NOTE_BYTES_MAX, NoteFailed, SignedNote, VerifierKey};

const HEADER: &str = "safeharbor-fork@v1\n";
/// A path between two trees is no longer, its beginning included.
const HASHES_MAX: usize = 65;
/// The most bytes that evidence of a fork may have: two notes and what leads from one to the other.
pub const FORK_BYTES_MAX: usize = 2 * NOTE_BYTES_MAX + 8192;

/// Two signed checkpoints that contradict each other; nothing in it is verified yet.
///
/// Printing gives back exactly the text that was parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// The note of the smaller checkpoint, or either one where both have the same size; verbatim.
    pub first: String,
    /// The other note, verbatim.
    pub second: String,
    /// What shows that the second tree had another root when it had the size of the first.
    pub hashes: Vec<Digest>,
}

/// What evidence of a fork proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenFork {
    /// The smaller checkpoint.
    pub first: Checkpoint,
    /// The other one.
    pub second: Checkpoint,
    /// The root that the tree of the second one had at the size of the first: not the one signed in the first.
    pub other_root: Digest,
}

/// A text that is no evidence of a fork.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseForkFailed {
    /// More bytes than [`FORK_BYTES_MAX`].
    #[error("evidence of {0} bytes is too long")]
    TooLong(usize),
    /// The first line is another.
    #[error("the first line is not safeharbor-fork@v1")]
    Header,
    /// The line with the length of the first note is missing, or the length is not that of a note.
    #[error("the length of the first note is missing or wrong")]
    Length,
    /// A line is not the base64 of 32 bytes, or there are too many of them.
    #[error("hash {0} is refused")]
    Hash(usize),
    /// One of the notes is malformed.
    #[error("a note in it is refused")]
    Note(#[source] NoteFailed),
}

/// Evidence that proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyForkFailed {
    /// A note is not a checkpoint of the log.
    #[error("one of the two notes is not a checkpoint of this log")]
    Checkpoint(#[source] VerifyCheckpointFailed),
    /// The first note is the larger one.
    #[error("the first note has {first} entries, more than the second with {second}")]
    Order {
        /// The size of the first.
        first: u64,
        /// The size of the second.
        second: u64,
    },
    /// The hashes do not fit the sizes.
    #[error("the hashes do not lead from one size to the other")]
    Hashes(#[source] VerifyProofFailed),
    /// The hashes do not belong to the tree of the second note.
    #[error("the hashes do not lead to the root in the second note")]
    NotSecond,
    /// Both notes can be true of one tree.
    #[error("the two notes do not contradict each other")]
    Consistent,
}

impl FromStr for Fork {
    type Err = ParseForkFailed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > FORK_BYTES_MAX {
            return Err(ParseForkFailed::TooLong(text.len()));
        }
        let rest = text.strip_prefix(HEADER).ok_or(ParseForkFailed::Header)?;
        let (length, mut rest) = rest.split_once('\n').ok_or(ParseForkFailed::Length)?;
        let length = length.strip_prefix("first ").and_then(line::parse_decimal);
        let length = length.and_then(|length| usize::try_from(length).ok()).ok_or(ParseForkFailed::Length)?;
        let mut hashes = Vec::new();
        loop {
            let at = hashes.len();
            let (hash, after) = rest.split_once('\n').ok_or(ParseForkFailed::Hash(at))?;
            rest = after;
            if hash.is_empty() {
                break;
            }
            let hash = line::parse_hash(hash).filter(|_| at < HASHES_MAX);
            hashes.push(hash.ok_or(ParseForkFailed::Hash(at))?);
        }
        let (first, second) = rest.split_at_checked(length).ok_or(ParseForkFailed::Length)?;
        for note in [first, second] {
            SignedNote::parse(note.as_bytes()).map_err(ParseForkFailed::Note)?;
        }
        Ok(Self { first: first.to_owned(), second: second.to_owned(), hashes })
    }
}

impl fmt::Display for Fork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}first {}", self.first.len())?;
        for hash in &self.hashes {
            writeln!(f, "{}", line::print_hash(hash))?;
        }
        write!(f, "\n{}{}", self.first, self.second)
    }
}

impl Fork {
    /// Verifies that the log itself signed both and that no tree can have both.
    ///
    /// # Errors
    /// Any of [`VerifyForkFailed`]: nobody is accused then.
    pub fn verify(&self, log: &VerifierKey) -> Result<ProvenFork, VerifyForkFailed> {
        let read = |note: &str| verify_checkpoint(note.as_bytes(), log).map_err(VerifyForkFailed::Checkpoint);
        let (first, second) = (read(&self.first)?, read(&self.second)?);
        if first.size > second.size {
            return Err(VerifyForkFailed::Order { first: first.size, second: second.size });
        }
        let other_root = if first.size == second.size {
            second.root
        } else {
            let (then, in_the_end) =
                roots_of_both(first.size, second.size, &self.hashes).map_err(VerifyForkFailed::Hashes)?;
            if in_the_end != second.root {
                return Err(VerifyForkFailed::NotSecond);
            }
            then
        };
        if other_root == first.root {
            return Err(VerifyForkFailed::Consistent);
        }
        Ok(ProvenFork { first, second, other_root })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checkpoint::sign_checkpoint;
    use crate::key::{MemorySigner, Signer as _};
    use crate::merkle::{Frontier, HashReader, hash_leaf, prove_both_roots};
    use zeroize::Zeroizing;

    const ORIGIN: &str = "hub.example.org/registry";

    fn signer(seed: u8) -> MemorySigner {
        MemorySigner::from_seed(&Zeroizing::new([seed; 32]))
    }

    fn vkey(seed: u8) -> VerifierKey {
        VerifierKey::ed25519(ORIGIN, signer(seed).public_key()).unwrap()
    }

    /// Leaves 0.. of a tree that is another one from `turn` on, where `branch` is not 0.
    struct Branch {
        turn: u64,
        branch: u64,
    }

    impl Branch {
        fn leaf(&self, n: u64) -> Digest {
            let branch = if n < self.turn { 0 } else { self.branch };
            hash_leaf(&[n.to_be_bytes(), branch.to_be_bytes()].concat())
        }

        fn root(&self, range: std::ops::Range<u64>) -> Digest {
            let mut frontier = Frontier::new();
            range.for_each(|n| frontier.append(&self.leaf(n)));
            frontier.root()
        }

        fn note(&self, size: u64) -> String {
            let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size, root: self.root(0..size) };
            sign_checkpoint(&checkpoint, &signer(1)).unwrap().to_string()
        }
    }

    impl HashReader for &Branch {
        type Error = std::convert::Infallible;

        fn hash(&mut self, level: u8, index: u64) -> Result<Digest, Self::Error> {
            Ok(self.root(index << level..(index + 1) << level))
        }
    }

    fn fork(turn: u64, old: u64, new: u64) -> Fork {
        let (ours, theirs) = (Branch { turn, branch: 1 }, Branch { turn, branch: 2 });
        let hashes = if old == new { Vec::new() } else { prove_both_roots(&mut &theirs, old, new).unwrap() };
        Fork { first: ours.note(old), second: theirs.note(new), hashes }
    }

    #[test]
    fn two_branches_contradict_each_other_at_any_size_behind_the_turn() {
        for (turn, old, new) in
            [(0, 1, 1), (0, 1, 2), (3, 4, 9), (3, 5, 5), (3, 7, 8), (6, 7, 12), (0, 8, 9), (9, 16, 37)]
        {
            let fork = fork(turn, old, new);
            let proven = fork.verify(&vkey(1)).unwrap();
            assert_eq!((proven.first.size, proven.second.size), (old, new));
            assert_eq!(fork.to_string().parse::<Fork>().unwrap(), fork);
            assert!(matches!(fork.verify(&vkey(2)), Err(VerifyForkFailed::Checkpoint(_))));
        }
    }

    #[test]
    fn nobody_is_accused_of_what_two_notes_do_not_say() {
        for (old, new) in [(1, 1), (1, 2), (4, 9), (7, 8), (16, 37)] {
            assert_eq!(fork(old, old, new).verify(&vkey(1)), Err(VerifyForkFailed::Consistent));
        }
        let mut other = fork(3, 5, 9);
        other.hashes[0] = Digest::of(b"made up");
        assert_eq!(other.verify(&vkey(1)), Err(VerifyForkFailed::NotSecond));
        other.hashes.pop();
        assert!(matches!(other.verify(&vkey(1)), Err(VerifyForkFailed::Hashes(_))));
        let sound = fork(3, 5, 9);
        let swapped = Fork { first: sound.second, second: sound.first, hashes: sound.hashes };
        assert_eq!(swapped.verify(&vkey(1)), Err(VerifyForkFailed::Order { first: 9, second: 5 }));
    }

    proptest! {
        #[test]
        fn honest_trees_are_never_accused(old in 1_u64..40, more in 0_u64..40) {
            prop_assert_eq!(fork(u64::MAX, old, old + more).verify(&vkey(1)), Err(VerifyForkFailed::Consistent));
        }

        #[test]
        fn no_bytes_panic(text in ".{0,200}", cut in 0_usize..600) {
            drop(text.parse::<Fork>());
            let whole = fork(3, 5, 9).to_string();
            let mut cut = cut.min(whole.len());
            while !whole.is_char_boundary(cut) { cut -= 1; }
            let (head, tail) = whole.split_at(cut);
            if let Ok(parsed) = format!("{head}{text}{tail}").parse::<Fork>() {
                drop(parsed.verify(&vkey(1)));
            }
        }
    }
}
