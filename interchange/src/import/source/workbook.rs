//! What workbooks of every format share: the choice of a sheet, numbers and dates as text, and why one is refused.

pub(crate) mod archive;
pub(crate) mod number;
pub(crate) mod serial;
pub(crate) mod xml;

use super::row::CELL_BYTES_MAX;
use crate::import::mapping::Sheet;

/// Names of sheets listed in a warning or an error.
const NAMES_SHOWN: usize = 12;

/// A workbook that is not read.
#[derive(Debug, thiserror::Error)]
pub enum WorkbookFailed {
    /// The container is broken, cut off, or of another kind.
    #[error("the workbook is damaged ({what}); open it in Excel or WPS and save it again")]
    Damaged {
        /// What cannot be read.
        what: String,
    },
    /// A part that is not well-formed XML in UTF-8.
    #[error(
        "the part {part:?} of the workbook is not well-formed; open it in Excel or WPS and save it again"
    )]
    Malformed {
        /// Name within the container.
        part: String,
    },
    /// A part that declares a document type or uses an entity it would have to declare.
    #[error(
        "the part {part:?} of the workbook declares or uses entities, as no spreadsheet program does: the file is not to be trusted"
    )]
    Entities {
        /// Name within the container.
        part: String,
    },
    /// More than is read of one thing: the sign of a bomb.
    #[error(
        "the workbook holds more than {limit} of {what}; save the sheet as \"CSV UTF-8\" and import that"
    )]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much is read, with its unit.
        limit: &'static str,
    },
    /// Protected by a password.
    #[error("the workbook is protected by a password; save it without one")]
    Encrypted,
    /// Written by Excel 95 or older.
    #[error("the workbook is of Excel 95 or older; save it as .xlsx")]
    TooOld,
    /// The mapping names a sheet that is not there.
    #[error("the workbook has no sheet {wanted}; it has {found}; set `sheet` in the mapping")]
    NoSheet {
        /// Name or number.
        wanted: String,
        /// Names of the sheets that are there.
        found: String,
    },
}

impl WorkbookFailed {
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}

/// One sheet of a workbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SheetEntry {
    pub(crate) name: String,
    pub(crate) hidden: bool,
    /// Where its content is: a part of the container, or a position.
    pub(crate) place: String,
}

/// The sheets to try in turn: the one the mapping names, or all visible ones, then hidden ones.
pub(crate) fn candidates<'s>(
    sheets: &'s [SheetEntry],
    wanted: Option<&Sheet>,
) -> Result<Vec<&'s SheetEntry>, WorkbookFailed> {
    let found = match wanted {
        None => {
            let (hidden, visible): (Vec<_>, Vec<_>) = sheets.iter().partition(|sheet| sheet.hidden);
            return Ok(visible.into_iter().chain(hidden).collect());
        }
        Some(Sheet::Name(name)) => sheets.iter().find(|sheet| sheet.name.trim() == name.trim()),
        Some(Sheet::Number(number)) => {
            usize::try_from(*number).ok().and_then(|number| sheets.get(number.checked_sub(1)?))
        }
    };
    found.map(|sheet| vec![sheet]).ok_or_else(|| WorkbookFailed::NoSheet {
        wanted: wanted.map(ToString::to_string).unwrap_or_default(),
        found: names(sheets.iter()),
    })
}

/// The names of some sheets, for a person.
pub(crate) fn names<'s>(sheets: impl Iterator<Item = &'s SheetEntry>) -> String {
    let names: Vec<String> = sheets.map(|sheet| format!("{:?}", sheet.name)).collect();
    let shown = names.iter().take(NAMES_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > NAMES_SHOWN { format!("{shown}, …") } else { shown }
}

/// The column of a cell reference such as `AB12`, from 0; none for what is none.
pub(crate) fn column_of(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let number = letters.fold(0_usize, |number, letter| {
        let digit = usize::from(letter.to_ascii_uppercase().wrapping_sub(b'A'));
        number.saturating_mul(26).saturating_add(digit).saturating_add(1)
    });
    number.checked_sub(1)
}

/// Adds to the text of one cell.
pub(crate) fn push_within_limit(cell: &mut String, text: &str) -> Result<(), WorkbookFailed> {
    if cell.len().saturating_add(text.len()) > CELL_BYTES_MAX.saturating_mul(2) {
        return Err(WorkbookFailed::TooLarge { what: "text in one cell", limit: "1 MiB" });
    }
    cell.push_str(text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_name_columns() {
        for (reference, column) in
            [("A1", Some(0)), ("Z9", Some(25)), ("AA1", Some(26)), ("XFD1048576", Some(16_383)), ("1", None)]
        {
            assert_eq!(column_of(reference), column, "{reference}");
        }
        assert!(column_of(&"Z".repeat(1_000)).is_some_and(|column| column > 1 << 40));
    }

    #[test]
    fn a_sheet_is_chosen_by_name_number_or_visibility() {
        let sheet = |name: &str, hidden| SheetEntry { name: name.to_owned(), hidden, place: String::new() };
        let sheets = [sheet("旧", true), sheet("成果", false), sheet("说明", false)];
        let check = |wanted: Option<Sheet>, found: &[&str]| {
            let candidates = candidates(&sheets, wanted.as_ref()).unwrap();
            assert_eq!(candidates.iter().map(|sheet| sheet.name.as_str()).collect::<Vec<_>>(), found);
        };
        check(None, &["成果", "说明", "旧"]);
        check(Some(Sheet::Number(1)), &["旧"]);
        check(Some(Sheet::Name("说明".to_owned())), &["说明"]);
        for wanted in [Sheet::Number(0), Sheet::Number(4), Sheet::Name("x".to_owned())] {
            assert!(matches!(candidates(&sheets, Some(&wanted)), Err(WorkbookFailed::NoSheet { .. })));
        }
    }
}
