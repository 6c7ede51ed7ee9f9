//! Who cosigns a signed checkpoint before it is published.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use safeharbor_core::digest::Digest;
use safeharbor_core::note::{SignatureLine, SignedNote};

/// A checkpoint that the log signed, over tiles that are durable. It is not published: readers do not see it.
///
/// Its (size, root) is in the signing record, and signing it again yields the same bytes, so that a crash loses nothing of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The number of entries.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
    /// The note, with the log's signature alone.
    pub note: SignedNote,
}

/// The cosignature lines of a checkpoint, in the order in which they are published; none where too few came in time.
pub type Collected = Option<Vec<SignatureLine>>;

/// Collects cosignatures. While it does, statements are sequenced and acknowledged, and the tree grows on disk.
pub trait Cosigning: Send + Sync + fmt::Debug {
    /// Whether publishing waits for cosignatures; asked anew for each checkpoint.
    fn is_needed(&self) -> bool;

    /// Collects cosignatures of `signed` up to a time limit of its own. Where they do not suffice, nothing is published, and
    /// the newest tree is signed and shown again a moment later.
    fn collect(&self, signed: Arc<Signed>) -> Pin<Box<dyn Future<Output = Collected> + Send>>;
}

/// The log's own signature suffices.
#[derive(Debug, Clone, Copy)]
pub struct Unwitnessed;

impl Cosigning for Unwitnessed {
    fn is_needed(&self) -> bool {
        false
    }

    fn collect(&self, _signed: Arc<Signed>) -> Pin<Box<dyn Future<Output = Collected> + Send>> {
        Box::pin(std::future::ready(Some(Vec::new())))
    }
}
