//! A template: an empty workbook of a kind that, filled in, imports without a mapping.
//!
//! The first sheet has the headers of the kind's own layout, a row of notes, and drop-downs; the second explains every
//! field, who may see it, and the code lists that the drop-downs are taken from.

mod guide;
mod words;

use std::io::Write;

use rust_xlsxwriter::{
    Color, DataValidation, DataValidationErrorStyle, Format, FormatAlign, FormatBorder, Formula, Workbook,
    Worksheet,
};
use safeharbor_rules::{Field, Kind, Lang, ValueType};

use crate::export::{ExportFailed, sheet_name, text_format};
use crate::import::NOTES_MARK;
use crate::layout::{Column, Layout};
use guide::Guide;
pub(crate) use guide::NAME as GUIDE_SHEET;

/// Rows that the drop-downs reach; pasted rows behind them are read just the same.
const ROWS_PREPARED: u32 = 10_000;
/// The first row to fill in, 0-based: behind the header and the notes.
const FIRST_ROW: u32 = 2;
/// Narrowest and widest columns, in characters.
const WIDTHS: (usize, usize) = (18, 32);
const NOTES_HEIGHT: f64 = 110.0;
const REQUIRED: Color = Color::RGB(0x00A6_3A28);
const OPTIONAL: Color = Color::RGB(0x0033_5C81);
const NOTES: Color = Color::RGB(0x00FF_F7E0);

/// Writes the template of a kind.
///
/// # Errors
/// The workbook cannot be written.
pub fn write_template(kind: &Kind, out: impl Write + Send) -> Result<(), ExportFailed> {
    let layout = Layout::of(kind);
    let columns = columns_to_fill(&layout);
    let guide = Guide::of(&columns);
    let mut workbook = Workbook::new();
    fill_sheet(workbook.add_worksheet(), kind, &columns, &guide)?;
    guide.write(workbook.add_worksheet(), kind)?;
    Ok(workbook.save_to_writer(out)?)
}

/// Every field that does not follow from another, with those that hold tables at the end.
fn columns_to_fill<'l>(layout: &'l Layout<'_>) -> Vec<&'l Column<'l>> {
    let is_table = |column: &&Column<'_>| column.is_table();
    let columns = || layout.columns().iter().filter(|column| column.field().derived_from().is_none());
    columns().filter(|column| !is_table(column)).chain(columns().filter(is_table)).collect()
}

fn fill_sheet(
    sheet: &mut Worksheet,
    kind: &Kind,
    columns: &[&Column<'_>],
    guide: &Guide<'_>,
) -> Result<(), ExportFailed> {
    sheet.set_name(sheet_name(kind))?;
    sheet.set_freeze_panes(FIRST_ROW, 1)?;
    sheet.set_row_height(0, 30)?;
    sheet.set_row_height(1, NOTES_HEIGHT)?;
    let notes = Format::new()
        .set_text_wrap()
        .set_align(FormatAlign::Top)
        .set_font_size(9)
        .set_background_color(NOTES)
        .set_num_format("@");
    for (index, column) in (0_u16..).zip(columns) {
        let header = column.header(Lang::Zh);
        sheet.set_column_width(index, width_of(header))?;
        if !column.is_number() {
            sheet.set_column_format(index, &text_format())?;
        }
        sheet.write_string_with_format(0, index, header, &header_format(column.field().is_required()))?;
        let mark = if index == 0 { NOTES_MARK } else { "" };
        sheet.write_string_with_format(1, index, format!("{mark}{}", words::note(column)), &notes)?;
        if let Some(choices) = choices(column.field(), guide)? {
            let last = FIRST_ROW.saturating_add(ROWS_PREPARED);
            sheet.add_data_validation(FIRST_ROW, index, last, index, &choices)?;
        }
    }
    Ok(())
}

fn header_format(is_required: bool) -> Format {
    Format::new()
        .set_bold()
        .set_font_color(Color::White)
        .set_background_color(if is_required { REQUIRED } else { OPTIONAL })
        .set_align(FormatAlign::Center)
        .set_align(FormatAlign::VerticalCenter)
        .set_text_wrap()
        .set_border(FormatBorder::Thin)
        .set_num_format("@")
}

/// Chinese characters take two places.
fn width_of(header: &str) -> u32 {
    let places: usize = header.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
    u32::try_from(places.saturating_add(2).clamp(WIDTHS.0, WIDTHS.1)).unwrap_or(20)
}

/// The drop-down of a field with a code list, a gate, or yes and no; a cell with several items cannot have one.
fn choices(field: &Field, guide: &Guide<'_>) -> Result<Option<DataValidation>, ExportFailed> {
    if matches!(field.value_type(), ValueType::List(_)) {
        return Ok(None);
    }
    let gate = field.gate().zip(field.codes()).map(|(open, list)| list.label(open, Lang::Zh));
    let choices = match (gate, field.codes(), field.value_type()) {
        (Some(open), ..) => DataValidation::new().allow_list_strings(&[open])?,
        (None, Some(list), _) => match guide.range(list.name()) {
            Some(range) => DataValidation::new().allow_list_formula(Formula::new(range)),
            None => return Ok(None),
        },
        (None, None, ValueType::Flag) => DataValidation::new().allow_list_strings(&["是", "否"])?,
        (None, None, _) => return Ok(None),
    };
    let choices = choices
        .set_error_style(DataValidationErrorStyle::Stop)
        .set_error_title("请从列表中选择")?
        .set_error_message("Choose from the list.")?;
    Ok(Some(choices))
}
