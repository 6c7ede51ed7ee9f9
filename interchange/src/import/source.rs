//! A table of any format: recognised by its content, read from its start as often as needed.

mod delimited;
mod row;
mod text_file;

use std::fmt;
use std::io::{Read, Seek};

use super::encoding::{Detected, Encoding, detect};
use super::header::choose_delimiter;
use super::mapping::Mapping;
use super::pipeline::ImportFault;
use super::report::Warning;
pub(crate) use delimited::DelimitedRows;
pub use row::{CELL_BYTES_MAX, COLUMNS_MAX, ROW_BYTES_MAX, ReadRowsFailed};
pub(crate) use row::{Mark, Row, Rows, fingerprint};
use text_file::TextFile;

/// A file format that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text with a delimiter: CSV and its kin.
    Csv,
    /// A workbook of Excel 2007 and later, with or without macros.
    Xlsx,
    /// A workbook of Excel 97 to 2003.
    Xls,
    /// An OpenDocument spreadsheet.
    Ods,
    /// One JSON object a line.
    JsonLines,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Csv => "CSV",
            Self::Xlsx => "XLSX",
            Self::Xls => "XLS",
            Self::Ods => "ODS",
            Self::JsonLines => "JSON Lines",
        })
    }
}

/// What a file was recognised as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    /// Its format.
    pub format: Format,
    /// For text: the encoding all of it is in, and how that is marked.
    pub detected: Option<Detected>,
    /// For CSV: the delimiter, `\t` for a tab.
    pub delimiter: Option<char>,
    /// For a workbook: the sheet that is read.
    pub sheet: Option<String>,
}

impl fmt::Display for Recognised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.format)?;
        if let Some(Detected { encoding, .. }) = self.detected {
            write!(f, ", {encoding}")?;
        }
        self.sheet.as_ref().map_or(Ok(()), |sheet| write!(f, ", {sheet:?}"))
    }
}

/// The table of one file.
#[derive(Debug)]
pub(crate) struct Table<R> {
    content: Content<R>,
    pub(crate) recognised: Recognised,
    /// What a person should know of the file before its rows: other sheets, hidden rows.
    pub(crate) warnings: Vec<Warning>,
}

#[derive(Debug)]
enum Content<R> {
    Delimited { file: TextFile<R>, delimiter: u8 },
}

impl<R: Read + Seek + Send> Table<R> {
    /// Recognises the format and settles what else reading needs; what is forced wins over what the mapping says.
    pub(crate) fn open(
        mut input: R,
        mapping: &Mapping,
        encoding: Option<Encoding>,
        delimiter: Option<u8>,
    ) -> Result<Self, ImportFault> {
        let detected = detect(&mut input, encoding.or(mapping.encoding))?;
        let mut file = TextFile::new(input, detected);
        let start = file.start().map_err(ReadRowsFailed::Read)?;
        if start.iter().all(u8::is_ascii_whitespace) {
            return Err(ImportFault::Empty);
        }
        let delimiter = delimiter.or(mapping.delimiter).unwrap_or_else(|| choose_delimiter(&start, mapping));
        let recognised = Recognised {
            format: Format::Csv,
            detected: Some(detected),
            delimiter: Some(char::from(delimiter)),
            sheet: None,
        };
        Ok(Self { content: Content::Delimited { file, delimiter }, recognised, warnings: Vec::new() })
    }

    /// The delimiter of text; what a part of any other table is written with.
    pub(crate) fn delimiter(&self) -> u8 {
        match &self.content {
            Content::Delimited { delimiter, .. } => *delimiter,
        }
    }

    /// The row that holds the column headers; 0 where they are not a row of the file.
    pub(crate) fn header_row(&self, mapping: &Mapping) -> u64 {
        match self.recognised.format {
            Format::JsonLines => 0,
            Format::Csv | Format::Xlsx | Format::Xls | Format::Ods => mapping.header_row,
        }
    }

    /// The rows from row `first`.
    pub(crate) fn rows_from(&mut self, first: u64) -> Result<Rows<'_>, ReadRowsFailed> {
        let mut rows = self.rows()?;
        rows.skip_through(first.saturating_sub(1))?;
        Ok(rows)
    }

    /// The rows from the first.
    pub(crate) fn rows(&mut self) -> Result<Rows<'_>, ReadRowsFailed> {
        match &mut self.content {
            Content::Delimited { file, delimiter } => {
                Ok(Rows::new(DelimitedRows::new(file.text()?, *delimiter)))
            }
        }
    }
}
