//! Splitting one file by the values of a column, to give each institution its own part.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use super::arrange::cell_of;
use super::header::Header;
use super::mapping::Mapping;
use super::pipeline::{ImportFailed, ImportFault, shown_file_name};
use super::plan::unquoted;
use super::source::{Row, Table};
use super::text::{nearest, trim};

/// Splits the file at `path` into one CSV for each value of `column`, trimmed; rows with an empty cell come under "".
///
/// Each part keeps the delimiter, everything up to the header and the rows the mapping skips behind it, and is UTF-8
/// without mark; its rows keep their order. Import the parts with the encoding on auto.
///
/// # Errors
/// A file that [`super::import`] would refuse as a whole, or one without the column.
pub fn split(
    path: &Path,
    mapping: &Mapping,
    column: &str,
) -> Result<BTreeMap<String, Vec<u8>>, ImportFailed> {
    let opened = File::open(path).map_err(ImportFault::Open);
    opened
        .and_then(|opened| split_from(opened, mapping, column))
        .map_err(|reason| ImportFailed { file: shown_file_name(path), reason })
}

fn split_from<R: Read + Seek + Send>(
    input: R,
    mapping: &Mapping,
    column: &str,
) -> Result<BTreeMap<String, Vec<u8>>, ImportFault> {
    let mut table = Table::open(input, mapping, None, None)?;
    let (delimiter, header_row) = (table.delimiter(), table.header_row(mapping));
    let mut rows = table.rows()?;
    let lists = &mapping.arranging.columns;
    let header = Header::of_lists(lists);
    let named = if lists.is_empty() { None } else { Some(find(&header, column)?) };
    let mut head = Head { header_row, text: Vec::new(), rows: 0, column: named };
    let mut parts: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let last_head_row = header_row.saturating_add(mapping.skip_rows);
    while let Some(row) = rows.read()? {
        if row.number <= last_head_row {
            head.take(&row, mapping, column, delimiter)?;
        } else if let Some(index) = head.column {
            let value = cell_of(lists, &header, &row, index).map(trim).unwrap_or_default();
            if !parts.contains_key(value) {
                parts.insert(value.to_owned(), head.text.clone());
            }
            if let Some(part) = parts.get_mut(value) {
                write_row(part, &row, delimiter);
            }
        } else {
            break;
        }
    }
    match head.column {
        Some(_) => Ok(parts),
        None => Err(ImportFault::NoHeader { row: mapping.header_row }),
    }
}

/// The rows every part starts with.
struct Head {
    header_row: u64,
    text: Vec<u8>,
    rows: u64,
    column: Option<usize>,
}

impl Head {
    fn take(&mut self, row: &Row, mapping: &Mapping, column: &str, delimiter: u8) -> Result<(), ImportFault> {
        while self.rows.saturating_add(1) < row.number {
            self.text.push(b'\n');
            self.rows = self.rows.saturating_add(1);
        }
        write_row(&mut self.text, row, delimiter);
        self.rows = row.number;
        if row.number == self.header_row {
            let header = Header::of(row);
            let found = find(&header, column).map_err(|fault| unquoted(fault, mapping, &header))?;
            self.column = Some(found);
        }
        Ok(())
    }
}

fn find(header: &Header, column: &str) -> Result<usize, ImportFault> {
    header.find(column).ok_or_else(|| {
        let names: Vec<&str> = (0..header.width()).map(|index| header.name(index)).collect();
        ImportFault::MissingColumn(super::header::MissingColumn {
            field: "--split-by".to_owned(),
            wanted: column.to_owned(),
            nearest: nearest(column, names.iter().copied()).unwrap_or_default().to_owned(),
            found: names.join(" | "),
        })
    })
}

fn write_row(out: &mut Vec<u8>, row: &Row, delimiter: u8) {
    let is_special = |byte: u8| matches!(byte, b'"' | b'\n' | b'\r') || byte == delimiter;
    for (index, cell) in row.cells().enumerate() {
        if index > 0 {
            out.push(delimiter);
        }
        // A row of one empty cell would otherwise read as a blank line.
        if cell.bytes().any(is_special) || (cell.is_empty() && row.width() == 1) {
            out.push(b'"');
            out.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(cell.as_bytes());
        }
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn check(text: &str, setting: &str, column: &str) -> Result<Vec<(String, String)>, String> {
        let mapping = format!("kind = \"ACH\"\nkey = [\"no\"]\n{setting}\n[field.no]\nfrom = \"No\"\n");
        let parts = split_from(Cursor::new(text), &Mapping::parse(&mapping).unwrap(), column);
        let text = |(value, part)| (value, String::from_utf8(part).unwrap());
        parts
            .map(|parts| parts.into_iter().map(text).collect())
            .map_err(|fault| std::error::Error::source(&fault).map_or(fault.to_string(), ToString::to_string))
    }

    fn parts(list: &[(&str, &str)]) -> Result<Vec<(String, String)>, String> {
        Ok(list.iter().map(|(value, part)| ((*value).to_owned(), (*part).to_owned())).collect())
    }

    #[test]
    fn each_value_keeps_the_header_and_its_rows_in_order() {
        let text = "No;Who;T\r\n1;A;\"x;y\"\r\n2; B ;z\r\n3;A;\"q \"\"r\"\"\nnext\"\r\n4;;w\r\n";
        let wanted = parts(&[
            ("", "No;Who;T\n4;;w\n"),
            ("A", "No;Who;T\n1;A;\"x;y\"\n3;A;\"q \"\"r\"\"\nnext\"\n"),
            ("B", "No;Who;T\n2; B ;z\n"),
        ]);
        assert_eq!(check(text, "", "Who"), wanted);
    }

    #[test]
    fn rows_above_and_below_the_header_stay() {
        let text = "list\n\nNo,Who\nunits,-\n1,A\n";
        let wanted = parts(&[("A", "list\n\nNo,Who\nunits,-\n1,A\n")]);
        assert_eq!(check(text, "header_row = 3\nskip_rows = 1", "Who"), wanted);
    }

    #[test]
    fn a_column_that_is_not_there_names_the_nearest() {
        assert!(check("No,Center\n1,A\n", "", "Centre").unwrap_err().contains("the nearest is \"Center\""));
        assert!(check("No\n", "header_row = 4", "No").unwrap_err().contains("row 4"));
    }
}
