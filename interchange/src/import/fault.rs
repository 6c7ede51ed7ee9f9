//! What can be wrong with one cell or one row, in Chinese and English, with what to do about it.

use safeharbor_rules::Lang;

use super::date::Precision;
use super::decimal::DecimalFault;
use super::sink::Objection;

/// A text in the two languages people read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    pub(crate) zh: String,
    pub(crate) en: String,
}

impl Wording {
    /// The same said in Chinese and in English.
    #[must_use]
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }

    /// The text in a person's language.
    #[must_use]
    pub fn of(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }
}

/// One finding: a code that programs can compare, and what people read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) code: String,
    pub(crate) text: Wording,
    pub(crate) advice: Wording,
}

/// The longest text kept beside a record, in characters.
pub(crate) const KEPT_CHARS_MAX: usize = 2_000;

impl Finding {
    /// The same said about a field rather than a cell.
    pub(crate) fn into_objection(self, field: &str) -> Objection {
        let Self { text, advice, .. } = self;
        Objection { field: Some(field.to_owned()), code: "not-a-value", text, advice }
    }
}

/// Why a cell cannot become the value of its field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CellFault {
    Number {
        fault: DecimalFault,
        unit: &'static str,
    },
    Date,
    DateTooVague {
        wanted: Precision,
    },
    Period,
    Code {
        known: String,
    },
    Flag,
    Json,
    Damaged(Damage),
    /// Nothing of the text is left when it is normalised.
    NothingLeft,
    /// The text is to be kept beside the record and is longer than may be.
    TooLongToKeep {
        chars: usize,
    },
    /// The column of actions says something else.
    Action,
}

/// What a spreadsheet did to a cell before the file was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    /// A plain number where a date should be.
    DayNumber,
    DigitsLost,
    FormulaError,
    FormulaWithoutValue,
}

impl CellFault {
    pub(crate) fn finding(&self) -> Finding {
        let (code, text, advice) = match self {
            Self::Number { fault, unit } => number_finding(*fault, unit),
            Self::Date => (
                "not-a-date",
                Wording::new(
                    "不是映射文件所列任何一种写法的日期",
                    "not a date in any of the forms the mapping names",
                ),
                Wording::new(
                    "改正该单元格，或在映射文件的 form 中补充这种写法（例如 \"%Y/%m/%d\"）",
                    "correct the cell, or add its form to `form` in the mapping (for instance \"%Y/%m/%d\")",
                ),
            ),
            Self::DateTooVague { wanted } => vague_date_finding(*wanted),
            Self::Period => (
                "not-a-period",
                Wording::new("不是起止时间", "not a period with a start and an end"),
                Wording::new(
                    "写成“2018.01-2020.12”的样子，或在映射文件中设置 form 和 period_separator",
                    "write it like \"2018.01-2020.12\", or set form and period_separator in the mapping",
                ),
            ),
            Self::Code { known } if known.is_empty() => (
                "not-in-list",
                Wording::new(
                    "该字段的代码表尚为空，暂不能填写",
                    "the field's code list is still empty: it takes no value",
                ),
                Wording::new(
                    "代码表由本单位按区里口径设置（见 docs/kinds.md）；在此之前请在映射文件中去掉该列",
                    "the institution sets the list once the district has settled it (docs/kinds.md); leave the column out of the mapping until then",
                ),
            ),
            Self::Code { known } => (
                "not-in-list",
                Wording::new("不在代码表中", "not in the code list"),
                Wording::new(
                    format!("改为下列之一，或在映射文件的 codes 中对应：{known}"),
                    format!("use one of these, or translate it under `codes` in the mapping: {known}"),
                ),
            ),
            Self::Flag => (
                "not-yes-or-no",
                Wording::new("应为“是”或“否”", "must be yes or no (是 / 否)"),
                Wording::new(
                    "改正该单元格，或在映射文件的 codes 中对应为 \"true\"/\"false\"",
                    "correct the cell, or translate it to \"true\" or \"false\" under `codes` in the mapping",
                ),
            ),
            Self::Json => (
                "not-json",
                Wording::new(
                    "不是该字段所需的 JSON 列表或对象",
                    "not the JSON list or object this field holds",
                ),
                Wording::new(
                    "按“导出”所得 JSON Lines 文件中的写法填写",
                    "write it as it stands in an exported JSON Lines file",
                ),
            ),
            Self::Damaged(damage) => damage.finding(),
            Self::NothingLeft => nothing_left(),
            Self::TooLongToKeep { chars } => too_long_to_keep(*chars),
            Self::Action => not_an_action(),
        };
        Finding { code: code.to_owned(), text, advice }
    }
}

impl Damage {
    fn finding(self) -> (&'static str, Wording, Wording) {
        match self {
            Self::DayNumber => (
                "not-a-date",
                Wording::new(
                    "是普通数字，不是日期：若为 Excel 的日期序列号，该列没有设为日期格式",
                    "a plain number, not a date: if it is Excel's count of days, the column is not formatted as a date",
                ),
                Wording::new(
                    "在 Excel 中把该列设为“日期”格式后重新保存，或改写为 2018-01-15 的形式",
                    "format the column as a date in Excel and save again, or write it like 2018-01-15",
                ),
            ),
            Self::DigitsLost => number_finding(DecimalFault::Scientific, ""),
            Self::FormulaError => (
                "formula-error",
                Wording::new("公式出错，没有结果", "a formula that failed: there is no result"),
                Wording::new(
                    "在电子表格中改正公式，或直接填写数值",
                    "correct the formula in the spreadsheet, or enter the value itself",
                ),
            ),
            Self::FormulaWithoutValue => (
                "formula-without-value",
                Wording::new(
                    "是公式，但文件中没有保存计算结果",
                    "a formula whose result is not saved in the file",
                ),
                Wording::new(
                    "用 Excel 或 WPS 打开并保存一次，或直接填写数值",
                    "open the file in Excel or WPS and save it once, or enter the value itself",
                ),
            ),
        }
    }
}

fn nothing_left() -> (&'static str, Wording, Wording) {
    (
        "nothing-left",
        Wording::new("规范化之后没有剩下任何字符", "nothing of it is left by `normalise`"),
        Wording::new(
            "改正该单元格；若该文字表示“无”，请写入映射文件的 null",
            "correct the cell; if the text means none, list it under `null` in the mapping",
        ),
    )
}

fn too_long_to_keep(chars: usize) -> (&'static str, Wording, Wording) {
    (
        "too-long-to-keep",
        Wording::new(
            format!("有 {chars} 个字符，超过随记录保存原文的上限 {KEPT_CHARS_MAX}"),
            format!("has {chars} characters, more than the {KEPT_CHARS_MAX} kept beside a record"),
        ),
        Wording::new("缩短该单元格，或改映射到另一字段", "shorten the cell, or map it to another field"),
    )
}

fn not_an_action() -> (&'static str, Wording, Wording) {
    (
        "unknown-action",
        Wording::new("不是操作：应为新增、修改或删除", "no action: must be ADD, UPDATE or DELETE"),
        Wording::new(
            "填“新增/ADD”“修改/UPDATE”“删除/DELETE”之一，或留空",
            "write one of ADD (新增), UPDATE (修改), DELETE (删除), or leave it empty",
        ),
    )
}

fn number_finding(fault: DecimalFault, unit: &str) -> (&'static str, Wording, Wording) {
    match fault {
        DecimalFault::NotANumber => (
            "not-a-number",
            Wording::new("不是数字", "not a number"),
            Wording::new(
                format!("只填数字{}；多余的文字可在映射文件的 strip 中去掉", unit_zh(unit)),
                format!("write digits only{}; strip other text with `strip` in the mapping", unit_en(unit)),
            ),
        ),
        DecimalFault::Comma => (
            "number-with-comma",
            Wording::new("数字中有逗号", "the number holds a comma"),
            Wording::new(
                "若是千位分隔符，在映射文件中写 strip = [\",\"]",
                "if it separates thousands, write strip = [\",\"] in the mapping",
            ),
        ),
        DecimalFault::Scientific => (
            "digits-lost",
            Wording::new(
                "数字在 Excel 中已丢失（超过 15 位的数字或科学计数法）",
                "digits lost in Excel: a number of more than 15 digits, or scientific notation",
            ),
            Wording::new(
                "在 Excel 中把该列设为“文本”格式，重新填写原值后再导出",
                "format the column as text in Excel, enter the original value again and export",
            ),
        ),
        DecimalFault::TooFine => (
            "too-many-decimals",
            Wording::new("小数位过多，不能精确存储", "more decimals than can be stored exactly"),
            Wording::new(
                format!("四舍五入到最小单位{}，并核对映射文件中的 unit", unit_zh(unit)),
                format!("round it to the smallest unit{}, and check `unit` in the mapping", unit_en(unit)),
            ),
        ),
        DecimalFault::TooLarge => (
            "number-too-large",
            Wording::new("数字过大", "the number is too large"),
            Wording::new("核对该单元格和映射文件中的 unit", "check the cell and `unit` in the mapping"),
        ),
    }
}

fn unit_zh(unit: &str) -> String {
    if unit.is_empty() { String::new() } else { format!("（单位：{unit}）") }
}

fn unit_en(unit: &str) -> String {
    if unit.is_empty() { String::new() } else { format!(" (unit: {unit})") }
}

fn vague_date_finding(wanted: Precision) -> (&'static str, Wording, Wording) {
    let (zh, en, example) = match wanted {
        Precision::Day => ("日期缺少“日”", "the date lacks its day", "2018-01-15"),
        Precision::Month | Precision::Year => ("日期缺少“月”", "the date lacks its month", "2018-01"),
    };
    let advice =
        Wording::new(format!("补全为 {example} 的形式"), format!("complete it in the form {example}"));
    ("date-incomplete", Wording::new(zh, en), advice)
}

/// Why a whole row cannot become a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowFault {
    Shape(ShapeFault),
    Duplicate {
        first_row: u64,
    },
    /// Another row for the same record may not be stored.
    Barred {
        row: u64,
    },
    KeyEmpty,
    PersonalId,
    Secrecy,
}

impl RowFault {
    pub(crate) fn finding(self) -> Finding {
        let (code, text, advice) = match self {
            Self::Shape(fault) => fault.wording(),
            Self::Duplicate { first_row } => (
                "duplicate-key",
                Wording::new(
                    format!("与第 {first_row} 行的主键相同"),
                    format!("the same key as row {first_row}"),
                ),
                Wording::new(
                    "同一条记录只保留一行，或改正编号",
                    "keep one row for each record, or correct the number",
                ),
            ),
            Self::Barred { row } => (
                "barred-by-row",
                Wording::new(
                    format!("同一条记录的第 {row} 行因涉密或含禁止保存的内容不予收录，故该行也不收录"),
                    format!(
                        "row {row} is about the same record and may not be stored, so this row is refused as well"
                    ),
                ),
                Wording::new(
                    format!("先改正或删除第 {row} 行，再导入"),
                    format!("correct row {row} or take it out of the file, and import again"),
                ),
            ),
            Self::KeyEmpty => (
                "key-empty",
                Wording::new(
                    "缺少主键，无法识别记录",
                    "the key is empty, so the record cannot be told apart",
                ),
                Wording::new("填写编号", "fill in the number"),
            ),
            Self::PersonalId => (
                "personal-id",
                Wording::new(
                    "含有居民身份证号，该行不予收录",
                    "holds an identity card number: the row is refused",
                ),
                Wording::new("请从文件中删除身份证号", "take the identity card number out of the file"),
            ),
            Self::Secrecy => (
                "secrecy",
                Wording::new(
                    "有关密级、涉密或保密的一列未写明公开，或为空而其上方的行写明不公开（合并单元格），该行不予收录",
                    "a column about secrecy says something else than public, or is empty below a row that does (as merged cells are): the row is refused",
                ),
                Wording::new(
                    "涉密或密级不明的记录不得收录；确属公开的，请在源文件该列写“公开”；与密级无关的列请改列名",
                    "records that are classified or of unknown secrecy have no place here; if it is public, say so in that column of the source file, and give a column that is about something else another name",
                ),
            ),
        };
        Finding { code: code.to_owned(), text, advice }
    }
}

/// Why the cells of a row do not fit the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShapeFault {
    Short {
        cells: usize,
        columns: usize,
    },
    Long {
        cells: usize,
        columns: usize,
    },
    /// No list of `columns` has as many names.
    Misfit {
        cells: usize,
    },
}

impl ShapeFault {
    fn wording(self) -> (&'static str, Wording, Wording) {
        match self {
            Self::Short { cells, columns } => (
                "row-too-short",
                Wording::new(
                    format!("该行只有 {cells} 个单元格，表头有 {columns} 列"),
                    format!("the row has {cells} cells, the header {columns}"),
                ),
                Wording::new(
                    "检查上一行是否有多余的换行；若只是省略了行尾空单元格，在映射文件中写 short_rows = \"pad\"",
                    "look for a stray line break in or above it; if only empty cells at the end were left out, write short_rows = \"pad\" in the mapping",
                ),
            ),
            Self::Long { cells, columns } => (
                "row-too-long",
                Wording::new(
                    format!("该行有 {cells} 个单元格，表头只有 {columns} 列"),
                    format!("the row has {cells} cells, the header only {columns}"),
                ),
                Wording::new(
                    "含分隔符的内容须用英文双引号括起来",
                    "put cells that contain the delimiter in double quotation marks",
                ),
            ),
            Self::Misfit { cells } => (
                "row-of-other-length",
                Wording::new(
                    format!("该行有 {cells} 个单元格，映射文件的 columns 中没有这样长的一组列名"),
                    format!(
                        "the row has {cells} cells, and no list of `columns` in the mapping has as many names"
                    ),
                ),
                Wording::new(
                    "改正该行，或在 columns 中增加一组列名",
                    "correct the row, or add a list of names for such rows to `columns`",
                ),
            ),
        }
    }
}
