//! The texts of a workbook, which cells refer to by number: one block of memory, and no more than its limit.

use std::io::BufRead;

use crate::import::source::row::ReadRowsFailed;
use crate::import::source::workbook::xml::{Node, Xml};
use crate::import::source::workbook::{WorkbookFailed, push_within_limit};

/// The most XML read of the texts, in bytes.
pub(crate) const XML_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// The most text kept, in bytes of UTF-8.
const TEXT_BYTES_MAX: usize = 128 * 1024 * 1024;
/// The most texts kept.
const TEXTS_MAX: usize = 8 * 1024 * 1024;

#[derive(Debug, Default)]
pub(crate) struct Strings {
    text: String,
    ends: Vec<u32>,
}

impl Strings {
    pub(crate) fn read<R: BufRead>(mut xml: Xml<R>) -> Result<Self, ReadRowsFailed> {
        let mut strings = Self::default();
        let mut item = String::new();
        let mut reading = RichText::default();
        loop {
            match xml.next()? {
                Node::Open(tag) => reading.open(tag.name()),
                Node::Text(text) => reading.text(&text, &mut item)?,
                Node::Close(tag) if tag.name() == "si" => {
                    strings.push(&unescaped(&item))?;
                    item.clear();
                }
                Node::Close(tag) => reading.close(tag.name()),
                Node::End => return Ok(strings),
            }
        }
    }

    fn push(&mut self, text: &str) -> Result<(), WorkbookFailed> {
        if self.text.len().saturating_add(text.len()) > TEXT_BYTES_MAX || self.ends.len() >= TEXTS_MAX {
            return Err(WorkbookFailed::TooLarge { what: "texts", limit: "128 MiB or 8 million" });
        }
        self.text.push_str(text);
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        Ok(())
    }

    pub(crate) fn get(&self, index: usize) -> Option<&str> {
        let place = |end: u32| usize::try_from(end).ok();
        let end = place(*self.ends.get(index)?)?;
        let start = match index.checked_sub(1) {
            Some(before) => place(*self.ends.get(before)?)?,
            None => 0,
        };
        self.text.get(start..end)
    }
}

/// Collects the text of `t` elements, but not how it is pronounced (`rPh`).
#[derive(Debug, Default)]
pub(crate) struct RichText {
    in_text: bool,
    in_phonetic: bool,
}

impl RichText {
    pub(crate) fn open(&mut self, name: &str) {
        match name {
            "t" => self.in_text = !self.in_phonetic,
            "rPh" => self.in_phonetic = true,
            _ => {}
        }
    }

    pub(crate) fn close(&mut self, name: &str) {
        match name {
            "t" => self.in_text = false,
            "rPh" => self.in_phonetic = false,
            _ => {}
        }
    }

    pub(crate) fn text(&self, text: &str, into: &mut String) -> Result<(), WorkbookFailed> {
        if self.in_text { push_within_limit(into, text) } else { Ok(()) }
    }
}

/// Control characters, which XML cannot hold, as `_x000D_`.
pub(crate) fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("_x") {
        plain.push_str(before);
        match escaped(behind) {
            Some((character, behind)) => {
                plain.push(character);
                rest = behind;
            }
            None => {
                plain.push_str("_x");
                rest = behind;
            }
        }
    }
    plain.push_str(rest);
    plain
}

fn escaped(text: &str) -> Option<(char, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let character = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex).and_then(char::from_u32)?;
    Some((character, rest.strip_prefix('_')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_kept_without_their_pronunciation() {
        let xml = "<sst><si><t>一</t></si><si><r><t>a </t></r><r><t>b</t></r><rPh><t>x</t></rPh></si><si/><si><t>1_x000D_2</t></si></sst>";
        let strings = Strings::read(Xml::new(xml.as_bytes(), "s", 1_000)).unwrap();
        let texts: Vec<_> = (0..5).map(|index| strings.get(index)).collect();
        assert_eq!(texts, [Some("一"), Some("a b"), Some(""), Some("1\r2"), None]);
    }

    #[test]
    fn escapes_are_undone_and_nothing_else() {
        for (text, wanted) in [
            ("a_x000A_b", "a\nb"),
            ("_x005F_x000A_", "_x000A_"),
            ("_x00", "_x00"),
            ("_xZZZZ_", "_xZZZZ_"),
            ("", ""),
        ] {
            assert_eq!(unescaped(text), wanted);
        }
    }
}
