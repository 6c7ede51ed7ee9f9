//! `cargo xtask bench`: builds with optimisation and hands over to `safeharbor-bench`.

use std::process::Command;

use clap::Args;

use crate::console;
use crate::failure::Failure;
use crate::process;
use crate::workspace::Programs;

/// Arguments of `cargo xtask bench`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// What to measure and how: `import` or `ingest`, `--json` for one JSON object; see `bench ingest --help`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true, value_name = "BENCHMARK")]
    arguments: Vec<String>,
}

/// Builds and runs a benchmark; its output is passed through.
///
/// # Errors
/// The build fails or the benchmark ends with an error.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    console::progress("Building with optimisation …");
    let programs = Programs::build(&["--release", "--workspace", "--bins"])?;
    let status = process::show(Command::new(programs.path("safeharbor-bench")?).args(&options.arguments))?;
    if status.success() {
        return Ok(());
    }
    let call = format!("safeharbor-bench {}", options.arguments.join(" "));
    Err(Failure::Ended { call, status, said: String::new() })
}
