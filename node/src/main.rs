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
    let surroundings = Surroundings { seams: Seams::system(), locale: Language::of_environment(), folder };
    ExitCode::from(carry_out(arguments, surroundings).code())
}
