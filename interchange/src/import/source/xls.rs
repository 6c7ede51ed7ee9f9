//! Workbooks of Excel 97 to 2003 ([MS-XLS], BIFF8): read whole, within the size such files can have.

mod biff;
mod container;
mod globals;
mod sheet;
mod text;

use std::io::{Read, Seek};

use super::Choice;
use super::row::{ReadRowsFailed, Rows};
use super::workbook::candidates;
use super::workbook::{SheetEntry, WorkbookFailed};
use crate::import::mapping::Sheet;
use globals::Globals;
use sheet::{Cells, SheetRows};

/// A workbook whose sheet is chosen.
#[derive(Debug)]
pub(crate) struct Xls {
    stream: Vec<u8>,
    globals: Globals,
    cells: Cells,
}

impl Xls {
    /// Opens the sheet the mapping names, or the first visible one that holds anything.
    pub(crate) fn open<R: Read + Seek>(
        input: R,
        wanted: Option<&Sheet>,
    ) -> Result<(Self, Choice), ReadRowsFailed> {
        let stream = container::workbook_stream(input)?;
        let (globals, sheets) = globals::read(&stream)?;
        let mut workbook = Self { stream, globals, cells: Cells::default() };
        let chosen = workbook.choose(&sheets, wanted)?.clone();
        let hidden_columns = workbook.cells.hidden_columns.clone();
        Ok((workbook, Choice { chosen, sheets, hidden_columns }))
    }

    fn choose<'s>(
        &mut self,
        sheets: &'s [SheetEntry],
        wanted: Option<&Sheet>,
    ) -> Result<&'s SheetEntry, ReadRowsFailed> {
        let candidates = candidates(sheets, wanted)?;
        let mut first = None;
        for sheet in candidates {
            self.cells = Cells::find(&self.stream, sheet.place.parse().unwrap_or(usize::MAX))?;
            if wanted.is_some() || self.rows().read()?.is_some() {
                return Ok(sheet);
            }
            first = first.or(Some(sheet));
        }
        let first = first.ok_or_else(|| WorkbookFailed::damaged("it has no sheet"))?;
        self.cells = Cells::find(&self.stream, first.place.parse().unwrap_or(usize::MAX))?;
        Ok(first)
    }

    /// The rows of the sheet from the first.
    pub(crate) fn rows(&self) -> Rows<'_> {
        Rows::new(SheetRows::new(&self.stream, &self.globals, &self.cells))
    }
}
