//! A file whose encoding and delimiter are settled, to be read from its start as often as needed.

use std::io::{self, Read, Seek, SeekFrom};

use super::decoded::Decoded;
use super::encoding::{Detected, Encoding, detect};
use super::header::choose_delimiter;
use super::mapping::Mapping;
use super::pipeline::ImportFault;
use super::rows::{ReadRowsFailed, Rows};

/// How much of a file is looked at to tell its delimiter.
const START_BYTES: u64 = 256 * 1024;

#[derive(Debug)]
pub(crate) struct Opened<R> {
    input: R,
    pub(crate) detected: Detected,
    pub(crate) delimiter: u8,
}

impl<R: Read + Seek> Opened<R> {
    /// Settles encoding and delimiter; what is forced wins over what the mapping says.
    pub(crate) fn open(
        mut input: R,
        mapping: &Mapping,
        encoding: Option<Encoding>,
        delimiter: Option<u8>,
    ) -> Result<Self, ImportFault> {
        let detected = detect(&mut input, encoding.or(mapping.encoding))?;
        let mut opened = Self { input, detected, delimiter: b',' };
        let start = opened.start().map_err(ReadRowsFailed::Read)?;
        if start.iter().all(u8::is_ascii_whitespace) {
            return Err(ImportFault::Empty);
        }
        opened.delimiter =
            delimiter.or(mapping.delimiter).unwrap_or_else(|| choose_delimiter(&start, mapping));
        Ok(opened)
    }

    fn start(&mut self) -> io::Result<Vec<u8>> {
        let mut start = Vec::new();
        self.text()?.take(START_BYTES).read_to_end(&mut start)?;
        Ok(start)
    }

    /// The text from its first character, without byte order mark.
    fn text(&mut self) -> io::Result<Decoded<&mut R>> {
        self.input.seek(SeekFrom::Start(if self.detected.bom { 3 } else { 0 }))?;
        Ok(Decoded::new(&mut self.input, self.detected.encoding))
    }

    /// The rows from the first.
    pub(crate) fn rows(&mut self) -> Result<Rows<Decoded<&mut R>>, ReadRowsFailed> {
        let delimiter = self.delimiter;
        Ok(Rows::new(self.text()?, delimiter))
    }
}
