//! Texts of BIFF8: one or two bytes a character, which may change where a text goes on in another record.

use super::biff::{Record, Records, kind, u16_at, u32_at};
use crate::import::source::workbook::WorkbookFailed;

/// The most text of the table of texts that is kept, in bytes of UTF-8.
const TEXT_BYTES_MAX: usize = 128 * 1024 * 1024;

/// A text with its length in 16 bits (`XLUnicodeString`) at `at`.
pub(crate) fn long_text(body: &[u8], at: usize) -> Option<String> {
    let length = usize::from(u16_at(body, at)?);
    text(body, at.checked_add(2)?, length)
}

/// A text with its length in 8 bits (`ShortXLUnicodeString`) at `at`.
pub(crate) fn short_text(body: &[u8], at: usize) -> Option<String> {
    let length = usize::from(*body.get(at)?);
    text(body, at.checked_add(1)?, length)
}

fn text(body: &[u8], at: usize, length: usize) -> Option<String> {
    let wide = body.get(at)? & 1 == 1;
    let mut units = Vec::new();
    take_units(body.get(at.checked_add(1)?..)?, wide, length, &mut units)?;
    Some(String::from_utf16_lossy(&units))
}

fn take_units(bytes: &[u8], wide: bool, count: usize, into: &mut Vec<u16>) -> Option<()> {
    if wide {
        let bytes = bytes.get(..count.checked_mul(2)?)?;
        into.extend(bytes.chunks_exact(2).filter_map(|unit| u16_at(unit, 0)));
    } else {
        into.extend(bytes.get(..count)?.iter().map(|&byte| u16::from(byte)));
    }
    Some(())
}

/// The texts that cells refer to by number.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    text: String,
    ends: Vec<usize>,
}

impl Texts {
    pub(crate) fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.text.get(start..end)
    }

    /// Reads the table that begins with `first` and goes on in the records behind it.
    pub(crate) fn read(first: &Record<'_>, behind: Records<'_>) -> Result<Self, WorkbookFailed> {
        let continued = behind.take_while(|record| record.kind == kind::CONTINUE).map(|record| record.body);
        let bodies = std::iter::once(first.body).chain(continued).collect();
        let count = u32_at(first.body, 4).and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
        let mut pieces = Pieces { bodies, body: 0, at: 8 };
        let mut texts = Self::default();
        for _ in 0..count {
            let text = pieces.text().ok_or_else(|| WorkbookFailed::damaged("its texts"))?;
            if texts.text.len().saturating_add(text.len()) > TEXT_BYTES_MAX {
                return Err(WorkbookFailed::TooLarge { what: "texts", limit: "128 MiB" });
            }
            texts.text.push_str(&text);
            texts.ends.push(texts.text.len());
        }
        Ok(texts)
    }
}

/// Reads across the borders of records.
struct Pieces<'s> {
    bodies: Vec<&'s [u8]>,
    body: usize,
    at: usize,
}

impl<'s> Pieces<'s> {
    /// What is left of the present record; the next one's body where nothing is.
    fn rest(&mut self) -> Option<&'s [u8]> {
        loop {
            let body = *self.bodies.get(self.body)?;
            match body.get(self.at..) {
                Some(rest) if !rest.is_empty() => return Some(rest),
                _ => {
                    self.body = self.body.checked_add(1)?;
                    self.at = 0;
                }
            }
        }
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.rest()?.first()?;
        self.at = self.at.checked_add(1)?;
        Some(byte)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        let mut number = 0_usize;
        for place in 0..bytes {
            let shift = u32::try_from(place.checked_mul(8)?).ok()?;
            number |= usize::from(self.byte()?).checked_shl(shift)?;
        }
        Some(number)
    }

    fn skip(&mut self, mut bytes: usize) -> Option<()> {
        while bytes > 0 {
            let step = self.rest()?.len().min(bytes);
            self.at = self.at.checked_add(step)?;
            bytes = bytes.checked_sub(step)?;
        }
        Some(())
    }

    /// One text (`XLUnicodeRichExtendedString`, 2.5.293) without its formatting and its pronunciation.
    fn text(&mut self) -> Option<String> {
        let mut left = self.number(2)?;
        let flags = self.byte()?;
        let runs = if flags & 8 == 0 { 0 } else { self.number(2)? };
        let extension = if flags & 4 == 0 { 0 } else { self.number(4)? };
        let mut wide = flags & 1 == 1;
        let mut units = Vec::new();
        while left > 0 {
            let body = self.body;
            let mut rest = self.rest()?;
            if self.body != body {
                // A text that goes on in the next record says there again how wide its characters are.
                wide = self.byte()? & 1 == 1;
                rest = self.rest()?;
            }
            let width = if wide { 2 } else { 1 };
            let count = (rest.len() / width).min(left);
            if count == 0 {
                return None;
            }
            take_units(rest, wide, count, &mut units)?;
            self.at = self.at.checked_add(count.checked_mul(width)?)?;
            left = left.checked_sub(count)?;
        }
        self.skip(runs.checked_mul(4)?.checked_add(extension)?)?;
        Some(String::from_utf16_lossy(&units))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_goes_on_in_the_next_record_in_another_width() {
        let first = [&[2, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0][..], b"ab"].concat();
        let second = [&[1, 0x10, 0x62, 0x9C, 0x67][..], &[1, 0, 8, 1, 0, b'x', 9, 9, 9, 9]].concat();
        let stream = [&[0x3C, 0, u8::try_from(second.len()).unwrap(), 0][..], &second].concat();
        let record = Record { start: 0, kind: kind::SST, body: &first };
        let texts = Texts::read(&record, Records::from(&stream, 0)).unwrap();
        assert_eq!((texts.get(0), texts.get(1), texts.get(2)), (Some("ab成果"), Some("x"), None));
    }

    #[test]
    fn a_count_without_texts_is_refused() {
        let first = [255, 255, 255, 255, 255, 255, 255, 127];
        let record = Record { start: 0, kind: kind::SST, body: &first };
        assert!(Texts::read(&record, Records::from(&[], 0)).is_err());
    }
}
