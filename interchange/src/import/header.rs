//! Finding the header row, its delimiter, and the columns a mapping asks for.

use std::collections::HashSet;
use std::io::Cursor;

use safeharbor_rules::holds_personal_id;

use super::mapping::{FieldMapping, Mapping};
use super::reject::REASON_COLUMN;
use super::source::{DelimitedRows, ReadRowsFailed, Row, Rows};
use super::text::{fold, narrow, nearest, trim};

/// Delimiters tried when the mapping names none.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Longer cells are no names of columns.
const NAME_CHARS_MAX: usize = 40;
/// So many digits in a row are a number, not a year in the name of a column.
const NUMBER_CHARS: usize = 6;
/// Stands for a name that holds an identity card number.
const NAME_WITHHELD: &str = "(column name withheld)";

/// The header row: the names of the columns, in order.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    names: Vec<String>,
    folded: Vec<String>,
}

/// A mapped column that the file does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "field {field} wants column {wanted:?}, which the file does not have; the nearest is {nearest:?}, the header holds: {found}"
)]
pub struct MissingColumn {
    /// The field of the record.
    pub field: String,
    /// The header or headers the mapping names.
    pub wanted: String,
    /// The most similar header of the file.
    pub nearest: String,
    /// All headers of the file.
    pub found: String,
}

impl Header {
    pub(crate) fn of(row: &Row) -> Self {
        let one_line = |name: &str| trim(name).replace("\r\n", " ").replace(['\r', '\n'], " ");
        let shown = |name: String| if holds_personal_id(&name) { NAME_WITHHELD.to_owned() } else { name };
        let names: Vec<String> = row.cells().map(|name| shown(one_line(name))).collect();
        // Cells behind the last named column are no columns.
        let width = names.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last.saturating_add(1));
        let names: Vec<String> = names.into_iter().take(width).collect();
        let folded = names.iter().map(|name| fold(name)).collect();
        Self { names, folded }
    }

    pub(crate) fn width(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn name(&self, column: usize) -> &str {
        self.names.get(column).map_or("", String::as_str)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The first column of that name, white space, width and case aside.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        let wanted = fold(name);
        self.folded.iter().position(|folded| *folded == wanted)
    }

    /// The columns a field is read from: the first alternative present, or all of a join.
    pub(crate) fn columns(&self, entry: &FieldMapping) -> Result<Vec<usize>, MissingColumn> {
        let found = entry.from.iter().map(|name| self.find(name).ok_or(name));
        if entry.join.is_some() {
            return found.collect::<Result<_, _>>().map_err(|name| self.missing(entry, name));
        }
        match found.filter_map(Result::ok).next() {
            Some(column) => Ok(vec![column]),
            None => Err(self.missing(entry, &entry.from.join("\" / \""))),
        }
    }

    fn missing(&self, entry: &FieldMapping, wanted: &str) -> MissingColumn {
        let candidates = || self.names.iter().map(String::as_str).filter(|name| !name.is_empty());
        let first = entry.from.first().map_or(wanted, String::as_str);
        MissingColumn {
            field: entry.field.value.clone(),
            wanted: wanted.to_owned(),
            nearest: nearest(first, candidates()).unwrap_or_default().to_owned(),
            found: candidates().collect::<Vec<_>>().join(" | "),
        }
    }

    /// Whether the column holds the reasons why an earlier import rejected the rows.
    pub(crate) fn is_reason(&self, column: usize) -> bool {
        self.folded.get(column).is_some_and(|name| name == REASON_COLUMN)
    }

    /// Whether the row is blank but for such reasons.
    pub(crate) fn is_blank(&self, row: &Row) -> bool {
        let mut cells = row.cells().enumerate();
        row.is_blank() || cells.all(|(index, cell)| self.is_reason(index) || trim(cell).is_empty())
    }

    /// Names that occur more than once.
    pub(crate) fn duplicates(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        let named = self.names.iter().zip(&self.folded);
        let named = named.filter(|(name, folded)| !name.is_empty() && *folded != REASON_COLUMN);
        named.filter(|(_, folded)| !seen.insert(folded.as_str())).map(|(name, _)| name.as_str()).collect()
    }

    /// Named columns that the mapping neither uses nor lists under `ignore`.
    pub(crate) fn unknown<'h>(&'h self, mapping: &Mapping) -> Vec<&'h str> {
        let mentioned = mapping.fields.iter().flat_map(|entry| &entry.from).chain(&mapping.ignore);
        let mentioned = mentioned.map(|name| fold(name)).chain([REASON_COLUMN.to_owned()]);
        let mentioned: HashSet<String> = mentioned.collect();
        let named = self.names.iter().zip(&self.folded).filter(|(name, _)| !name.is_empty());
        named.filter(|(_, folded)| !mentioned.contains(*folded)).map(|(name, _)| name.as_str()).collect()
    }

    /// Whether the row can be a header rather than a record: a column the mapping reads, nothing long, no long number.
    pub(crate) fn looks_like_one(&self, mapping: &Mapping) -> bool {
        let mut wanted = mapping.fields.iter().flat_map(|entry| &entry.from);
        wanted.any(|name| self.find(name).is_some()) && !self.names.iter().any(|name| is_content(name))
    }

    fn matches(&self, mapping: &Mapping) -> usize {
        let wanted = mapping.fields.iter().flat_map(|entry| &entry.from).chain(&mapping.ignore);
        wanted.filter(|name| self.find(name).is_some()).count()
    }
}

/// Whether a cell is more likely a value than the name of a column.
fn is_content(name: &str) -> bool {
    let narrow = narrow(name);
    let has_number = narrow.split(|c: char| !c.is_numeric()).any(|run| run.chars().count() >= NUMBER_CHARS);
    has_number || name.chars().count() > NAME_CHARS_MAX || holds_personal_id(name) || name == NAME_WITHHELD
}

/// Reads on to row `number`; none when it is an empty line or the file ends before it.
pub(crate) fn read_header_row(rows: &mut Rows<'_>, number: u64) -> Result<Option<Row>, ReadRowsFailed> {
    while let Some(row) = rows.read()? {
        if row.number >= number {
            return Ok(Some(row).filter(|row| row.number == number && !row.is_blank()));
        }
    }
    Ok(None)
}

/// The delimiter under which the start of the file shows most of the mapping's columns, then most columns.
pub(crate) fn choose_delimiter(start: &[u8], mapping: &Mapping) -> u8 {
    let score = |delimiter: u8| {
        let mut rows = Rows::new(DelimitedRows::new(Cursor::new(start), delimiter));
        let row = read_header_row(&mut rows, mapping.header_row).ok().flatten();
        row.map_or((0, 0), |row| {
            let header = Header::of(&row);
            (header.matches(mapping), header.width())
        })
    };
    // `max_by_key` keeps the last of equals, so the comma comes last.
    DELIMITERS.into_iter().rev().max_by_key(|&delimiter| score(delimiter)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(text: &str) -> Mapping {
        Mapping::parse(&format!("kind = \"ACH\"\nkey = [\"no\"]\n{text}")).unwrap()
    }

    fn header(text: &str) -> Header {
        Header::of(&Rows::new(DelimitedRows::new(text.as_bytes(), b',')).read().unwrap().unwrap())
    }

    #[test]
    fn the_delimiter_is_the_one_that_shows_the_columns() {
        let wanted = mapping("[field.no]\nfrom = \"No\"\n[field.t]\nfrom = \"Title, long\"\n");
        for (text, delimiter) in [
            ("No,\"Title, long\"\n1,2\n", b','),
            ("No;Title, long\n1;a,b,c,d\n", b';'),
            ("No\tTitle, long\n", b'\t'),
            ("No|Title, long\n", b'|'),
            ("No\n", b','),
            ("", b','),
        ] {
            assert_eq!(choose_delimiter(text.as_bytes(), &wanted), delimiter, "{text:?}");
        }
    }

    #[test]
    fn columns_are_found_by_alternatives_and_joins() {
        let wanted = mapping(
            "[field.no]\nfrom = [\"成果编号\", \"编号\"]\n[field.t]\nfrom = [\"姓\", \"名\"]\njoin = \"\"\n",
        );
        let header = header("编 号,名,姓");
        assert_eq!(header.columns(&wanted.fields[0]), Ok(vec![0]));
        assert_eq!(header.columns(&wanted.fields[1]), Ok(vec![2, 1]));
    }

    #[test]
    fn a_missing_column_names_the_nearest_and_all() {
        let wanted = mapping("[field.no]\nfrom = \"成果编号\"\n");
        let missing = header("成果编码,名称,,").columns(&wanted.fields[0]).unwrap_err();
        assert_eq!(missing.nearest, "成果编码");
        assert!(missing.to_string().contains("成果编码 | 名称"), "{missing}");
    }

    #[test]
    fn duplicate_and_unknown_columns_are_listed() {
        let wanted = mapping("ignore = [\"备注\"]\n[field.no]\nfrom = \"编号\"\n");
        let header = header("编号,备注,金额,金额,");
        assert_eq!(header.duplicates(), ["金额"]);
        assert_eq!(header.unknown(&wanted), ["金额", "金额"]);
        assert_eq!(header.width(), 4);
    }
}
