//! Construction of roots and proofs from the hashes of complete subtrees.

use super::{empty_root, hash_node};
use crate::digest::Digest;

/// Whatever stores the tree: it answers with the hash of any complete subtree.
pub trait HashReader {
    /// Why a hash could not be read.
    type Error;

    /// The hash of the subtree of 2^`level` leaves that starts at leaf `index` × 2^`level`.
    ///
    /// # Errors
    /// The storage fails, or the subtree is not complete in the tree it holds.
    fn hash(&mut self, level: u8, index: u64) -> Result<Digest, Self::Error>;
}

/// A proof that could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProveFailed<E> {
    /// The index does not exist in a tree of this size.
    #[error("index {index} lies outside a tree of {size} entries")]
    IndexOutside {
        /// The index asked for.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// There is no consistency proof between these sizes.
    #[error("there is no consistency proof from {old} entries to {new}")]
    Sizes {
        /// The size of the old tree.
        old: u64,
        /// The size of the new tree.
        new: u64,
    },
    /// A hash could not be read.
    #[error("a hash of the tree could not be read")]
    Read(#[source] E),
}

/// Computes the root of the first `size` entries.
///
/// # Errors
/// A hash that cannot be read.
pub fn root<R: HashReader>(reader: &mut R, size: u64) -> Result<Digest, R::Error> {
    range_hash(reader, 0, size)
}

/// Proves that entry `index` is in the tree of the first `size` entries (RFC 9162 section 2.1.3.1).
///
/// # Errors
/// An index outside the tree, or a hash that cannot be read.
pub fn prove_inclusion<R: HashReader>(
    reader: &mut R,
    index: u64,
    size: u64,
) -> Result<Vec<Digest>, ProveFailed<R::Error>> {
    if index >= size {
        return Err(ProveFailed::IndexOutside { index, size });
    }
    let (mut low, mut high) = (0, size);
    let mut proof = Vec::new();
    while let Some(middle) = split(low, high) {
        let sibling = if index < middle {
            let right = (middle, high);
            high = middle;
            right
        } else {
            let left = (low, middle);
            low = middle;
            left
        };
        proof.push(range_hash(reader, sibling.0, sibling.1).map_err(ProveFailed::Read)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Proves that the tree of the first `new` entries extends that of the first `old` (RFC 9162 section 2.1.4.1).
///
/// # Errors
/// A start from the empty tree, a tree that shrank, or a hash that cannot be read.
pub fn prove_consistency<R: HashReader>(
    reader: &mut R,
    old: u64,
    new: u64,
) -> Result<Vec<Digest>, ProveFailed<R::Error>> {
    if old == 0 || old > new {
        return Err(ProveFailed::Sizes { old, new });
    }
    let (mut low, mut high) = (0, new);
    let mut proof = Vec::new();
    while old != high {
        let Some(middle) = split(low, high) else { break };
        let sibling = if old <= middle {
            let right = (middle, high);
            high = middle;
            right
        } else {
            let left = (low, middle);
            low = middle;
            left
        };
        proof.push(range_hash(reader, sibling.0, sibling.1).map_err(ProveFailed::Read)?);
    }
    // Where the old tree is itself a complete subtree, the verifier knows its root already.
    if low != 0 {
        proof.push(range_hash(reader, low, high).map_err(ProveFailed::Read)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Proves what the first `old` entries of the tree of `new` were, for [`roots_of_both`](super::roots_of_both): a consistency proof that
/// always begins with the largest complete subtree on the right edge of the old tree.
///
/// # Errors
/// A start from the empty tree, a tree that does not grow, or a hash that cannot be read.
pub fn prove_both_roots<R: HashReader>(
    reader: &mut R,
    old: u64,
    new: u64,
) -> Result<Vec<Digest>, ProveFailed<R::Error>> {
    if old == new {
        return Err(ProveFailed::Sizes { old, new });
    }
    let mut hashes = prove_consistency(reader, old, new)?;
    if old.is_power_of_two() {
        hashes.insert(0, range_hash(reader, 0, old).map_err(ProveFailed::Read)?);
    }
    Ok(hashes)
}

/// Where RFC 9162 cuts the leaves `low..high` in two: after the largest power of two below their number.
fn split(low: u64, high: u64) -> Option<u64> {
    let last = high.checked_sub(low)?.checked_sub(1)?;
    low.checked_add(1_u64.checked_shl(last.checked_ilog2()?)?)
}

/// The hash of the leaves `low..high`, where `low` is a multiple of a power of two that covers the range.
fn range_hash<R: HashReader>(reader: &mut R, low: u64, high: u64) -> Result<Digest, R::Error> {
    let mut peaks = Vec::new();
    let mut start = low;
    while let Some(level) = high.saturating_sub(start).checked_ilog2() {
        let index = start.checked_shr(level).unwrap_or(0);
        peaks.push(reader.hash(u8::try_from(level).unwrap_or(u8::MAX), index)?);
        start = start.saturating_add(1_u64.checked_shl(level).unwrap_or(u64::MAX));
    }
    Ok(fold_peaks(&peaks))
}

/// Hashes complete subtrees of falling size, from left to right, into the root above them.
pub(super) fn fold_peaks(peaks: &[Digest]) -> Digest {
    let folded = peaks.iter().rev().copied().reduce(|right, left| hash_node(&left, &right));
    folded.unwrap_or_else(empty_root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::{hash_leaf, verify_consistency, verify_inclusion};

    /// Hashes every subtree from its leaves, by definition.
    struct Leaves(Vec<Digest>);

    impl HashReader for Leaves {
        type Error = &'static str;

        fn hash(&mut self, level: u8, index: u64) -> Result<Digest, Self::Error> {
            if level == 0 {
                let index = usize::try_from(index).unwrap();
                return self.0.get(index).copied().ok_or("no such leaf");
            }
            let left = self.hash(level - 1, index * 2)?;
            Ok(hash_node(&left, &self.hash(level - 1, index * 2 + 1)?))
        }
    }

    fn leaves(size: u64) -> Leaves {
        Leaves((0..size).map(|n| hash_leaf(&n.to_be_bytes())).collect())
    }

    #[test]
    fn every_proof_of_a_small_tree_verifies() {
        for size in 1..=33 {
            let mut tree = leaves(size);
            let whole = root(&mut tree, size).unwrap();
            for index in 0..size {
                let leaf = tree.hash(0, index).unwrap();
                let proof = prove_inclusion(&mut tree, index, size).unwrap();
                assert_eq!(verify_inclusion(&leaf, index, size, &proof, &whole), Ok(()), "{index} of {size}");
            }
            for old in 1..=size {
                let part = root(&mut tree, old).unwrap();
                let proof = prove_consistency(&mut tree, old, size).unwrap();
                assert_eq!(verify_consistency(old, size, &proof, &part, &whole), Ok(()), "{old} to {size}");
            }
        }
    }

    #[test]
    fn impossible_proofs_are_refused() {
        let mut tree = leaves(3);
        assert_eq!(prove_inclusion(&mut tree, 3, 3), Err(ProveFailed::IndexOutside { index: 3, size: 3 }));
        assert_eq!(prove_consistency(&mut tree, 0, 3), Err(ProveFailed::Sizes { old: 0, new: 3 }));
        assert_eq!(prove_consistency(&mut tree, 3, 2), Err(ProveFailed::Sizes { old: 3, new: 2 }));
        assert_eq!(prove_inclusion(&mut tree, 0, 4), Err(ProveFailed::Read("no such leaf")));
        assert_eq!(root(&mut tree, 0), Ok(empty_root()));
    }
}
