//! OpenDocument spreadsheets: all sheets are in one part, rows and cells that repeat are written once.

mod sheet;

use std::io::{Read, Seek};

use super::Choice;
use super::row::{ReadRowsFailed, Rows};
use super::workbook::archive::{Archive, Part};
use super::workbook::xml::{Node, Tag, Xml};
use super::workbook::{SheetEntry, WorkbookFailed, candidates};
use crate::import::mapping::Sheet;
use sheet::SheetRows;

/// The part that holds all sheets.
const CONTENT: &str = "content.xml";
/// The most XML read of it, in bytes.
const CONTENT_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// The most sheets and styles of a workbook.
const ENTRIES_MAX: usize = 4_096;

/// A workbook whose sheet is chosen.
#[derive(Debug)]
pub(crate) struct Ods<R> {
    archive: Archive<R>,
    /// Which sheet, from 0.
    sheet: usize,
}

/// Whether the container is a workbook of this kind.
pub(crate) fn is_one<R: Read + Seek>(archive: &Archive<R>) -> bool {
    archive.has(CONTENT) && archive.has("META-INF/manifest.xml")
}

impl<R: Read + Seek + Send> Ods<R> {
    /// Opens the sheet the mapping names, or the first visible one that holds anything.
    pub(crate) fn open(
        mut archive: Archive<R>,
        wanted: Option<&Sheet>,
    ) -> Result<(Self, Choice), ReadRowsFailed> {
        let sheets = sheets(archive.xml(CONTENT, CONTENT_BYTES_MAX)?)?;
        let mut workbook = Self { archive, sheet: 0 };
        let chosen = workbook.choose(&sheets, wanted)?.clone();
        let hidden_columns = workbook.rows_of_sheet()?.hidden_columns()?;
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
            self.sheet = sheet.place.parse().unwrap_or(0);
            if wanted.is_some() || self.rows()?.read()?.is_some() {
                return Ok(sheet);
            }
            first = first.or(Some(sheet));
        }
        let first = first.ok_or_else(|| WorkbookFailed::damaged("it has no sheet"))?;
        self.sheet = first.place.parse().unwrap_or(0);
        Ok(first)
    }

    fn rows_of_sheet(&mut self) -> Result<SheetRows<Part<'_, R>>, WorkbookFailed> {
        let mut xml = self.archive.xml(CONTENT, CONTENT_BYTES_MAX)?;
        let mut left = self.sheet.saturating_add(1);
        while left > 0 {
            match xml.next()? {
                Node::Open(tag) if tag.name() == "table" && tag.attribute("name").is_some() => {
                    left = left.saturating_sub(1);
                }
                Node::End => return Err(WorkbookFailed::damaged("a sheet is missing")),
                Node::Open(_) | Node::Close(_) | Node::Text(_) => {}
            }
        }
        Ok(SheetRows::new(xml))
    }

    /// The rows of the sheet from the first.
    pub(crate) fn rows(&mut self) -> Result<Rows<'_>, ReadRowsFailed> {
        Ok(Rows::new(self.rows_of_sheet()?))
    }
}

/// The sheets in their order, each with its number, from 0; a style that displays no table hides it.
fn sheets<R: std::io::BufRead>(mut xml: Xml<R>) -> Result<Vec<SheetEntry>, WorkbookFailed> {
    let mut sheets: Vec<SheetEntry> = Vec::new();
    let mut hiding: Vec<String> = Vec::new();
    let mut style = String::new();
    loop {
        match xml.next()? {
            Node::Open(tag) if tag.name() == "style" => style = tag.attribute("name").unwrap_or_default(),
            Node::Open(tag) if tag.name() == "table-properties" => {
                let hides = tag.attribute("display").as_deref() == Some("false");
                hiding.extend(hides.then(|| style.clone()));
            }
            Node::Open(tag) if tag.name() == "table" => sheets.extend(entry(&tag, sheets.len(), &hiding)),
            Node::End => return Ok(sheets),
            Node::Open(_) | Node::Close(_) | Node::Text(_) => {}
        }
        if sheets.len() > ENTRIES_MAX || hiding.len() > ENTRIES_MAX {
            return Err(WorkbookFailed::TooLarge { what: "sheets", limit: "4,096" });
        }
    }
}

fn entry(tag: &Tag<'_>, number: usize, hiding: &[String]) -> Option<SheetEntry> {
    let hidden = tag.attribute("style-name").is_some_and(|style| hiding.contains(&style));
    Some(SheetEntry { name: tag.attribute("name")?, hidden, place: number.to_string() })
}
