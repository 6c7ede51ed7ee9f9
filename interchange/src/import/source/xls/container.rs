//! The compound file ([MS-CFB]) around a workbook: which sectors hold its stream, in which order.

use std::io::{Read, Seek, SeekFrom};

use super::biff::{u16_at, u32_at};
use crate::import::source::row::ReadRowsFailed;
use crate::import::source::workbook::WorkbookFailed;

/// The largest file of this format, in bytes; 65,536 rows do not need more.
pub(crate) const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
const HEADER_BYTES: usize = 512;
const ENTRY_BYTES: usize = 128;
/// Sector numbers from here on mean "none".
const SECTOR_MAX: u32 = 0xFFFF_FFFA;
/// Streams shorter than this lie in small sectors.
const SMALL_STREAM_BYTES: usize = 4_096;
const SMALL_SECTOR_BYTES: usize = 64;

/// The stream that holds the workbook.
pub(crate) fn workbook_stream<R: Read + Seek>(mut input: R) -> Result<Vec<u8>, ReadRowsFailed> {
    let mut file = Vec::new();
    input.seek(SeekFrom::Start(0))?;
    input.take(FILE_BYTES_MAX.saturating_add(1)).read_to_end(&mut file)?;
    if u64::try_from(file.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        return Err(WorkbookFailed::TooLarge { what: "bytes in a file of Excel 97", limit: "64 MiB" }.into());
    }
    let container = Container::open(&file).ok_or_else(|| WorkbookFailed::damaged("its container"))?;
    Ok(container.workbook()?)
}

struct Container<'f> {
    file: &'f [u8],
    sector_bytes: usize,
    /// Sector to the one behind it.
    next: Vec<u32>,
    directory: Vec<u8>,
}

/// A stream or folder of the directory.
struct Entry {
    name: String,
    first: u32,
    length: usize,
}

impl<'f> Container<'f> {
    fn open(file: &'f [u8]) -> Option<Self> {
        let sector_bytes = match u16_at(file, 30)? {
            9 => 512,
            12 => 4_096,
            _ => return None,
        };
        let mut container = Self { file, sector_bytes, next: Vec::new(), directory: Vec::new() };
        for sector in container.table_sectors()? {
            let bytes = container.sector(sector)?;
            container.next.extend((0..bytes.len() / 4).filter_map(|at| u32_at(bytes, at.checked_mul(4)?)));
        }
        container.directory = container.chain(u32_at(file, 48)?, usize::MAX)?;
        Some(container)
    }

    /// The sectors that hold the table of sectors: the first 109 in the header, the others in a chain of their own.
    fn table_sectors(&self) -> Option<Vec<u32>> {
        let in_header =
            (0..109).filter_map(|at: usize| u32_at(self.file, at.checked_mul(4)?.checked_add(76)?));
        let mut sectors: Vec<u32> = in_header.filter(|&sector| sector < SECTOR_MAX).collect();
        let mut further = u32_at(self.file, 68)?;
        let last = self.sector_bytes.checked_sub(4)?;
        let mut left = self.file.len() / self.sector_bytes;
        while further < SECTOR_MAX {
            left = left.checked_sub(1)?;
            let bytes = self.sector(further)?;
            let listed = (0..last / 4).filter_map(|at| u32_at(bytes, at.checked_mul(4)?));
            sectors.extend(listed.filter(|&sector| sector < SECTOR_MAX));
            further = u32_at(bytes, last)?;
        }
        (sectors.len() <= self.file.len() / self.sector_bytes).then_some(sectors)
    }

    fn sector(&self, number: u32) -> Option<&'f [u8]> {
        // The header takes the room of one sector, also where sectors are longer than it.
        let start = usize::try_from(number).ok()?.checked_add(1)?.checked_mul(self.sector_bytes)?;
        let start = start.max(HEADER_BYTES);
        let end = start.checked_add(self.sector_bytes)?.min(self.file.len());
        self.file.get(start..end)
    }

    /// The bytes of a chain of sectors, at most `length`; a chain that turns back on itself is none.
    fn chain(&self, first: u32, length: usize) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut sector = first;
        let mut left = self.file.len() / self.sector_bytes;
        while sector < SECTOR_MAX && bytes.len() < length {
            left = left.checked_sub(1)?;
            bytes.extend_from_slice(self.sector(sector)?);
            sector = *self.next.get(usize::try_from(sector).ok()?)?;
        }
        bytes.truncate(length);
        Some(bytes)
    }

    fn entries(&self) -> impl Iterator<Item = Entry> {
        self.directory.chunks_exact(ENTRY_BYTES).filter_map(|entry| {
            let name_bytes = usize::from(u16_at(entry, 64)?).checked_sub(2)?;
            let units = entry.get(..name_bytes)?.chunks_exact(2).filter_map(|unit| u16_at(unit, 0));
            let name = char::decode_utf16(units).map(|letter| letter.unwrap_or('\u{fffd}')).collect();
            let length = usize::try_from(u32_at(entry, 120)?).ok()?;
            Some(Entry { name, first: u32_at(entry, 116)?, length })
        })
    }

    fn workbook(&self) -> Result<Vec<u8>, WorkbookFailed> {
        let find = |name: &str| self.entries().find(|entry| entry.name == name);
        if find("EncryptedPackage").is_some() {
            return Err(WorkbookFailed::Encrypted);
        }
        let Some(entry) = find("Workbook") else {
            let is_old = find("Book").is_some();
            return Err(if is_old {
                WorkbookFailed::TooOld
            } else {
                WorkbookFailed::damaged("it is an Office document, but no workbook")
            });
        };
        let bytes = if entry.length < SMALL_STREAM_BYTES {
            self.small_chain(&entry)
        } else {
            self.chain(entry.first, entry.length)
        };
        bytes.ok_or_else(|| WorkbookFailed::damaged("its stream"))
    }

    /// The bytes of a short stream, which lies in small sectors within the stream of the root entry.
    fn small_chain(&self, entry: &Entry) -> Option<Vec<u8>> {
        let root = self.entries().next()?;
        let small = self.chain(root.first, root.length)?;
        let table = self.chain(u32_at(self.file, 60)?, usize::MAX)?;
        let mut bytes = Vec::new();
        let mut sector = entry.first;
        let mut left = small.len() / SMALL_SECTOR_BYTES;
        while sector < SECTOR_MAX && bytes.len() < entry.length {
            left = left.checked_sub(1)?;
            let number = usize::try_from(sector).ok()?;
            let start = number.checked_mul(SMALL_SECTOR_BYTES)?;
            bytes.extend_from_slice(small.get(start..start.checked_add(SMALL_SECTOR_BYTES)?)?);
            sector = u32_at(&table, number.checked_mul(4)?)?;
        }
        bytes.truncate(entry.length);
        Some(bytes)
    }
}
