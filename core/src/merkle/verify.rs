//! Verification of inclusion and consistency proofs; every length is checked before anything is hashed.

use super::hash_node;
use crate::digest::Digest;

/// A Merkle proof that proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyProofFailed {
    /// The index does not exist in a tree of this size.
    #[error("index {index} lies outside a tree of {size} entries")]
    IndexOutside {
        /// The index asked for.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The old tree is larger than the one that should extend it.
    #[error("a tree of {new} entries cannot extend one of {old}")]
    Shrunk {
        /// The size of the old tree.
        old: u64,
        /// The size of the new tree.
        new: u64,
    },
    /// Everything extends the empty tree, so a proof from it says nothing.
    #[error("consistency from the empty tree cannot be proved")]
    FromEmpty,
    /// The number of hashes is not the one the sizes call for.
    #[error("the proof should have {expected} hashes, not {found}")]
    Length {
        /// The number the sizes call for.
        expected: u32,
        /// The number the proof has.
        found: usize,
    },
    /// The proof leads to another root of the old tree.
    #[error("the proof leads to another root of the old tree")]
    OldRoot,
    /// The proof leads to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// Verifies that `leaf` is entry `index` of the tree of `size` entries with `root` (RFC 9162 section 2.1.3.2).
///
/// # Errors
/// An index outside the tree, a proof of another length than the sizes call for, or another root.
pub fn verify_inclusion(
    leaf: &Digest,
    index: u64,
    size: u64,
    proof: &[Digest],
    root: &Digest,
) -> Result<(), VerifyProofFailed> {
    let last = match size.checked_sub(1) {
        Some(last) if index <= last => last,
        _ => return Err(VerifyProofFailed::IndexOutside { index, size }),
    };
    check_length(proof, path_length(index, last))?;
    let mut path = Path { index, last };
    let mut hash = *leaf;
    for sibling in proof {
        hash = if path.step() { hash_node(sibling, &hash) } else { hash_node(&hash, sibling) };
    }
    if hash == *root { Ok(()) } else { Err(VerifyProofFailed::Root) }
}

/// Verifies that the tree of `new` entries extends the tree of `old` entries (RFC 9162 section 2.1.4.2).
///
/// # Errors
/// A start from the empty tree, a tree that shrank, a proof of another length than the sizes call for, or
/// another root of either tree.
pub fn verify_consistency(
    old: u64,
    new: u64,
    proof: &[Digest],
    old_root: &Digest,
    new_root: &Digest,
) -> Result<(), VerifyProofFailed> {
    let old_last = old.checked_sub(1).ok_or(VerifyProofFailed::FromEmpty)?;
    let new_last = match new.checked_sub(1) {
        Some(last) if old_last <= last => last,
        _ => return Err(VerifyProofFailed::Shrunk { old, new }),
    };
    if old == new {
        check_length(proof, 0)?;
        return if old_root == new_root { Ok(()) } else { Err(VerifyProofFailed::Root) };
    }
    let path = Path::from_right_edge(old_last, new_last);
    let rest = path_length(path.index, path.last);
    let (start, siblings) = if old.is_power_of_two() {
        check_length(proof, rest)?;
        (old_root, proof)
    } else {
        check_length(proof, rest.saturating_add(1))?;
        proof.split_first().ok_or(VerifyProofFailed::Root)?
    };
    let (old_hash, new_hash) = fold(path, *start, siblings);
    match (old_hash == *old_root, new_hash == *new_root) {
        (true, true) => Ok(()),
        (false, _) => Err(VerifyProofFailed::OldRoot),
        (true, false) => Err(VerifyProofFailed::Root),
    }
}

/// Computes, from the tree of `new` entries, its root and the root that its first `old` entries have; `hashes` is a consistency proof
/// that always begins with the largest complete subtree on the right edge of the old tree.
///
/// Where the second of two signed roots is the one computed here and the first is not, no proof can make both true.
///
/// # Errors
/// A start from the empty tree, a tree that does not grow, or another number of hashes than the sizes call for.
pub fn roots_of_both(old: u64, new: u64, hashes: &[Digest]) -> Result<(Digest, Digest), VerifyProofFailed> {
    let old_last = old.checked_sub(1).ok_or(VerifyProofFailed::FromEmpty)?;
    let new_last = match new.checked_sub(1) {
        Some(last) if old_last < last => last,
        _ => return Err(VerifyProofFailed::Shrunk { old, new }),
    };
    let path = Path::from_right_edge(old_last, new_last);
    check_length(hashes, path_length(path.index, path.last).saturating_add(1))?;
    let (start, siblings) = hashes.split_first().ok_or(VerifyProofFailed::Root)?;
    Ok(fold(path, *start, siblings))
}

/// Goes up from a subtree on the right edge of an old tree: the old root and the new one.
fn fold(mut path: Path, start: Digest, siblings: &[Digest]) -> (Digest, Digest) {
    let (mut old_hash, mut new_hash) = (start, start);
    for sibling in siblings {
        if path.step() {
            old_hash = hash_node(sibling, &old_hash);
            new_hash = hash_node(sibling, &new_hash);
        } else {
            new_hash = hash_node(&new_hash, sibling);
        }
    }
    (old_hash, new_hash)
}

fn check_length(proof: &[Digest], expected: u32) -> Result<(), VerifyProofFailed> {
    let found = proof.len();
    if u32::try_from(found) == Ok(expected) {
        Ok(())
    } else {
        Err(VerifyProofFailed::Length { expected, found })
    }
}

/// The number of siblings between node `index` and the root, where `last` is the last node of the level.
fn path_length(index: u64, last: u64) -> u32 {
    let below_fork = u64::BITS.saturating_sub((index ^ last).leading_zeros());
    below_fork.saturating_add(shift(index, below_fork).count_ones())
}

fn shift(value: u64, bits: u32) -> u64 {
    value.checked_shr(bits).unwrap_or(0)
}

/// A node on its way up: its index in its level and that of the last node there (fn and sn of RFC 9162).
struct Path {
    index: u64,
    last: u64,
}

impl Path {
    /// Starts at the largest complete subtree on the right edge of the old tree.
    fn from_right_edge(old_last: u64, new_last: u64) -> Self {
        let level = old_last.trailing_ones();
        Self { index: shift(old_last, level), last: shift(new_last, level) }
    }

    /// Goes up past one sibling and tells whether that sibling stands to the left.
    ///
    /// Levels at which the last node has no sibling need no counting: above them it is still the last, so every
    /// sibling to come stands to its left, and how many come is checked beforehand.
    fn step(&mut self) -> bool {
        let left = self.index & 1 == 1 || self.index == self.last;
        self.index >>= 1;
        self.last >>= 1;
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::hash_leaf;

    #[test]
    fn a_tree_of_three_is_verified_by_hand() {
        let [a, b, c] = [b"a", b"b", b"c"].map(|entry| hash_leaf(entry));
        let ab = hash_node(&a, &b);
        let abc = hash_node(&ab, &c);
        assert_eq!(verify_inclusion(&a, 0, 3, &[b, c], &abc), Ok(()));
        assert_eq!(verify_inclusion(&b, 1, 3, &[a, c], &abc), Ok(()));
        assert_eq!(verify_inclusion(&c, 2, 3, &[ab], &abc), Ok(()));
        assert_eq!(verify_consistency(1, 3, &[b, c], &a, &abc), Ok(()));
        assert_eq!(verify_consistency(2, 3, &[c], &ab, &abc), Ok(()));
        assert_eq!(verify_consistency(3, 3, &[], &abc, &abc), Ok(()));
    }

    #[test]
    fn sizes_and_lengths_are_refused_before_hashing() {
        let h = hash_leaf(b"");
        let outside = |index, size| Err(VerifyProofFailed::IndexOutside { index, size });
        assert_eq!(verify_inclusion(&h, 0, 0, &[], &h), outside(0, 0));
        assert_eq!(verify_inclusion(&h, 7, 7, &[h; 3], &h), outside(7, 7));
        let length = |expected, found| Err(VerifyProofFailed::Length { expected, found });
        assert_eq!(verify_inclusion(&h, 0, 1, &[h], &h), length(0, 1));
        assert_eq!(verify_inclusion(&h, 0, u64::MAX, &[h; 65], &h), length(64, 65));
        assert_eq!(verify_inclusion(&h, 6, 7, &[h; 3], &h), length(2, 3));
        assert_eq!(verify_consistency(0, 7, &[], &h, &h), Err(VerifyProofFailed::FromEmpty));
        assert_eq!(verify_consistency(0, 0, &[], &h, &h), Err(VerifyProofFailed::FromEmpty));
        assert_eq!(verify_consistency(7, 6, &[], &h, &h), Err(VerifyProofFailed::Shrunk { old: 7, new: 6 }));
        assert_eq!(verify_consistency(7, 7, &[h], &h, &h), length(0, 1));
        assert_eq!(verify_consistency(6, 8, &[], &h, &h), length(3, 0));
    }
}
