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

/// The most characters a title or label may have.
pub(crate) const TITLE_CHARS_MAX: usize = 200;

/// Whether people can be shown a text among others: one line, and nothing that changes how the text around it is shown.
pub(crate) fn is_title(text: &str) -> bool {
    (1..=TITLE_CHARS_MAX).contains(&text.chars().count())
        && !text.trim().is_empty()
        && !text.chars().any(changes_others)
}

/// A text of a catalogue in a sentence, cut short, and without what changes how the text around it is shown.
pub(crate) fn in_sentence(text: &str) -> String {
    text.chars().map(|c| if changes_others(c) { '\u{fffd}' } else { c }).take(TITLE_CHARS_MAX).collect()
}

/// Control characters, line and paragraph separators, and marks of writing direction.
fn changes_others(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
