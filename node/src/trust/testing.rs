//! A log in memory whose checkpoints are signed by the key of seed 9.

use safeharbor_core::checkpoint::{Checkpoint, sign_checkpoint};
use safeharbor_core::digest::Digest;
use safeharbor_core::key::Signer as _;
use safeharbor_core::merkle::{self, HashReader, hash_node};
use safeharbor_core::note::VerifierKey;
use safeharbor_core::policy::Policy;
use safeharbor_proto::ReceivedReceipts;

use crate::chain::testing::signer;

/// The origin of the log.
pub(crate) const ORIGIN: &str = "log.example/harbour";

/// A log of leaves, all of it in memory.
#[derive(Clone, Default)]
pub(crate) struct Log(pub(crate) Vec<Digest>);

impl HashReader for Log {
    type Error = std::convert::Infallible;

    fn hash(&mut self, level: u8, index: u64) -> Result<Digest, Self::Error> {
        if level == 0 {
            return Ok(self.0[usize::try_from(index).unwrap()]);
        }
        let left = self.hash(level - 1, index * 2)?;
        Ok(hash_node(&left, &self.hash(level - 1, index * 2 + 1)?))
    }
}

impl Log {
    /// How many leaves.
    pub(crate) fn size(&self) -> u64 {
        self.0.len() as u64
    }

    /// The signed checkpoint.
    pub(crate) fn note(&self) -> String {
        let root = merkle::root(&mut self.clone(), self.size()).unwrap();
        let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size: self.size(), root };
        sign_checkpoint(&checkpoint, &signer(9)).unwrap().to_string()
    }

    /// Receipts for (seq, index), consistent with the log as it was at `old`.
    pub(crate) fn receipts(&self, old: u64, wanted: &[(u64, u64)]) -> ReceivedReceipts {
        let mut log = self.clone();
        let consistency = if old == 0 || old == self.size() {
            Vec::new()
        } else {
            merkle::prove_consistency(&mut log, old, self.size()).unwrap()
        };
        let prove = |&(seq, index): &(u64, u64)| {
            (seq, index, merkle::prove_inclusion(&mut self.clone(), index, self.size()).unwrap())
        };
        ReceivedReceipts {
            checkpoint: self.note(),
            consistency,
            receipts: wanted.iter().map(prove).collect(),
        }
    }
}

/// A policy that believes the log.
pub(crate) fn policy(quorum: &str) -> Policy {
    let log = VerifierKey::ed25519(ORIGIN, signer(9).public_key()).unwrap();
    format!("log {log}\n{quorum}\n").parse().unwrap()
}
