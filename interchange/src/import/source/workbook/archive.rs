//! The ZIP container of a workbook, opened so that no file can make it cost more than a little memory.

use std::fmt;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use zip::ZipArchive;
use zip::result::ZipError;

use super::WorkbookFailed;
use super::xml::Xml;

/// How much of the file is read to find its parts: some 40,000 of them.
const DIRECTORY_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A container and its parts by name.
pub(crate) struct Archive<R> {
    zip: ZipArchive<Metered<R>>,
}

impl<R> fmt::Debug for Archive<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive").finish_non_exhaustive()
    }
}

/// One part, decompressed while it is read.
pub(crate) type Part<'a, R> = BufReader<zip::read::ZipFile<'a, Metered<R>>>;

impl<R: Read + Seek> Archive<R> {
    pub(crate) fn open(input: R) -> Result<Self, WorkbookFailed> {
        let left = Arc::new(AtomicU64::new(DIRECTORY_BYTES_MAX));
        let zip = ZipArchive::new(Metered { input, left: Arc::clone(&left) }).map_err(|error| {
            if left.load(Ordering::Relaxed) == 0 {
                return WorkbookFailed::TooLarge { what: "list of parts", limit: "4 MiB" };
            }
            WorkbookFailed::damaged(error.to_string())
        })?;
        left.store(u64::MAX, Ordering::Relaxed);
        Ok(Self { zip })
    }

    pub(crate) fn has(&self, part: &str) -> bool {
        self.zip.index_for_name(part).is_some()
    }

    /// The XML of a part, of which at most `bytes_max` are read.
    pub(crate) fn xml(&mut self, part: &str, bytes_max: u64) -> Result<Xml<Part<'_, R>>, WorkbookFailed> {
        let file = self.zip.by_name(part).map_err(|error| {
            if matches!(error, ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED)) {
                return WorkbookFailed::Encrypted;
            }
            WorkbookFailed::damaged(format!("{part:?}: {error}"))
        })?;
        Ok(Xml::new(BufReader::with_capacity(64 * 1024, file), part, bytes_max))
    }
}

/// A file of which only so many bytes may be read for the time being.
pub(crate) struct Metered<R> {
    input: R,
    left: Arc<AtomicU64>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.left.load(Ordering::Relaxed);
        let wanted = out.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if wanted == 0 && !out.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the list of parts is too long"));
        }
        let read = self.input.read(out.get_mut(..wanted).unwrap_or_default())?;
        self.left.store(left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX)), Ordering::Relaxed);
        Ok(read)
    }
}

impl<R: Seek> Seek for Metered<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.input.seek(to)
    }
}
