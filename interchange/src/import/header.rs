//! Finding the header row, its delimiter, and the columns a mapping asks for.

use std::collections::HashSet;
use std::io::Cursor;

use safeharbor_rules::holds_personal_id;

use super::mapping::{FieldMapping, Mapping, MappingFailed, MappingFault, refused};
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
    /// Columns of the file; the names behind them are of columns that the mapping makes.
    width: usize,
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
        Self::named(names)
    }

    /// The header of a file that has no header row: all names of `lists`, those of the longest list first.
    pub(crate) fn of_lists(lists: &[Vec<String>]) -> Self {
        let mut lists: Vec<&Vec<String>> = lists.iter().collect();
        lists.sort_by_key(|list| std::cmp::Reverse(list.len()));
        let mut names: Vec<String> = Vec::new();
        for (index, list) in lists.into_iter().enumerate() {
            // In the first list a name that occurs twice stays, so that every cell has its column.
            let is_new = |name: &&String| index == 0 || !names.iter().any(|known| fold(known) == fold(name));
            let added: Vec<String> = list.iter().filter(is_new).cloned().collect();
            names.extend(added);
        }
        Self::named(names)
    }

    fn named(names: Vec<String>) -> Self {
        let folded = names.iter().map(|name| fold(name)).collect();
        Self { width: names.len(), names, folded }
    }

    /// Adds the columns that `mapping` makes.
    ///
    /// # Errors
    /// A column of the file that is called the same.
    pub(crate) fn with_made(mut self, mapping: &Mapping) -> Result<Self, MappingFailed> {
        for (setting, name) in mapping.arranging.made() {
            if self.find(&name.value).is_some() {
                return Err(refused(name.line, setting, MappingFault::NameTaken(name.value.clone())));
            }
            self.names.push(name.value.clone());
            self.folded.push(fold(&name.value));
        }
        Ok(self)
    }

    /// The number of columns of the file.
    pub(crate) fn width(&self) -> usize {
        self.width
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

    /// The column of that name, which `setting` cannot do without.
    pub(crate) fn demand(&self, setting: &str, name: &str) -> Result<usize, MissingColumn> {
        self.find(name).ok_or_else(|| self.missing_for(setting, name, name))
    }

    /// What is said where no column is what `setting` wants.
    pub(crate) fn missing_columns(&self, setting: &str, wanted: &str) -> MissingColumn {
        self.missing_for(setting, wanted, wanted)
    }

    fn missing(&self, entry: &FieldMapping, wanted: &str) -> MissingColumn {
        self.missing_for(&entry.field.value, wanted, entry.from.first().map_or(wanted, String::as_str))
    }

    fn missing_for(&self, field: &str, wanted: &str, like: &str) -> MissingColumn {
        let candidates = || self.names.iter().map(String::as_str).filter(|name| !name.is_empty());
        MissingColumn {
            field: field.to_owned(),
            wanted: wanted.to_owned(),
            nearest: nearest(like, candidates()).unwrap_or_default().to_owned(),
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

    /// Named columns of the file that the mapping neither uses nor lists under `ignore`.
    pub(crate) fn unknown<'h>(&'h self, mapping: &Mapping) -> Vec<&'h str> {
        let mentioned = mapping.reads().chain(mapping.ignore.iter().map(String::as_str)).map(fold);
        let mentioned: HashSet<String> = mentioned.chain([REASON_COLUMN.to_owned()]).collect();
        let named = self.names.iter().zip(&self.folded).take(self.width).filter(|(name, _)| !name.is_empty());
        let unknown = named.filter(|(name, folded)| !mentioned.contains(*folded) && !mapping.turns(name));
        unknown.map(|(name, _)| name.as_str()).collect()
    }

    /// Whether the row can be a header rather than a record: a column the mapping reads, nothing long, no long number.
    pub(crate) fn looks_like_one(&self, mapping: &Mapping) -> bool {
        let of_file = || self.names.iter().take(self.width);
        let reads =
            |name: &String| mapping.turns(name) || mapping.reads().any(|read| fold(read) == fold(name));
        mapping.header_row == 0 || of_file().any(reads) && !of_file().any(|name| is_content(name))
    }

    /// Whether the row can be a header of whatever table: two names at least, and nothing that is more likely a value.
    pub(crate) fn is_plausible(&self) -> bool {
        let named = self.names.iter().filter(|name| !name.is_empty()).count();
        named > 1 && !self.names.iter().any(|name| is_content(name))
    }

    fn matches(&self, mapping: &Mapping) -> usize {
        let wanted = mapping.reads().chain(mapping.ignore.iter().map(String::as_str));
        let found = wanted.filter(|name| self.find(name).is_some()).count();
        found.saturating_add(self.names.iter().filter(|name| mapping.turns(name)).count())
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
    let lists = &mapping.arranging.columns;
    let score = |delimiter: u8| {
        let mut rows = Rows::new(DelimitedRows::new(Cursor::new(start), delimiter));
        let shown = if lists.is_empty() { mapping.header_row } else { mapping.skip_rows.saturating_add(1) };
        let row = read_header_row(&mut rows, shown).ok().flatten();
        row.map_or((0, 0), |row| {
            if !lists.is_empty() {
                return (usize::from(lists.iter().any(|list| list.len() == row.width())), row.width());
            }
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
