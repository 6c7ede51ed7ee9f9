//! Starting: what is on disk is checked against what was signed and published before anything is signed anew.

use std::io;

use safeharbor_core::checkpoint::{Checkpoint, verify_checkpoint};
use safeharbor_core::digest::Digest;
use safeharbor_core::merkle;
use safeharbor_core::note::VerifierKey;

use super::{PublishFailed, Publisher, Signed};
use crate::registry::{Published, SigningFailed, TreeFailed};

impl Publisher {
    /// Checks the tree on disk against what was signed and published, then does as [`Publisher::publish`]. Where somebody has
    /// to cosign, what was published last stays published until then.
    ///
    /// # Errors
    /// Any of [`PublishFailed`]; nothing was signed then.
    pub fn start(&mut self) -> Result<Option<Signed>, PublishFailed> {
        let published = self.load_published()?;
        self.verify_at(self.signing.size(), self.signing.root())?;
        self.grow()?;
        if let Some((Checkpoint { size, root, .. }, note)) = published {
            self.verify_at(size, Some(root))?;
            self.shared.publish(Published { size, root, note });
        }
        self.publish()
    }

    /// The published checkpoint, where there is one that this log signed. Another file there gives no one anything: readers
    /// verify it, and the next checkpoint takes its place.
    fn load_published(&self) -> Result<Option<(Checkpoint, String)>, PublishFailed> {
        let path = self.checkpoint_path();
        let note = match std::fs::read_to_string(&path) {
            Ok(note) => note,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) if source.kind() == io::ErrorKind::InvalidData => String::new(),
            Err(source) => return Err(TreeFailed::Io { path, source }.into()),
        };
        let key = VerifierKey::ed25519(&self.origin, self.signer.public_key());
        let Some(checkpoint) = key.ok().and_then(|key| verify_checkpoint(note.as_bytes(), &key).ok()) else {
            tracing::warn!(path = %path.display(), "this log did not sign the checkpoint there; it is replaced");
            return Ok(None);
        };
        let signed = self.signing.size();
        if checkpoint.size > signed {
            return Err(SigningFailed::RolledBack { signed, published: checkpoint.size }.into());
        }
        Ok(Some((checkpoint, note)))
    }

    /// Compares the root at a size that the tree on disk has reached.
    fn verify_at(&self, size: u64, root: Option<Digest>) -> Result<(), PublishFailed> {
        let Some(root) = root.filter(|_| size <= self.tree.size()) else { return Ok(()) };
        let read = merkle::root(&mut self.shared.files.tree(self.tree.size()), size);
        let read = read.map_err(|source| TreeFailed::Root { size, source })?;
        if read == root { Ok(()) } else { Err(PublishFailed::Contradiction { size }) }
    }
}
