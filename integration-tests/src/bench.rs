//! Benchmarks: figures and ratios of one run, never a pass or fail.

mod import;
mod ingest;

pub use import::{ImportReport, import};
pub use ingest::{IngestOptions, IngestReport, ingest};
