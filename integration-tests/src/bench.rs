//! Benchmarks: figures and ratios of one run, never a pass or fail.

mod ingest;
mod member;
mod signing;

pub use ingest::{IngestOptions, IngestReport, ingest};
