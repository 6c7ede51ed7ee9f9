//! The Merkle tree of RFC 6962 and RFC 9162: hashes, proofs and the frontier of an append-only log.

mod frontier;
mod prove;
mod verify;

pub use frontier::{Frontier, FrontierFailed, SIZE_MAX};
pub use prove::{HashReader, ProveFailed, prove_both_roots, prove_consistency, prove_inclusion, root};
pub use verify::{VerifyProofFailed, roots_of_both, verify_consistency, verify_inclusion};

use crate::digest::Digest;

/// Hashes an entry as a leaf: SHA-256(0x00 || entry) (RFC 9162 section 2.1.1).
#[must_use]
pub fn hash_leaf(entry: &[u8]) -> Digest {
    Digest::of_parts(&[&[0], entry])
}

/// Hashes two subtrees into their parent: SHA-256(0x01 || left || right) (RFC 9162 section 2.1.1).
#[must_use]
pub fn hash_node(left: &Digest, right: &Digest) -> Digest {
    Digest::of_parts(&[&[1], left.as_bytes(), right.as_bytes()])
}

/// The root of the tree without leaves: SHA-256 of nothing (RFC 9162 section 2.1.1).
#[must_use]
pub fn empty_root() -> Digest {
    Digest::of(b"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_rfc_6962() {
        assert_eq!(empty_root().to_string(), "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
        assert_eq!(hash_leaf(b""), Digest::of(&[0]));
        let (left, right) = (hash_leaf(b"a"), hash_leaf(b"b"));
        let bytes = [&[1][..], left.as_bytes(), right.as_bytes()].concat();
        assert_eq!(hash_node(&left, &right), Digest::of(&bytes));
    }
}
