//! The registry (安全港登记簿) as static files: tiles, checkpoint, and what guards its signature.

mod files;
mod signing;
mod tree;

pub use files::{ReadRegistryFailed, RegistryFiles};
pub use signing::{SigningFailed, SigningState};
pub use tree::{TreeFailed, TreeWriter};

use safeharbor_core::digest::Digest;

/// A signed checkpoint as published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The number of entries.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
    /// The signed note.
    pub note: String,
}
