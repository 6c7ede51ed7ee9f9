//! What a command says, gathered until it is done: data, and lines for the person.

use std::fmt::{Display, Write as _};

use safeharbor_service::speech::{Exit, Format, Language};

use super::CommandFailed;

/// What a command said and how it ended.
pub struct Reply {
    /// Data.
    pub out: String,
    /// All else.
    pub err: String,
    /// How it ended.
    pub exit: Exit,
    language: Language,
    format: Format,
}

impl std::fmt::Debug for Reply {
    /// Data may be an invitation or a one-time code.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reply({:?}, {} bytes withheld)", self.exit, self.out.len())
    }
}

impl Reply {
    /// Nothing said yet.
    #[must_use]
    pub const fn new(language: Language, format: Format) -> Self {
        Self { out: String::new(), err: String::new(), exit: Exit::Done, language, format }
    }

    /// Whether data goes to a program.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// In which language the person reads.
    #[must_use]
    pub const fn language(&self) -> Language {
        self.language
    }

    /// The one of two texts that is in the person's language.
    pub fn pick<T>(&self, zh: T, en: T) -> T {
        self.language.pick(zh, en)
    }

    /// A line of data.
    pub fn data(&mut self, line: impl Display) {
        // Writing to a string does not fail.
        writeln!(self.out, "{line}").ok();
    }

    /// Data for programs.
    pub fn json(&mut self, value: &serde_json::Value) {
        writeln!(self.out, "{value:#}").ok();
    }

    /// A line for the person.
    pub fn note(&mut self, line: impl Display) {
        writeln!(self.err, "{line}").ok();
    }

    pub(super) fn fail(&mut self, failed: &CommandFailed) {
        let head = self.pick("未能完成：", "");
        self.note(format_args!("{head}{}", failed.text(self.language)));
        self.exit = failed.exit();
    }
}
