//! The mapping file as people write it: TOML, unknown keys refused, every place known by its line.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

use crate::import::date::PeriodEnd;

/// A text together with its byte range in the file.
pub(crate) type Name = Spanned<String>;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MappingFile {
    pub(crate) kind: Name,
    #[serde(default)]
    pub(crate) encoding: Option<Name>,
    #[serde(default)]
    pub(crate) delimiter: Option<Name>,
    #[serde(default)]
    pub(crate) sheet: Option<Sheet>,
    #[serde(default)]
    pub(crate) header_row: Option<Spanned<u64>>,
    #[serde(default)]
    pub(crate) columns: Option<Spanned<toml::Value>>,
    #[serde(default)]
    pub(crate) skip_rows: u64,
    #[serde(default)]
    pub(crate) short_rows: ShortRows,
    #[serde(default)]
    pub(crate) sub_headings: Option<Spanned<toml::Value>>,
    #[serde(default)]
    pub(crate) stop_at: Texts,
    #[serde(default)]
    pub(crate) skip_where: BTreeMap<Name, Texts>,
    #[serde(default)]
    pub(crate) only: BTreeMap<Name, Texts>,
    #[serde(default)]
    pub(crate) fill_down: Vec<Name>,
    #[serde(default)]
    pub(crate) unpivot: Option<UnpivotEntry>,
    #[serde(default)]
    pub(crate) repeats: Option<RepeatsEntry>,
    #[serde(default)]
    pub(crate) action: Option<Name>,
    #[serde(default)]
    pub(crate) null: Vec<String>,
    #[serde(default)]
    pub(crate) key: Vec<Name>,
    #[serde(default)]
    pub(crate) ignore: Vec<String>,
    #[serde(default)]
    pub(crate) constant: BTreeMap<Name, toml::Value>,
    #[serde(default)]
    pub(crate) field: BTreeMap<Name, FieldEntry>,
}

/// Columns whose cells are records.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnpivotEntry {
    pub(crate) columns: Spanned<Texts>,
    #[serde(default)]
    pub(crate) header: Option<Name>,
    pub(crate) cell: Name,
}

/// A column that counts rows with the same texts.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RepeatsEntry {
    pub(crate) of: Vec<Name>,
    pub(crate) column: Name,
}

/// The sheet of a workbook to read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(untagged)]
pub(crate) enum Sheet {
    /// By its place, from 1, hidden sheets counted.
    Number(u64),
    /// By its name.
    Name(String),
}

impl fmt::Display for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "number {number}"),
            Self::Name(name) => write!(f, "{name:?}"),
        }
    }
}

/// What to do with a row that has fewer cells than the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShortRows {
    /// It is a problem: a stray line break may have cut the row in two.
    #[default]
    Refuse,
    /// The missing cells are empty: some spreadsheets leave out empty cells at the end of a row.
    Pad,
}

/// What becomes of line breaks inside a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LineBreaks {
    /// Each becomes one space.
    #[default]
    Space,
    /// They stay.
    Keep,
}

/// What becomes of a cell that says something, though not what the field can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unfit {
    /// It is a problem of the row.
    #[default]
    Refuse,
    /// The field stays empty and the text is kept beside the record.
    Keep,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldEntry {
    pub(crate) from: Texts,
    #[serde(default)]
    pub(crate) join: Option<String>,
    #[serde(default)]
    pub(crate) null: Vec<String>,
    #[serde(default)]
    pub(crate) strip: Vec<String>,
    #[serde(default)]
    pub(crate) line_breaks: LineBreaks,
    #[serde(default)]
    pub(crate) form: Option<Spanned<Forms>>,
    #[serde(default)]
    pub(crate) period: Option<Spanned<PeriodEnd>>,
    #[serde(default)]
    pub(crate) period_separator: Texts,
    #[serde(default)]
    pub(crate) unit: Option<Name>,
    #[serde(default)]
    pub(crate) codes: BTreeMap<String, Name>,
    #[serde(default)]
    pub(crate) split: Texts,
    #[serde(default)]
    pub(crate) imprecise: Unfit,
    #[serde(default)]
    pub(crate) unknown: Unfit,
    #[serde(default)]
    pub(crate) normalise: Option<Spanned<Texts>>,
}

/// A date form: the text alone, or a table that says what a spreadsheet did to the dates.
#[derive(Debug)]
pub(crate) struct FormEntry {
    pub(crate) form: String,
    pub(crate) swapped_by_spreadsheet: bool,
}

/// One form or a list of forms.
#[derive(Debug)]
pub(crate) struct Forms(pub(crate) Vec<FormEntry>);

/// One text or a list of texts.
#[derive(Debug, Default)]
pub(crate) struct Texts(pub(crate) Vec<String>);

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct FormTable {
    form: String,
    #[serde(default)]
    swapped_by_spreadsheet: bool,
}

impl FormEntry {
    fn plain(form: &str) -> Self {
        Self { form: form.to_owned(), swapped_by_spreadsheet: false }
    }

    fn from_table<'de, A: MapAccess<'de>>(table: A) -> Result<Self, A::Error> {
        let FormTable { form, swapped_by_spreadsheet } =
            FormTable::deserialize(de::value::MapAccessDeserializer::new(table))?;
        Ok(Self { form, swapped_by_spreadsheet })
    }
}

fn collect<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(mut list: A) -> Result<Vec<T>, A::Error> {
    let mut all = Vec::new();
    while let Some(item) = list.next_element()? {
        all.push(item);
    }
    Ok(all)
}

struct FormVisitor;

impl<'de> Visitor<'de> for FormVisitor {
    type Value = FormEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a date form such as \"%Y-%m-%d\" or { form = \"…\", swapped_by_spreadsheet = true }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<FormEntry, E> {
        Ok(FormEntry::plain(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<FormEntry, A::Error> {
        FormEntry::from_table(table)
    }
}

impl<'de> Deserialize<'de> for FormEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FormVisitor)
    }
}

struct FormsVisitor;

impl<'de> Visitor<'de> for FormsVisitor {
    type Value = Forms;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a date form or a list of date forms")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Forms, E> {
        Ok(Forms(vec![FormEntry::plain(text)]))
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Forms, A::Error> {
        Ok(Forms(vec![FormEntry::from_table(table)?]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Forms, A::Error> {
        collect(list).map(Forms)
    }
}

impl<'de> Deserialize<'de> for Forms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FormsVisitor)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of texts")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Texts, E> {
        Ok(Texts(vec![text.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Texts, A::Error> {
        collect(list).map(Texts)
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextsVisitor)
    }
}
