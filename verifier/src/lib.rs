//! `safeharbor-verify`: checks receipts, disclosures and whole logs offline, trusting only the keys it is handed.
//!
//! In scope: reading files within limits, handing them to `safeharbor-core`, wording the verdict as text or JSON.
//! Out of scope: every format and proof (`core`), networks and clocks (none is ever used), certificates and
//! rules.
//!
//! To add a command: one file beside `receipt.rs` with its arguments, its report and `run`; a variant in
//! `command_line.rs`; its faults in `objection.rs`; its place in `docs/verify.md`; its tests in `tests/`.

pub mod command_line;
pub mod disclosure;
pub mod input;
pub mod keys;
pub mod language;
pub mod log;
pub mod objection;
pub mod receipt;
pub mod report;
pub mod token;
pub mod trust;

mod utc;
