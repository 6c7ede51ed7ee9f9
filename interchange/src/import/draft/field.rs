//! The settings of one field, as far as its cells show them.

use std::collections::BTreeSet;

use safeharbor_rules::{CodeList, Field, ValueType};

use super::writing::quoted;
use crate::import::cell::{CodeTable, Reading};
use crate::import::date::{DateForm, PeriodEnd, Precision, read_period, unambiguous_forms};
use crate::import::decimal::{MONEY, SHARE, Scale};
use crate::import::mapping::Unfit;
use crate::import::shape::Shape;
use crate::import::text::{fold, narrow};

/// Codes shown that no list knows; more are counted.
const CODES_SHOWN: usize = 12;
/// Longer texts are no codes, and are not shown.
const CODE_CHARS_MAX: usize = 20;
/// Texts by which people say that a cell is empty.
const NULL: [&str; 8] = ["-", "--", "—", "/", "无", "暂无", "N/A", "null"];
/// Forms tried for dates that are not year first.
const FORMS: [&str; 12] = [
    "%Y%m%d",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d %B %Y",
    "%B %d, %Y",
    "%d-%B-%Y",
    "%Y %m %d",
    "%m/%Y",
    "%B %Y",
];
const PERIOD_SEPARATORS: [&str; 6] = ["至", "~", "～", "—", "--", "-"];

/// What is written of a field.
#[derive(Debug, Default)]
pub(super) struct FieldDraft {
    /// Settings, and comments about them, in lines.
    pub(super) lines: Vec<String>,
    /// Why the field cannot be read as it is; its lines are then written as comments.
    pub(super) blocked: Option<&'static str>,
}

/// What there is to see of a column.
pub(super) struct Cells<'c> {
    pub(super) name: &'c str,
    /// All texts, to tell forms; none is written.
    pub(super) texts: Vec<&'c str>,
    /// Texts of rows that nothing keeps out.
    pub(super) open: Vec<&'c str>,
}

impl FieldDraft {
    pub(super) fn of(field: &Field, cells: &Cells<'_>) -> Self {
        let mut draft = Self::default();
        let shape = Shape::of(field);
        if matches!(field.value_type(), ValueType::List(_)) && !matches!(shape, Shape::Nested) {
            draft.lines.push("split = [\"；\", \";\", \"、\"]".to_owned());
        }
        if field.gate().is_some() {
            return draft;
        }
        let null = nulls(cells, shape);
        match shape {
            Shape::Text | Shape::Nested => return draft,
            Shape::Money => draft.scaled(cells, MONEY, "核对单位 check the unit"),
            Shape::Share => draft.scaled(cells, SHARE, "核对单位 check the unit"),
            Shape::Integer | Shape::Number => draft.thousands(cells),
            Shape::Date(wanted) => draft.dates(field, cells, wanted, &null),
            Shape::Code(list) => draft.codes(field, list, cells, &null),
            Shape::Flag => draft.flags(cells, &null),
        }
        if !null.is_empty() {
            let list: Vec<String> = null.iter().map(|token| quoted(token)).collect();
            draft.lines.push(format!("null = [{}]", list.join(", ")));
        }
        draft
    }

    /// The unit that the header names; without one an amount is a guess.
    fn scaled(&mut self, cells: &Cells<'_>, units: &[Scale], note: &str) {
        let name = narrow(cells.name);
        // The longest name first: 万元 is no 元.
        let mut units: Vec<&str> = units.iter().map(|unit| unit.name).collect();
        units.sort_by_key(|unit| std::cmp::Reverse(unit.len()));
        match units.iter().find(|unit| name.contains(**unit)) {
            Some(unit) => self.lines.push(format!("unit = {} # {note}", quoted(unit))),
            None => {
                self.lines.push(format!("unit = \"\" # 填写单位 one of {}", units.join(", ")));
                self.blocked =
                    Some("列名中没有单位，请填写 unit 后去掉注释 the header names no unit: fill in `unit`");
            }
        }
        self.thousands(cells);
    }

    fn thousands(&mut self, cells: &Cells<'_>) {
        if cells.texts.iter().any(|text| has_thousands(&narrow(text))) {
            self.lines.push("strip = [\",\", \"，\"] # 千位分隔符 thousands separators".to_owned());
        }
    }

    fn dates(&mut self, field: &Field, cells: &Cells<'_>, wanted: Precision, null: &[&str]) {
        let texts: Vec<String> = texts(cells, null).map(|text| narrow(text).into_owned()).collect();
        let reads = |forms: &[DateForm], text: &String| forms.iter().any(|form| form.read(text).is_some());
        let usual = unambiguous_forms();
        let others: Vec<&String> = texts.iter().filter(|text| !reads(&usual, text)).collect();
        if !others.is_empty() && others.iter().all(|text| is_period(text, &usual)) {
            self.period(field);
        } else if !others.is_empty() {
            self.form(&others, texts.len() > others.len());
        }
        let is_vague =
            |text: &String| usual.iter().filter_map(|form| form.read(text)).all(|d| d.precision() < wanted);
        if !field.is_required() && texts.iter().any(|text| reads(&usual, text) && is_vague(text)) {
            self.lines.push(
                "imprecise = \"keep\" # 不够精确的日期：留空并保存原文 less exact dates: the text is kept"
                    .to_owned(),
            );
        }
    }

    /// The one form that reads all of `others`; several, or none, are for a person to choose from.
    fn form(&mut self, others: &[&String], has_usual: bool) {
        let reads = |form: &&str| {
            DateForm::parse(form, false).is_ok_and(|form| others.iter().all(|text| form.read(text).is_some()))
        };
        let found: Vec<&str> = FORMS.iter().copied().filter(reads).collect();
        let list = |forms: &[&str]| forms.iter().map(|form| quoted(form)).collect::<Vec<_>>().join(", ");
        let usual = if has_usual {
            ", \"%Y-%m-%d\", \"%Y/%m/%d\", \"%Y.%m.%d\", \"%Y年%m月%d日\", \"%Y-%m\", \"%Y.%m\""
        } else {
            ""
        };
        match found.as_slice() {
            [form] => self.lines.push(format!("form = [{}{usual}] # 核对 check", quoted(form))),
            [] => {
                self.lines.push("form = \"\" # 例如 for instance \"%d.%m.%Y\"".to_owned());
                self.blocked = Some(
                    "日期的写法未能识别，请填写 form 后去掉注释 the dates have no known form: fill in `form`",
                );
            }
            several => {
                self.lines.push(format!("form = \"\" # 其中之一 one of {}", list(several)));
                self.blocked = Some(
                    "日期可有几种读法，请选定 form 后去掉注释 the dates can be read in several ways: choose a `form`",
                );
            }
        }
    }

    fn period(&mut self, field: &Field) {
        let title = field.title(safeharbor_rules::Lang::Zh);
        let end = if title.contains(['止', '终', '结']) { PeriodEnd::End } else { PeriodEnd::Start };
        let end = if end == PeriodEnd::End { "end" } else { "start" };
        self.lines
            .push(format!("period = \"{end}\" # 核对：起止时间的哪一端 check: which end of the period"));
    }

    fn codes(&mut self, field: &Field, list: &CodeList, cells: &Cells<'_>, null: &[&str]) {
        let mut table = CodeTable::default();
        for code in list.codes() {
            for name in [&code.code, &code.zh, &code.en] {
                table.add(name, &code.code);
            }
        }
        let is_list = matches!(field.value_type(), ValueType::List(_));
        let one = Reading::Code(table, Unfit::Refuse);
        let separators = ["；", ";", "、"].map(str::to_owned).to_vec();
        let reading = if is_list { Reading::List { separators, each: Box::new(one) } } else { one };
        if texts(cells, null).all(|text| reading.read(text).is_ok()) {
            return;
        }
        let known = list.codes().iter().take(CODES_SHOWN).map(|code| format!("{} {}", code.code, code.zh));
        let known = known.collect::<Vec<_>>().join(", ");
        self.lines.push(format!("# 代码 codes: {known}"));
        let is_unknown = |text: &&str| reading.read(text).is_err();
        let unknown: BTreeSet<&str> =
            cells.open.iter().copied().filter(|text| !null.contains(text)).filter(is_unknown).collect();
        self.translations(&unknown);
        if !field.is_required() {
            self.lines.push("unknown = \"keep\" # 不在代码表中的文字：按未知留空并保存原文 texts in no list: unknown, the text is kept".to_owned());
        }
    }

    /// Texts that no list knows, for a person to say what they mean.
    fn translations(&mut self, unknown: &BTreeSet<&str>) {
        let shown: Vec<&&str> =
            unknown.iter().filter(|text| text.chars().count() <= CODE_CHARS_MAX).take(CODES_SHOWN).collect();
        if !shown.is_empty() {
            let list: Vec<String> = shown.iter().map(|text| format!("{} = \"\"", quoted(text))).collect();
            self.lines.push(format!(
                "# codes = {{ {} }} # 填写对应的代码 fill in the code of each",
                list.join(", ")
            ));
        }
        if unknown.len() > shown.len() {
            let more = unknown.len().saturating_sub(shown.len());
            self.lines.push(format!("# 另有 {more} 种未列出 {more} more are not shown"));
        }
    }

    fn flags(&mut self, cells: &Cells<'_>, null: &[&str]) {
        if texts(cells, null).any(|text| Reading::Flag.read(text).is_err()) {
            self.lines.push(
                "# codes = { \"…\" = \"true\", \"…\" = \"false\" } # 其他写法 other wordings".to_owned(),
            );
        }
    }
}

fn texts<'c>(cells: &'c Cells<'_>, null: &'c [&str]) -> impl Iterator<Item = &'c str> {
    cells.texts.iter().copied().filter(|text| !null.contains(text))
}

/// Texts of [`NULL`] that the column holds and cannot be read otherwise.
fn nulls(cells: &Cells<'_>, shape: Shape<'_>) -> Vec<&'static str> {
    let has_meaning = |token: &str| match shape {
        Shape::Code(list) => list
            .codes()
            .iter()
            .any(|code| [&code.code, &code.zh, &code.en].iter().any(|name| fold(name) == fold(token))),
        Shape::Flag => Reading::Flag.read(token).is_ok(),
        Shape::Text
        | Shape::Integer
        | Shape::Number
        | Shape::Money
        | Shape::Share
        | Shape::Date(_)
        | Shape::Nested => false,
    };
    NULL.into_iter().filter(|token| cells.texts.contains(token) && !has_meaning(token)).collect()
}

/// Whether the number has a comma before every third digit: 1,234,567.89.
fn has_thousands(text: &str) -> bool {
    let whole = text.split('.').next().unwrap_or_default().trim_start_matches(['-', '+', '￥', '¥', '$']);
    let mut groups = whole.split(',');
    let is_number = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    let first = groups.next().unwrap_or_default();
    let rest: Vec<&str> = groups.collect();
    !rest.is_empty()
        && first.len() <= 3
        && is_number(first)
        && rest.iter().all(|group| group.len() == 3 && is_number(group))
}

fn is_period(text: &str, forms: &[DateForm]) -> bool {
    read_period(text, &PERIOD_SEPARATORS.map(str::to_owned), forms).is_some()
}
