//! `safeharbor-node`: wires the operating system's seams to the command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser as _;
use safeharbor_node::command_line::{Arguments, Surroundings, carry_out};
use safeharbor_node::opening::Seams;
use safeharbor_node::speech::Language;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let surroundings =
        Surroundings { seams: Seams::system(), locale: Language::of_locale(&locale()), folder };
    ExitCode::from(carry_out(arguments, surroundings).code())
}

/// The locale as POSIX orders the variables.
#[expect(clippy::disallowed_methods, reason = "the locale is the terminal's, not a setting of the node")]
fn locale() -> String {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    set("LC_ALL").or_else(|| set("LC_MESSAGES")).or_else(|| set("LANG")).unwrap_or_default()
}
