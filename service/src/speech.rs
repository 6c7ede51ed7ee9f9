//! What a command says: data on standard output, all else on standard error, in the person's language.

use std::fmt;
use std::io::{self, Write};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::clock;

/// A language a person reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
pub enum Language {
    /// 中文
    #[default]
    #[value(name = "zh", alias = "zh-CN")]
    #[serde(rename = "zh", alias = "zh-CN")]
    Zh,
    /// English
    #[value(name = "en")]
    #[serde(rename = "en")]
    En,
}

impl Language {
    /// The language of a locale such as `en_GB.UTF-8`; Chinese unless it is English.
    #[must_use]
    pub fn of_locale(locale: &str) -> Self {
        if locale.to_ascii_lowercase().starts_with("en") { Self::En } else { Self::Zh }
    }

    /// The language of the process's locale, read as POSIX orders the variables.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the locale is the terminal's, not a setting of the server"
    )]
    pub fn of_environment() -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = set("LC_ALL").or_else(|| set("LC_MESSAGES")).or_else(|| set("LANG"));
        Self::of_locale(&locale.unwrap_or_default())
    }

    /// The one of two texts that is in this language.
    #[must_use]
    pub fn pick<T>(self, zh: T, en: T) -> T {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
}

/// The form of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Refused, or done in part.
    Refused,
    /// The command line is wrong.
    Usage,
    /// It cannot be told or done at the moment.
    Unavailable,
}

impl Exit {
    /// The process's exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Usage => 2,
            Self::Unavailable => 3,
        }
    }

    /// What a number means; one that nobody gives is taken for the worst.
    #[must_use]
    pub const fn of_code(code: u8) -> Self {
        match code {
            0 => Self::Done,
            1 => Self::Refused,
            2 => Self::Usage,
            _ => Self::Unavailable,
        }
    }
}

/// Where a command speaks.
pub struct Speech<'w> {
    /// Data.
    pub out: &'w mut dyn Write,
    /// All else.
    pub err: &'w mut (dyn Write + Send),
    /// In which language.
    pub language: Language,
    /// In which form data goes.
    pub format: Format,
    /// Whether all else goes to a terminal.
    pub terminal: bool,
}

impl fmt::Debug for Speech<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Speech({:?}, {:?})", self.language, self.format)
    }
}

impl Speech<'_> {
    /// A line of data.
    ///
    /// # Errors
    /// Nobody reads.
    pub fn data(&mut self, line: impl fmt::Display) -> io::Result<()> {
        writeln!(self.out, "{line}")
    }

    /// Data for programs.
    ///
    /// # Errors
    /// Nobody reads.
    pub fn json(&mut self, value: &serde_json::Value) -> io::Result<()> {
        writeln!(self.out, "{value:#}")
    }

    /// A line for the person.
    ///
    /// # Errors
    /// Nobody reads.
    pub fn note(&mut self, line: impl fmt::Display) -> io::Result<()> {
        writeln!(self.err, "{line}")
    }

    /// The one of two texts that is in the language.
    pub fn pick<T>(&self, zh: T, en: T) -> T {
        self.language.pick(zh, en)
    }
}

/// An error with all its causes on one line.
#[must_use]
pub fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// A time for people: to the second, in UTC.
#[must_use]
pub fn moment(unix_ms: u64) -> String {
    let text = clock::to_rfc3339(unix_ms);
    let second = text.split('.').next().unwrap_or_default();
    format!("{} UTC", second.replace('T', " "))
}

/// A time for people who make plans by it: to the minute, in the district.
#[must_use]
pub fn district_moment(unix_ms: u64) -> String {
    clock::to_district_datetime(unix_ms).strftime("%Y-%m-%d %H:%M (UTC+8)").to_string()
}

/// How long something takes on a terminal: most characters of Chinese are two cells wide.
#[must_use]
pub fn width(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

fn is_wide(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' | '\u{20000}'..='\u{3fffd}')
}

/// `text` with spaces behind it up to a width.
#[must_use]
pub fn padded(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(width(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_takes_two_cells() {
        for (text, cells) in [("", 0), ("abc", 3), ("成果", 4), ("成果 A", 6), ("（）", 4)] {
            assert_eq!(width(text), cells, "{text}");
        }
        assert_eq!(padded("成果", 6), "成果  ");
    }

    #[test]
    fn the_language_follows_the_locale() {
        for (locale, language) in [
            ("en_GB.UTF-8", Language::En),
            ("zh_CN.UTF-8", Language::Zh),
            ("C", Language::Zh),
            ("", Language::Zh),
        ] {
            assert_eq!(Language::of_locale(locale), language, "{locale}");
        }
    }

    #[test]
    fn a_moment_is_read_to_the_second() {
        assert_eq!(moment(1_778_311_773_120), "2026-05-09 07:29:33 UTC");
    }
}
