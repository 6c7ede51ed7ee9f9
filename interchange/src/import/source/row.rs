//! One row of a table whatever the file: cells as text, marks on the few cells that need one, and fixed limits.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;

use crate::metadata::AnswerFailed;

use super::workbook::WorkbookFailed;

/// The most columns a row may have.
pub const COLUMNS_MAX: usize = 4_096;
/// The longest cell, in bytes of UTF-8.
pub const CELL_BYTES_MAX: usize = 1024 * 1024;
/// The longest row, in bytes of UTF-8.
pub const ROW_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What a cell's text alone does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Mark {
    /// The file itself says that the cell is a date; the text is `2018-01-15`, or `2018-01` where it shows no day.
    Date,
    /// The text is JSON: a list, or a group of named parts.
    Json,
    /// The value is the result of a formula, as the program that saved the file computed it.
    Formula,
    /// A formula whose result the file does not hold; the text is empty.
    FormulaWithoutValue,
}

/// One row: its cells as text, and where it stands.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    /// 1-based, blank lines counted, as a spreadsheet shows it; 0 for a header that is not in the file.
    pub(crate) number: u64,
    /// In text the physical line it starts on, 1-based; larger than `number` behind cells with line breaks.
    pub(crate) line: Option<u64>,
    /// Whether cells that are missing at the end are empty ones, which spreadsheets do not save.
    pub(crate) open_ended: bool,
    /// Whether a spreadsheet hides the row.
    pub(crate) hidden: bool,
    text: String,
    ends: Vec<usize>,
    /// By column, ascending.
    marks: Vec<(usize, Mark)>,
}

impl Row {
    /// A row of delimited text: `text` cut at `ends`.
    pub(crate) fn of_text(number: u64, line: u64, text: String, ends: Vec<usize>) -> Self {
        Self { number, line: Some(line), open_ended: false, hidden: false, text, ends, marks: Vec::new() }
    }

    /// A row without cells yet, in which cells at the end may be left out.
    pub(crate) fn open_ended(number: u64, line: Option<u64>) -> Self {
        Self { number, line, open_ended: true, ..Self::default() }
    }

    /// Puts a cell into `column`, which lies behind all that are there.
    ///
    /// # Errors
    /// A cell, row or column beyond the limits, or a column that is already there.
    pub(crate) fn put(
        &mut self,
        column: usize,
        text: &str,
        mark: Option<Mark>,
    ) -> Result<(), ReadRowsFailed> {
        let (row, line) = (self.number, self.line);
        if column >= COLUMNS_MAX {
            return Err(ReadRowsFailed::TooManyColumns { row, line });
        }
        if column < self.ends.len() {
            return Err(ReadRowsFailed::Disordered { row });
        }
        if text.len() > CELL_BYTES_MAX || self.text.len().saturating_add(text.len()) > ROW_BYTES_MAX {
            return Err(ReadRowsFailed::CellTooLong { row, line });
        }
        self.ends.resize(column, self.text.len());
        self.text.push_str(text);
        self.ends.push(self.text.len());
        self.marks.extend(mark.map(|mark| (column, mark)));
        Ok(())
    }

    /// Adds a second mark to the cell that was put last.
    pub(crate) fn mark_last(&mut self, mark: Mark) {
        self.marks.extend(self.ends.len().checked_sub(1).map(|column| (column, mark)));
    }

    pub(crate) fn width(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn cell(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.text.get(start..end)
    }

    pub(crate) fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.width()).filter_map(|index| self.cell(index))
    }

    pub(crate) fn has(&self, index: usize, mark: Mark) -> bool {
        let first = self.marks.partition_point(|(column, _)| *column < index);
        let marks = self.marks.get(first..).unwrap_or_default();
        marks.iter().take_while(|(column, _)| *column == index).any(|(_, found)| *found == mark)
    }

    /// What it costs, about: many columns without text cost more than their text.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len().saturating_add(self.ends.len().saturating_mul(size_of::<usize>()))
    }

    /// Whether it holds nothing; formulas are often filled down below a table, with an empty text as their result.
    pub(crate) fn is_blank(&self) -> bool {
        let lacks = |(_, mark): &(usize, Mark)| *mark == Mark::FormulaWithoutValue;
        self.text.trim().is_empty() && !self.marks.iter().any(lacks)
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({}, {} cells, values withheld)", self.number, self.width())
    }
}

/// A file that is not a table within the limits.
#[derive(Debug, thiserror::Error)]
pub enum ReadRowsFailed {
    /// The disk failed.
    #[error("the file cannot be read")]
    Read(#[from] io::Error),
    /// What was read to store rows is not what was checked before.
    #[error("the file changed while it was being read; import it again when nobody writes to it")]
    Changed,
    /// More columns than [`COLUMNS_MAX`].
    #[error("row {row}{} has more than {COLUMNS_MAX} columns; is the delimiter right?", shown(*line))]
    TooManyColumns {
        /// Row number.
        row: u64,
        /// Physical line of a text file.
        line: Option<u64>,
    },
    /// A cell longer than [`CELL_BYTES_MAX`] or a row longer than [`ROW_BYTES_MAX`].
    #[error(
        "a cell of row {row}{} is longer than 1 MiB, or the row longer than 16 MiB; is a quotation mark missing or one too many?",
        shown(*line)
    )]
    CellTooLong {
        /// Row number.
        row: u64,
        /// Physical line of a text file.
        line: Option<u64>,
    },
    /// XML that holds no metadata records within the limits.
    #[error("the metadata records cannot be read")]
    Metadata(#[from] AnswerFailed),
    /// A quotation mark that opens and is never closed.
    #[error(
        "the quotation mark opened in row {row}{} is never closed; the file is cut off or the mark is one too many",
        shown(*line)
    )]
    UnclosedQuote {
        /// Row number.
        row: u64,
        /// Physical line of a text file.
        line: Option<u64>,
    },
    /// A line of JSON Lines that is something else.
    #[error(
        "row {row} is not one JSON object, at its character {column}; each line holds one {{…}} and nothing else"
    )]
    NotAnObject {
        /// Row number.
        row: u64,
        /// Where the reader stopped, in bytes from the start of the line; 0 if unknown.
        column: usize,
    },
    /// A workbook that is not read.
    #[error(transparent)]
    Workbook(#[from] WorkbookFailed),
    /// A workbook whose rows or cells do not follow each other.
    #[error("row {row} is out of order or holds a column twice; open the workbook and save it again")]
    Disordered {
        /// Row number.
        row: u64,
    },
}

fn shown(line: Option<u64>) -> String {
    line.map(|line| format!(" (line {line})")).unwrap_or_default()
}

/// The rows of a table from its start, one after the other.
pub(crate) trait RowSource: Send {
    /// The next row that holds anything, or none at the end.
    fn read(&mut self) -> Result<Option<Row>, ReadRowsFailed>;
}

/// The rows of any table, with one row of looking ahead.
pub(crate) struct Rows<'t> {
    source: Box<dyn RowSource + 't>,
    /// A row that was read too early.
    held: Option<Row>,
}

impl fmt::Debug for Rows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("held", &self.held).finish_non_exhaustive()
    }
}

impl<'t> Rows<'t> {
    pub(crate) fn new(source: impl RowSource + 't) -> Self {
        Self { source: Box::new(source), held: None }
    }

    /// The next row that holds anything, or none at the end.
    pub(crate) fn read(&mut self) -> Result<Option<Row>, ReadRowsFailed> {
        match self.held.take() {
            Some(held) => Ok(Some(held)),
            None => self.source.read(),
        }
    }

    /// Leaves the reader behind row `number`, so that the next row read has a higher one.
    pub(crate) fn skip_through(&mut self, number: u64) -> Result<(), ReadRowsFailed> {
        while self.held.is_none() {
            match self.read()? {
                Some(row) if row.number > number => self.held = Some(row),
                Some(_) => {}
                None => break,
            }
        }
        Ok(())
    }
}

/// One number for many rows, to see that a second reading gives the same.
pub(crate) fn fingerprint(rows: &[Row]) -> u64 {
    let mut hasher = DefaultHasher::new();
    rows.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_keep_their_columns_and_marks() {
        let mut row = Row::open_ended(7, None);
        row.put(1, "2018-01-15", Some(Mark::Date)).unwrap();
        row.mark_last(Mark::Formula);
        row.put(3, "", Some(Mark::FormulaWithoutValue)).unwrap();
        assert_eq!(row.cells().collect::<Vec<_>>(), ["", "2018-01-15", "", ""]);
        assert!(row.has(1, Mark::Date) && row.has(1, Mark::Formula) && row.has(3, Mark::FormulaWithoutValue));
        assert!(!row.has(0, Mark::Date) && !row.has(3, Mark::Date));
        assert!(matches!(row.put(3, "x", None), Err(ReadRowsFailed::Disordered { row: 7 })));
        assert!(matches!(row.put(COLUMNS_MAX, "x", None), Err(ReadRowsFailed::TooManyColumns { .. })));
        let long = "x".repeat(CELL_BYTES_MAX + 1);
        assert!(matches!(row.put(9, &long, None), Err(ReadRowsFailed::CellTooLong { .. })));
    }
}
