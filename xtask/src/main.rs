//! `cargo xtask`: the demonstration, the checks and the benchmarks of this workspace, each behind one command.
//!
//! In scope: building the three programs, running them as separate processes the way a district and its
//! universities would, and judging what they leave behind. Out of scope: everything the programs do; xtask
//! knows them only by their command lines and their files.

mod bench;
mod console;
mod demo;
mod environment;
mod failure;
mod interrupt;
mod process;
mod samples;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The demonstration, the checks and the benchmarks of the Safe Harbour Gateway.
#[derive(Parser, Debug)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand, Debug)]
enum Task {
    /// Runs a hub and several universities' nodes on this machine, with sample records or a file of yours.
    Demo(demo::Options),
    /// Checks everything: format, lints, build, tests, documentation examples, documentation.
    Test(test::Options),
    /// Measures with release builds: `bench import`, `bench ingest`.
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Demo(options) => demo::run(&options),
        Task::Test(options) => test::run(&options),
        Task::Bench(options) => bench::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            console::failure(&failure);
            ExitCode::FAILURE
        }
    }
}
