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

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::key::MemorySigner;

    const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

    fn signer() -> MemorySigner {
        MemorySigner::from_seed(&Zeroizing::new([1; 32]))
    }

    fn log(name: &str) -> VerifierKey {
        VerifierKey::ed25519(name, signer().public_key()).unwrap()
    }

    #[test]
    fn the_example_of_the_specification_round_trips() {
        let text = format!("example.com/behind-the-sofa\n20852163\n{ROOT}\n");
        let checkpoint: Checkpoint = text.parse().unwrap();
        assert_eq!(
            (checkpoint.origin.as_str(), checkpoint.size),
            ("example.com/behind-the-sofa", 20_852_163)
        );
        assert_eq!(checkpoint.to_string(), text);
    }

    #[test]
    fn extension_lines_are_ignored() {
        let plain: Checkpoint = format!("o\n0\n{ROOT}\n").parse().unwrap();
        assert_eq!(format!("o\n0\n{ROOT}\nmore\nand more\n").parse(), Ok(plain));
    }

    fn check(text: &str, expected: ParseCheckpointFailed) {
        assert_eq!(text.parse::<Checkpoint>(), Err(expected), "{text:?}");
    }

    #[test]
    fn malformed_checkpoints_are_refused() {
        use ParseCheckpointFailed as Failed;
        check("", Failed::Lines);
        check("o\n1\n", Failed::Lines);
        check(&format!("o\n1\n{ROOT}"), Failed::Lines);
        check(&format!("\n1\n{ROOT}\n"), Failed::Lines);
        check(&format!("o\n1\n{ROOT}\n\n"), Failed::Lines);
        check(&format!("o\n1\n{ROOT}\n\nx\n"), Failed::Lines);
        check(&format!("o\n01\n{ROOT}\n"), Failed::Size);
        check(&format!("o\n+1\n{ROOT}\n"), Failed::Size);
        check(&format!("o\n18446744073709551616\n{ROOT}\n"), Failed::Size);
        check("o\n1\nAQ==\n", Failed::Root);
    }

    #[test]
    fn a_signed_checkpoint_verifies_under_its_log_only() {
        let checkpoint: Checkpoint = format!("log.example\n7\n{ROOT}\n").parse().unwrap();
        let note = sign_checkpoint(&checkpoint, &signer()).unwrap().to_string();
        assert_eq!(verify_checkpoint(note.as_bytes(), &log("log.example")), Ok(checkpoint));
        let unknown = Err(VerifyCheckpointFailed::Note(NoteFailed::NoneKnown));
        assert_eq!(verify_checkpoint(note.as_bytes(), &log("other.example")), unknown);
    }

    #[test]
    fn a_log_cannot_speak_for_another_origin() {
        let text = format!("victim.example\n7\n{ROOT}\n");
        let note = note::sign_note(&text, "log.example", &signer()).unwrap().to_string();
        let refused = Err(VerifyCheckpointFailed::Origin {
            expected: "log.example".into(),
            found: "victim.example".into(),
        });
        assert_eq!(verify_checkpoint(note.as_bytes(), &log("log.example")), refused);
        let note = note::sign_note("log.example\n7\n", "log.example", &signer()).unwrap().to_string();
        let refused = Err(VerifyCheckpointFailed::Text(ParseCheckpointFailed::Lines));
        assert_eq!(verify_checkpoint(note.as_bytes(), &log("log.example")), refused);
    }

    #[test]
    fn an_origin_with_a_newline_is_never_signed() {
        let origin = "a\n1".to_owned();
        let checkpoint = Checkpoint { origin: origin.clone(), size: 0, root: Digest::of(b"") };
        assert_eq!(sign_checkpoint(&checkpoint, &signer()), Err(NoteFailed::Name(origin)));
    }
}
