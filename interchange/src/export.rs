//! Export: records of one kind as a file that imports again without a mapping and without loss.
//!
//! In scope: CSV, XLSX and JSON Lines in the kind's own layout, written record by record. Out of scope: which records and
//! where to (`node`), and formats for other systems.

mod csv;
mod workbook;

use std::io::{self, Write};
use std::path::Path;

use safeharbor_rules::{Kind, Lang, Record};
use serde_json::Value;

use crate::layout::{Column, Layout};
pub(crate) use workbook::{sheet_name, sheet_title, text_format, write_cell};

/// A form in which records of one kind are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// UTF-8 with a byte order mark, for spreadsheets.
    Csv,
    /// A workbook of one sheet.
    Xlsx,
    /// One JSON object a line: names of fields and stored values.
    JsonLines,
}

/// An export that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportFailed {
    /// The disk failed.
    #[error("the file cannot be written")]
    Write(#[from] io::Error),
    /// A value is longer than a cell of a spreadsheet may be.
    #[error(
        "record {row} has a {field} longer than the {} characters a spreadsheet cell holds; export as CSV or JSON Lines",
        workbook::CELL_CHARS_MAX
    )]
    CellTooLong {
        /// Which record of the export, 1-based.
        row: u64,
        /// The field's title.
        field: String,
    },
    /// More records than a sheet has rows.
    #[error("a sheet holds {} records; export as CSV or JSON Lines", workbook::ROWS_MAX)]
    TooManyRows,
    /// The workbook cannot be made.
    #[error("the workbook cannot be written")]
    Workbook(#[from] rust_xlsxwriter::XlsxError),
    /// A record has no JSON form.
    #[error("a record cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
}

/// Writes records of one kind, one after the other; memory does not grow with their number.
#[derive(Debug)]
pub struct RecordWriter<'k, W> {
    layout: Layout<'k>,
    out: W,
    table: Table,
    rows: u64,
}

#[derive(Debug)]
enum Table {
    Csv,
    Xlsx(Box<workbook::Sheet>),
    JsonLines,
}

impl<'k, W: Write + Send> RecordWriter<'k, W> {
    /// Starts a file with its header. A workbook keeps its rows in an unnamed file in `scratch` until it is finished.
    ///
    /// # Errors
    /// The disk fails.
    pub fn create(form: Form, kind: &'k Kind, mut out: W, scratch: &Path) -> Result<Self, ExportFailed> {
        let layout = Layout::of(kind);
        let table = match form {
            Form::Csv => {
                let headers = layout.columns().iter().map(|column| column.header(Lang::Zh));
                out.write_all(csv::MARK)?;
                out.write_all(csv::row(headers).as_bytes())?;
                Table::Csv
            }
            Form::Xlsx => Table::Xlsx(Box::new(workbook::Sheet::create(&layout, scratch)?)),
            Form::JsonLines => Table::JsonLines,
        };
        Ok(Self { layout, out, table, rows: 0 })
    }

    /// Writes one record.
    ///
    /// # Errors
    /// The disk fails, or a spreadsheet cannot hold the record.
    pub fn write(&mut self, record: &Record) -> Result<(), ExportFailed> {
        self.rows = self.rows.saturating_add(1);
        let columns = self.layout.columns();
        match &mut self.table {
            Table::Csv => {
                let cells: Vec<String> = columns.iter().map(|column| cell(column, record)).collect();
                self.out.write_all(csv::row(cells.iter().map(String::as_str)).as_bytes())?;
            }
            Table::Xlsx(sheet) => sheet.write(self.rows, columns, record)?,
            Table::JsonLines => {
                serde_json::to_writer(&mut self.out, record)?;
                self.out.write_all(b"\n")?;
            }
        }
        Ok(())
    }

    /// Writes what is left and gives the file back.
    ///
    /// # Errors
    /// The disk fails.
    pub fn finish(mut self) -> Result<W, ExportFailed> {
        if let Table::Xlsx(sheet) = self.table {
            sheet.finish(&mut self.out)?;
        }
        self.out.flush()?;
        Ok(self.out)
    }
}

fn cell(column: &Column<'_>, record: &Record) -> String {
    match record.get(column.field().name()) {
        None | Some(Value::Null) => String::new(),
        Some(value) => column.text(value),
    }
}
