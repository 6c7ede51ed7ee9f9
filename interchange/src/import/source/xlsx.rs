//! Workbooks of Excel 2007 and later (ECMA-376): the parts a sheet needs, and its rows one after the other.

mod parts;
mod sheet;
mod strings;
mod styles;

use std::io::{Read, Seek};

use super::Choice;
use super::row::{ReadRowsFailed, Rows};
use super::workbook::archive::Archive;
use super::workbook::serial::{DateBase, Shown};
use super::workbook::{SheetEntry, WorkbookFailed, candidates};
use crate::import::mapping::Sheet;
use sheet::SheetRows;
use strings::Strings;

/// The most XML read of one sheet, in bytes.
const SHEET_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// A workbook whose sheet is chosen.
#[derive(Debug)]
pub(crate) struct Xlsx<R> {
    archive: Archive<R>,
    part: String,
    known: Known,
}

/// What cells refer to.
#[derive(Debug, Default)]
pub(crate) struct Known {
    strings: Strings,
    styles: Vec<Shown>,
    base: DateBase,
}

/// Whether the container is a workbook of this kind.
pub(crate) fn is_one<R: Read + Seek>(archive: &Archive<R>) -> bool {
    archive.has("[Content_Types].xml")
}

impl<R: Read + Seek + Send> Xlsx<R> {
    /// Opens the sheet the mapping names, or the first visible one that holds anything.
    pub(crate) fn open(
        mut archive: Archive<R>,
        wanted: Option<&Sheet>,
    ) -> Result<(Self, Choice), ReadRowsFailed> {
        let parts = parts::read(&mut archive)?;
        let strings = match &parts.strings {
            Some(part) => Strings::read(archive.xml(part, strings::XML_BYTES_MAX)?)?,
            None => Strings::default(),
        };
        let styles = match &parts.styles {
            Some(part) => styles::read(archive.xml(part, styles::XML_BYTES_MAX)?)?,
            None => Vec::new(),
        };
        let known = Known { strings, styles, base: parts.base };
        let mut workbook = Self { archive, part: String::new(), known };
        let chosen = workbook.choose(&parts.sheets, wanted)?.clone();
        workbook.part.clone_from(&chosen.place);
        let hidden_columns = workbook.sheet()?.hidden_columns()?;
        let choice = Choice { chosen, sheets: parts.sheets, hidden_columns };
        Ok((workbook, choice))
    }

    fn choose<'s>(
        &mut self,
        sheets: &'s [SheetEntry],
        wanted: Option<&Sheet>,
    ) -> Result<&'s SheetEntry, ReadRowsFailed> {
        let candidates = candidates(sheets, wanted)?;
        for sheet in &candidates {
            self.part.clone_from(&sheet.place);
            if wanted.is_some() || self.rows()?.read()?.is_some() {
                return Ok(sheet);
            }
        }
        let first = candidates.first().copied();
        first.ok_or_else(|| WorkbookFailed::damaged("it has no sheet").into())
    }

    fn sheet(&mut self) -> Result<SheetRows<'_, super::workbook::archive::Part<'_, R>>, WorkbookFailed> {
        Ok(SheetRows::new(self.archive.xml(&self.part, SHEET_BYTES_MAX)?, &self.known))
    }

    /// The rows of the sheet from the first.
    pub(crate) fn rows(&mut self) -> Result<Rows<'_>, ReadRowsFailed> {
        Ok(Rows::new(self.sheet()?))
    }
}
