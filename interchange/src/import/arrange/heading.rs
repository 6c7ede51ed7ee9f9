//! A heading between rows, such as “北京市（92所）”: its text, and whether it keeps out what stands below it.

use std::collections::BTreeSet;
use std::fmt;

use safeharbor_rules::holds_personal_id;

use crate::import::gate::is_about_secrecy;
use crate::import::source::Row;
use crate::import::text::{fold, narrow, trim};

/// Beginnings of headings that speak of secrecy to say there is none.
const OPEN: [&str; 2] = ["非涉密", "不涉密"];
/// Beginnings of headings that name a level.
const LEVELS: [&str; 3] = ["秘密", "绝密", "内部"];

/// The text of a heading; `Debug` withholds it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Heading {
    text: String,
    /// As the file has it; empty where that may not be repeated.
    whole: String,
    is_closing: bool,
}

impl fmt::Debug for Heading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Heading(text withheld, closing: {})", self.is_closing)
    }
}

impl Heading {
    /// The heading that `row` is, if a single text stands in it: in one cell, or repeated in all of a merged range.
    pub(super) fn of(row: &Row, columns: usize, until: Option<&str>) -> Option<Self> {
        let filled: Vec<&str> = row.cells().map(trim).filter(|text| !text.is_empty()).collect();
        let texts: BTreeSet<&str> = filled.iter().copied().collect();
        let is_merged = filled.len() >= columns;
        let (Some(text), 1, true) = (filled.first(), texts.len(), filled.len() == 1 || is_merged) else {
            return None;
        };
        (columns > 1).then(|| Self::parse(text, until))
    }

    fn parse(text: &str, until: Option<&str>) -> Self {
        let is_closing = keeps_out(text);
        // A heading is no place for an identity card number, and none goes into a record.
        let whole = if is_closing || holds_personal_id(text) { String::new() } else { text.to_owned() };
        let text = if holds_personal_id(text) { String::new() } else { text_until(text, until) };
        Self { text, whole, is_closing }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn as_written(&self) -> Option<&str> {
        Some(self.whole.as_str()).filter(|whole| !whole.is_empty())
    }

    pub(super) const fn is_closing(&self) -> bool {
        self.is_closing
    }
}

/// The text before `until`, which is found in full width and half width.
fn text_until(text: &str, until: Option<&str>) -> String {
    let until = until.map(narrow).unwrap_or_default();
    let cut = |text: &str| -> Option<usize> {
        if until.is_empty() {
            return None;
        }
        // `narrow` keeps the number of characters, so a place in the narrow text is one in the text.
        let narrowed = narrow(text);
        let at = narrowed.find(&*until)?;
        narrowed.get(..at).map(|before| before.chars().count())
    };
    match cut(text) {
        Some(count) => trim(&text.chars().take(count).collect::<String>()).to_owned(),
        None => text.to_owned(),
    }
}

/// Whether rows below a heading of this text are or may be secret.
fn keeps_out(text: &str) -> bool {
    let text = fold(text);
    match OPEN.iter().find_map(|open| text.strip_prefix(open)) {
        Some(rest) => is_about_secrecy(rest),
        None => is_about_secrecy(&text) || LEVELS.iter().any(|level| text.starts_with(level)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::source::{DelimitedRows, Rows};

    fn check(text: &str, columns: usize, wanted: Option<(&str, bool)>) {
        let row = Rows::new(DelimitedRows::new(text.as_bytes(), b',')).read().unwrap().unwrap();
        let heading = Heading::of(&row, columns, Some("（"));
        assert_eq!(heading.as_ref().map(|one| (one.text(), one.is_closing())), wanted, "{text}");
    }

    #[test]
    fn a_row_with_one_text_is_a_heading() {
        check("北京市（92所）,,,", 4, Some(("北京市", false)));
        check("北京市(92所),,,", 4, Some(("北京市", false)));
        check(",,北京市,", 4, Some(("北京市", false)));
        check("北京市,北京市,北京市", 3, Some(("北京市", false)));
        check("北京市,北京市,", 3, None);
        check("1,北京大学,,", 4, None);
        check("北京大学", 1, None);
        check(",,", 3, None);
    }

    #[test]
    fn a_heading_about_secrecy_keeps_out_what_is_below() {
        check("机密项目（3项）,,", 3, Some(("机密项目", true)));
        check("秘密级,,", 3, Some(("秘密级", true)));
        check("三、涉密项目,,", 3, Some(("三、涉密项目", true)));
        check("非涉密项目（20项）,,", 3, Some(("非涉密项目", false)));
        check("非涉密及涉密项目,,", 3, Some(("非涉密及涉密项目", true)));
    }

    #[test]
    fn a_heading_with_an_identity_card_number_says_nothing() {
        check("负责人 11010519491231002X,,", 3, Some(("", false)));
    }
}
