//! The rows of delimited text, numbered the way a spreadsheet numbers them.

use std::io::{self, BufRead};

use csv_core::ReadRecordResult;

use super::row::{CELL_BYTES_MAX, COLUMNS_MAX, ROW_BYTES_MAX, ReadRowsFailed, Row, RowSource};

/// Reads rows one after the other from text that is already UTF-8.
pub(crate) struct DelimitedRows<R> {
    input: R,
    reader: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    place: Place,
}

/// Where the reader stands; the parser itself skips blank lines without a word.
#[derive(Debug, Clone, Copy)]
struct Place {
    row: u64,
    line: u64,
    lines_read: u64,
    before_first_byte: bool,
    after_cr: bool,
}

impl Place {
    const START: Self = Self { row: 0, line: 1, lines_read: 0, before_first_byte: true, after_cr: false };

    /// Takes note of bytes the parser has consumed.
    fn pass(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while self.before_first_byte
            && let Some((&byte, behind)) = rest.split_first()
        {
            match byte {
                b'\n' if self.after_cr => self.after_cr = false,
                b'\n' | b'\r' => {
                    self.row = self.row.saturating_add(1);
                    self.after_cr = byte == b'\r';
                }
                _ => {
                    self.before_first_byte = false;
                    self.row = self.row.saturating_add(1);
                    self.line = self.lines_read.saturating_add(1);
                    break;
                }
            }
            self.lines_read = self.lines_read.saturating_add(u64::from(byte == b'\n'));
            rest = behind;
        }
        let breaks = rest.iter().filter(|&&byte| byte == b'\n').count();
        self.lines_read = self.lines_read.saturating_add(u64::try_from(breaks).unwrap_or(u64::MAX));
        if let Some(&last) = rest.last() {
            self.after_cr = last == b'\r';
        }
    }
}

impl<R: BufRead> DelimitedRows<R> {
    pub(crate) fn new(input: R, delimiter: u8) -> Self {
        Self {
            input,
            reader: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            text: vec![0; 4_096],
            ends: vec![0; 64],
            place: Place::START,
        }
    }

    fn next(&mut self) -> Result<Option<Row>, ReadRowsFailed> {
        let (mut text_end, mut cell_count) = (0_usize, 0_usize);
        self.place.before_first_byte = true;
        loop {
            let bytes = self.input.fill_buf()?;
            // A last row without line break gets one: a parser that takes it as part of a cell is inside a quotation.
            let closing = bytes.is_empty() && !self.place.before_first_byte;
            let (result, read, written, ended) = self.reader.read_record(
                if closing { b"\n" } else { bytes },
                self.text.get_mut(text_end..).unwrap_or_default(),
                self.ends.get_mut(cell_count..).unwrap_or_default(),
            );
            if closing && read > 0 && !matches!(result, ReadRecordResult::Record) {
                return Err(ReadRowsFailed::UnclosedQuote {
                    row: self.place.row,
                    line: Some(self.place.line),
                });
            }
            if !closing {
                self.place.pass(bytes.get(..read).unwrap_or_default());
                self.input.consume(read);
            }
            text_end = text_end.saturating_add(written);
            cell_count = cell_count.saturating_add(ended);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.grow_text(text_end, cell_count)?,
                ReadRecordResult::OutputEndsFull => self.grow_ends()?,
                ReadRecordResult::Record => return self.take(text_end, cell_count).map(Some),
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    fn grow_text(&mut self, text_end: usize, cell_count: usize) -> Result<(), ReadRowsFailed> {
        let cell_start = self.last_end(cell_count);
        let cell = text_end.saturating_sub(cell_start);
        if cell > CELL_BYTES_MAX || text_end >= ROW_BYTES_MAX {
            return Err(self.cell_too_long());
        }
        self.text.resize(self.text.len().saturating_mul(2), 0);
        Ok(())
    }

    fn grow_ends(&mut self) -> Result<(), ReadRowsFailed> {
        if self.ends.len() > COLUMNS_MAX {
            return Err(self.too_many_columns());
        }
        self.ends.resize(self.ends.len().saturating_mul(2), 0);
        Ok(())
    }

    fn take(&mut self, text_end: usize, cell_count: usize) -> Result<Row, ReadRowsFailed> {
        let ends = self.ends.get(..cell_count).unwrap_or_default();
        if cell_count > COLUMNS_MAX {
            return Err(self.too_many_columns());
        }
        let starts = std::iter::once(&0).chain(ends);
        if starts.zip(ends).any(|(start, end)| end.saturating_sub(*start) > CELL_BYTES_MAX) {
            return Err(self.cell_too_long());
        }
        let text = std::str::from_utf8(self.text.get(..text_end).unwrap_or_default())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let Place { row: number, line, .. } = self.place;
        Ok(Row::of_text(number, line, text.to_owned(), ends.to_vec()))
    }

    fn last_end(&self, cell_count: usize) -> usize {
        cell_count.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(0)
    }

    fn cell_too_long(&self) -> ReadRowsFailed {
        ReadRowsFailed::CellTooLong { row: self.place.row, line: Some(self.place.line) }
    }

    fn too_many_columns(&self) -> ReadRowsFailed {
        ReadRowsFailed::TooManyColumns { row: self.place.row, line: Some(self.place.line) }
    }
}

impl<R: BufRead + Send> RowSource for DelimitedRows<R> {
    fn read(&mut self) -> Result<Option<Row>, ReadRowsFailed> {
        self.next()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8], delimiter: u8) -> Result<Vec<Row>, ReadRowsFailed> {
        let mut rows = DelimitedRows::new(bytes, delimiter);
        let mut all = Vec::new();
        while let Some(row) = rows.read()? {
            all.push(row);
        }
        Ok(all)
    }

    fn check(text: &str, wanted: &[(u64, u64, &[&str])]) {
        let rows = read(text.as_bytes(), b',').unwrap();
        let found: Vec<_> =
            rows.iter().map(|r| (r.number, r.line.unwrap(), r.cells().collect::<Vec<_>>())).collect();
        let wanted: Vec<_> = wanted.iter().map(|(row, line, cells)| (*row, *line, cells.to_vec())).collect();
        assert_eq!(found, wanted, "{text:?}");
    }

    #[test]
    fn rows_are_numbered_as_a_spreadsheet_does() {
        check("", &[]);
        check("a,b", &[(1, 1, &["a", "b"])]);
        check("a\r\n\r\nb\r\n", &[(1, 1, &["a"]), (3, 3, &["b"])]);
        check("\n\na\n\nb", &[(3, 3, &["a"]), (5, 5, &["b"])]);
        check("a\rb\r\rc", &[(1, 1, &["a"]), (2, 1, &["b"]), (4, 1, &["c"])]);
        check("\"x\ny\",1\nb,2\n", &[(1, 1, &["x\ny", "1"]), (2, 3, &["b", "2"])]);
        check(",,\nq", &[(1, 1, &["", "", ""]), (2, 2, &["q"])]);
        check("a,\"b \"\"c\"\"\"\n", &[(1, 1, &["a", "b \"c\""])]);
    }

    #[test]
    fn an_unclosed_quotation_mark_is_refused_with_its_row() {
        for (text, row) in [("a\nb\n\"c,d\ne\nf\n", 3), ("\"", 1), ("a,\"b", 1), ("a\n\nb,\"\"\"\n", 3)] {
            let error = read(text.as_bytes(), b',').unwrap_err();
            assert!(
                matches!(error, ReadRowsFailed::UnclosedQuote { row: found, .. } if found == row),
                "{text:?} {error}"
            );
        }
        for fine in ["a,\"b\"", "a,5\" pipe", "a\n", "a,", "\"\""] {
            assert!(read(fine.as_bytes(), b',').is_ok(), "{fine:?}");
        }
    }

    #[test]
    fn limits_hold() {
        let wide = ",".repeat(COLUMNS_MAX);
        assert!(matches!(read(wide.as_bytes(), b','), Err(ReadRowsFailed::TooManyColumns { row: 1, .. })));
        assert_eq!(read(&wide.as_bytes()[1..], b',').unwrap()[0].width(), COLUMNS_MAX);
        let long = format!("a\n{}", "x".repeat(CELL_BYTES_MAX + 1));
        assert!(matches!(
            read(long.as_bytes(), b','),
            Err(ReadRowsFailed::CellTooLong { row: 2, line: Some(2) })
        ));
        assert!(read(&long.as_bytes()[..CELL_BYTES_MAX + 2], b',').is_ok());
        let huge = vec![b'"'; 1].into_iter().chain(std::iter::repeat_n(b'\n', 40 << 20)).collect::<Vec<_>>();
        assert!(matches!(read(&huge, b','), Err(ReadRowsFailed::CellTooLong { row: 1, .. })));
    }

    proptest! {
        #[test]
        fn any_text_reads_as_the_csv_crate_reads_it(text in "[a,;\"\r\n é]{0,60}") {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
            let wanted: Vec<Vec<String>> =
                reader.records().map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect();
            match read(text.as_bytes(), b',') {
                Ok(rows) => {
                    let found: Vec<Vec<String>> =
                        rows.iter().map(|r| r.cells().map(str::to_owned).collect()).collect();
                    prop_assert_eq!(found, wanted);
                }
                Err(error) => prop_assert!(matches!(error, ReadRowsFailed::UnclosedQuote { .. }), "{}", error),
            }
        }
    }
}
