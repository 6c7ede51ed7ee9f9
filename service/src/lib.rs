//! Shell parts both servers share.
//!
//! In scope: clock, randomness, the store contract and its backends, data folders, backups, key files, persons, the audit
//! log, the evidence folder, the control socket, how commands speak and ask, settings, telemetry, shutdown.
//! Out of scope: formats and proofs (`core`), record kinds (`rules`), X.509 and TLS (`certs`), the wire protocol
//! (`proto`), and whatever only one of the servers does (`node`, `hub`).
//!
//! The feature `testing` adds what only tests may use: seeded randomness, faulty stores, the store suite.
#![cfg_attr(test, allow(clippy::string_slice, reason = "tests may panic"))]

pub mod audit;
pub mod backup;
pub mod caller;
pub mod clock;
pub mod control;
pub mod doctor;
pub mod durable_file;
pub mod evidence;
pub mod folder;
pub mod key_file;
pub mod network;
pub mod person;
pub mod prompt;
pub mod random;
pub mod secret_file;
pub mod settings;
pub mod shutdown;
pub mod speech;
pub mod store;
pub mod telemetry;
