//! The program `safeharbor-verify`: reads the command line, runs one command, prints its verdict.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use safeharbor_verifier::command_line::CommandLine;
use safeharbor_verifier::report::Verdict;

fn main() -> ExitCode {
    let (verdict, text) = CommandLine::parse().run();
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => verdict.exit_code(),
        Err(_closed) => Verdict::CouldNotTell.exit_code(),
    }
}
