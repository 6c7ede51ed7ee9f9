//! A text file whose encoding is settled, to be read from its start as often as needed.

use std::io::{self, Read, Seek, SeekFrom};

use crate::import::decoded::Decoded;
use crate::import::encoding::Detected;

/// How much of a file is looked at to tell its delimiter or format.
const START_BYTES: u64 = 256 * 1024;

#[derive(Debug)]
pub(crate) struct TextFile<R> {
    input: R,
    pub(crate) detected: Detected,
}

impl<R: Read + Seek> TextFile<R> {
    pub(crate) fn new(input: R, detected: Detected) -> Self {
        Self { input, detected }
    }

    /// The text from its first character, without byte order mark.
    pub(crate) fn text(&mut self) -> io::Result<Decoded<&mut R>> {
        self.input.seek(SeekFrom::Start(self.detected.text_start()))?;
        Ok(Decoded::new(&mut self.input, self.detected.encoding))
    }

    /// The first part of the text.
    pub(crate) fn start(&mut self) -> io::Result<Vec<u8>> {
        let mut start = Vec::new();
        self.text()?.take(START_BYTES).read_to_end(&mut start)?;
        Ok(start)
    }
}
