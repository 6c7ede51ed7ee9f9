//! The formats of core against published vectors, against other implementations, and as properties.
//!
//! `cfg(test)` on a module says to the lints that its functions belong to tests, too.

#[cfg(test)]
mod differential_merkle;
#[cfg(test)]
mod differential_notes;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tree;
#[cfg(test)]
mod vectors_ed25519;
#[cfg(test)]
mod vectors_merkle;
#[cfg(test)]
mod vectors_tlog;

#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
