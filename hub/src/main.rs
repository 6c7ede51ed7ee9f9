//! `safeharbor-hub`: wires the operating system's seams to the command line.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use safeharbor_hub::command_line::{Arguments, Surroundings, carry_out};
use safeharbor_service::clock::SystemClock;
use safeharbor_service::random::SystemRandom;
use safeharbor_service::speech::{Exit, Language};

/// Many small strings a statement, freed on other threads: the system allocator takes a tenth of the time there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(refused) => {
            // Nothing can be done where standard error is closed.
            writeln!(std::io::stderr(), "safeharbor-hub: {refused}").ok();
            return ExitCode::from(Exit::Unavailable.code());
        }
    };
    let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let surroundings = Surroundings { clock, random, locale: Language::of_environment(), folder };
    let exit = carry_out(arguments, surroundings, &runtime);
    // A thread that hangs in a broken device must not keep the process from ending.
    runtime.shutdown_timeout(std::time::Duration::from_secs(10));
    ExitCode::from(exit.code())
}
