//! The command line: commands, the options all of them share, and what `--help` says.

use clap::{Parser, Subcommand};

use crate::language::Language;
use crate::progress::Progress;
use crate::report::{Describe, Format, Verdict, render};
use crate::{disclosure, log, objection::Objection, receipt};

const EXIT_CODES: &str = "Exit codes: 0 verified, 1 refuted, 2 wrong usage, 3 could not tell (a file or key is missing, unreadable or cannot be fetched).
The verdict is on standard output. Nothing is fetched but from an address you name, nothing written but where you say.";

/// Checks receipts, disclosures and logs of a safe-harbour registry (安全港登记簿), offline.
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
}

impl CommandLine {
    /// Runs the command and returns its verdict with what is to be printed.
    #[must_use]
    pub fn run(&self) -> (Verdict, String) {
        match &self.command {
            Command::Receipt(arguments) => self.finish(&receipt::run(arguments)),
            Command::Disclosure(arguments) => self.finish(&disclosure::run(arguments)),
            Command::Log(arguments) => self.finish(&log::run(arguments, &self.progress())),
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
