//! A mapping: which column of a file becomes which field of a record, and how its text is read.

mod file;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::date::{DateForm, ParseFormFailed, PeriodEnd, unambiguous_forms};
use super::encoding::Encoding;
pub(crate) use file::LineBreaks;
pub use file::ShortRows;
use file::{FieldEntry, Forms, MappingFile, Name};

/// The largest mapping file, in bytes.
pub const MAPPING_BYTES_MAX: u64 = 1024 * 1024;

const PERIOD_SEPARATORS: [&str; 6] = ["至", "~", "～", "—", "--", "-"];

/// A mapping file, read and free of contradictions in itself.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub(crate) kind: Placed<String>,
    pub(crate) encoding: Option<Encoding>,
    pub(crate) delimiter: Option<u8>,
    pub(crate) header_row: u64,
    pub(crate) skip_rows: u64,
    pub(crate) short_rows: ShortRows,
    /// Fields that tell records apart; empty for the kind's own.
    pub(crate) key: Vec<Placed<String>>,
    pub(crate) ignore: Vec<String>,
    pub(crate) constants: Vec<(Placed<String>, Value)>,
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
}

/// A mapping file that is refused.
#[derive(Debug, thiserror::Error)]
pub enum MappingFailed {
    /// The file cannot be read.
    #[error("the mapping file {} cannot be read", path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
    /// Longer than [`MAPPING_BYTES_MAX`].
    #[error("the mapping file is longer than {MAPPING_BYTES_MAX} bytes")]
    TooLarge,
    /// Not TOML, or not of the shape a mapping has.
    #[error("line {line} of the mapping file: {message}")]
    Shape {
        /// 1-based.
        line: usize,
        /// What the TOML reader says.
        message: String,
    },
    /// Understood, but it contradicts itself or the kind.
    #[error("line {line} of the mapping file, {place}")]
    Refused {
        /// 1-based.
        line: usize,
        /// The field or setting.
        place: String,
        /// What is wrong with it.
        #[source]
        fault: MappingFault,
    },
}

/// What is wrong with one setting of a mapping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingFault {
    /// No such encoding.
    #[error("the encoding is one of auto, utf-8, gb18030, gbk")]
    Encoding,
    /// No such delimiter.
    #[error("the delimiter is one of auto, \",\", \";\", \"|\", tab")]
    Delimiter,
    /// Rows start at 1.
    #[error("rows are counted from 1, as a spreadsheet shows them")]
    HeaderRow,
    /// Two sources for one field.
    #[error("the field is filled both from a column and by a constant; keep one")]
    FilledTwice,
    /// A field from no column.
    #[error("`from` names no column")]
    NoSource,
    /// The key names a field the mapping does not fill.
    #[error("the key names this field, but nothing fills it")]
    KeyNotFilled,
    /// A constant of a type records do not hold.
    #[error("a constant is a text, a whole number, true, false, or a list of these")]
    Constant,
    /// A date form that describes no date.
    #[error("a date form is refused")]
    Form(#[source] ParseFormFailed),
    /// The kind has no such field.
    #[error("the kind {kind} has no such field; the nearest is {nearest}")]
    UnknownField {
        /// Kind id.
        kind: String,
        /// Field with the most similar name.
        nearest: String,
    },
    /// The mapping is for another kind.
    #[error("the mapping is for this kind, but records of kind {0} are being imported")]
    OtherKind(String),
    /// A setting that this type of field has no use for.
    #[error("`{setting}` does not apply: the field holds {holds}")]
    NotApplicable {
        /// The setting's name.
        setting: &'static str,
        /// What the field holds.
        holds: &'static str,
    },
    /// No such unit.
    #[error("the unit is one of {0}")]
    Unit(String),
    /// Money needs a unit: an amount without one is a guess.
    #[error("the field is money: say the unit of the column, for instance unit = \"万元\" or unit = \"元\"")]
    UnitMissing,
    /// A share needs a unit.
    #[error("the field is a share: say the unit of the column, for instance unit = \"%\"")]
    ShareUnitMissing,
    /// A code that the kind's list does not hold.
    #[error("{code:?} is not in the field's code list: {known}")]
    Code {
        /// The code.
        code: String,
        /// All codes of the list.
        known: String,
    },
    /// A constant that the kind's own check refuses.
    #[error("the constant is refused: {0}")]
    ConstantRefused(String),
    /// A constant says that every row is public while the file says it row by row.
    #[error("the file has a column {0:?}: read it with `from`, a constant would overrule it")]
    GateOverruled(String),
    /// A word that does not mean public translated as public.
    #[error("{0:?} cannot be called public")]
    GateOpened(String),
    /// A setting that would change what the file says about secrecy before it is read.
    #[error("`{0}` may not be set here: what the file says about secrecy is read as it stands")]
    GateText(&'static str),
    /// A field that follows from another one.
    #[error("the field follows from {0} by itself; fill that one")]
    Derived(String),
    /// A field that one column cannot fill.
    #[error("the field holds {0}, which a column of a table cannot fill")]
    NotFillable(&'static str),
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
        Draft { text }.finish(file)
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

pub(crate) fn refused(line: usize, place: &str, fault: MappingFault) -> MappingFailed {
    MappingFailed::Refused { line, place: place.to_owned(), fault }
}

/// The step from what a person wrote to a checked mapping; holds the text to tell lines.
struct Draft<'t> {
    text: &'t str,
}

impl Draft<'_> {
    fn finish(&self, file: MappingFile) -> Result<Mapping, MappingFailed> {
        let fields = file
            .field
            .into_iter()
            .map(|(name, entry)| self.field(&name, entry, &file.null))
            .collect::<Result<Vec<_>, _>>()?;
        let header_row = self.place(&file.header_row).map(|row| *row);
        if header_row.value == 0 {
            return Err(refused(header_row.line, "header_row", MappingFault::HeaderRow));
        }
        let mapping = Mapping {
            kind: self.name(&file.kind),
            encoding: self.encoding(file.encoding.as_ref())?,
            delimiter: self.delimiter(file.delimiter.as_ref())?,
            header_row: header_row.value,
            skip_rows: file.skip_rows,
            short_rows: file.short_rows,
            key: file.key.iter().map(|name| self.name(name)).collect(),
            ignore: file.ignore,
            constants: self.constants(&file.constant)?,
            fields,
        };
        refuse_contradictions(&mapping)?;
        Ok(mapping)
    }

    fn place<'s, T>(&self, spanned: &'s toml::Spanned<T>) -> Placed<&'s T> {
        let before = self.text.as_bytes().get(..spanned.span().start).unwrap_or_default();
        Placed { line: line_at(before), value: spanned.get_ref() }
    }

    fn name(&self, name: &Name) -> Placed<String> {
        self.place(name).map(Clone::clone)
    }

    fn encoding(&self, name: Option<&Name>) -> Result<Option<Encoding>, MappingFailed> {
        let Some(name) = name.filter(|name| name.get_ref() != "auto") else { return Ok(None) };
        let parsed = name.get_ref().parse();
        parsed.map(Some).or(Err(refused(self.place(name).line, "encoding", MappingFault::Encoding)))
    }

    fn delimiter(&self, name: Option<&Name>) -> Result<Option<u8>, MappingFailed> {
        let Some(name) = name else { return Ok(None) };
        match name.get_ref().as_str() {
            "auto" => Ok(None),
            "," => Ok(Some(b',')),
            ";" => Ok(Some(b';')),
            "|" => Ok(Some(b'|')),
            "tab" | "\t" => Ok(Some(b'\t')),
            _ => Err(refused(self.place(name).line, "delimiter", MappingFault::Delimiter)),
        }
    }

    fn constants(
        &self,
        constants: &BTreeMap<Name, toml::Value>,
    ) -> Result<Vec<(Placed<String>, Value)>, MappingFailed> {
        let each = constants.iter().map(|(name, value)| {
            let name = self.name(name);
            match plain_value(value) {
                Some(value) => Ok((name, value)),
                None => Err(refused(name.line, &name.value, MappingFault::Constant)),
            }
        });
        each.collect()
    }

    fn field(&self, name: &Name, entry: FieldEntry, null: &[String]) -> Result<FieldMapping, MappingFailed> {
        let field = self.name(name);
        if entry.from.0.is_empty() {
            return Err(refused(field.line, &field.value, MappingFault::NoSource));
        }
        let period_separators = if entry.period_separator.0.is_empty() {
            PERIOD_SEPARATORS.map(str::to_owned).to_vec()
        } else {
            entry.period_separator.0
        };
        Ok(FieldMapping {
            forms: self.forms(&field, entry.form.as_ref())?,
            from: entry.from.0,
            join: entry.join,
            has_own_null: !entry.null.is_empty(),
            null: null.iter().chain(&entry.null).map(|token| token.trim().to_owned()).collect(),
            strip: entry.strip.into_iter().filter(|text| !text.is_empty()).collect(),
            line_breaks: entry.line_breaks,
            period: entry.period.map(toml::Spanned::into_inner),
            period_separators: period_separators.into_iter().filter(|text| !text.is_empty()).collect(),
            unit: entry.unit.as_ref().map(|unit| self.name(unit)),
            codes: entry.codes.iter().map(|(text, code)| (text.clone(), self.name(code))).collect(),
            split: entry.split.0.into_iter().filter(|text| !text.is_empty()).collect(),
            field,
        })
    }

    fn forms(
        &self,
        field: &Placed<String>,
        forms: Option<&toml::Spanned<Forms>>,
    ) -> Result<Option<Placed<Vec<DateForm>>>, MappingFailed> {
        let Some(forms) = forms else { return Ok(None) };
        let Placed { line, value } = self.place(forms);
        let parsed = value.0.iter().map(|entry| DateForm::parse(&entry.form, entry.swapped_by_spreadsheet));
        match parsed.collect() {
            Ok(value) => Ok(Some(Placed { line, value })),
            Err(fault) => Err(refused(line, &field.value, MappingFault::Form(fault))),
        }
    }
}

impl<T> Placed<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Placed<U> {
        Placed { line: self.line, value: change(self.value) }
    }
}

impl FieldMapping {
    /// The forms to try: the mapping's, or the year-first ones that cannot be misread.
    pub(crate) fn date_forms(&self) -> Vec<DateForm> {
        self.forms.as_ref().map_or_else(unambiguous_forms, |forms| forms.value.clone())
    }
}

fn plain_value(value: &toml::Value) -> Option<Value> {
    match value {
        toml::Value::String(text) => Some(Value::from(text.as_str())),
        toml::Value::Integer(number) => Some(Value::from(*number)),
        toml::Value::Boolean(flag) => Some(Value::from(*flag)),
        toml::Value::Array(list) => list.iter().map(plain_value).collect::<Option<Vec<_>>>().map(Value::from),
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

fn refuse_contradictions(mapping: &Mapping) -> Result<(), MappingFailed> {
    let from_column = |name: &str| mapping.fields.iter().any(|entry| entry.field.value == name);
    for (constant, _) in &mapping.constants {
        if from_column(&constant.value) {
            return Err(refused(constant.line, &constant.value, MappingFault::FilledTwice));
        }
    }
    match mapping.key.iter().find(|key| !from_column(&key.value)) {
        Some(key) => Err(refused(key.line, &key.value, MappingFault::KeyNotFilled)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use proptest::prelude::*;

    use super::*;

    const HEAD: &str = "kind = \"ACH\"\nkey = [\"no\"]\n";
    const NO: &str = "[field.no]\nfrom = \"编号\"\n";

    fn check(text: &str, wanted: &str) {
        let error = Mapping::parse(text).unwrap_err();
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        let all = format!("{error}: {cause}");
        assert!(all.contains(wanted), "{all:?} does not say {wanted:?}");
    }

    #[test]
    fn a_full_mapping_is_understood() {
        let text = format!(
            "{HEAD}encoding = \"gbk\"\ndelimiter = \"tab\"\nheader_row = 3\nskip_rows = 1\nnull = [\" - \"]\nignore = [\"x\"]\n\
             [constant]\nsecrecy = \"public\"\ntags = [\"a\", 1, true]\n{NO}null = [\"无\"]\n\
             [field.expiry]\nfrom = [\"A\", \"B\"]\nform = [\"%m/%d/%Y\", {{ form = \"%d %B %Y\", swapped_by_spreadsheet = true }}]\n\
             [field.start]\nfrom = \"期\"\nperiod = \"start\"\nform = \"%Y.%m\"\n"
        );
        let mapping = Mapping::parse(&text).unwrap();
        assert_eq!((mapping.kind(), mapping.header_row, mapping.skip_rows), ("ACH", 3, 1));
        assert_eq!((mapping.encoding, mapping.delimiter), (Some(Encoding::Gb18030), Some(b'\t')));
        assert_eq!(mapping.fields[0].forms.as_ref().unwrap().value.len(), 2);
        assert_eq!(mapping.fields[1].null, ["-", "无"]);
        assert_eq!(mapping.fields[2].period, Some(PeriodEnd::Start));
        assert_eq!(mapping.constants[1].1, serde_json::json!(["a", 1, true]));
    }

    #[test]
    fn errors_name_the_line_and_the_place() {
        check("kind = 3", "line 1");
        check(&format!("{HEAD}colour = 1\n"), "line 3 of the mapping file: unknown field `colour`");
        check(&format!("{HEAD}{NO}untit = \"元\"\n"), "line 5 of the mapping file: unknown field `untit`");
        check(
            &format!("{HEAD}encoding = \"big5\"\n{NO}"),
            "line 3 of the mapping file, encoding: the encoding is",
        );
        check(&format!("{HEAD}delimiter = \"::\"\n{NO}"), "line 3 of the mapping file, delimiter");
        check(&format!("{HEAD}header_row = 0\n{NO}"), "line 3 of the mapping file, header_row");
        check(
            &format!("{HEAD}{NO}form = \"%q\"\n"),
            "line 5 of the mapping file, no: a date form is refused",
        );
        check(&format!("{HEAD}{NO}form = {{ form = \"%Y\", swaped = 1 }}\n"), "swaped");
        check(
            &format!("{HEAD}[constant]\nno = \"1\"\n{NO}"),
            "line 4 of the mapping file, no: the field is filled both",
        );
        check(&format!("{HEAD}[constant]\nx = 1.5\n{NO}"), "line 4 of the mapping file, x: a constant is");
        check(HEAD, "line 2 of the mapping file, no: the key names this field");
        check(
            &format!("{HEAD}[field.no]\nfrom = []\n"),
            "line 3 of the mapping file, no: `from` names no column",
        );
        check(&format!("{HEAD}{NO}{NO}"), "line 5");
        assert!(Mapping::decode(b"kind = \"A\"\n# \xFF").unwrap_err().to_string().contains("line 2"));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Mapping::decode(&bytes).is_err());
        }

        #[test]
        fn no_mapping_like_text_panics(lines in proptest::collection::vec(
            "(kind|key|form|from|header_row|\\[field\\.a\\]|\\[constant\\]|codes|unit)( ?= ?(\"[a%Y]{0,3}\"|\\[.?\\]|[0-9]{1,20}|\\{.?\\}))?", 0..12,
        )) {
            prop_assert!(Mapping::parse(&lines.join("\n")).map_or(true, |m| m.header_row > 0));
        }
    }
}
