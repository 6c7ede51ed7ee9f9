//! Signs of an encoding in bytes that another one would read as well.

use std::io::{self, Read};

use super::Encoding;
use super::detecting::blocks;

/// A line is UTF-8 if this many of its characters, and all its bytes above ASCII, are; a GBK line is not by chance.
const CHARACTERS_TELL: u32 = 2;

/// Where the empty bytes of a file stand.
#[derive(Debug, Default)]
pub(super) struct Wide {
    bytes: u64,
    empty_even: u64,
    empty_odd: u64,
}

impl Wide {
    pub(super) fn see(&mut self, block: &[u8]) {
        let empty = |offset: usize| {
            let count = block.iter().skip(offset).step_by(2).filter(|&&byte| byte == 0).count();
            u64::try_from(count).unwrap_or(u64::MAX)
        };
        self.empty_even = self.empty_even.saturating_add(empty(0));
        self.empty_odd = self.empty_odd.saturating_add(empty(1));
        self.bytes = self.bytes.saturating_add(u64::try_from(block.len()).unwrap_or(u64::MAX));
    }
}

/// UTF-16 where at least a twentieth of all characters are ASCII, as delimiters and line breaks are; characters such as
/// 一 (U+4E00) have their empty byte on the other side, and are fewer.
pub(super) fn wide_without_mark(seen: &Wide) -> Option<Encoding> {
    let tells = |upper: u64, lower: u64| {
        upper >= 2 && upper.saturating_mul(40) >= seen.bytes && upper >= lower.saturating_mul(4)
    };
    if !seen.bytes.is_multiple_of(2) {
        None
    } else if tells(seen.empty_odd, seen.empty_even) {
        Some(Encoding::Utf16Le)
    } else if tells(seen.empty_even, seen.empty_odd) {
        Some(Encoding::Utf16Be)
    } else {
        None
    }
}

/// Follows UTF-8 through a line.
#[derive(Debug, Default, Clone, Copy)]
struct Utf8Line {
    /// Bytes the character still needs.
    wanted: u32,
    long: u32,
    short: u32,
    broken: bool,
}

impl Utf8Line {
    fn see(&mut self, byte: u8) {
        match (self.wanted, byte) {
            (1.., 0x80..=0xBF) => self.wanted = self.wanted.saturating_sub(1),
            (0, 0x00..=0x7F) => {}
            (0, 0xC2..=0xDF) => {
                self.wanted = 1;
                self.short = self.short.saturating_add(1);
            }
            (0, 0xE0..=0xEF) => {
                self.wanted = 2;
                self.long = self.long.saturating_add(1);
            }
            _ => self.broken = true,
        }
    }

    fn is_utf8(self, characters: u32) -> bool {
        !self.broken && self.wanted == 0 && characters >= CHARACTERS_TELL
    }
}

/// The first line that is Chinese UTF-8 from end to end, 1-based.
pub(super) fn utf8_line<R: Read>(input: &mut R) -> io::Result<Option<u64>> {
    first_line(input, |line| line.is_utf8(line.long))
}

/// The first line with letters of two or three bytes in UTF-8, which in single bytes read "Ã©", 1-based.
pub(super) fn line_of_accents_in_utf8<R: Read>(input: &mut R) -> io::Result<Option<u64>> {
    first_line(input, |line| line.is_utf8(line.long.saturating_add(line.short)))
}

fn first_line<R: Read>(input: &mut R, is_it: impl Fn(Utf8Line) -> bool) -> io::Result<Option<u64>> {
    let (mut line, mut number, mut found) = (Utf8Line::default(), 1_u64, None);
    blocks(input, |block| {
        for &byte in block {
            if byte != b'\n' {
                line.see(byte);
                continue;
            }
            if found.is_none() && is_it(line) {
                found = Some(number);
            }
            line = Utf8Line::default();
            number = number.saturating_add(1);
        }
    })?;
    Ok(found.or_else(|| is_it(line).then_some(number)))
}

/// Whether bytes above ASCII stand alone, nine times out of ten: letters with accents do, Chinese characters do not.
pub(super) fn lone_high_bytes<R: Read>(input: &mut R) -> io::Result<bool> {
    let (mut run, mut lone, mut runs) = (0_u64, 0_u64, 0_u64);
    let mut end_run = |run: &mut u64| {
        runs = runs.saturating_add(u64::from(*run > 0));
        lone = lone.saturating_add(u64::from(*run == 1));
        *run = 0;
    };
    blocks(input, |block| {
        for &byte in block {
            if byte.is_ascii() {
                end_run(&mut run);
            } else {
                run = run.saturating_add(1);
            }
        }
    })?;
    end_run(&mut run);
    Ok(lone.saturating_mul(10) >= runs.saturating_mul(9))
}
