//! What an import found and did, for people and for programs.

use std::fmt;
use std::sync::Arc;

use safeharbor_rules::Lang;

use super::arrange::LeftOut;
use super::cell::Kept;
use super::fault::{Finding, Wording};
use super::sink::Remark;
use super::source::Recognised;

/// How much of a value a problem shows, in characters.
const VALUE_CHARS_SHOWN: usize = 60;

/// One problem of one row: where it is, what it is, what to do. It may hold a value: it stays in the node, and `Debug`
/// withholds it.
#[derive(Clone, PartialEq, Eq)]
pub struct RowProblem {
    /// File name.
    pub file: Arc<str>,
    /// Row number as a spreadsheet shows it.
    pub row: u64,
    /// Physical line of a text file.
    pub line: Option<u64>,
    /// Column header; none for a problem of the whole row, and for rows refused because of secrecy.
    pub column: Option<String>,
    /// The value as the file has it, shortened; never for rows refused because of secrecy.
    pub value: Option<String>,
    /// A stable code for programs.
    pub code: String,
    text: Wording,
    advice: Wording,
}

impl RowProblem {
    pub(crate) fn new(
        place: &RowPlace<'_>,
        column: Option<&str>,
        value: Option<&str>,
        finding: Finding,
    ) -> Self {
        let Finding { code, text, advice } = finding;
        Self {
            file: Arc::clone(place.file),
            row: place.row,
            line: place.line,
            column: column.map(str::to_owned),
            value: value.map(shorten),
            code,
            text,
            advice,
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn text(&self, lang: Lang) -> &str {
        self.text.of(lang)
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(&self, lang: Lang) -> &str {
        self.advice.of(lang)
    }

    /// The whole problem on one line.
    #[must_use]
    pub fn line_of_text(&self, lang: Lang) -> String {
        let Self { file, row, line, .. } = self;
        let value = self.value.as_ref().map(|value| format!(" {value:?}")).unwrap_or_default();
        let (text, advice) = (self.text(lang), self.advice(lang));
        match lang {
            Lang::Zh => {
                let column = self.column.as_ref().map(|name| format!("，列“{name}”")).unwrap_or_default();
                let line = line.map(|line| format!("（物理行 {line}）")).unwrap_or_default();
                format!("{file} 第 {row} 行{line}{column}{value}：{text}。{advice}")
            }
            Lang::En => {
                let column =
                    self.column.as_ref().map(|name| format!(", column {name:?}")).unwrap_or_default();
                let line = line.map(|line| format!(" (line {line})")).unwrap_or_default();
                format!("{file} row {row}{line}{column}{value}: {text}. {advice}")
            }
        }
    }
}

impl fmt::Debug for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { row, line, column, code, .. } = self;
        let value = if self.value.is_some() { "value withheld" } else { "no value" };
        write!(f, "RowProblem({code}, row {row}, line {line:?}, {column:?}, {value})")
    }
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line_of_text(Lang::En))
    }
}

/// Where a row stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowPlace<'f> {
    pub(crate) file: &'f Arc<str>,
    pub(crate) row: u64,
    pub(crate) line: Option<u64>,
}

fn shorten(value: &str) -> String {
    match value.char_indices().nth(VALUE_CHARS_SHOWN) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
        None => value.to_owned(),
    }
}

/// Something a person should look at that keeps no row out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// A stable code for programs.
    pub code: &'static str,
    /// Column header, if it is about one.
    pub column: Option<String>,
    /// The first row it was seen in, if it is about rows.
    pub row: Option<u64>,
    text: Wording,
}

impl Warning {
    /// What to look at, and why.
    #[must_use]
    pub fn text(&self, lang: Lang) -> &str {
        self.text.of(lang)
    }

    pub(crate) fn unknown_column(name: &str) -> Self {
        let text = Wording::new(
            format!("列“{name}”未被映射，已忽略；有意忽略的列请写入映射文件的 ignore"),
            format!(
                "column {name:?} is not mapped and was left out; list it under `ignore` if that is intended"
            ),
        );
        Self { code: "unknown-column", column: Some(name.to_owned()), row: None, text }
    }

    pub(crate) fn duplicate_column(name: &str) -> Self {
        let text = Wording::new(
            format!("列名“{name}”出现多次，只使用第一列"),
            format!("column {name:?} occurs more than once; only the first is used"),
        );
        Self { code: "duplicate-column", column: Some(name.to_owned()), row: None, text }
    }

    pub(crate) fn secrecy_column(name: &str) -> Self {
        let text = Wording::new(
            format!("列“{name}”涉及密级：该列既不为空也未写明公开的行不予收录"),
            format!(
                "column {name:?} is about secrecy: rows in which it is neither empty nor says public are refused"
            ),
        );
        Self { code: "secrecy-column", column: Some(name.to_owned()), row: None, text }
    }

    pub(crate) fn lost_characters(name: &str, rows: u64, first_row: u64) -> Self {
        let text = Wording::new(
            format!(
                "列“{name}”有 {rows} 行疑似含有丢失的字符（如“????”），首见于第 {first_row} 行；请对照原始资料"
            ),
            format!(
                "column {name:?}: in {rows} rows characters seem to be lost (such as \"????\"), first in row {first_row}; compare with the original"
            ),
        );
        Self { code: "lost-characters", column: Some(name.to_owned()), row: Some(first_row), text }
    }

    /// Texts kept beside the record because the field cannot hold them; none where the value says nearly as much.
    pub(crate) fn kept(kept: Kept, name: &str, rows: u64, first_row: u64) -> Option<Self> {
        let (code, text) = match kept {
            Kept::Imprecise => (
                "imprecise-dates",
                Wording::new(
                    format!(
                        "列“{name}”有 {rows} 行的日期不够精确，该字段留空、原文随记录保存，首见于第 {first_row} 行"
                    ),
                    format!(
                        "column {name:?}: in {rows} rows the date is less exact than the field wants; it is left empty and the text kept, first in row {first_row}"
                    ),
                ),
            ),
            Kept::Unknown => (
                "unknown-codes",
                Wording::new(
                    format!(
                        "列“{name}”有 {rows} 行不在代码表中，该字段按“未知”留空、原文随记录保存，首见于第 {first_row} 行"
                    ),
                    format!(
                        "column {name:?}: in {rows} rows the text is in no code list; it counts as unknown and the text is kept, first in row {first_row}"
                    ),
                ),
            ),
            Kept::Shortened => return None,
        };
        Some(Self { code, column: Some(name.to_owned()), row: Some(first_row), text })
    }

    /// What the store says about a column in many rows.
    pub(crate) fn remark(remark: Remark, column: Option<&str>) -> Self {
        let Remark { field, code, first_row, text } = remark;
        let column = column.map_or(field, str::to_owned);
        Self { code, column: Some(column), row: Some(first_row), text }
    }

    pub(crate) fn formulas(name: &str, rows: u64, first_row: u64) -> Self {
        let text = Wording::new(
            format!(
                "列“{name}”有 {rows} 行是公式（首见于第 {first_row} 行），取用文件中保存的计算结果；若引用了其他文件，请先更新再保存"
            ),
            format!(
                "column {name:?}: {rows} rows are formulas (first in row {first_row}); the results saved in the file are used, so update and save it if they draw on other files"
            ),
        );
        Self { code: "formula", column: Some(name.to_owned()), row: Some(first_row), text }
    }

    pub(crate) fn sheets_not_read(names: &str, hidden: bool) -> Self {
        let (zh, en) = if hidden {
            ("隐藏的工作表", "hidden sheets")
        } else {
            ("其他工作表", "other sheets")
        };
        let text = Wording::new(
            format!("{zh}未读取：{names}；如需读取，请在映射文件中设置 sheet"),
            format!("{en} are not read: {names}; set `sheet` in the mapping to read one"),
        );
        Self { code: if hidden { "hidden-sheets" } else { "other-sheets" }, column: None, row: None, text }
    }

    pub(crate) fn sheet_is_hidden(name: &str) -> Self {
        let text = Wording::new(
            format!("读取的工作表“{name}”在 Excel 中是隐藏的"),
            format!("sheet {name:?}, which is read, is hidden in the spreadsheet"),
        );
        Self { code: "hidden-sheet", column: None, row: None, text }
    }

    pub(crate) fn hidden_column(name: &str) -> Self {
        let text = Wording::new(
            format!("列“{name}”在 Excel 中是隐藏的，照常读取"),
            format!("column {name:?} is hidden in the spreadsheet; it is read as any other"),
        );
        Self { code: "hidden-column", column: Some(name.to_owned()), row: None, text }
    }

    pub(crate) fn hidden_rows(rows: u64, first_row: u64) -> Self {
        let text = Wording::new(
            format!("有 {rows} 行在 Excel 中是隐藏的（首见于第 {first_row} 行），照常读取；不想导入请先删除"),
            format!(
                "{rows} rows are hidden in the spreadsheet (first row {first_row}); they are read as any other, so delete what is not to be imported"
            ),
        );
        Self { code: "hidden-rows", column: None, row: Some(first_row), text }
    }

    pub(crate) fn no_rows() -> Self {
        let text = Wording::new("文件只有表头，没有数据行", "the file has a header and no rows");
        Self { code: "no-rows", column: None, row: None, text }
    }
}

/// What an import did, or a dry run would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// File name.
    pub file: String,
    /// Its format, and for text its encoding and delimiter.
    pub recognised: Recognised,
    /// Records in the making: rows with content behind the header, or cells of a wide table; the sum of the six below.
    pub rows: u64,
    /// Records that were not there.
    pub new: u64,
    /// Records that are there with the same content.
    pub unchanged: u64,
    /// Records with a new revision.
    pub revised: u64,
    /// Records that were retired.
    pub deleted: u64,
    /// Records changed here and in the file, which were left as they are here.
    pub conflicts: u64,
    /// Rows that were refused.
    pub refused: u64,
    /// Rows that are no records by what the mapping says; they are not among `rows`.
    pub left_out: LeftOut,
    /// The problems of refused rows and of conflicts, in the order of the file; at most as many as the options allow.
    pub problems: Vec<RowProblem>,
    /// How many problems there are, listed or not.
    pub problems_total: u64,
    /// What a person should look at.
    pub warnings: Vec<Warning>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::fault::RowFault;

    #[test]
    fn a_problem_reads_as_a_sentence_in_both_languages() {
        let file = Arc::from("成果.csv");
        let place = RowPlace { file: &file, row: 7, line: Some(9) };
        let problem = RowProblem::new(
            &place,
            Some("编号"),
            Some("A-1"),
            RowFault::Duplicate { first_row: 3 }.finding(),
        );
        assert_eq!(
            problem.to_string(),
            "成果.csv row 7 (line 9), column \"编号\" \"A-1\": the same key as row 3. keep one row for each record, or correct the number"
        );
        assert_eq!(
            problem.line_of_text(Lang::Zh),
            "成果.csv 第 7 行（物理行 9），列“编号” \"A-1\"：与第 3 行的主键相同。同一条记录只保留一行，或改正编号"
        );
        assert_eq!(shorten(&"长".repeat(100)).chars().count(), 61);
    }
}
