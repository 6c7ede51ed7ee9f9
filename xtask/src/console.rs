//! The only place that prints: what the caller asked for on standard output, progress on standard error.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its terminal")]

use std::error::Error;

/// Prints a line of the answer.
pub(crate) fn answer(line: &str) {
    println!("{line}");
}

/// Prints a line of progress.
pub(crate) fn progress(line: &str) {
    eprintln!("{line}");
}

/// Prints an error with its causes, one a line.
pub(crate) fn failure(failure: &dyn Error) {
    eprintln!("xtask: {failure}");
    let mut cause = failure.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
}
