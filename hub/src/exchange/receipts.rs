//! Receipts for one stream: inclusion proofs under each published checkpoint.

use std::sync::Arc;

use safeharbor_core::digest::Digest;
use safeharbor_core::institution::Issuer;
use safeharbor_core::merkle::{prove_consistency, prove_inclusion};
use safeharbor_proto::{BATCH_STATEMENTS_MAX, v1};

use crate::registry::Published;
use crate::shared::Shared;

/// What a stream has been told of the registry so far.
#[derive(Debug, Clone)]
pub(super) struct ReceiptCursor {
    pub(super) issuer: Issuer,
    /// The number of the next statement to send a receipt for.
    pub(super) next_seq: u64,
    /// The size of the checkpoint sent last, or named in Hello; 0 if none.
    pub(super) checkpoint_size: u64,
}

/// The registry's files do not yield a proof.
#[derive(Debug, thiserror::Error)]
#[error("a proof could not be made from the registry's files: {0}")]
pub(super) struct ProveFailed(String);

impl ReceiptCursor {
    /// Makes the next message under `published`, and says whether more receipts are due under it.
    ///
    /// # Errors
    /// The registry's files cannot be read.
    pub(super) fn next_message(
        &mut self,
        shared: &Shared,
        published: &Arc<Published>,
    ) -> Result<(v1::Receipts, bool), ProveFailed> {
        let failed = |error: &dyn std::fmt::Display| ProveFailed(error.to_string());
        let size = published.size;
        let mut tree = shared.files.tree(size);
        let consistency = match self.checkpoint_size {
            old if old > 0 && old < size => {
                prove_consistency(&mut tree, old, size).map_err(|refused| failed(&refused))?
            }
            _ => Vec::new(),
        };
        let mut receipts = Vec::new();
        while receipts.len() < BATCH_STATEMENTS_MAX
            && let Some(index) = self.next_index(shared).filter(|index| *index < size)
        {
            let proof = prove_inclusion(&mut tree, index, size).map_err(|refused| failed(&refused))?;
            receipts.push(v1::Receipt { seq: self.next_seq, index, proof: concatenate(&proof) });
            self.next_seq = self.next_seq.saturating_add(1);
        }
        self.checkpoint_size = size;
        let more = receipts.len() == BATCH_STATEMENTS_MAX;
        let consistency = consistency.iter().map(|hash| hash.as_bytes().to_vec()).collect();
        Ok((v1::Receipts { checkpoint: published.note.clone(), consistency, receipts }, more))
    }

    fn next_index(&self, shared: &Shared) -> Option<u64> {
        let run = shared.ledger().runs().find(&self.issuer, self.next_seq)?;
        run.index_of(self.next_seq)
    }
}

fn concatenate(proof: &[Digest]) -> Vec<u8> {
    proof.iter().flat_map(|hash| hash.as_bytes().iter().copied()).collect()
}
