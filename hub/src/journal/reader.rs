//! Reading the journal from a position on.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::frame::{BODY_BYTES_MAX, DecodeFrameFailed, Frame, HEADER_BYTES};
use super::segment::{FIRST_OFFSET, JournalFailed, MAGIC, Position, failed, list_segments, segment_path};

/// A frame and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Where it begins.
    pub position: Position,
    /// The frame.
    pub frame: Frame,
}

/// Reads frames in order, segment by segment, with bounded memory.
#[derive(Debug)]
pub struct JournalReader {
    folder: PathBuf,
    segments: std::vec::IntoIter<u64>,
    open: Option<OpenSegment>,
}

#[derive(Debug)]
struct OpenSegment {
    file: File,
    path: PathBuf,
    first: u64,
    buffer: Vec<u8>,
    /// Where `buffer` begins in the file, and how much of it is consumed.
    start: u64,
    consumed: usize,
    at_end: bool,
}

const READ_BYTES: usize = 1 << 20;

impl JournalReader {
    /// Begins at the first frame.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn from_start(folder: &Path) -> Result<Self, JournalFailed> {
        let segments = list_segments(folder)?.into_iter();
        Ok(Self { folder: folder.to_owned(), segments, open: None })
    }

    /// Begins at the frame at `position`.
    ///
    /// # Errors
    /// The folder cannot be listed or the segment not opened.
    pub fn from_position(folder: &Path, position: Position) -> Result<Self, JournalFailed> {
        let mut segments = list_segments(folder)?;
        segments.retain(|first| *first > position.segment);
        let mut open = OpenSegment::open(folder, position.segment)?;
        open.seek(position.offset)?;
        Ok(Self { folder: folder.to_owned(), segments: segments.into_iter(), open: Some(open) })
    }

    /// The byte behind the frame that came last, in its segment.
    pub(super) fn offset(&self) -> u64 {
        self.open.as_ref().map_or(0, OpenSegment::offset)
    }

    /// The next frame; `None` after the last one.
    ///
    /// # Errors
    /// A frame that is damaged or cut short, wherever it stands.
    pub fn next_frame(&mut self) -> Result<Option<Stored>, JournalFailed> {
        loop {
            if self.open.is_none() {
                match self.segments.next() {
                    Some(first) => self.open = Some(OpenSegment::open(&self.folder, first)?),
                    None => return Ok(None),
                }
            }
            if let Some(open) = &mut self.open
                && let Some(stored) = open.next_frame()?
            {
                return Ok(Some(stored));
            }
            self.open = None;
        }
    }
}

impl OpenSegment {
    fn open(folder: &Path, first: u64) -> Result<Self, JournalFailed> {
        let path = segment_path(folder, first);
        let mut file = File::open(&path).map_err(failed("open", &path))?;
        let mut magic = [0; MAGIC.len()];
        file.read_exact(&mut magic).map_err(failed("read", &path))?;
        if magic != *MAGIC {
            return Err(JournalFailed::Format { path });
        }
        Ok(Self { file, path, first, buffer: Vec::new(), start: FIRST_OFFSET, consumed: 0, at_end: false })
    }

    fn seek(&mut self, offset: u64) -> Result<(), JournalFailed> {
        self.file.seek(SeekFrom::Start(offset)).map_err(failed("read", &self.path))?;
        self.start = offset;
        Ok(())
    }

    fn offset(&self) -> u64 {
        self.start.saturating_add(u64::try_from(self.consumed).unwrap_or(u64::MAX))
    }

    fn next_frame(&mut self) -> Result<Option<Stored>, JournalFailed> {
        loop {
            let rest = self.buffer.get(self.consumed..).unwrap_or_default();
            if rest.is_empty() && self.at_end {
                return Ok(None);
            }
            match Frame::decode(rest) {
                Ok((frame, length)) => {
                    let position = Position { segment: self.first, offset: self.offset() };
                    self.consumed = self.consumed.saturating_add(length);
                    return Ok(Some(Stored { position, frame }));
                }
                Err(DecodeFrameFailed::Short) if !self.at_end => self.fill()?,
                Err(source) => {
                    let offset = self.offset();
                    return Err(JournalFailed::Damaged { path: self.path.clone(), offset, source });
                }
            }
        }
    }

    fn fill(&mut self) -> Result<(), JournalFailed> {
        self.start = self.offset();
        self.buffer.drain(..self.consumed.min(self.buffer.len()));
        self.consumed = 0;
        let before = self.buffer.len();
        let wanted = READ_BYTES.max(BODY_BYTES_MAX.saturating_add(HEADER_BYTES));
        let limit = u64::try_from(wanted.saturating_sub(before).max(1)).unwrap_or(u64::MAX);
        let read = self.file.by_ref().take(limit).read_to_end(&mut self.buffer);
        self.at_end = read.map_err(failed("read", &self.path))? == 0;
        Ok(())
    }
}
