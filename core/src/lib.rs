//! Formats and proofs of the Safe Harbour Gateway: everything that is signed, hashed, logged or verified.
//!
//! In scope: SD-JWT statements, registry entries, Merkle proofs, signed notes, checkpoints, tiles, receipts,
//! trust policies, chain rules, and the verification of all of them as pure functions of bytes.
//! Out of scope: clocks, randomness, files and sockets (`service`), X.509 (`certs`), kinds and classes
//! (`rules`), the wire protocol (`proto`). Callers hand in time, random bytes and keys.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::string_slice, reason = "tests may panic"))]

mod line;

pub mod audit;
pub mod b64;
pub mod chain;
pub mod checkpoint;
pub mod code;
pub mod cosignature;
pub mod digest;
pub mod directory;
pub mod entry;
pub mod fork;
pub mod institution;
pub mod json;
pub mod key;
pub mod merkle;
pub mod note;
pub mod policy;
pub mod record;
pub mod sdjwt;
pub mod statement;
pub mod tile;
pub mod tlog_proof;
pub mod witness;
