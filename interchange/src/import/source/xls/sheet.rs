//! The cells of one sheet: found once and put in order, read row by row.

use std::collections::BTreeSet;

use super::biff::{Record, Records, f64_at, kind, rk_number, u16_at, u32_at};
use super::globals::Globals;
use super::text::long_text;
use crate::import::source::row::{Mark, ReadRowsFailed, Row, RowSource};
use crate::import::source::workbook::WorkbookFailed;
use crate::import::source::workbook::serial::text_of;

/// Where the cells of a sheet stand.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    places: Vec<Place>,
    hidden_rows: BTreeSet<u16>,
    pub(crate) hidden_columns: Vec<(usize, usize)>,
}

/// One record of cells; files are at most 64 MiB, so its place fits 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    row: u16,
    column: u16,
    start: u32,
}

impl Cells {
    /// Finds the cells of the sheet whose records start at `start`.
    pub(crate) fn find(stream: &[u8], start: usize) -> Result<Self, WorkbookFailed> {
        let mut cells = Self::default();
        let mut records = Records::from(stream, start);
        if records.next().is_none_or(|record| record.kind != kind::BOF) {
            return Err(WorkbookFailed::damaged("the start of a sheet"));
        }
        // Charts lie inside a sheet as a sheet of their own.
        let mut depth = 0_u32;
        for record in records {
            match record.kind {
                kind::BOF => depth = depth.saturating_add(1),
                kind::EOF if depth == 0 => {
                    cells.places.sort_unstable();
                    return Ok(cells);
                }
                kind::EOF => depth = depth.saturating_sub(1),
                _ if depth > 0 => {}
                _ => cells.note(&record),
            }
        }
        Err(WorkbookFailed::damaged("the sheet is cut off"))
    }

    fn note(&mut self, record: &Record<'_>) {
        let body = record.body;
        let (Some(first), Some(second)) = (u16_at(body, 0), u16_at(body, 2)) else { return };
        match record.kind {
            kind::ROW if u16_at(body, 12).is_some_and(|flags| flags & 0x20 != 0) => {
                self.hidden_rows.insert(first);
            }
            kind::COL_INFO if u16_at(body, 8).is_some_and(|flags| flags & 1 != 0) => {
                self.hidden_columns.push((first.into(), second.into()));
            }
            kind::LABEL_SST
            | kind::LABEL
            | kind::R_STRING
            | kind::RK
            | kind::MUL_RK
            | kind::NUMBER
            | kind::BOOL_ERR
            | kind::FORMULA => {
                let start = u32::try_from(record.start).unwrap_or(u32::MAX);
                self.places.push(Place { row: first, column: second, start });
            }
            _ => {}
        }
    }
}

/// Reads the rows of a sheet.
#[derive(Debug)]
pub(crate) struct SheetRows<'s> {
    stream: &'s [u8],
    globals: &'s Globals,
    cells: &'s Cells,
    at: usize,
}

impl<'s> SheetRows<'s> {
    pub(crate) fn new(stream: &'s [u8], globals: &'s Globals, cells: &'s Cells) -> Self {
        Self { stream, globals, cells, at: 0 }
    }

    fn put(&self, place: Place, row: &mut Row) -> Result<(), ReadRowsFailed> {
        let mut records = Records::from(self.stream, usize::try_from(place.start).unwrap_or(usize::MAX));
        let damaged = || WorkbookFailed::damaged("a cell");
        let record = records.next().ok_or_else(damaged)?;
        let (body, column) = (record.body, usize::from(place.column));
        if record.kind == kind::MUL_RK {
            // Pairs of format and number between the first column and the number of the last.
            let pairs = body.get(4..body.len().saturating_sub(2)).unwrap_or_default().chunks_exact(6);
            for (column, pair) in (column..).zip(pairs) {
                let rk = u32_at(pair, 2).ok_or_else(damaged)?;
                let (text, mark) = self.number(rk_number(rk), u16_at(pair, 0));
                row.put(column, &text, mark)?;
            }
            return Ok(());
        }
        let format = u16_at(body, 4);
        let is_formula = record.kind == kind::FORMULA;
        let (text, mark) = match record.kind {
            kind::LABEL_SST => (self.shared(body).ok_or_else(damaged)?.to_owned(), None),
            kind::RK => self.number(rk_number(u32_at(body, 6).ok_or_else(damaged)?), format),
            kind::NUMBER => self.number(f64_at(body, 6).ok_or_else(damaged)?, format),
            kind::BOOL_ERR => {
                let is_error = body.get(7).ok_or_else(damaged)? != &0;
                (flag_or_error(*body.get(6).ok_or_else(damaged)?, is_error).to_owned(), None)
            }
            kind::FORMULA => self.result(body, records, format).ok_or_else(damaged)?,
            _ => (long_text(body, 6).ok_or_else(damaged)?, None),
        };
        if text.is_empty() && !is_formula {
            return Ok(());
        }
        row.put(column, &text, mark)?;
        if is_formula {
            row.mark_last(Mark::Formula);
        }
        Ok(())
    }

    fn shared(&self, body: &[u8]) -> Option<&str> {
        self.globals.texts.get(usize::try_from(u32_at(body, 6)?).ok()?)
    }

    fn number(&self, value: f64, format: Option<u16>) -> (String, Option<Mark>) {
        let shown = format.and_then(|format| self.globals.shown.get(usize::from(format)));
        text_of(value, shown.copied().unwrap_or_default(), self.globals.base)
    }

    /// The saved result of a formula (`FormulaValue`, 2.5.133); a text stands in a record of its own behind it.
    fn result(
        &self,
        body: &[u8],
        mut behind: Records<'_>,
        format: Option<u16>,
    ) -> Option<(String, Option<Mark>)> {
        if u16_at(body, 12)? != 0xFFFF {
            return Some(self.number(f64_at(body, 6)?, format));
        }
        let value = *body.get(8)?;
        let text = match body.get(6)? {
            // A shared or array formula may stand between the cell and its text.
            0 => behind
                .by_ref()
                .take(3)
                .find(|record| record.kind == kind::STRING)
                .and_then(|record| long_text(record.body, 0))?,
            1 => flag_or_error(value, false).to_owned(),
            2 => flag_or_error(value, true).to_owned(),
            _ => String::new(),
        };
        Some((text, None))
    }
}

fn flag_or_error(value: u8, is_error: bool) -> &'static str {
    match (is_error, value) {
        (false, 0) => "FALSE",
        (false, _) => "TRUE",
        (true, 0x00) => "#NULL!",
        (true, 0x07) => "#DIV/0!",
        (true, 0x0F) => "#VALUE!",
        (true, 0x17) => "#REF!",
        (true, 0x1D) => "#NAME?",
        (true, 0x24) => "#NUM!",
        (true, _) => "#N/A",
    }
}

impl RowSource for SheetRows<'_> {
    fn read(&mut self) -> Result<Option<Row>, ReadRowsFailed> {
        while let Some(first) = self.cells.places.get(self.at) {
            let mut row = Row::open_ended(u64::from(first.row).saturating_add(1), None);
            row.hidden = self.cells.hidden_rows.contains(&first.row);
            while let Some(place) = self.cells.places.get(self.at).filter(|place| place.row == first.row) {
                self.put(*place, &mut row)?;
                self.at = self.at.saturating_add(1);
            }
            if !row.is_blank() {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }
}
