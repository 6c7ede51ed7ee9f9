//! The command line: commands, the options all of them share, and what `--help` says.

use clap::{Parser, Subcommand};

use crate::language::Language;
use crate::progress::Progress;
use crate::report::{Describe, Format, Verdict, render};
use crate::{
    chain, clock, disclosure, evidence, log, mirror, monitor, objection::Objection, patience, receipt,
};

const EXIT_CODES: &str = "Exit codes: 0 verified, 1 refuted, 2 wrong usage, 3 could not tell (a file or key is missing, unreadable or cannot be fetched),
4 alarm (the registry is behind what was verified before).
The verdict is on standard output. Nothing is fetched but from an address you name, nothing written but where you say.";

const MONITOR_CODES: &str = "Exit codes: 1 when a fork is proven, which ends the monitor; it goes on after everything else. With --once the worst
of what was seen: 0 verified, 1 refuted, 2 wrong usage, 3 could not tell (also: no answer), 4 alarm (behind or silent).
One line for each thing seen, on standard output; with --format json one object a line. Stop it at any time and start it again.";

/// Checks receipts, disclosures and logs of a safe-harbour registry (安全港登记簿).
#[derive(Parser, Debug)]
#[command(name = "safeharbor-verify", version, after_help = EXIT_CODES)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Command,
    /// How the verdict is printed.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The language of the text.
    #[arg(long, global = true, value_enum, default_value_t = Language::English)]
    lang: Language,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Verifies that an entry is in the registry, as a receipt (回执) says.
    #[command(after_help = EXIT_CODES)]
    Receipt(receipt::Arguments),
    /// Verifies a statement with what it reveals (披露), and prints the revealed claims.
    #[command(after_help = EXIT_CODES)]
    Disclosure(disclosure::Arguments),
    /// Verifies a whole registry: every entry, tile, chain and public statement.
    #[command(after_help = EXIT_CODES)]
    Log(log::Arguments),
    /// Verifies one institution's history: numbers without a gap, links, keys, standing (声明链).
    #[command(after_help = EXIT_CODES)]
    Chain(chain::Arguments),
    /// Keeps a full copy of a registry in which every byte was verified (镜像).
    #[command(after_help = EXIT_CODES)]
    Mirror(mirror::Arguments),
    /// Follows a registry and alarms when it forks, goes back, falls silent or cannot be verified (监测).
    #[command(after_help = MONITOR_CODES)]
    Monitor(monitor::Arguments),
    /// Says what evidence proves, against whom, and how to check it by hand (证据).
    #[command(after_help = EXIT_CODES)]
    Evidence(evidence::Arguments),
}

impl CommandLine {
    /// Runs the command and returns its verdict with what is to be printed.
    #[must_use]
    pub fn run(&self) -> (Verdict, String) {
        match &self.command {
            Command::Receipt(arguments) => self.finish(&receipt::run(arguments)),
            Command::Disclosure(arguments) => self.finish(&disclosure::run(arguments)),
            Command::Log(arguments) => self.finish(&log::run(arguments, &self.progress())),
            Command::Chain(arguments) => self.finish(&chain::run(arguments, &self.progress())),
            Command::Mirror(arguments) => self.finish(&mirror::run(arguments, &self.progress())),
            Command::Monitor(arguments) => self.monitor(arguments),
            Command::Evidence(arguments) => self.finish(&evidence::run(arguments)),
        }
    }

    /// A monitor tells what it sees when it sees it; only why it could not begin is left to print.
    fn monitor(&self, arguments: &monitor::Arguments) -> (Verdict, String) {
        let wait = |duration| {
            patience::wait(duration);
            true
        };
        let time = monitor::Time { now: &clock::now, wait: &wait };
        let mut out = std::io::stdout().lock();
        match monitor::run(arguments, (self.format, self.lang), time, &mut out) {
            Ok(verdict) => (verdict, String::new()),
            Err(objection) => {
                let event = monitor::Event::Objection(objection);
                (event.verdict(), event.print(clock::now(), self.format, self.lang))
            }
        }
    }

    fn progress(&self) -> Progress {
        Progress::on_standard_error(self.lang)
    }

    fn finish<R: Describe>(&self, outcome: &Result<R, Objection>) -> (Verdict, String) {
        let verdict = outcome.as_ref().map_or_else(Objection::verdict, |_report| Verdict::Verified);
        (verdict, render(outcome, self.format, self.lang))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
