//! `safeharbor-bench`: runs one benchmark and prints its figures.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use safeharbor_integration_tests::bench::{IngestOptions, import, ingest};
use safeharbor_integration_tests::programs::StepFailed;

/// Benchmarks of the Safe Harbour Gateway; compare ratios of one run, not figures of different machines.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    benchmark: Benchmark,
}

#[derive(Debug, Subcommand)]
enum Benchmark {
    /// Rows a second a node imports
    Import {
        /// Rows in the generated file
        #[arg(long, default_value_t = 62_580)]
        rows: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Durable accepted disclosures a second at the hub
    Ingest {
        /// Institutions that send at the same time
        #[arg(long, default_value_t = 8)]
        institutions: u8,
        /// Entries in the log before the measurement
        #[arg(long, default_value_t = 100_000)]
        prefill: u64,
        /// Statements measured
        #[arg(long, default_value_t = 80_000)]
        statements: u64,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let text = match Cli::parse().benchmark {
        Benchmark::Import { rows, json } => import(rows).and_then(|report| print(&report, json)),
        Benchmark::Ingest { institutions, prefill, statements, json } => {
            ingest(&IngestOptions { institutions, prefill, statements })
                .and_then(|report| print(&report, json))
        }
    };
    match text {
        Ok(text) => {
            // Nothing can be done where standard output is closed.
            std::io::stdout().write_all(text.as_bytes()).ok();
            ExitCode::SUCCESS
        }
        Err(failed) => {
            writeln!(std::io::stderr(), "safeharbor-bench: {failed}").ok();
            ExitCode::FAILURE
        }
    }
}

fn print(report: &impl serde::Serialize, json: bool) -> Result<String, StepFailed> {
    let value = serde_json::to_value(report).map_err(|refused| StepFailed(refused.to_string()))?;
    if json {
        return Ok(format!("{value}\n"));
    }
    let figures = value.as_object().into_iter().flatten();
    Ok(figures.map(|(name, figure)| format!("{name:<24} {figure}\n")).collect())
}
