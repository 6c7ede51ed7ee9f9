//! Merkle proofs against two other implementations: ct-merkle, which also makes proofs, and sigstore-merkle.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use proptest::prelude::*;
use safeharbor_core::digest::Digest;
use safeharbor_core::merkle::{self, Frontier, prove_consistency, prove_inclusion};
use sha2::Sha256;

use crate::tree::{Tree, entry};

const SIZE: u64 = 80;

fn theirs(size: u64) -> MemoryBackedTree<Sha256, Vec<u8>> {
    let mut tree = MemoryBackedTree::new();
    (0..size).for_each(|n| tree.push(entry(n)));
    tree
}

fn bytes(proof: &[Digest]) -> Vec<u8> {
    proof.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

fn their_root(root: &Digest, size: u64) -> RootHash<Sha256> {
    RootHash::new((*root.as_bytes()).into(), size)
}

#[test]
fn roots_are_those_of_ct_merkle() {
    let mut frontier = Frontier::new();
    for size in 0..=SIZE {
        let root = theirs(size).root();
        assert_eq!(frontier.root().as_bytes(), root.as_bytes().as_slice(), "{size}");
        assert_eq!(Tree::new(size).root(size), frontier.root());
        frontier.append(&merkle::hash_leaf(&entry(size)));
    }
}

#[test]
fn proofs_are_those_of_ct_merkle() {
    let whole = theirs(SIZE);
    let mut tree = Tree::new(SIZE);
    let root = their_root(&tree.root(SIZE), SIZE);
    for index in 0..SIZE {
        let proof = prove_inclusion(&mut tree, index, SIZE).unwrap();
        let at = usize::try_from(index).unwrap();
        assert_eq!(bytes(&proof), whole.prove_inclusion(at).as_bytes(), "{index}");
        let proof: InclusionProof<Sha256> = InclusionProof::try_from_bytes(bytes(&proof)).unwrap();
        root.verify_inclusion(&entry(index), index, &proof).unwrap();
    }
    for old in 1..=SIZE {
        let proof = prove_consistency(&mut tree, old, SIZE).unwrap();
        let added = usize::try_from(SIZE - old).unwrap();
        assert_eq!(bytes(&proof), whole.prove_consistency(added).as_bytes(), "{old}");
        let proof: ConsistencyProof<Sha256> = ConsistencyProof::try_from_bytes(bytes(&proof)).unwrap();
        root.verify_consistency(&their_root(&tree.root(old), old), &proof).unwrap();
    }
}

/// What sigstore-merkle says of an inclusion proof.
fn sigstore_includes(leaf: &Digest, index: u64, size: u64, proof: &[Digest], root: &Digest) -> bool {
    let proof: Vec<_> = proof.iter().map(|hash| (*hash.as_bytes()).into()).collect();
    let (leaf, root) = ((*leaf.as_bytes()).into(), (*root.as_bytes()).into());
    sigstore_merkle::verify_inclusion_proof(&leaf, index, size, &proof, &root).is_ok()
}

/// What sigstore-merkle says of a consistency proof.
fn sigstore_extends(old: u64, new: u64, proof: &[Digest], old_root: &Digest, new_root: &Digest) -> bool {
    let proof: Vec<_> = proof.iter().map(|hash| (*hash.as_bytes()).into()).collect();
    let (old_root, new_root) = ((*old_root.as_bytes()).into(), (*new_root.as_bytes()).into());
    sigstore_merkle::verify_consistency_proof(old, new, &proof, &old_root, &new_root).is_ok()
}

/// A change to a proof: none, a flipped bit, a hash more or less, or two that changed places.
fn damage(proof: &mut Vec<Digest>, kind: u8, at: usize) {
    let place = at % proof.len().max(1);
    match kind {
        1 if !proof.is_empty() => {
            let mut bytes = *proof[place].as_bytes();
            bytes[at % 32] ^= 1;
            proof[place] = Digest::from_bytes(bytes);
        }
        2 if !proof.is_empty() => drop(proof.remove(place)),
        3 => proof.insert(place, Digest::of(b"more")),
        4 if !proof.is_empty() => proof.rotate_left(place),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Sizes and indexes that do not belong to the proof are tried as well as those that do.
    #[test]
    fn inclusion_is_judged_as_by_sigstore_merkle(
        size in 1..SIZE, index in 0..SIZE, shift in 0..3_u64, kind in 0..5_u8, at in 0..64_usize,
    ) {
        let mut tree = Tree::new(size);
        let (index, root) = (index % size, tree.root(size));
        let mut proof = prove_inclusion(&mut tree, index, size).unwrap();
        damage(&mut proof, kind, at);
        let (leaf, size, index) = (tree.leaf(index), size + shift % 2, index + shift / 2);
        prop_assert_eq!(
            merkle::verify_inclusion(&leaf, index, size, &proof, &root).is_ok(),
            sigstore_includes(&leaf, index, size, &proof, &root)
        );
    }

    /// From size 0 sigstore-merkle accepts an empty proof; core never does.
    #[test]
    fn consistency_is_judged_as_by_sigstore_merkle(
        new in 1..SIZE, old in 1..SIZE, shift in 0..3_u64, kind in 0..5_u8, at in 0..64_usize,
    ) {
        let mut tree = Tree::new(new);
        let old = old % new + 1;
        let (old_root, new_root) = (tree.root(old), tree.root(new));
        let mut proof = prove_consistency(&mut tree, old, new).unwrap();
        damage(&mut proof, kind, at);
        let (old, new) = (old + shift / 2, new + shift % 2);
        prop_assert_eq!(
            merkle::verify_consistency(old, new, &proof, &old_root, &new_root).is_ok(),
            sigstore_extends(old, new, &proof, &old_root, &new_root)
        );
    }
}

#[test]
fn sizes_near_the_end_of_64_bits_are_judged_as_by_sigstore_merkle() {
    let hash = Digest::of(b"");
    for size in [u64::MAX, u64::MAX - 1, 1 << 63, (1 << 63) + 1, (1 << 62) - 1] {
        for index in [0, 1, size / 2, size - 1] {
            for length in 0..=66 {
                let proof = vec![hash; length];
                let ours = merkle::verify_inclusion(&hash, index, size, &proof, &hash).is_ok();
                assert_eq!(ours, sigstore_includes(&hash, index, size, &proof, &hash), "{index} of {size}");
                let ours = merkle::verify_consistency(index.max(1), size, &proof, &hash, &hash).is_ok();
                assert_eq!(
                    ours,
                    sigstore_extends(index.max(1), size, &proof, &hash, &hash),
                    "{index} to {size}"
                );
            }
        }
    }
}
