//! A record of metadata as named columns, each with the values it has.

use std::fmt;

use serde_json::{Map, Value};

use super::{cerif, dublin_core};

/// Column with the record's identifier in its repository.
pub const IDENTIFIER_COLUMN: &str = "record_identifier";
/// Column with the date of the record's last change in its repository.
pub const DATESTAMP_COLUMN: &str = "record_datestamp";
/// Column with the day of that date: since then at the latest the record is open to everybody, as it stands.
pub const DATE_COLUMN: &str = "record_date";
/// Column that says `DELETE` for a record that the repository deleted, and nothing for any other.
pub const ACTION_COLUMN: &str = "action";

/// Columns in the order in which they came, each name once. `Debug` withholds the values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Columns(Vec<Column>);

#[derive(Clone, PartialEq, Eq)]
struct Column {
    name: String,
    /// Whether it may hold several values whatever it holds in this record.
    list: bool,
    values: Vec<String>,
}

impl fmt::Debug for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Columns({}, values withheld)", self.0.len())
    }
}

impl Columns {
    /// Adds a value to a column, unless it is empty or the column holds it.
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        self.put(name, value, false);
    }

    /// Does what [`Columns::add`] does for a column that is a list even with one value in it.
    pub(crate) fn add_to_list(&mut self, name: &str, value: &str) {
        self.put(name, value, true);
    }

    fn put(&mut self, name: &str, value: &str, list: bool) {
        if value.is_empty() {
            return;
        }
        let value = value.to_owned();
        match self.0.iter_mut().find(|column| column.name == name) {
            Some(column) if column.values.contains(&value) => {}
            Some(column) => column.values.push(value),
            None => self.0.push(Column { name: name.to_owned(), list, values: vec![value] }),
        }
    }

    /// Keeps only those values of a column that `keep` says yes to.
    pub(crate) fn retain(&mut self, name: &str, keep: impl Fn(&str) -> bool) {
        if let Some(column) = self.0.iter_mut().find(|column| column.name == name) {
            column.values.retain(|value| keep(value));
        }
        self.0.retain(|column| !column.values.is_empty());
    }

    /// The values of a column; none for a column the record does not have.
    #[must_use]
    pub fn values(&self, name: &str) -> &[String] {
        self.0.iter().find(|column| column.name == name).map_or(&[], |column| &column.values)
    }

    fn cells(&self) -> impl Iterator<Item = (&str, Value)> {
        self.0.iter().map(|column| {
            let value = match column.values.as_slice() {
                [one] if !column.list => Value::from(one.as_str()),
                several => Value::from(several.to_vec()),
            };
            (column.name.as_str(), value)
        })
    }
}

/// In which words a repository describes its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetadataFormat {
    /// `oai_dc`.
    DublinCore,
    /// `cerif_openaire` and other prefixes of the same profile.
    Cerif,
}

impl MetadataFormat {
    /// The format a repository calls by this prefix.
    #[must_use]
    pub fn of_prefix(prefix: &str) -> Option<Self> {
        if prefix == "oai_dc" {
            Some(Self::DublinCore)
        } else {
            prefix.contains("cerif").then_some(Self::Cerif)
        }
    }

    /// The columns that every record of the format may have.
    pub(crate) const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::DublinCore => &dublin_core::COLUMNS,
            Self::Cerif => &cerif::COLUMNS,
        }
    }
}

/// One record of a repository. Its values stay in the node: `Debug` withholds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataRow {
    /// Its identifier in the repository; empty in a file that has no headers.
    pub identifier: String,
    /// When the repository last changed it, as the repository writes it.
    pub datestamp: String,
    /// Whether the repository deleted it. Then there are no columns.
    pub deleted: bool,
    /// What it says.
    pub columns: Columns,
}

impl MetadataRow {
    /// All columns, those of the header first: a text, or a list of texts.
    pub fn cells(&self) -> impl Iterator<Item = (&str, Value)> {
        let header = [
            (IDENTIFIER_COLUMN, self.identifier.as_str()),
            (DATESTAMP_COLUMN, &self.datestamp),
            (DATE_COLUMN, self.datestamp.get(..10).unwrap_or(&self.datestamp)),
            (ACTION_COLUMN, if self.deleted { "DELETE" } else { "" }),
        ];
        header.into_iter().map(|(name, text)| (name, Value::from(text))).chain(self.columns.cells())
    }

    /// The row of a JSON Lines file. It has every column of `format`, so that a file in which no record has some column
    /// still fits the mapping that reads it.
    #[must_use]
    pub fn to_json(&self, format: MetadataFormat) -> Map<String, Value> {
        let empty = format.columns().iter().map(|name| ((*name).to_owned(), Value::from("")));
        let mut row: Map<String, Value> = empty.collect();
        row.extend(self.cells().map(|(name, value)| (name.to_owned(), value)));
        row
    }
}
