//! Merkle proofs against the vectors of transparency-dev.

use safeharbor_core::b64;
use safeharbor_core::digest::Digest;
use safeharbor_core::merkle::{verify_consistency, verify_inclusion};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::support;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inclusion {
    leaf_idx: u64,
    tree_size: u64,
    root: Option<String>,
    leaf_hash: Option<String>,
    proof: Option<Vec<String>>,
    desc: String,
    want_err: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Consistency {
    size1: u64,
    size2: u64,
    root1: Option<String>,
    root2: Option<String>,
    proof: Option<Vec<String>>,
    desc: String,
    want_err: bool,
}

/// A hash as it comes in from outside: what is not 32 bytes is refused before any proof is looked at.
fn hash(text: Option<&str>) -> Option<Digest> {
    Digest::try_from(b64::decode_std(text?).ok()?.as_slice()).ok()
}

fn hashes(proof: Option<&[String]>) -> Option<Vec<Digest>> {
    proof.unwrap_or_default().iter().map(|text| hash(Some(text))).collect()
}

fn included(vector: &Inclusion) -> Option<()> {
    let leaf = hash(vector.leaf_hash.as_deref())?;
    let root = hash(vector.root.as_deref())?;
    let proof = hashes(vector.proof.as_deref())?;
    verify_inclusion(&leaf, vector.leaf_idx, vector.tree_size, &proof, &root).ok()
}

fn consistent(vector: &Consistency) -> Option<()> {
    let (old, new) = (hash(vector.root1.as_deref())?, hash(vector.root2.as_deref())?);
    let proof = hashes(vector.proof.as_deref())?;
    verify_consistency(vector.size1, vector.size2, &proof, &old, &new).ok()
}

fn check<V: DeserializeOwned>(folder: &str, verify: impl Fn(&V) -> (Option<()>, bool, String)) {
    let Some(folder) = support::vectors(folder) else { return };
    for (file, text) in support::json_files(&folder) {
        let vector = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let (verified, refused, desc) = verify(&vector);
        assert_eq!(verified.is_none(), refused, "{file}: {desc}");
    }
}

#[test]
fn inclusion_vectors_are_answered_as_they_want() {
    check("merkle/inclusion", |v: &Inclusion| (included(v), v.want_err, v.desc.clone()));
}

#[test]
fn consistency_vectors_are_answered_as_they_want() {
    check("merkle/consistency", |v: &Consistency| (consistent(v), v.want_err, v.desc.clone()));
}
