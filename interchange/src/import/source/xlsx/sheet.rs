//! The rows of one sheet, read event by event: only one row is in memory.

use std::io::BufRead;

use super::Known;
use super::strings::{RichText, unescaped};
use crate::import::source::row::{COLUMNS_MAX, Mark, ReadRowsFailed, Row, RowSource};
use crate::import::source::workbook::serial::text_of;
use crate::import::source::workbook::xml::{Node, Tag, Xml};
use crate::import::source::workbook::{WorkbookFailed, column_of, push_within_limit};

/// The most ranges of columns that are looked at for hidden ones.
const COLUMN_RANGES_MAX: usize = 16_384;

#[derive(Debug)]
pub(crate) struct SheetRows<'k, R> {
    xml: Xml<R>,
    known: &'k Known,
    last_row: u64,
    cell: Cell,
}

/// The cell that is being read.
#[derive(Debug, Default)]
struct Cell {
    column: usize,
    /// `t`: how the value is to be understood.
    kind: Kind,
    style: usize,
    value: String,
    inline: String,
    rich: RichText,
    in_value: bool,
    has_formula: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Kind {
    #[default]
    Number,
    Shared,
    Text,
    Inline,
    Flag,
    Date,
}

impl<'k, R: BufRead> SheetRows<'k, R> {
    pub(crate) fn new(xml: Xml<R>, known: &'k Known) -> Self {
        Self { xml, known, last_row: 0, cell: Cell::default() }
    }

    /// Ranges of hidden columns, from 0, both ends included; they stand before the first row.
    pub(crate) fn hidden_columns(mut self) -> Result<Vec<(usize, usize)>, WorkbookFailed> {
        let mut hidden = Vec::new();
        loop {
            match self.xml.next()? {
                Node::Open(tag) if tag.name() == "col" && tag.is("hidden") => {
                    let (first, last) = (tag.number::<usize>("min"), tag.number::<usize>("max"));
                    let range = first
                        .and_then(|first| first.checked_sub(1))
                        .zip(last.and_then(|last| last.checked_sub(1)));
                    hidden.extend(range);
                }
                Node::Open(tag) if tag.name() == "sheetData" => return Ok(hidden),
                Node::End => return Ok(hidden),
                Node::Open(_) | Node::Close(_) | Node::Text(_) => {}
            }
            if hidden.len() > COLUMN_RANGES_MAX {
                return Err(WorkbookFailed::TooLarge { what: "hidden columns", limit: "16,384" });
            }
        }
    }

    /// Reads what is left of the row that was opened.
    fn row(&mut self, mut row: Row) -> Result<Row, ReadRowsFailed> {
        let mut next_column = 0_usize;
        let mut in_cell = false;
        loop {
            match self.xml.next()? {
                Node::Open(tag) if tag.name() == "c" => {
                    let column = tag.attribute("r").and_then(|reference| column_of(&reference));
                    self.cell.start(column.unwrap_or(next_column), &tag);
                    in_cell = true;
                }
                Node::Open(tag) if in_cell => self.cell.open(tag.name()),
                Node::Text(text) if in_cell => self.cell.text(&text)?,
                Node::Close(tag) if tag.name() == "c" => {
                    in_cell = false;
                    next_column = self.cell.column.saturating_add(1);
                    self.cell.put_into(&mut row, self.known)?;
                }
                Node::Close(tag) if tag.name() == "row" => return Ok(row),
                Node::Close(tag) if in_cell => self.cell.close(tag.name()),
                Node::Open(_) | Node::Close(_) | Node::Text(_) => {}
                Node::End => return Err(WorkbookFailed::damaged("the sheet is cut off").into()),
            }
        }
    }
}

impl<R: BufRead + Send> RowSource for SheetRows<'_, R> {
    fn read(&mut self) -> Result<Option<Row>, ReadRowsFailed> {
        loop {
            let row = match self.xml.next()? {
                Node::Open(tag) if tag.name() == "row" => {
                    let number = tag.number("r").unwrap_or_else(|| self.last_row.saturating_add(1));
                    let mut row = Row::open_ended(number, None);
                    row.hidden = tag.is("hidden");
                    row
                }
                Node::End => return Ok(None),
                Node::Open(_) | Node::Close(_) | Node::Text(_) => continue,
            };
            if row.number <= self.last_row {
                return Err(ReadRowsFailed::Disordered { row: row.number });
            }
            self.last_row = row.number;
            let row = self.row(row)?;
            if !row.is_blank() {
                return Ok(Some(row));
            }
        }
    }
}

impl Cell {
    fn start(&mut self, column: usize, tag: &Tag<'_>) {
        self.column = column;
        self.style = tag.number("s").unwrap_or(0);
        self.kind = match tag.attribute("t").as_deref() {
            Some("s") => Kind::Shared,
            Some("str" | "e") => Kind::Text,
            Some("inlineStr") => Kind::Inline,
            Some("b") => Kind::Flag,
            Some("d") => Kind::Date,
            _ => Kind::Number,
        };
        self.value.clear();
        self.inline.clear();
        self.rich = RichText::default();
        self.in_value = false;
        self.has_formula = false;
    }

    fn open(&mut self, name: &str) {
        match name {
            "v" => self.in_value = true,
            "f" => self.has_formula = true,
            _ => self.rich.open(name),
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "v" => self.in_value = false,
            _ => self.rich.close(name),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), WorkbookFailed> {
        if self.in_value {
            return push_within_limit(&mut self.value, text);
        }
        self.rich.text(text, &mut self.inline)
    }

    /// Puts the cell into its row; an empty one leaves nothing there.
    fn put_into(&self, row: &mut Row, known: &Known) -> Result<(), ReadRowsFailed> {
        let (text, mark) = self.understood(known)?;
        if text.is_empty() && self.has_formula && self.kind != Kind::Text {
            return row.put(self.column, "", Some(Mark::FormulaWithoutValue));
        }
        // Formats reach to the last column of a sheet where nothing else does.
        if text.is_empty() && self.column >= COLUMNS_MAX {
            return Ok(());
        }
        row.put(self.column, &text, mark)?;
        if self.has_formula {
            row.mark_last(Mark::Formula);
        }
        Ok(())
    }

    fn understood(&self, known: &Known) -> Result<(String, Option<Mark>), WorkbookFailed> {
        let text = match self.kind {
            Kind::Inline => unescaped(&self.inline),
            Kind::Shared if self.value.is_empty() => String::new(),
            Kind::Shared => {
                let text = self.value.trim().parse().ok().and_then(|index| known.strings.get(index));
                text.ok_or_else(|| WorkbookFailed::damaged("a text that is not there"))?.to_owned()
            }
            Kind::Text => unescaped(&self.value),
            Kind::Flag => if self.value.trim() == "1" { "TRUE" } else { "FALSE" }.to_owned(),
            Kind::Date => return Ok((self.value.clone(), Some(Mark::Date))),
            Kind::Number => return Ok(self.number(known)),
        };
        Ok((text, None))
    }

    fn number(&self, known: &Known) -> (String, Option<Mark>) {
        match self.value.trim().parse::<f64>() {
            Ok(number) => {
                text_of(number, known.styles.get(self.style).copied().unwrap_or_default(), known.base)
            }
            Err(_) => (self.value.clone(), None),
        }
    }
}
