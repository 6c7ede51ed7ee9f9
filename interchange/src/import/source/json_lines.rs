//! JSON Lines: one object a line, its keys the headers, in the order in which the file first has them.

use std::collections::HashMap;
use std::fmt;
use std::io::{BufRead, Read, Seek};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::row::{COLUMNS_MAX, Mark, ROW_BYTES_MAX, ReadRowsFailed, Row, RowSource, Rows};
use super::text_file::TextFile;

/// The longest key, in bytes.
const KEY_BYTES_MAX: usize = 1_024;

/// Whether the text begins like an object of JSON, as no table does.
pub(crate) fn is_one(start: &[u8]) -> bool {
    let mut letters = start.iter().filter(|byte| !byte.is_ascii_whitespace());
    letters.next() == Some(&b'{') && matches!(letters.next(), Some(b'"' | b'}'))
}

#[derive(Debug)]
pub(crate) struct JsonLines<R> {
    file: TextFile<R>,
    keys: Keys,
}

/// The keys of all lines and their columns.
#[derive(Debug, Default)]
struct Keys {
    columns: HashMap<String, usize>,
    names: Vec<String>,
}

impl<R: Read + Seek + Send> JsonLines<R> {
    /// Reads the whole file once for its keys.
    pub(crate) fn open(mut file: TextFile<R>) -> Result<Self, ReadRowsFailed> {
        let mut keys = Keys::default();
        let mut lines = Lines::new(file.text()?);
        while lines.advance()? {
            for (key, _) in &lines.object()?.0 {
                keys.add(key, lines.number)?;
            }
        }
        Ok(Self { file, keys })
    }

    /// The keys as row 0, then a row a line.
    pub(crate) fn rows(&mut self) -> Result<Rows<'_>, ReadRowsFailed> {
        let lines = Lines::new(self.file.text()?);
        Ok(Rows::new(ObjectRows { lines, keys: &self.keys, header_given: false }))
    }
}

impl Keys {
    fn add(&mut self, key: &str, row: u64) -> Result<(), ReadRowsFailed> {
        if self.columns.contains_key(key) {
            return Ok(());
        }
        let line = Some(row);
        if self.names.len() >= COLUMNS_MAX {
            return Err(ReadRowsFailed::TooManyColumns { row, line });
        }
        if key.len() > KEY_BYTES_MAX {
            return Err(ReadRowsFailed::CellTooLong { row, line });
        }
        self.columns.insert(key.to_owned(), self.names.len());
        self.names.push(key.to_owned());
        Ok(())
    }
}

/// The lines that are not blank.
struct Lines<T> {
    text: T,
    line: Vec<u8>,
    /// 1-based.
    number: u64,
}

impl<T: BufRead> Lines<T> {
    fn new(text: T) -> Self {
        Self { text, line: Vec::new(), number: 0 }
    }

    /// Goes to the next line that is not blank; false at the end.
    fn advance(&mut self) -> Result<bool, ReadRowsFailed> {
        let limit = u64::try_from(ROW_BYTES_MAX).unwrap_or(u64::MAX);
        loop {
            self.line.clear();
            self.number = self.number.saturating_add(1);
            let length = (&mut self.text).take(limit).read_until(b'\n', &mut self.line)?;
            if length >= ROW_BYTES_MAX {
                return Err(ReadRowsFailed::CellTooLong { row: self.number, line: Some(self.number) });
            }
            if length == 0 || !self.line.iter().all(u8::is_ascii_whitespace) {
                return Ok(length > 0);
            }
        }
    }

    fn object(&self) -> Result<Object<'_>, ReadRowsFailed> {
        serde_json::from_slice(&self.line)
            .map_err(|error| ReadRowsFailed::NotAnObject { row: self.number, column: error.column() })
    }
}

/// One object, its values as they stand.
struct Object<'l>(Vec<(String, &'l RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

struct ObjectRows<'k, T> {
    lines: Lines<T>,
    keys: &'k Keys,
    header_given: bool,
}

impl<T: BufRead> ObjectRows<'_, T> {
    fn row(&self) -> Result<Row, ReadRowsFailed> {
        let number = self.lines.number;
        let object = self.lines.object()?;
        let mut cells = vec![None; self.keys.names.len()];
        for (key, value) in &object.0 {
            // A key that the first reading did not see: the file changed.
            let column = *self.keys.columns.get(key).ok_or(ReadRowsFailed::Changed)?;
            match cells.get_mut(column) {
                Some(cell @ None) => *cell = Some(value.get()),
                Some(Some(_)) | None => return Err(ReadRowsFailed::Disordered { row: number }),
            }
        }
        let mut row = Row::open_ended(number, Some(number));
        for (column, value) in cells.into_iter().enumerate().filter_map(|(at, cell)| Some((at, cell?))) {
            let failed = || ReadRowsFailed::NotAnObject { row: number, column: 0 };
            match value.bytes().next() {
                Some(b'"') => {
                    let text: String = serde_json::from_str(value).or(Err(failed()))?;
                    row.put(column, &text, None)?;
                }
                Some(b'[' | b'{') => row.put(column, value, Some(Mark::Json))?,
                Some(b'n') | None => {}
                Some(_) => row.put(column, value, None)?,
            }
        }
        Ok(row)
    }
}

impl<T: BufRead + Send> RowSource for ObjectRows<'_, T> {
    fn read(&mut self) -> Result<Option<Row>, ReadRowsFailed> {
        if !self.header_given {
            self.header_given = true;
            let mut header = Row::open_ended(0, None);
            for (column, name) in self.keys.names.iter().enumerate() {
                header.put(column, name, None)?;
            }
            return Ok(Some(header));
        }
        while self.lines.advance()? {
            let row = self.row()?;
            if !row.is_blank() {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::import::encoding::detect;

    fn read(text: &str) -> Result<Vec<(u64, Vec<String>)>, ReadRowsFailed> {
        let mut input = Cursor::new(text);
        let detected = detect(&mut input, None).unwrap();
        let mut lines = JsonLines::open(TextFile::new(input, detected))?;
        let mut rows = lines.rows()?;
        let mut all = Vec::new();
        while let Some(row) = rows.read()? {
            all.push((row.number, row.cells().map(str::to_owned).collect()));
        }
        Ok(all)
    }

    fn cells(list: &[&str]) -> Vec<String> {
        list.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn keys_are_headers_and_values_keep_every_digit() {
        let text = "{\"no\":\"A-1\",\"n\":411101000112345678901}\n\n{\"x\":[\"a\", 1],\"no\":\"b\\n\",\"n\":null}\n{\"n\":true}\n";
        let rows = read(text).unwrap();
        assert_eq!(
            rows,
            [
                (0, cells(&["no", "n", "x"])),
                (1, cells(&["A-1", "411101000112345678901"])),
                (3, cells(&["b\n", "", "[\"a\", 1]"])),
                (4, cells(&["", "true"])),
            ]
        );
    }

    #[test]
    fn a_line_that_is_no_object_is_refused_with_its_row() {
        for text in ["{}\n[1]\n", "{}\n{\"a\":1\n", "{}\n{\"a\":1}}\n", "{}\n\"秘密\"\n"] {
            let error = read(text).unwrap_err();
            assert!(matches!(error, ReadRowsFailed::NotAnObject { row: 2, .. }), "{text:?}");
            assert!(!error.to_string().contains("秘密"));
        }
        assert!(matches!(read("{\"a\":1,\"a\":2}\n"), Err(ReadRowsFailed::Disordered { row: 1 })));
    }

    #[test]
    fn depth_and_width_are_bounded() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(1 << 20), "]".repeat(1 << 20));
        assert!(matches!(read(&deep), Err(ReadRowsFailed::CellTooLong { row: 1, .. })));
        let wide: Vec<String> = (0..100_000).map(|n| format!("\"k{n}\":1")).collect();
        let wide = format!("{{{}}}", wide.join(","));
        assert!(matches!(read(&wide), Err(ReadRowsFailed::TooManyColumns { row: 1, .. })));
    }

    #[test]
    fn objects_are_told_from_tables() {
        assert!(is_one(b" {\"a\": 1}") && is_one(b"{ }"));
        assert!(!is_one(b"{a},b") && !is_one(b"a,b") && !is_one(b""));
    }
}
