//! A workbook of one sheet in the own layout of a kind, its rows kept on disk while it grows.

use std::io::Write;
use std::path::Path;

use rust_xlsxwriter::{Format, FormatAlign, Workbook, Worksheet};
use safeharbor_rules::{Kind, Lang, Record};

use super::{ExportFailed, cell};
use crate::layout::{Column, Layout};

/// What a cell of a spreadsheet holds at most.
pub(super) const CELL_CHARS_MAX: usize = 32_767;
/// Rows of a sheet below its header.
pub(super) const ROWS_MAX: u64 = 1_048_575;
/// A spreadsheet keeps this many digits of a number.
const DIGITS_MAX: usize = 15;
/// What a sheet's name holds at most.
const NAME_CHARS_MAX: usize = 31;

pub(super) struct Sheet {
    workbook: Workbook,
    number: Format,
    text: Format,
}

impl Sheet {
    pub(super) fn create(layout: &Layout<'_>, scratch: &Path) -> Result<Self, ExportFailed> {
        let mut workbook = Workbook::new();
        workbook.set_tempdir(scratch)?;
        let sheet = workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(sheet_name(layout.kind()))?;
        sheet.set_freeze_panes(1, 0)?;
        let bold = Format::new().set_bold().set_align(FormatAlign::Top);
        for (index, column) in (0_u16..).zip(layout.columns()) {
            if !column.is_number() {
                sheet.set_column_format(index, &text_format())?;
            }
            sheet.write_string_with_format(0, index, column.header(Lang::Zh), &bold)?;
        }
        Ok(Self { workbook, number: Format::new(), text: text_format() })
    }

    /// Writes record number `row`, 1-based.
    pub(super) fn write(
        &mut self,
        row: u64,
        columns: &[Column<'_>],
        record: &Record,
    ) -> Result<(), ExportFailed> {
        let Some(line) = u32::try_from(row).ok().filter(|_| row <= ROWS_MAX) else {
            return Err(ExportFailed::TooManyRows);
        };
        let sheet = self.workbook.worksheet_from_index(0)?;
        for (index, column) in (0_u16..).zip(columns) {
            let text = cell(column, record);
            if text.chars().count() > CELL_CHARS_MAX {
                let field = column.field().title(Lang::Zh).to_owned();
                return Err(ExportFailed::CellTooLong { row, field });
            }
            let format = if column.is_number() { &self.number } else { &self.text };
            if !text.is_empty() {
                write_cell(sheet, (line, index), &text, column.is_number(), format)?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self, out: impl Write + Send) -> Result<(), ExportFailed> {
        Ok(self.workbook.save_to_writer(out)?)
    }
}

impl std::fmt::Debug for Sheet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sheet")
    }
}

/// A number that a spreadsheet keeps exactly is one; anything else is text.
pub(crate) fn write_cell(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    text: &str,
    is_number: bool,
    format: &Format,
) -> Result<(), ExportFailed> {
    match exact_number(text).filter(|_| is_number) {
        Some(number) => sheet.write_number_with_format(row, column, number, format)?,
        None => sheet.write_string_with_format(row, column, text, format)?,
    };
    Ok(())
}

fn exact_number(text: &str) -> Option<f64> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let number: f64 = text.parse().ok().filter(|_| digits <= DIGITS_MAX)?;
    (number.to_string() == text).then_some(number)
}

/// The format in which a spreadsheet leaves what is typed as it is: 000123 stays 000123.
pub(crate) fn text_format() -> Format {
    Format::new().set_num_format("@")
}

/// The sheet's name says the kind: `ACH 科技成果`.
pub(crate) fn sheet_name(kind: &Kind) -> String {
    sheet_title(&format!("{} {}", kind.id(), kind.title(Lang::Zh)))
}

/// A text as the name of a sheet: without the characters it may not have, and not too long.
pub(crate) fn sheet_title(text: &str) -> String {
    let fits = |c: &char| !c.is_control() && !matches!(c, '[' | ']' | ':' | '*' | '?' | '/' | '\\' | '\'');
    let name: String = text.chars().filter(fits).take(NAME_CHARS_MAX).collect();
    if name.trim().is_empty() { "-".to_owned() } else { name }
}
