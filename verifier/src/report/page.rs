//! A page of text: labelled values, notes and tables, safe to show on a terminal.

use std::fmt;

use crate::language::Language;

/// A page in the making.
#[derive(Debug)]
pub struct Page {
    language: Language,
    rows: Vec<Row>,
}

#[derive(Debug)]
enum Row {
    Line(String),
    Field { depth: usize, label: String, value: String },
}

impl Page {
    /// An empty page.
    #[must_use]
    pub const fn new(language: Language) -> Self {
        Self { language, rows: Vec::new() }
    }

    /// The language of the page.
    #[must_use]
    pub const fn language(&self) -> Language {
        self.language
    }

    /// Adds a line that stands alone.
    pub fn line(&mut self, text: &str) {
        self.rows.push(Row::Line(visible(text)));
    }

    /// Adds a note for the reader.
    pub fn note(&mut self, english: &str, chinese: &str) {
        let text = self.language.pick(english, chinese);
        self.rows.push(Row::Line(format!("{}{}", self.language.pick("Note: ", "注："), visible(text))));
    }

    /// Adds a value with its label.
    pub fn field(&mut self, english: &str, chinese: &str, value: impl fmt::Display) {
        self.row(1, self.language.pick(english, chinese), &value.to_string());
    }

    /// Adds a value below the one before, with a label that is data itself.
    pub fn item(&mut self, label: &str, value: impl fmt::Display) {
        self.row(2, label, &value.to_string());
    }

    fn row(&mut self, depth: usize, label: &str, value: &str) {
        self.rows.push(Row::Field { depth, label: visible(label), value: visible(value) });
    }

    /// Prints the page; values of one depth stand below each other.
    #[must_use]
    pub fn print(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            match row {
                Row::Line(line) => text.push_str(line),
                Row::Field { depth, label, value } => {
                    let padding = self.width_at(*depth).saturating_sub(width(label)).saturating_add(2);
                    let indent = depth.saturating_mul(2);
                    let line = format!("{:indent$}{label}{:padding$}{value}", "", "");
                    text.push_str(line.trim_end());
                }
            }
            text.push('\n');
        }
        text
    }

    fn width_at(&self, wanted: usize) -> usize {
        let widths = self.rows.iter().map(|row| match row {
            Row::Field { depth, label, .. } if *depth == wanted => width(label),
            Row::Field { .. } | Row::Line(_) => 0,
        });
        widths.max().unwrap_or(0).min(40)
    }
}

/// The columns a text takes on a terminal: two for each CJK or full-width character.
fn width(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

const fn is_wide(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{20000}'..='\u{3ffff}')
}

/// Replaces what would move the cursor, change colours or reorder text by its escape: values are foreign data.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_invisible(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    shown
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_below_each_other() {
        let mut page = Page::new(Language::Chinese);
        page.line("通过");
        page.field("size", "条目数", 7);
        page.field("root", "树根", "abc");
        page.item("x", 1);
        assert_eq!(page.print(), "通过\n  条目数  7\n  树根    abc\n    x  1\n");
    }

    #[test]
    fn foreign_values_cannot_drive_a_terminal() {
        let mut page = Page::new(Language::English);
        page.item("a\u{1b}[2J", "b\nVERIFIED\u{202e}");
        assert_eq!(page.print(), "    a\\u{1b}[2J  b\\u{a}VERIFIED\\u{202e}\n");
    }
}
