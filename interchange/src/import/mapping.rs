//! A mapping: which column of a file becomes which field of a record, and how its text is read.

mod arranging;
mod fault;
mod file;
mod finish;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde_json::Value;

use super::date::{DateForm, PeriodEnd, unambiguous_forms};
use super::encoding::Encoding;
use super::normal::Normal;
use super::text::fold;
use crate::layout::SEPARATORS;
pub(crate) use arranging::{Arranging, Condition};
use arranging::{Pattern, SubHeadings};
pub(crate) use fault::refused;
pub use fault::{MappingFailed, MappingFault};
use file::MappingFile;
pub(crate) use file::Sheet;
pub use file::ShortRows;
pub(crate) use file::{LineBreaks, Unfit};
use finish::Finishing;

/// The largest mapping file, in bytes.
pub const MAPPING_BYTES_MAX: u64 = 1024 * 1024;

/// A mapping file, read and free of contradictions in itself.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub(crate) kind: Placed<String>,
    pub(crate) encoding: Option<Encoding>,
    pub(crate) delimiter: Option<u8>,
    /// The sheet of a workbook; none for the first visible one that holds anything.
    pub(crate) sheet: Option<Sheet>,
    /// 0 for a file without one.
    pub(crate) header_row: u64,
    pub(crate) skip_rows: u64,
    pub(crate) short_rows: ShortRows,
    /// Fields that tell records apart; empty for the kind's own.
    pub(crate) key: Vec<Placed<String>>,
    pub(crate) ignore: Vec<String>,
    pub(crate) constants: Vec<(Placed<String>, Value)>,
    /// Texts that mean "empty" in every column.
    pub(crate) null: Vec<String>,
    pub(crate) arranging: Arranging,
    /// The column that says what is to be done with a row.
    pub(crate) action: Option<Placed<String>>,
    pub(crate) fields: Vec<FieldMapping>,
}

/// A value together with the line of the mapping file it stands on, 1-based.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placed<T> {
    pub(crate) line: usize,
    pub(crate) value: T,
}

/// How one field of the record is filled.
#[derive(Debug, Clone)]
pub(crate) struct FieldMapping {
    pub(crate) field: Placed<String>,
    /// Source headers: alternatives, unless `join` says that all of them together make the value.
    pub(crate) from: Vec<String>,
    pub(crate) join: Option<String>,
    /// The mapping's null tokens and the column's own.
    pub(crate) null: Vec<String>,
    /// Whether the field's own `null` says anything.
    pub(crate) has_own_null: bool,
    pub(crate) strip: Vec<String>,
    pub(crate) line_breaks: LineBreaks,
    pub(crate) forms: Option<Placed<Vec<DateForm>>>,
    pub(crate) period: Option<PeriodEnd>,
    pub(crate) period_separators: Vec<String>,
    pub(crate) unit: Option<Placed<String>>,
    pub(crate) codes: Vec<(String, Placed<String>)>,
    pub(crate) split: Vec<String>,
    /// What becomes of a date known less well than the field wants.
    pub(crate) imprecise: Unfit,
    /// What becomes of a text in no code list.
    pub(crate) unknown: Unfit,
    /// How texts are brought into one form, in this order.
    pub(crate) normalise: Vec<Normal>,
    /// Whether the cells are as the node itself writes them.
    pub(crate) own: Option<Own>,
}

/// How the node itself writes the cells of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Own {
    /// For people: see [`crate::layout`].
    Written,
    /// The stored value: a text as it is, everything else as JSON.
    Stored,
}

impl Mapping {
    /// Loads a mapping file.
    ///
    /// # Errors
    /// A file that cannot be read or is no mapping; the error names the line.
    pub fn load(path: &Path) -> Result<Self, MappingFailed> {
        let read = |source| MappingFailed::Read { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(read)?;
        file.take(MAPPING_BYTES_MAX.saturating_add(1)).read_to_end(&mut bytes).map_err(read)?;
        Self::decode(&bytes)
    }

    /// Decodes the bytes of a mapping file.
    ///
    /// # Errors
    /// Bytes that are no mapping; the error names the line.
    pub fn decode(bytes: &[u8]) -> Result<Self, MappingFailed> {
        if u64::try_from(bytes.len()).is_ok_and(|length| length > MAPPING_BYTES_MAX) {
            return Err(MappingFailed::TooLarge);
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::parse(text.strip_prefix('\u{feff}').unwrap_or(text)),
            Err(error) => {
                let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let message = "the mapping file must be saved as UTF-8".to_owned();
                Err(MappingFailed::Shape { line: line_at(before), message })
            }
        }
    }

    /// Parses the text of a mapping file.
    ///
    /// # Errors
    /// A text that is no mapping; the error names the line.
    pub fn parse(text: &str) -> Result<Self, MappingFailed> {
        let file: MappingFile = toml::from_str(text).map_err(|error| MappingFailed::Shape {
            line: line_at(
                text.as_bytes().get(..error.span().map_or(0, |span| span.start)).unwrap_or_default(),
            ),
            message: error.message().to_owned(),
        })?;
        Finishing { text }.finish(file)
    }

    /// A mapping that reads nothing yet, of a file with its header in the first row.
    pub(crate) fn bare(kind: &str) -> Self {
        Self {
            kind: Placed { line: 1, value: kind.to_owned() },
            encoding: None,
            delimiter: None,
            sheet: None,
            header_row: 1,
            skip_rows: 0,
            short_rows: ShortRows::Pad,
            key: Vec::new(),
            ignore: Vec::new(),
            constants: Vec::new(),
            null: Vec::new(),
            arranging: Arranging::default(),
            action: None,
            fields: Vec::new(),
        }
    }

    /// Reads a field from one column as it stands.
    pub(crate) fn read_plainly(&mut self, field: &str, column: &str) {
        self.fields.push(FieldMapping {
            own: None,
            ..FieldMapping::own(field, vec![column.to_owned()], Own::Written, None)
        });
    }

    /// Takes rows with a single text for headings.
    pub(crate) fn pass_over_headings(&mut self) {
        self.arranging.sub_headings = Some(SubHeadings { column: None, until: None });
    }

    /// The columns it reads, by the names it gives them.
    pub(crate) fn reads(&self) -> impl Iterator<Item = &str> {
        let fields = self.fields.iter().flat_map(|entry| &entry.from).map(String::as_str);
        let named = self.arranging.named().into_iter().map(|(_, name)| name);
        fields.chain(named.chain(&self.action).map(|name| name.value.as_str()))
    }

    /// Turns columns by name alone; answers with a name for each pattern.
    pub(crate) fn turn_by_name(&mut self) -> Vec<String> {
        let Some(unpivot) = &mut self.arranging.unpivot else { return Vec::new() };
        let names: Vec<String> =
            (1..=unpivot.columns.value.len()).map(|number| format!("turned {number}")).collect();
        unpivot.columns.value = names.iter().map(|name| Pattern::Text(fold(name))).collect();
        names
    }

    /// Whether it reads a column of this name by what the name looks like.
    pub(crate) fn turns(&self, name: &str) -> bool {
        self.arranging.unpivot.as_ref().is_some_and(|unpivot| unpivot.takes(name))
    }

    /// The id of the kind whose records the mapping makes.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind.value
    }
}

fn line_at(before: &[u8]) -> usize {
    before.iter().filter(|&&byte| byte == b'\n').count().saturating_add(1)
}

impl<T> Placed<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Placed<U> {
        Placed { line: self.line, value: change(self.value) }
    }
}

impl FieldMapping {
    /// A field of a kind's own layout, in the unit the layout writes.
    pub(crate) fn own(field: &str, from: Vec<String>, own: Own, unit: Option<&str>) -> Self {
        let place = |value: &str| Placed { line: 1, value: value.to_owned() };
        Self {
            field: place(field),
            from,
            join: None,
            null: Vec::new(),
            has_own_null: false,
            strip: Vec::new(),
            line_breaks: LineBreaks::Keep,
            forms: None,
            period: None,
            period_separators: Vec::new(),
            unit: unit.map(place),
            codes: Vec::new(),
            split: SEPARATORS.map(str::to_owned).to_vec(),
            imprecise: Unfit::Refuse,
            unknown: Unfit::Refuse,
            normalise: Vec::new(),
            own: Some(own),
        }
    }

    /// The forms to try: the mapping's, or the year-first ones that cannot be misread.
    pub(crate) fn date_forms(&self) -> Vec<DateForm> {
        self.forms.as_ref().map_or_else(unambiguous_forms, |forms| forms.value.clone())
    }
}
