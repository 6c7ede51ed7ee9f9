//! Whole federations: what tests and benchmarks need to start hubs and nodes and to speak to them.
//!
//! In scope: starting the real programs and the real servers on loopback, a load generator, benchmarks.
//! Out of scope: anything a server needs itself; nothing depends on this crate.

pub mod administrator;
pub mod bench;
pub mod member;
pub mod programs;
pub mod signing;
