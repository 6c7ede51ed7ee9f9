//! X.509: who may connect to whom, and how.
//!
//! In scope: the hub's certificate authority, certificate requests, invitations, what keys prove when a node joins,
//! the identity in a certificate, rustls configurations, a throw-away authority for tests.
//! Out of scope: keys of statements, witnesses and the log (`service::key_file`, `core::key`), standing and
//! admission (`hub`), sockets (`node`, `hub`). Callers hand in the time and keep what is made.
#![cfg_attr(test, allow(clippy::string_slice, reason = "tests may panic"))]

pub mod authority;
pub mod development;
pub mod diagnosis;
pub mod identity;
pub mod invitation;
pub mod proof;
pub mod request;
pub mod spki;
pub mod tls;
pub mod words;
