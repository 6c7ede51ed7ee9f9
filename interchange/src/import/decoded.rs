//! A file's text as a stream of UTF-8 bytes, whatever encoding it is stored in.

use std::fmt;
use std::io::{self, BufRead, Read};

use encoding_rs::{Decoder, DecoderResult};

use super::encoding::Encoding;

const BLOCK_BYTES: usize = 64 * 1024;

/// Decodes strictly while reading; at most two blocks are in memory.
pub(crate) struct Decoded<R> {
    input: R,
    decoder: Decoder,
    raw: Vec<u8>,
    raw_start: usize,
    raw_end: usize,
    ended: bool,
    text: Vec<u8>,
    text_start: usize,
    text_end: usize,
}

impl<R> fmt::Debug for Decoded<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoded").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl<R: Read> Decoded<R> {
    /// Reads `input` from where it stands.
    pub(crate) fn new(input: R, encoding: Encoding) -> Self {
        Self {
            input,
            decoder: encoding.decoder(),
            raw: vec![0; BLOCK_BYTES],
            raw_start: 0,
            raw_end: 0,
            ended: false,
            text: vec![0; BLOCK_BYTES],
            text_start: 0,
            text_end: 0,
        }
    }

    fn read_raw(&mut self) -> io::Result<()> {
        self.raw_start = 0;
        self.raw_end = loop {
            match self.input.read(&mut self.raw) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.ended = self.raw_end == 0;
        Ok(())
    }

    fn decode_block(&mut self) -> io::Result<()> {
        let bytes = self.raw.get(self.raw_start..self.raw_end).unwrap_or_default();
        let (result, read, written) =
            self.decoder.decode_to_utf8_without_replacement(bytes, &mut self.text, self.ended);
        self.raw_start = self.raw_start.saturating_add(read);
        self.text_start = 0;
        self.text_end = written;
        match result {
            DecoderResult::Malformed(..) => {
                Err(io::Error::new(io::ErrorKind::InvalidData, "the file changed while it was being read"))
            }
            DecoderResult::InputEmpty | DecoderResult::OutputFull => Ok(()),
        }
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut text = self.fill_buf()?;
        let length = text.read(out)?;
        self.consume(length);
        Ok(length)
    }
}

impl<R: Read> BufRead for Decoded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.text_start == self.text_end && !(self.ended && self.raw_start == self.raw_end) {
            if self.raw_start == self.raw_end {
                self.read_raw()?;
            }
            self.decode_block()?;
        }
        Ok(self.text.get(self.text_start..self.text_end).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.text_start = self.text_start.saturating_add(amount).min(self.text_end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gbk_and_utf8_give_the_same_text_across_block_borders() {
        let text = "a成果编号,石墨烯\r\n".repeat(20_000);
        let gbk = encoding_rs::GBK.encode(&text).0.into_owned();
        for (bytes, encoding) in [(gbk.as_slice(), Encoding::Gb18030), (text.as_bytes(), Encoding::Utf8)] {
            let mut out = String::new();
            Decoded::new(bytes, encoding).read_to_string(&mut out).unwrap();
            assert!(out == text);
        }
    }

    #[test]
    fn a_file_cut_inside_a_character_is_an_error() {
        let mut out = String::new();
        let cut = "成".as_bytes().get(..2).unwrap();
        assert!(Decoded::new(cut, Encoding::Utf8).read_to_string(&mut out).is_err());
    }
}
