//! The languages of the text output.

use clap::ValueEnum;

/// A language of the text output; JSON is the same in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// English.
    #[value(name = "en")]
    English,
    /// 简体中文.
    #[value(name = "zh-CN")]
    Chinese,
}

impl Language {
    /// Picks the text of this language.
    pub fn pick<T>(self, english: T, chinese: T) -> T {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }
}
