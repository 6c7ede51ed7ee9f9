//! What holds for the whole workbook: its sheets, texts, number formats, and the day it counts from.

use std::collections::HashMap;

use super::biff::{Record, Records, kind, u16_at, u32_at};
use super::text::{Texts, long_text, short_text};
use crate::import::source::workbook::serial::{DateBase, Shown, built_in, shown_by};
use crate::import::source::workbook::{SheetEntry, WorkbookFailed};

/// The version BOF gives for Excel 97 and later.
const BIFF8: u16 = 0x0600;

#[derive(Debug, Default)]
pub(crate) struct Globals {
    pub(crate) texts: Texts,
    pub(crate) base: DateBase,
    /// What each cell format (XF) shows.
    pub(crate) shown: Vec<Shown>,
}

/// Reads the records before the first sheet.
pub(crate) fn read(stream: &[u8]) -> Result<(Globals, Vec<SheetEntry>), WorkbookFailed> {
    let mut records = Records::from(stream, 0);
    let first = records.next().filter(|record| record.kind == kind::BOF);
    let version = first.and_then(|record| u16_at(record.body, 0));
    match version {
        Some(BIFF8) => {}
        Some(_) => return Err(WorkbookFailed::TooOld),
        None => return Err(WorkbookFailed::damaged("its first record")),
    }
    let (mut globals, mut sheets) = (Globals::default(), Vec::new());
    let mut formats: HashMap<u16, Shown> = HashMap::new();
    let mut cell_formats: Vec<u16> = Vec::new();
    while let Some(record) = records.next() {
        let number = |at| u16_at(record.body, at);
        match record.kind {
            kind::FILE_PASS => return Err(WorkbookFailed::Encrypted),
            kind::DATE1904 if number(0) == Some(1) => globals.base = DateBase::Of1904,
            kind::BOUND_SHEET => sheets.extend(sheet(&record)),
            kind::FORMAT => {
                formats.extend(number(0).zip(long_text(record.body, 2).map(|code| shown_by(&code))));
            }
            kind::XF => cell_formats.push(number(2).unwrap_or(0)),
            kind::SST => globals.texts = Texts::read(&record, records.clone())?,
            kind::EOF => break,
            _ => {}
        }
    }
    let shown = |id: &u16| formats.get(id).copied().or_else(|| built_in(u32::from(*id))).unwrap_or_default();
    globals.shown = cell_formats.iter().map(shown).collect();
    Ok((globals, sheets))
}

/// A worksheet; other sheets (charts, macros) hold no table.
fn sheet(record: &Record<'_>) -> Option<SheetEntry> {
    let state = record.body.get(4)? & 3;
    let is_worksheet = *record.body.get(5)? == 0;
    is_worksheet.then_some(())?;
    let name = short_text(record.body, 6)?;
    Some(SheetEntry { name, hidden: state != 0, place: u32_at(record.body, 0)?.to_string() })
}
