//! Texts of any length that are never in memory, and files that change.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

/// A text, a piece that repeats, a text.
#[derive(Debug)]
pub(crate) struct Long {
    head: &'static [u8],
    piece: Vec<u8>,
    times: u64,
    tail: &'static [u8],
    at: u64,
}

impl Long {
    pub(crate) fn new(head: &'static str, piece: &'static str, times: u64, tail: &'static str) -> Self {
        // Longer pieces are quicker to give.
        let (piece, times) = if times.is_multiple_of(4_096) {
            (piece.repeat(4_096), times / 4_096)
        } else {
            (piece.to_owned(), times)
        };
        Self { head: head.as_bytes(), piece: piece.into_bytes(), times, tail: tail.as_bytes(), at: 0 }
    }

    fn middle(&self) -> u64 {
        size(&self.piece) * self.times
    }

    fn end(&self) -> u64 {
        size(self.head) + self.middle() + size(self.tail)
    }

    /// Bytes from the present place on; at most to the end of the piece.
    fn here(&self) -> &[u8] {
        let index = |at: u64| usize::try_from(at).unwrap();
        let behind = self.at.saturating_sub(size(self.head));
        if self.at < size(self.head) {
            &self.head[index(self.at)..]
        } else if behind < self.middle() {
            &self.piece[index(behind % size(&self.piece))..]
        } else {
            self.tail.get(index(behind - self.middle())..).unwrap_or_default()
        }
    }
}

fn size(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap()
}

impl Read for Long {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        while written < out.len() && !self.here().is_empty() {
            let count = { self.here() }.read(&mut out[written..])?;
            self.at += u64::try_from(count).unwrap();
            written += count;
        }
        Ok(written)
    }
}

impl Seek for Long {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(back) => self.end().saturating_add_signed(back),
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

/// Gives one content until it has been read to its end so many times, then another.
#[derive(Debug)]
pub(crate) struct Changing {
    now: Cursor<Vec<u8>>,
    later: Vec<u8>,
    ends_left: u32,
}

impl Changing {
    pub(crate) fn new(first: &str, later: &str, ends: u32) -> Self {
        Self { now: Cursor::new(first.into()), later: later.into(), ends_left: ends }
    }
}

impl Read for Changing {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.now.read(out)?;
        if count == 0 && !out.is_empty() && self.ends_left > 0 {
            self.ends_left -= 1;
            if self.ends_left == 0 {
                let at = self.now.position();
                self.now = Cursor::new(std::mem::take(&mut self.later));
                self.now.set_position(at);
            }
        }
        Ok(count)
    }
}

impl Seek for Changing {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.now.seek(to)
    }
}
