//! The sheet 说明: every field explained, and below that the code lists, which the drop-downs refer to.

use rust_xlsxwriter::{Format, FormatAlign, Worksheet};
use safeharbor_rules::{CodeList, Kind, Lang};

use super::words::{how, who};
use crate::export::ExportFailed;
use crate::layout::Column;

pub(crate) const NAME: &str = "说明";
const HEADS: [&str; 8] = [
    "列 Column",
    "English",
    "字段名 Field",
    "必填 Required",
    "怎样填写",
    "How to fill in",
    "谁能看到",
    "Who may see it",
];
const WIDTHS: [u32; 8] = [28, 28, 22, 10, 34, 40, 34, 40];
/// Rows above the fields: a title, what to do, and the heads.
const ROWS_ABOVE: u32 = 3;

/// What the sheet will hold and where.
#[derive(Debug)]
pub(super) struct Guide<'c> {
    columns: &'c [&'c Column<'c>],
    /// The code lists, each with the 0-based row of its first code.
    lists: Vec<(&'c CodeList, u32)>,
}

impl<'c> Guide<'c> {
    pub(super) fn of(columns: &'c [&'c Column<'c>]) -> Self {
        let mut row = ROWS_ABOVE.saturating_add(rows(columns.len()));
        let mut lists: Vec<(&CodeList, u32)> = Vec::new();
        for list in columns.iter().filter_map(|column| column.field().codes()) {
            if lists.iter().all(|(other, _)| other.name() != list.name()) {
                // A blank row and the list's title.
                row = row.saturating_add(2);
                lists.push((list, row));
                row = row.saturating_add(rows(list.codes().len()));
            }
        }
        Self { columns, lists }
    }

    /// The cells that hold the labels of a code list.
    pub(super) fn range(&self, name: &str) -> Option<String> {
        let (list, first) =
            self.lists.iter().find(|(list, _)| list.name() == name && !list.codes().is_empty())?;
        let last = first.saturating_add(rows(list.codes().len()));
        Some(format!("={NAME}!$A${}:$A${last}", first.saturating_add(1)))
    }

    pub(super) fn write(&self, sheet: &mut Worksheet, kind: &Kind) -> Result<(), ExportFailed> {
        sheet.set_name(NAME)?;
        let bold = Format::new().set_bold();
        let text = Format::new().set_text_wrap().set_align(FormatAlign::Top);
        let title = format!("{} {} {}", kind.id(), kind.title(Lang::Zh), kind.title(Lang::En));
        sheet.write_string_with_format(0, 0, title, &Format::new().set_bold().set_font_size(14))?;
        sheet.write_string(
            1,
            0,
            "在第一张表第 3 行起填写，一行一条记录；不要改动表头。填好后用 safeharbor-node import 导入，无需映射文件。\
             Fill in the first sheet from row 3, a row a record; leave the headers as they are. Import it without a mapping.",
        )?;
        for ((index, head), width) in (0_u16..).zip(HEADS).zip(WIDTHS) {
            sheet.set_column_width(index, width)?;
            sheet.write_string_with_format(2, index, head, &bold)?;
        }
        for (row, column) in (ROWS_ABOVE..).zip(self.columns) {
            for (index, cell) in (0_u16..).zip(explained(column)) {
                sheet.write_string_with_format(row, index, cell, &text)?;
            }
        }
        for (list, first) in &self.lists {
            let title = format!("代码表：{} {}", list.title(Lang::Zh), list.title(Lang::En));
            sheet.write_string_with_format(first.saturating_sub(1), 0, title, &bold)?;
            for (row, code) in (*first..).zip(list.codes()) {
                for (index, cell) in (0_u16..).zip([&code.zh, &code.en, &code.code]) {
                    sheet.write_string(row, index, cell)?;
                }
            }
        }
        Ok(())
    }
}

fn rows(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn explained(column: &Column<'_>) -> [String; 8] {
    let field = column.field();
    let (zh, en) = how(column);
    [
        column.header(Lang::Zh).to_owned(),
        column.header(Lang::En).to_owned(),
        field.name().to_owned(),
        if field.is_required() { "是 yes" } else { "" }.to_owned(),
        zh,
        en,
        who(field, Lang::Zh),
        who(field, Lang::En),
    ]
}
