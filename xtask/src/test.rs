//! `cargo xtask test`: every check of this workspace, step by step, with what each took.

mod interop;
mod postgresql;
mod steps;

use clap::Args;

use crate::console;
use crate::demo;
use crate::failure::Failure;
use crate::process;
use crate::workspace::{self, cargo};

use steps::{Steps, Verdict};

/// Arguments of `cargo xtask test`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Runs the tests whose names contain this; the other steps run as ever.
    #[arg(value_name = "FILTER")]
    filter: Option<String>,
    /// Goes on after a step that failed, to show all failures at once.
    #[arg(long)]
    keep_going: bool,
}

/// Runs all steps.
///
/// # Errors
/// A step failed; all that failed are named.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let mut steps = Steps::new(options.keep_going);
    steps.run("tools", tools);
    steps.run("format", || cargo_step(&["fmt", "--all", "--", "--check"], &[]));
    let lints = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    steps.run("clippy", || cargo_step(&lints, &[]));
    steps.run("build programs", || cargo_step(&[&["build"], &workspace::SERVERS[..]].concat(), &[]));
    steps.run("build tests", || cargo_step(&["build", "--workspace", "--tests"], &[]));
    let filter: Vec<&str> = options.filter.as_deref().into_iter().collect();
    let tests = [&["test", "--workspace", "--no-fail-fast", "--tests"], filter.as_slice()].concat();
    let required = postgresql::required();
    steps.run("tests", || cargo_step(&tests, &required));
    let left = workspace::root().join("target/interop/demonstration");
    steps.run("demonstration", || demo::complete_in(&left).map(|()| Verdict::Passed));
    steps.run("independent log reader", || interop::read_log(&left));
    steps.run("independent SD-JWT verifier", || interop::read_statements(&left));
    steps.run("documentation examples", || cargo_step(&["test", "--workspace", "--doc"], &[]));
    let deny = [("RUSTDOCFLAGS", "-D warnings".to_owned())];
    steps.run("documentation", || cargo_step(&["doc", "--workspace", "--no-deps", "--quiet"], &deny));
    steps.finish()
}

fn cargo_step(arguments: &[&str], variables: &[(&str, String)]) -> Result<Verdict, Failure> {
    let mut command = cargo();
    let status =
        process::show(command.args(arguments).envs(variables.iter().map(|(name, value)| (name, value))))?;
    if status.success() {
        return Ok(Verdict::Passed);
    }
    Err(Failure::Ended { call: format!("cargo {}", arguments.join(" ")), status, said: String::new() })
}

/// Makes sure that rustfmt and clippy are there, by rustup where they are not, and PostgreSQL where it can be had.
fn tools() -> Result<Verdict, Failure> {
    for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        let present = process::finish(cargo().args([subcommand, "--version"]), None)?.status.success();
        if present {
            continue;
        }
        console::progress(&format!("{component} is missing: rustup component add {component}"));
        let mut rustup = std::process::Command::new("rustup");
        let added = process::show(rustup.args(["component", "add", component]));
        if !added.is_ok_and(|status| status.success()) {
            let how =
                format!("{component} is missing and rustup cannot add it: install it, then run this again");
            return Err(Failure::Usage(how));
        }
    }
    postgresql::install();
    Ok(Verdict::Passed)
}
