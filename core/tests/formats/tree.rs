//! A log in memory for tests: entries, every subtree hash, keys, checkpoints and receipts.

use std::convert::Infallible;

use safeharbor_core::checkpoint::{Checkpoint, sign_checkpoint};
use safeharbor_core::cosignature::cosign;
use safeharbor_core::digest::Digest;
use safeharbor_core::key::{MemorySigner, Signer as _};
use safeharbor_core::merkle::{self, HashReader, hash_leaf, hash_node};
use safeharbor_core::note::VerifierKey;
use safeharbor_core::policy::Policy;
use safeharbor_core::tlog_proof::TlogProof;
use zeroize::Zeroizing;

/// The origin of the log.
pub(crate) const ORIGIN: &str = "log.example/district";
/// The seed of the log's key; witnesses have 1 to 5.
const LOG: u8 = 100;

/// Every complete subtree of a list of entries, by level.
pub(crate) struct Tree {
    levels: Vec<Vec<Digest>>,
}

impl Tree {
    /// A tree over the entries [`entry`] of 0 to `size`.
    pub(crate) fn new(size: u64) -> Self {
        let leaves = (0..size).map(|n| hash_leaf(&entry(n))).collect();
        let pairs = |below: &Vec<Digest>| {
            let above: Vec<Digest> =
                below.chunks_exact(2).map(|pair| hash_node(&pair[0], &pair[1])).collect();
            (!above.is_empty()).then_some(above)
        };
        Self { levels: std::iter::successors(Some(leaves), pairs).collect() }
    }

    pub(crate) fn root(&mut self, size: u64) -> Digest {
        merkle::root(self, size).unwrap()
    }

    pub(crate) fn leaf(&self, index: u64) -> Digest {
        self.levels[0][usize::try_from(index).unwrap()]
    }
}

impl HashReader for Tree {
    type Error = Infallible;

    fn hash(&mut self, level: u8, index: u64) -> Result<Digest, Infallible> {
        Ok(self.levels[usize::from(level)][usize::try_from(index).unwrap()])
    }
}

/// Entry `n` of the log.
pub(crate) fn entry(n: u64) -> Vec<u8> {
    format!("entry {n}\n").into_bytes()
}

pub(crate) fn signer(seed: u8) -> MemorySigner {
    MemorySigner::from_seed(&Zeroizing::new([seed; 32]))
}

/// The key of the log.
pub(crate) fn log_key() -> VerifierKey {
    VerifierKey::ed25519(ORIGIN, signer(LOG).public_key()).unwrap()
}

/// The key of witness `seed`.
pub(crate) fn witness_key(seed: u8) -> VerifierKey {
    VerifierKey::cosignature(&format!("w{seed}.example"), signer(seed).public_key()).unwrap()
}

/// The log and witnesses 1 to `count`, all of whom must have cosigned.
pub(crate) fn policy(count: u8) -> Policy {
    let mut policy = Policy::builder().log(log_key(), None).unwrap();
    let names: Vec<String> = (1..=count).map(|seed| format!("w{seed}")).collect();
    for (name, seed) in names.iter().zip(1..) {
        policy = policy.witness(name, witness_key(seed), None).unwrap();
    }
    let members: Vec<&str> = names.iter().map(String::as_str).collect();
    policy.group("all", names.len(), &members).unwrap().quorum("all").unwrap().build().unwrap()
}

/// The checkpoint of the first `size` entries, signed by the log and by witnesses 1 to `witnesses` at 1000 + seed.
pub(crate) fn checkpoint(size: u64, witnesses: u8) -> String {
    let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size, root: Tree::new(size).root(size) };
    let mut note = sign_checkpoint(&checkpoint, &signer(LOG)).unwrap();
    for seed in 1..=witnesses {
        let time = 1000 + u64::from(seed);
        let line = cosign(note.text(), witness_key(seed).name(), time, &signer(seed)).unwrap();
        note.append(line).unwrap();
    }
    note.to_string()
}

/// The receipt of entry `index` under [`checkpoint`].
pub(crate) fn receipt(index: u64, size: u64, witnesses: u8) -> TlogProof {
    let hashes = merkle::prove_inclusion(&mut Tree::new(size), index, size).unwrap();
    TlogProof { extra: None, index, hashes, checkpoint: checkpoint(size, witnesses) }
}
