//! The stream to the hub: numbers what waits, sends it, keeps receipts and tasks, and says how things stand.
//!
//! In scope: `machine` decides (no I/O, no clock), `driver` acts on it over gRPC, `dialling` and `connector` open the connection,
//! `tasks` keeps what the hub asks, `told` what it says of the institution, `state` tells people. Out of scope: what is stated (`outbox`), how a statement is
//! made (`chain`), what is believed (`trust`).

mod connector;
mod conversation;
mod dialling;
mod driver;
mod foreign_text;
mod machine;
mod retry;
mod state;
mod tasks;
mod told;

pub use connector::{Connector, ConnectorFailed, Tap};
pub use dialling::{DialFailed, Dialler, LoadDialFailed};
pub use driver::{Link, Outcome, SyncFailed, Until, run};
pub(crate) use foreign_text::clean;
pub use state::{ContentRefused, Standing, SyncState, TellFailed, state};
#[cfg(test)]
pub(crate) use tasks::keep_task;
pub use tasks::{KeptTask, list_tasks};
pub(crate) use tasks::{refused_for, settle};
pub use told::Told;
