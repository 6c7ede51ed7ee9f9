//! The two languages of messages and titles.

/// A language a person reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lang {
    /// Chinese, zh-CN.
    Zh,
    /// English.
    En,
}

/// One title in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Titles {
    pub(crate) zh: String,
    pub(crate) en: String,
}

impl Titles {
    pub(crate) fn text(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }
}
