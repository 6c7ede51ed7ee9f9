//! Why a mapping file is refused: the line, the setting, and what is wrong with it.

use std::io;
use std::path::PathBuf;

use super::MAPPING_BYTES_MAX;
use crate::import::date::ParseFormFailed;

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
    #[error("the encoding is one of auto, utf-8, gb18030, gbk, utf-16le, utf-16be, cp1252")]
    Encoding,
    /// No such delimiter.
    #[error("the delimiter is one of auto, \",\", \";\", \"|\", tab")]
    Delimiter,
    /// Rows start at 1.
    #[error("rows are counted from 1, as a spreadsheet shows them")]
    HeaderRow,
    /// Column names for a file that has a header row.
    #[error("`columns` names the columns of a file without a header row, and `header_row` is set; keep one")]
    ColumnsAndHeader,
    /// No lists of names.
    #[error(
        "`columns` is a list of names, or several lists of different length for rows of different length: [[\"名称\", \"纬度\"], [\"名称\", \"校区\", \"纬度\"]]"
    )]
    Columns,
    /// No way to treat headings.
    #[error(
        "`sub_headings` is \"skip\" or {{ column = \"地区\", until = \"（\" }}, where `until` may be left out"
    )]
    SubHeadings,
    /// Long columns of a wide table end in rows that look like headings.
    #[error(
        "`sub_headings` cannot be used together with `unpivot`: a heading cannot be told from a row with one cell"
    )]
    TurnedUnderHeadings,
    /// Nothing is turned.
    #[error("`columns` names no column")]
    NothingToTurn,
    /// A made column named like another.
    #[error("a column {0:?} exists already; give it a name of its own")]
    NameTaken(String),
    /// A made column where one of the file is needed.
    #[error("{0:?} is no column of the file")]
    MadeColumn(String),
    /// What would be kept beside a record that cannot be.
    #[error("`{0}` has no use here: the field is required, so a row without it is refused")]
    KeptRequired(&'static str),
    /// No such way of normalising.
    #[error("normalise is one or several of {0}")]
    Normalise(String),
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
}

pub(crate) fn refused(line: usize, place: &str, fault: MappingFault) -> MappingFailed {
    MappingFailed::Refused { line, place: place.to_owned(), fault }
}
