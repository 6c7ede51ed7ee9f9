//! A university's node: its records, what of them leaves, and the stream to the hub.
//!
//! In scope: importing and keeping records, the disclosure policy, approvals, erasure, the outbox, the institution's
//! chain of statements with its receipts, the connection to the hub, the command line.
//! Out of scope: formats and proofs (`core`), kinds and what of a record may leave (`rules`), the store contract, persons and
//! the audit log (`service`), X.509 and TLS (`certs`), the wire protocol (`proto`).
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::string_slice, reason = "tests may panic"))]

mod as_text;
mod enrolment;
#[cfg(test)]
mod testing;

pub mod approval;
pub mod backup;
pub mod catalogues;
pub mod chain;
pub mod command;
pub mod command_line;
pub mod connector;
pub mod context;
pub mod decision;
pub mod disclosure;
pub mod doctor;
pub mod erasure;
pub mod hold;
pub mod job;
pub mod join;
pub mod layout;
pub mod membership;
pub mod opening;
pub mod outbox;
pub mod own_keys;
pub mod own_lists;
pub mod policy;
pub mod records;
pub mod recovery;
pub mod rejection;
pub mod renewal;
pub mod rotation;
pub mod running;
pub mod selection;
pub mod settings;
pub mod situation;
pub mod speech;
pub mod statement_key;
pub mod sync;
pub mod tables;
pub mod trust;
pub mod withdrawal;
pub mod witness;
