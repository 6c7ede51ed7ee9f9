//! The formats of core against published vectors, against other implementations, and as properties.
//!
//! `cfg(test)` on a module says to the lints that its functions belong to tests, too.

#[cfg(test)]
mod differential_merkle;
#[cfg(test)]
mod differential_notes;
#[cfg(test)]
mod differential_sdjwt;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod properties_statements;
#[cfg(test)]
mod purity;
#[cfg(test)]
mod refusals_sdjwt;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod tree;
#[cfg(test)]
mod vectors_ed25519;
#[cfg(test)]
mod vectors_merkle;
#[cfg(test)]
mod vectors_sdjwt;
#[cfg(test)]
mod vectors_tlog;

#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
