//! Catalogue versions at the node: which is in use, which the hub offers, and how a named person accepts one.

mod in_use;

pub use in_use::InUse;
