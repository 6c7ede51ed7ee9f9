//! Whole federations of the real programs over real TLS; one promise a module.
#![cfg(test)]
#![expect(clippy::string_slice, clippy::wildcard_enum_match_arm, reason = "tests may panic")]

mod backup;
mod catalogue;
mod erasure;
mod harness;
mod independent;
mod joining;
mod kills;
mod leaks;
mod re_enrolment;
mod rebuild;
mod recovery;
mod renewal;
mod rotation;
mod standing;
mod streams;
mod three_nodes;
