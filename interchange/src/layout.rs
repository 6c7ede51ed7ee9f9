//! A kind's own layout: the table in which this node writes records of the kind, and reads them without a mapping file.
//!
//! One column a field, headed by the field's title and its unit: 合同金额（万元）. Money stands in 万元 and shares in %,
//! exactly; codes by their label, yes and no as 是 and 否, lists with ； between their items, tables within a record as
//! JSON. A text that would not come back as it is, or that a spreadsheet would take for a formula, begins with `'`;
//! behind it stands the text, or the stored value as JSON.

mod text;

use safeharbor_rules::{Field, Kind, Lang};
use serde_json::Value;

use crate::import::Objection;
use crate::import::cell::Reading;
use crate::import::mapping::{FieldMapping, Own};
use crate::import::shape::{Shape, reading};

/// What separates the items of a list where the node writes one; the others are read as well.
pub(crate) const SEPARATORS: [&str; 4] = ["；", ";", "、", "\n"];

/// The own layout of a kind.
#[derive(Debug)]
pub struct Layout<'k> {
    kind: &'k Kind,
    columns: Vec<Column<'k>>,
}

/// One column of the layout.
#[derive(Debug)]
pub struct Column<'k> {
    field: &'k Field,
    zh: String,
    en: String,
    reading: Option<Reading>,
}

impl<'k> Layout<'k> {
    /// The layout of `kind`: a column for every field, in the order of the kind.
    #[must_use]
    pub fn of(kind: &'k Kind) -> Self {
        let columns = kind.fields().iter().map(|field| Column::of(kind, field)).collect();
        Self { kind, columns }
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> &'k Kind {
        self.kind
    }

    /// The columns.
    #[must_use]
    pub fn columns(&self) -> &[Column<'k>] {
        &self.columns
    }
}

impl<'k> Column<'k> {
    /// The column of one field of `kind`.
    pub(crate) fn of(kind: &Kind, field: &'k Field) -> Self {
        let [zh, en] = [Lang::Zh, Lang::En].map(|lang| header(kind, field, lang));
        let entry = FieldMapping::own(field.name(), Vec::new(), Own::Written, unit_of(field));
        Self { field, zh, en, reading: reading(&entry, field).ok() }
    }

    /// The field it holds.
    #[must_use]
    pub fn field(&self) -> &'k Field {
        self.field
    }

    /// Its header.
    #[must_use]
    pub fn header(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }

    /// Whether its cells are numbers to a spreadsheet.
    #[must_use]
    pub fn is_number(&self) -> bool {
        !matches!(self.field.value_type(), safeharbor_rules::ValueType::List(_))
            && Shape::of(self.field).is_number()
    }

    /// The cell that holds `value`: reading it by the own layout gives `value` again.
    #[must_use]
    pub fn text(&self, value: &Value) -> String {
        text::cell(self, value)
    }

    /// Whether its cells hold a table or group within the record, as JSON.
    pub(crate) fn is_table(&self) -> bool {
        matches!(Shape::of(self.field), Shape::Nested)
    }

    /// The unit in which its cells are written.
    pub(crate) fn unit(&self) -> Option<&'k str> {
        unit_of(self.field)
    }

    /// The value for people, without the mark that some cells need to be read again.
    pub(crate) fn plain(&self, value: &Value) -> String {
        text::plain(self, value)
    }

    /// The value that a person writes as `text`; none for an empty text.
    ///
    /// # Errors
    /// The text is no value of the field.
    pub fn parse(&self, text: &str) -> Result<Option<Value>, Box<Objection>> {
        let text = text.trim();
        let Some(reading) = self.reading.as_ref().filter(|_| !text.is_empty()) else { return Ok(None) };
        let read = reading.read(text).map(|read| read.value);
        read.map_err(|fault| Box::new(fault.finding().into_objection(self.field.name())))
    }

    fn read(&self, text: &str) -> Option<Value> {
        self.reading.as_ref()?.read(text).ok()?.value
    }
}

/// The unit in which the layout writes a stored unit.
fn unit_of(field: &Field) -> Option<&str> {
    match (Shape::of(field), field.unit()) {
        (Shape::Money, _) => Some("万元"),
        (Shape::Share, _) => Some("%"),
        (_, unit) => unit,
    }
}

/// The field's title with its unit, and with its name where another field of the kind is called the same.
fn header(kind: &Kind, field: &Field, lang: Lang) -> String {
    let titled = |field: &Field| match unit_of(field) {
        Some(unit) if lang == Lang::Zh => format!("{}（{unit}）", field.title(lang)),
        Some(unit) => format!("{} ({unit})", field.title(lang)),
        None => field.title(lang).to_owned(),
    };
    let title = titled(field);
    match kind.fields().iter().filter(|other| titled(other) == title).count() {
        0 | 1 => title,
        _ => format!("{title} {}", field.name()),
    }
}

#[cfg(test)]
mod tests;
