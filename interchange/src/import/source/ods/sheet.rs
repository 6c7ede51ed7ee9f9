//! The rows of one sheet; what repeats is repeated while reading, within the limits of a sheet.

use std::io::BufRead;

use crate::import::source::row::{COLUMNS_MAX, Mark, ReadRowsFailed, Row, RowSource};
use crate::import::source::workbook::number::{number_text, percent_text};
use crate::import::source::workbook::xml::{Node, Tag, Xml};
use crate::import::source::workbook::{WorkbookFailed, push_within_limit};

/// The most rows a sheet has.
const ROWS_MAX: u64 = 1_048_576;

#[derive(Debug)]
pub(crate) struct SheetRows<R> {
    xml: Xml<R>,
    /// The number of the row read last, repetitions of blank ones counted.
    last_row: u64,
    /// A row that stands several times, and how often it is still to be given.
    repeated: Option<(Row, u64)>,
    ended: bool,
}

/// The cell that is being read.
#[derive(Debug, Default)]
struct Cell {
    kind: String,
    value: Option<String>,
    has_formula: bool,
    times: usize,
    text: String,
    paragraphs: usize,
    /// Inside a note, whose text is not the cell's.
    in_note: bool,
    in_paragraph: bool,
}

impl<R: BufRead> SheetRows<R> {
    /// Reads from inside the `table` element of the sheet.
    pub(crate) fn new(xml: Xml<R>) -> Self {
        Self { xml, last_row: 0, repeated: None, ended: false }
    }

    /// Ranges of hidden columns, from 0, both ends included; they stand before the first row.
    pub(crate) fn hidden_columns(mut self) -> Result<Vec<(usize, usize)>, WorkbookFailed> {
        let mut hidden = Vec::new();
        let mut next = 0_usize;
        loop {
            match self.xml.next()? {
                Node::Open(tag) if tag.name() == "table-column" => {
                    let behind = next.saturating_add(times(&tag, "number-columns-repeated"));
                    if is_hidden(&tag) && hidden.len() < COLUMNS_MAX {
                        hidden.push((next, behind.saturating_sub(1)));
                    }
                    next = behind;
                }
                Node::Open(tag) if tag.name() == "table-row" => return Ok(hidden),
                Node::Close(tag) if tag.name() == "table" => return Ok(hidden),
                Node::End => return Ok(hidden),
                Node::Open(_) | Node::Close(_) | Node::Text(_) => {}
            }
        }
    }

    /// Reads what is left of the row that was opened.
    fn row(&mut self, mut row: Row) -> Result<Row, ReadRowsFailed> {
        let mut next_column = 0_usize;
        let mut cell: Option<Cell> = None;
        loop {
            match self.xml.next()? {
                Node::Open(tag) if cell.is_none() && tag.name().ends_with("table-cell") => {
                    cell = Some(Cell::start(&tag));
                }
                Node::Open(tag) => cell.iter_mut().for_each(|cell| cell.open(&tag)),
                Node::Text(text) => cell.iter_mut().try_for_each(|cell| cell.text(&text))?,
                Node::Close(tag) if tag.name().ends_with("table-cell") => {
                    let cell = cell.take().unwrap_or_default();
                    cell.put_into(&mut row, next_column)?;
                    next_column = next_column.saturating_add(cell.times);
                }
                Node::Close(tag) if tag.name() == "table-row" => return Ok(row),
                Node::Close(tag) => cell.iter_mut().for_each(|cell| cell.close(tag.name())),
                Node::End => return Err(WorkbookFailed::damaged("the sheet is cut off").into()),
            }
        }
    }

    /// The repeated row once more, if there is one.
    fn repetition(&mut self) -> Option<Row> {
        let (row, left) = self.repeated.as_mut()?;
        *left = left.saturating_sub(1);
        row.number = row.number.saturating_add(1);
        if *left == 0 { self.repeated.take().map(|(row, _)| row) } else { Some(row.clone()) }
    }
}

impl<R: BufRead + Send> RowSource for SheetRows<R> {
    fn read(&mut self) -> Result<Option<Row>, ReadRowsFailed> {
        if let Some(row) = self.repetition() {
            return Ok(Some(row));
        }
        while !self.ended {
            let (row, times) = match self.xml.next()? {
                Node::Open(tag) if tag.name() == "table-row" => {
                    let mut row = Row::open_ended(self.last_row.saturating_add(1), None);
                    row.hidden = is_hidden(&tag);
                    (row, u64::try_from(times(&tag, "number-rows-repeated")).unwrap_or(u64::MAX))
                }
                Node::Close(tag) if tag.name() == "table" => {
                    self.ended = true;
                    break;
                }
                Node::End => break,
                Node::Open(_) | Node::Close(_) | Node::Text(_) => continue,
            };
            let row = self.row(row)?;
            self.last_row = self.last_row.saturating_add(times);
            if row.is_blank() {
                continue;
            }
            if self.last_row > ROWS_MAX {
                return Err(WorkbookFailed::TooLarge { what: "rows", limit: "1,048,576" }.into());
            }
            self.repeated = (times > 1).then(|| (row.clone(), times.saturating_sub(1)));
            return Ok(Some(row));
        }
        Ok(None)
    }
}

fn times(tag: &Tag<'_>, attribute: &str) -> usize {
    tag.number(attribute).unwrap_or(1).max(1)
}

fn is_hidden(tag: &Tag<'_>) -> bool {
    matches!(tag.attribute("visibility").as_deref(), Some("collapse" | "filter"))
}

impl Cell {
    fn start(tag: &Tag<'_>) -> Self {
        let kind = tag.attribute("value-type").unwrap_or_default();
        let value = match kind.as_str() {
            "date" => tag.attribute("date-value"),
            "boolean" => tag.attribute("boolean-value"),
            "string" => tag.attribute("string-value"),
            _ => tag.attribute("value"),
        };
        Self {
            kind,
            value,
            has_formula: tag.attribute("formula").is_some(),
            times: times(tag, "number-columns-repeated"),
            ..Self::default()
        }
    }

    fn open(&mut self, tag: &Tag<'_>) {
        match tag.name() {
            "annotation" => self.in_note = true,
            "p" if !self.in_note => {
                if self.paragraphs > 0 {
                    self.text.push('\n');
                }
                self.paragraphs = self.paragraphs.saturating_add(1);
                self.in_paragraph = true;
            }
            // Spaces that XML would take together, tabs and line breaks.
            "s" if self.in_paragraph => {
                let count = tag.number("c").unwrap_or(1_usize).min(1_024);
                self.text.push_str(&" ".repeat(count));
            }
            "tab" if self.in_paragraph => self.text.push('\t'),
            "line-break" if self.in_paragraph => self.text.push('\n'),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "annotation" => self.in_note = false,
            "p" => self.in_paragraph = false,
            _ => {}
        }
    }

    fn text(&mut self, text: &str) -> Result<(), WorkbookFailed> {
        if self.in_paragraph && !self.in_note { push_within_limit(&mut self.text, text) } else { Ok(()) }
    }

    /// Puts the cell into its row as often as it stands there.
    fn put_into(&self, row: &mut Row, column: usize) -> Result<(), ReadRowsFailed> {
        let (text, mark) = self.understood();
        if text.is_empty() && !self.has_formula {
            return Ok(());
        }
        for column in (column..).take(self.times) {
            if text.is_empty() && self.kind != "string" {
                row.put(column, "", Some(Mark::FormulaWithoutValue))?;
                continue;
            }
            row.put(column, &text, mark)?;
            if self.has_formula {
                row.mark_last(Mark::Formula);
            }
        }
        Ok(())
    }

    fn understood(&self) -> (String, Option<Mark>) {
        let number = self.value.as_deref().and_then(|value| value.trim().parse::<f64>().ok());
        match (self.kind.as_str(), &self.value, number) {
            ("percentage", _, Some(number)) => (percent_text(number), None),
            ("float" | "currency", _, Some(number)) => (number_text(number), None),
            ("date", Some(date), _) => (date_text(date), Some(Mark::Date)),
            ("boolean", Some(value), _) => (value.to_uppercase(), None),
            ("string", Some(text), _) => (text.clone(), None),
            _ => (self.text.clone(), None),
        }
    }
}

/// A date, or a date and a time of day that is not midnight.
fn date_text(value: &str) -> String {
    value.strip_suffix("T00:00:00").unwrap_or(value).replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: &str) -> Result<Vec<(u64, bool, Vec<String>)>, ReadRowsFailed> {
        let text = format!("<table name='t'>{rows}</table>");
        let mut xml = Xml::new(text.as_bytes(), "content.xml", 1 << 30);
        xml.next().unwrap();
        let mut rows = SheetRows::new(xml);
        let mut all = Vec::new();
        while let Some(row) = rows.read()? {
            all.push((row.number, row.hidden, row.cells().map(str::to_owned).collect()));
        }
        Ok(all)
    }

    fn cells(list: &[&str]) -> Vec<String> {
        list.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn cells_are_read_by_their_type() {
        let rows = "<table-row><table-cell value-type='float' value='4111010001'><p>4.11E9</p></table-cell>\
            <table-cell number-columns-repeated='2'/><table-cell value-type='percentage' value='0.35'><p>35%</p></table-cell>\
            <table-cell value-type='date' date-value='2018-01-15'><p>15/1/18</p></table-cell>\
            <table-cell value-type='string'><annotation><p>note</p></annotation><p>a<s c='2'/>b</p><p>c</p></table-cell>\
            <table-cell value-type='boolean' boolean-value='true'><p>WAHR</p></table-cell></table-row>";
        let wanted = cells(&["4111010001", "", "", "35%", "2018-01-15", "a  b\nc", "TRUE"]);
        assert_eq!(read(rows).unwrap(), [(1, false, wanted)]);
    }

    #[test]
    fn what_repeats_is_counted_and_given() {
        let cell = "<table-cell value-type='string'><p>x</p></table-cell>";
        let rows = format!(
            "<table-row number-rows-repeated='3'><table-cell number-columns-repeated='16384'/></table-row>\
             <table-row number-rows-repeated='2' visibility='collapse'>{cell}</table-row><table-row>{cell}</table-row>\
             <table-row number-rows-repeated='1048570'><table-cell number-columns-repeated='16384'/></table-row>"
        );
        let x = || cells(&["x"]);
        assert_eq!(read(&rows).unwrap(), [(4, true, x()), (5, true, x()), (6, false, x())]);
    }

    #[test]
    fn repetitions_beyond_a_sheet_are_refused() {
        let cell = |times: &str| {
            format!("<table-cell number-columns-repeated='{times}' value-type='string'><p>x</p></table-cell>")
        };
        let wide = format!("<table-row>{}</table-row>", cell("1000000000"));
        assert!(matches!(read(&wide), Err(ReadRowsFailed::TooManyColumns { row: 1, .. })));
        let long =
            format!("<table-row number-rows-repeated='18446744073709551615'>{}</table-row>", cell("1"));
        assert!(matches!(read(&long), Err(ReadRowsFailed::Workbook(WorkbookFailed::TooLarge { .. }))));
    }
}
