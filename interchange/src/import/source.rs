//! A table of any format: recognised by its content, read from its start as often as needed.

mod delimited;
mod json_lines;
mod metadata;
mod ods;
mod row;
mod text_file;
mod workbook;
mod xls;
mod xlsx;

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};

use super::encoding::{Detected, Encoding, detect};
use super::header::choose_delimiter;
use super::mapping::Mapping;
use super::pipeline::ImportFault;
use super::report::Warning;
use crate::template::GUIDE_SHEET;
pub(crate) use delimited::DelimitedRows;
use json_lines::JsonLines;
use metadata::MetadataFile;
use ods::Ods;
pub use row::{CELL_BYTES_MAX, COLUMNS_MAX, ROW_BYTES_MAX, ReadRowsFailed};
pub(crate) use row::{Mark, Row, Rows, fingerprint};
use text_file::TextFile;
pub use workbook::WorkbookFailed;
use workbook::archive::Archive;
use workbook::{SheetEntry, names};
use xls::Xls;
use xlsx::Xlsx;

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
    /// XML with metadata records: OAI-PMH, CERIF-XML, Dublin Core.
    Metadata,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Csv => "CSV",
            Self::Xlsx => "XLSX",
            Self::Xls => "XLS",
            Self::Ods => "ODS",
            Self::JsonLines => "JSON Lines",
            Self::Metadata => "XML",
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
    /// What a person should know of the file before its rows, such as sheets that are not read.
    pub(crate) warnings: Vec<Warning>,
    /// Ranges of columns, from 0, both ends included, that a spreadsheet hides.
    hidden_columns: Vec<(usize, usize)>,
}

#[derive(Debug)]
enum Content<R> {
    Delimited { file: TextFile<R>, delimiter: u8 },
    JsonLines(JsonLines<R>),
    Metadata(MetadataFile<R>),
    Xlsx(Box<Xlsx<R>>),
    Xls(Box<Xls>),
    Ods(Box<Ods<R>>),
}

/// Which sheet of a workbook is read.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) chosen: SheetEntry,
    /// All sheets, the chosen one among them.
    pub(crate) sheets: Vec<SheetEntry>,
    pub(crate) hidden_columns: Vec<(usize, usize)>,
}

impl<R: Read + Seek + Send> Table<R> {
    /// Recognises the format and settles what else reading needs; what is forced wins over what the mapping says.
    pub(crate) fn open(
        mut input: R,
        mapping: &Mapping,
        encoding: Option<Encoding>,
        delimiter: Option<u8>,
    ) -> Result<Self, ImportFault> {
        match first_bytes(&mut input).map_err(ReadRowsFailed::Read)? {
            [b'P', b'K', 3, 4] => Self::open_archive(input, mapping),
            [0xD0, 0xCF, 0x11, 0xE0] => {
                let (workbook, choice) = Xls::open(input, mapping.sheet.as_ref())?;
                Ok(Self::of_workbook(Content::Xls(Box::new(workbook)), Format::Xls, choice))
            }
            _ => Self::open_text(input, mapping, encoding, delimiter),
        }
    }

    fn open_archive(input: R, mapping: &Mapping) -> Result<Self, ImportFault> {
        let archive = Archive::open(input).map_err(ReadRowsFailed::Workbook)?;
        let wanted = mapping.sheet.as_ref();
        if ods::is_one(&archive) {
            let (workbook, choice) = Ods::open(archive, wanted)?;
            return Ok(Self::of_workbook(Content::Ods(Box::new(workbook)), Format::Ods, choice));
        }
        if !xlsx::is_one(&archive) {
            let failed = WorkbookFailed::damaged("a ZIP container, but no workbook");
            return Err(ReadRowsFailed::Workbook(failed).into());
        }
        let (workbook, choice) = Xlsx::open(archive, wanted)?;
        Ok(Self::of_workbook(Content::Xlsx(Box::new(workbook)), Format::Xlsx, choice))
    }

    fn of_workbook(content: Content<R>, format: Format, choice: Choice) -> Self {
        let Choice { chosen, sheets, hidden_columns } = choice;
        let others = |hidden| {
            // What a template explains is no table.
            let is_guide = |sheet: &SheetEntry| !sheet.hidden && sheet.name == GUIDE_SHEET;
            let others = sheets.iter().filter(|sheet| sheet.hidden == hidden && sheet.place != chosen.place);
            names(others.filter(|sheet| !is_guide(sheet)))
        };
        let mut warnings = Vec::new();
        if chosen.hidden {
            warnings.push(Warning::sheet_is_hidden(&chosen.name));
        }
        let lists = [(false, others(false)), (true, others(true))];
        let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
        warnings.extend(lists.map(|(hidden, list)| Warning::sheets_not_read(&list, hidden)));
        let sheet = Some(chosen.name);
        let recognised = Recognised { format, detected: None, delimiter: None, sheet };
        Self { content, recognised, warnings, hidden_columns }
    }

    fn open_text(
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
        let forced = delimiter.or(mapping.delimiter);
        let (format, delimiter, content) = if forced.is_none() && json_lines::is_one(&start) {
            (Format::JsonLines, None, Content::JsonLines(JsonLines::open(file)?))
        } else if forced.is_none() && metadata::is_one(&start) {
            (Format::Metadata, None, Content::Metadata(MetadataFile::open(file)?))
        } else {
            let delimiter = forced.unwrap_or_else(|| choose_delimiter(&start, mapping));
            (Format::Csv, Some(char::from(delimiter)), Content::Delimited { file, delimiter })
        };
        let recognised = Recognised { format, detected: Some(detected), delimiter, sheet: None };
        Ok(Self { content, recognised, warnings: Vec::new(), hidden_columns: Vec::new() })
    }

    /// The delimiter of text; what a part of any other table is written with.
    pub(crate) fn delimiter(&self) -> u8 {
        match &self.content {
            Content::Delimited { delimiter, .. } => *delimiter,
            Content::JsonLines(_)
            | Content::Metadata(_)
            | Content::Xlsx(_)
            | Content::Xls(_)
            | Content::Ods(_) => b',',
        }
    }

    /// The row that holds the column headers; 0 where they are not a row of the file.
    pub(crate) fn header_row(&self, mapping: &Mapping) -> u64 {
        match self.recognised.format {
            Format::JsonLines | Format::Metadata => 0,
            Format::Csv | Format::Xlsx | Format::Xls | Format::Ods => mapping.header_row,
        }
    }

    /// Whether a spreadsheet hides the column.
    pub(crate) fn hides(&self, column: usize) -> bool {
        self.hidden_columns.iter().any(|(first, last)| (*first..=*last).contains(&column))
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
            Content::JsonLines(lines) => lines.rows(),
            Content::Metadata(file) => file.rows(),
            Content::Xlsx(workbook) => workbook.rows(),
            Content::Xls(workbook) => Ok(workbook.rows()),
            Content::Ods(workbook) => workbook.rows(),
        }
    }
}

/// The bytes by which formats that are not text say what they are; zeros behind the end of a short file.
fn first_bytes<R: Read + Seek>(input: &mut R) -> io::Result<[u8; 4]> {
    let mut first = [0; 4];
    let mut start = Vec::with_capacity(first.len());
    input.seek(SeekFrom::Start(0))?;
    input.by_ref().take(4).read_to_end(&mut start)?;
    first.iter_mut().zip(start).for_each(|(to, from)| *to = from);
    input.seek(SeekFrom::Start(0))?;
    Ok(first)
}
