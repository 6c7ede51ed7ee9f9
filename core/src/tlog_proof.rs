//! Receipts (回执; C2SP tlog-proof): an inclusion proof with the cosigned checkpoint it leads to.

use std::fmt;
use std::str::FromStr;

use crate::b64;
use crate::checkpoint::Checkpoint;
use crate::digest::Digest;
use crate::line;
use crate::merkle::{self, VerifyProofFailed};
use crate::note::{NoteFailed, SignedNote};
use crate::policy::{Policy, PolicyNotMet, WitnessedCheckpoint};

/// The first line of every proof.
const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// The most hashes an inclusion proof can need.
const HASHES_MAX: usize = 64;
/// The most bytes a proof may have: a note and as much again for extra data.
pub const PROOF_BYTES_MAX: usize = 2 << 20;

/// An inclusion proof with its checkpoint; nothing in it is verified yet.
///
/// Printing gives back exactly the text that was parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// Data of the application's own, which nothing authenticates.
    pub extra: Option<Vec<u8>>,
    /// The index of the entry in the log.
    pub index: u64,
    /// The inclusion proof, from the leaf's sibling upwards.
    pub hashes: Vec<Digest>,
    /// The signed checkpoint, verbatim.
    pub checkpoint: String,
}

/// A text that is no proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseProofFailed {
    /// More bytes than [`PROOF_BYTES_MAX`].
    #[error("a proof of {0} bytes is too long")]
    TooLong(usize),
    /// The first line is another.
    #[error("the first line is not {HEADER}")]
    Header,
    /// The extra data are not base64.
    #[error("the extra data are not base64")]
    Extra,
    /// The line of the index is missing or holds no decimal without leading zeros.
    #[error("the line of the index is missing or malformed")]
    Index,
    /// A line of the inclusion proof is not the base64 of 32 bytes, or there are more than 64.
    #[error("line {0} of the inclusion proof is refused")]
    Hash(usize),
    /// What follows the empty line is no signed note.
    #[error("the checkpoint is refused")]
    Checkpoint(#[source] NoteFailed),
}

/// A receipt that proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyReceiptFailed {
    /// The checkpoint does not meet the policy.
    #[error("the checkpoint of the receipt is refused")]
    Policy(#[source] PolicyNotMet),
    /// The entry is not in the tree of the checkpoint.
    #[error("the inclusion proof of the receipt is refused")]
    Inclusion(#[source] VerifyProofFailed),
}

/// What a verified receipt proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedReceipt {
    /// The checkpoint whose tree holds the entry.
    pub checkpoint: Checkpoint,
    /// The index of the entry in the log.
    pub index: u64,
    /// The witnesses of the policy that cosigned, by the policy's names, each with its earliest time in POSIX seconds.
    pub witnesses: Vec<(String, u64)>,
    /// The earliest time T such that the cosignatures dated T or before meet the policy by themselves; none where
    /// the policy asks for no witness.
    pub witnessed_at: Option<u64>,
}

impl FromStr for TlogProof {
    type Err = ParseProofFailed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > PROOF_BYTES_MAX {
            return Err(ParseProofFailed::TooLong(text.len()));
        }
        let rest = text.strip_prefix(HEADER).and_then(|rest| rest.strip_prefix('\n'));
        let (extra, rest) = parse_extra(rest.ok_or(ParseProofFailed::Header)?)?;
        let (index, rest) = rest.split_once('\n').ok_or(ParseProofFailed::Index)?;
        let index = index.strip_prefix("index ").and_then(line::parse_decimal);
        let index = index.ok_or(ParseProofFailed::Index)?;
        let (hashes, checkpoint) = parse_hashes(rest)?;
        SignedNote::parse(checkpoint.as_bytes()).map_err(ParseProofFailed::Checkpoint)?;
        Ok(Self { extra, index, hashes, checkpoint: checkpoint.to_owned() })
    }
}

fn parse_extra(text: &str) -> Result<(Option<Vec<u8>>, &str), ParseProofFailed> {
    let Some(text) = text.strip_prefix("extra ") else { return Ok((None, text)) };
    let (base64, rest) = text.split_once('\n').ok_or(ParseProofFailed::Extra)?;
    let bytes = b64::decode_std(base64).or(Err(ParseProofFailed::Extra))?;
    Ok((Some(bytes), rest))
}

/// Reads hashes up to the empty line and returns them with what follows it.
fn parse_hashes(mut text: &str) -> Result<(Vec<Digest>, &str), ParseProofFailed> {
    let mut hashes = Vec::new();
    for at in 1..=HASHES_MAX {
        let (hash, rest) = text.split_once('\n').ok_or(ParseProofFailed::Hash(at))?;
        text = rest;
        if hash.is_empty() {
            return Ok((hashes, text));
        }
        hashes.push(line::parse_hash(hash).ok_or(ParseProofFailed::Hash(at))?);
    }
    let rest = text.strip_prefix('\n').ok_or(ParseProofFailed::Hash(HASHES_MAX.saturating_add(1)))?;
    Ok((hashes, rest))
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", b64::encode_std(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", line::print_hash(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// Verifies that `entry` is in a log of `policy`, under a checkpoint that meets its quorum.
///
/// # Errors
/// A checkpoint that does not meet the policy, or an inclusion proof that does not lead from `entry` to its root.
pub fn verify_receipt(
    entry: &[u8],
    proof: &TlogProof,
    policy: &Policy,
) -> Result<VerifiedReceipt, VerifyReceiptFailed> {
    let WitnessedCheckpoint { checkpoint, witnesses, witnessed_at } =
        policy.verify_checkpoint(proof.checkpoint.as_bytes()).map_err(VerifyReceiptFailed::Policy)?;
    let leaf = merkle::hash_leaf(entry);
    merkle::verify_inclusion(&leaf, proof.index, checkpoint.size, &proof.hashes, &checkpoint.root)
        .map_err(VerifyReceiptFailed::Inclusion)?;
    Ok(VerifiedReceipt { checkpoint, index: proof.index, witnesses, witnessed_at })
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::checkpoint::sign_checkpoint;
    use crate::cosignature::cosign;
    use crate::key::{MemorySigner, Signer as _};
    use crate::merkle::{Frontier, hash_leaf};
    use crate::note::VerifierKey;

    fn signer(seed: u8) -> MemorySigner {
        MemorySigner::from_seed(&Zeroizing::new([seed; 32]))
    }

    fn policy() -> Policy {
        let log = VerifierKey::ed25519("log.example", signer(1).public_key()).unwrap();
        let witness = VerifierKey::cosignature("w.example", signer(2).public_key()).unwrap();
        format!("log {log}\nwitness w {witness}\nquorum w\n").parse().unwrap()
    }

    /// The receipt of `b` in a log of `a` and `b`.
    fn receipt() -> TlogProof {
        let mut tree = Frontier::new();
        [b"a", b"b"].iter().for_each(|entry| tree.append(&hash_leaf(*entry)));
        let checkpoint = Checkpoint { origin: "log.example".into(), size: 2, root: tree.root() };
        let mut note = sign_checkpoint(&checkpoint, &signer(1)).unwrap();
        note.append(cosign(note.text(), "w.example", 1234, &signer(2)).unwrap()).unwrap();
        TlogProof { extra: None, index: 1, hashes: vec![hash_leaf(b"a")], checkpoint: note.to_string() }
    }

    #[test]
    fn receipts_round_trip_and_verify() {
        let proof = receipt();
        let text = proof.to_string();
        let hash = line::print_hash(&hash_leaf(b"a"));
        assert!(text.starts_with(&format!("{HEADER}\nindex 1\n{hash}\n\nlog.example\n2\n")), "{text}");
        assert_eq!(text.parse(), Ok(proof.clone()));
        let verified = verify_receipt(b"b", &proof, &policy()).unwrap();
        assert_eq!((verified.index, verified.checkpoint.size), (1, 2));
        assert_eq!((verified.witnesses, verified.witnessed_at), (vec![("w".to_owned(), 1234)], Some(1234)));
    }

    #[test]
    fn extra_data_stand_before_the_index() {
        let proof = TlogProof { extra: Some(b"more".to_vec()), ..receipt() };
        assert!(proof.to_string().starts_with("c2sp.org/tlog-proof@v1\nextra bW9yZQ==\nindex 1\n"));
        assert_eq!(proof.to_string().parse(), Ok(proof));
        let empty = TlogProof { extra: Some(vec![]), hashes: vec![], ..receipt() };
        assert_eq!(empty.to_string().parse(), Ok(empty));
    }

    #[test]
    fn false_receipts_are_refused() {
        let proof = receipt();
        let verify = |entry: &[u8], proof: &TlogProof| verify_receipt(entry, proof, &policy()).unwrap_err();
        let root = VerifyReceiptFailed::Inclusion(VerifyProofFailed::Root);
        assert_eq!(verify(b"c", &proof), root);
        assert_eq!(verify(b"b", &TlogProof { index: 0, ..proof.clone() }), root);
        let outside = VerifyProofFailed::IndexOutside { index: 2, size: 2 };
        let refused = VerifyReceiptFailed::Inclusion(outside);
        assert_eq!(verify(b"b", &TlogProof { index: 2, ..proof.clone() }), refused);
        let length = VerifyProofFailed::Length { expected: 1, found: 0 };
        let refused = VerifyReceiptFailed::Inclusion(length);
        assert_eq!(verify(b"b", &TlogProof { hashes: vec![], ..proof.clone() }), refused);
        let alone = proof.checkpoint.split_inclusive('\n').filter(|line| !line.starts_with("— w"));
        let alone = TlogProof { checkpoint: alone.collect(), ..proof.clone() };
        let refused = verify(b"b", &alone);
        assert!(matches!(refused, VerifyReceiptFailed::Policy(PolicyNotMet::Quorum { .. })), "{refused:?}");
    }

    fn check(text: &str, expected: &ParseProofFailed) {
        assert_eq!(text.parse::<TlogProof>().as_ref(), Err(expected), "{text}");
    }

    #[test]
    fn malformed_proofs_are_refused() {
        use ParseProofFailed as Failed;
        let text = receipt().to_string();
        check("", &Failed::Header);
        check(&text.replace("@v1", "@v2"), &Failed::Header);
        check(&text.replace("@v1\n", "@v1 \n"), &Failed::Header);
        check(&text.replace("index 1", "extra !\nindex 1"), &Failed::Extra);
        check(&text.replace("index 1", "extra AQ\nindex 1"), &Failed::Extra);
        check(&text.replace("index 1", "extra AQ==\nextra AQ==\nindex 1"), &Failed::Index);
        check(&text.replace("index 1", "index 01"), &Failed::Index);
        check(&text.replace("index 1", "index  1"), &Failed::Index);
        check(&text.replace("index 1\n", ""), &Failed::Index);
        check(&text.replace("index 1", "index 1\nAQ=="), &Failed::Hash(1));
        let hash = line::print_hash(&hash_leaf(b"a")) + "\n";
        check(&text.replace(&hash, &hash.repeat(65)), &Failed::Hash(65));
        assert!(text.replace(&hash, &hash.repeat(64)).parse::<TlogProof>().is_ok());
        check(&text.replace("\n\nlog", "\nlog"), &Failed::Hash(2));
        check(&text.replace("\n\n—", "\n—"), &Failed::Checkpoint(NoteFailed::Form));
        check(&"x".repeat(PROOF_BYTES_MAX + 1), &Failed::TooLong(PROOF_BYTES_MAX + 1));
    }
}
