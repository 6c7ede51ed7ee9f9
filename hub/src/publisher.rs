//! The publisher: brings durable entries into a signed checkpoint, and has it cosigned and published within 250 ms.
//!
//! The order matters. Growing: tiles durable, then indexed. Signing: (size, root) recorded, then signed. Publishing:
//! cosigned, then `checkpoint` written, then told. Growing goes on while cosignatures are collected.

mod cosigning;
mod schedule;
mod start;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use safeharbor_core::checkpoint::{Checkpoint, sign_checkpoint};
use safeharbor_core::institution::Issuer;
use safeharbor_core::key::Signer;
use safeharbor_core::note::{NoteFailed, SignatureLine};
use safeharbor_service::durable_file::{WriteFailed, write_durably};

pub use cosigning::{Collected, Cosigning, Signed, Unwitnessed};

use crate::index::{Index, IndexFailed};
use crate::ledger::Tip;
use crate::registry::{Published, SigningFailed, SigningState, TreeFailed, TreeWriter};
use crate::shared::Shared;

/// Publishing failed; what was acknowledged stays durable in the journal.
#[derive(Debug, thiserror::Error)]
pub enum PublishFailed {
    /// The tree cannot be extended.
    #[error("the tree cannot be extended")]
    Tree(#[from] TreeFailed),
    /// What should be signed contradicts what was signed.
    #[error("the checkpoint must not be signed")]
    Signing(#[from] SigningFailed),
    /// The log key did not sign, or a cosignature cannot be added.
    #[error("the checkpoint cannot be signed")]
    Note(#[from] NoteFailed),
    /// The checkpoint cannot be written.
    #[error("the checkpoint cannot be written")]
    Write(#[from] WriteFailed),
    /// The index cannot be brought up.
    #[error("the index cannot be brought up")]
    Index(#[from] IndexFailed),
    /// The root at the size signed last is not the one signed.
    #[error("at size {size} the journal yields another root than the one signed: it was changed or replaced")]
    Contradiction {
        /// The size signed last.
        size: u64,
    },
    /// The publishing thread ended.
    #[error("the publishing thread ended")]
    Ended,
}

/// Owns the tree and the log key.
#[derive(Debug)]
pub struct Publisher {
    /// Shared state.
    pub shared: Arc<Shared>,
    /// The tree.
    pub tree: TreeWriter,
    /// What was signed last.
    pub signing: SigningState,
    /// The log key.
    pub signer: Arc<dyn Signer>,
    /// The log's origin.
    pub origin: String,
    /// The index.
    pub index: Index,
    /// Who cosigns.
    pub cosigning: Arc<dyn Cosigning>,
}

impl Publisher {
    /// Grows and signs, and publishes where nobody has to cosign; what is not published yet is returned.
    ///
    /// # Errors
    /// Any of [`PublishFailed`].
    pub fn publish(&mut self) -> Result<Option<Signed>, PublishFailed> {
        self.grow()?;
        let signed = self.sign()?;
        if self.cosigning.is_needed() {
            return Ok(Some(signed));
        }
        self.release(&signed, Vec::new())?;
        Ok(None)
    }

    /// Brings durable entries into the tree on disk and into the index.
    fn grow(&mut self) -> Result<(), PublishFailed> {
        let entries = self.shared.queued_entries();
        let count = entries.len();
        self.extend(entries)?;
        let size = self.tree.size();
        self.bring_index_up(size)?;
        self.shared.forget_queued(count);
        Ok(())
    }

    /// Extends the tree, stopping at the size signed last to compare the root.
    fn extend(&mut self, mut entries: Vec<Vec<u8>>) -> Result<(), PublishFailed> {
        let signed = self.signing.size();
        if let Some(behind) = signed.checked_sub(self.tree.size()).filter(|behind| *behind > 0) {
            let later = entries.split_off(usize::try_from(behind).unwrap_or(usize::MAX).min(entries.len()));
            self.tree.extend(entries)?;
            entries = later;
        }
        if self.tree.size() == signed && self.signing.root().is_some_and(|root| root != self.tree.root()) {
            return Err(PublishFailed::Contradiction { size: signed });
        }
        Ok(self.tree.extend(entries)?)
    }

    fn bring_index_up(&self, size: u64) -> Result<(), PublishFailed> {
        // Heads and runs may be ahead of `size` by what was appended since: the replay passes over it again.
        let (tips, runs): (Vec<(Issuer, Tip)>, _) = {
            let mut ledger = self.shared.ledger_mut();
            (ledger.tips().map(|(issuer, tip)| (issuer.clone(), *tip)).collect(), ledger.take_unsaved_runs())
        };
        let runs = runs.into_iter().map(|((issuer, _), run)| (issuer, run));
        self.index.advance(size, tips.into_iter(), runs, |batch| self.shared.tasks.save_into(batch))?;
        Ok(())
    }

    /// Records what the tree on disk is, then signs it.
    fn sign(&mut self) -> Result<Signed, PublishFailed> {
        let (size, root) = (self.tree.size(), self.tree.root());
        self.signing.record(size, root)?;
        let checkpoint = Checkpoint { origin: self.origin.clone(), size, root };
        Ok(Signed { size, root, note: sign_checkpoint(&checkpoint, self.signer.as_ref())? })
    }

    /// Publishes what was signed, with the cosignatures, and tells whoever waits for it.
    fn release(&self, signed: &Signed, cosignatures: Vec<SignatureLine>) -> Result<(), PublishFailed> {
        let mut note = signed.note.clone();
        for line in cosignatures {
            note.append(line)?;
        }
        let note = note.to_string();
        write_durably(&self.checkpoint_path(), note.as_bytes())?;
        self.shared.publish(Published { size: signed.size, root: signed.root, note });
        Ok(())
    }

    fn checkpoint_path(&self) -> PathBuf {
        self.shared.files.folder().join("checkpoint")
    }
}
