//! Benchmarks: figures and ratios of one run, never a pass or fail.

mod ingest;

pub use ingest::{IngestOptions, IngestReport, ingest};
