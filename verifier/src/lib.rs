//! `safeharbor-verify`: checks receipts, disclosures and whole logs, trusting only the keys it is handed.
//!
//! In scope: reading files within limits, from a folder or a web server, handing them to `safeharbor-core`, wording the verdict
//! as text or JSON; copies of a log and watching over one.
//! Out of scope: every format and proof (`core`), certificates of institutions and rules. Only what reads a log from an
//! address uses the network, only `monitor` a clock.
//!
//! To add a command: one file beside `receipt.rs` with its arguments, its report and `run`; a variant in
//! `command_line.rs`; its faults in `objection.rs`; its place in `docs/verify.md`; its tests in `tests/`.

pub mod admission;
pub mod chain;
pub mod command_line;
pub mod disclosure;
pub mod evidence;
pub mod input;
pub mod keys;
pub mod language;
pub mod log;
pub mod mirror;
pub mod monitor;
pub mod objection;
pub mod output;
pub mod progress;
pub mod receipt;
pub mod report;
pub mod token;
pub mod trust;

mod clock;
mod patience;
mod utc;
