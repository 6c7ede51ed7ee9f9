//! From the cleaned text of a cell to the value of a field.

use std::collections::HashMap;

use serde_json::Value;

use super::date::{DateForm, PartialDate, PeriodEnd, Precision, read_iso, read_period};
use super::decimal::{DecimalFault, PLAIN, Scale, parse_scaled};
use super::fault::{CellFault, Damage};
use super::mapping::Unfit;
use super::normal::{Normal, normalise};
use super::text::{fold, narrow, trim};

/// How the text of a cell is read.
#[derive(Debug, Clone)]
pub(crate) enum Reading {
    /// As it stands, or brought into one form.
    Text(Vec<Normal>),
    /// A whole number of the stored unit.
    Integer(Scale),
    /// A number with or without a fraction.
    Number,
    /// A date or month in one of the forms.
    Date(Dates),
    /// One end of a period.
    Period { end: PeriodEnd, separators: Vec<String>, dates: Dates },
    /// A code of the field's list; what becomes of a text in no list.
    Code(CodeTable, Unfit),
    /// Yes or no.
    Flag,
    /// A list of lists, or a group of named parts, as JSON.
    Json { is_list: bool },
    /// Elements between separators, each read alike.
    List { separators: Vec<String>, each: Box<Self> },
    /// A cell of the node's own layout: behind `'` a text as it stands, or the stored value as JSON.
    Marked(Box<Self>),
    /// The stored value: a text as it is, everything else as JSON.
    Stored { is_text: bool },
}

/// How dates are written, how exactly they are wanted, and what becomes of one known less well.
#[derive(Debug, Clone)]
pub(crate) struct Dates {
    pub(crate) forms: Vec<DateForm>,
    pub(crate) wanted: Precision,
    pub(crate) imprecise: Unfit,
}

/// What a cell became.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct CellValue {
    /// None where nothing remains, or nothing that the field can hold.
    pub(crate) value: Option<Value>,
    /// Why the text is kept beside the value.
    pub(crate) kept: Option<Kept>,
}

/// Why the text of a cell says more than the value of the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kept {
    /// A date known less well than the field wants.
    Imprecise,
    /// A text in no code list.
    Unknown,
    /// A date known better than the field wants, or a text brought into another form.
    Shortened,
}

impl CellValue {
    fn plain(value: impl Into<Value>) -> Self {
        Self { value: Some(value.into()), kept: None }
    }

    const fn left_out(kept: Kept) -> Self {
        Self { value: None, kept: Some(kept) }
    }

    fn of_items(read: Vec<Self>) -> Self {
        let kept = read.iter().filter_map(|item| item.kept).min();
        let values: Vec<Value> = read.into_iter().filter_map(|item| item.value).collect();
        Self { value: Some(values).filter(|values| !values.is_empty()).map(Value::from), kept }
    }

    fn of_date(date: PartialDate, wanted: Precision) -> Self {
        let kept = (date.precision() > wanted).then_some(Kept::Shortened);
        Self { value: Some(Value::from(date.at(wanted).to_string())), kept }
    }
}

/// Texts that stand for codes, compared folded.
#[derive(Debug, Clone, Default)]
pub(crate) struct CodeTable {
    codes: HashMap<String, String>,
    known: Vec<String>,
}

impl CodeTable {
    /// Adds a code under one of its names; the first meaning of a name stays.
    pub(crate) fn add(&mut self, name: &str, code: &str) {
        self.codes.entry(fold(name)).or_insert_with(|| code.to_owned());
    }

    /// Adds what a person is told when a text is in no list.
    pub(crate) fn announce(&mut self, title: &str) {
        self.known.push(title.to_owned());
    }

    fn find(&self, text: &str) -> Option<&str> {
        self.codes.get(text).or_else(|| self.codes.get(&fold(text))).map(String::as_str)
    }

    fn known(&self) -> String {
        const SHOWN: usize = 12;
        let mut known = self.known.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("、");
        if self.known.len() > SHOWN {
            known.push('…');
        }
        known
    }
}

impl Reading {
    /// Reads a cell that is neither empty nor a null token.
    pub(crate) fn read(&self, text: &str) -> Result<CellValue, CellFault> {
        match self {
            Self::Text(normals) => read_text(text, normals),
            Self::Integer(scale) => parse_scaled(&narrow(text), *scale)
                .map(CellValue::plain)
                .map_err(|fault| CellFault::Number { fault, unit: scale.name }),
            Self::Number => read_number(&narrow(text)).map(CellValue::plain),
            Self::Date(dates) => dates.read(text),
            Self::Period { end, separators, dates } => {
                let (start, finish) =
                    read_period(&narrow(text), separators, &dates.forms).ok_or(CellFault::Period)?;
                dates.settle(if *end == PeriodEnd::Start { start } else { finish })
            }
            Self::Code(table, unknown) => match table.find(text) {
                Some(code) => Ok(CellValue::plain(code)),
                None if *unknown == Unfit::Keep => Ok(CellValue::left_out(Kept::Unknown)),
                None => Err(CellFault::Code { known: table.known() }),
            },
            Self::Flag => read_flag(text).map(CellValue::plain),
            Self::Json { is_list } => read_nested(text, *is_list).map(CellValue::plain),
            Self::List { separators, each } => read_list(text, separators, each),
            Self::Marked(reading) => read_marked(text, reading),
            Self::Stored { is_text: true } => Ok(CellValue::plain(text)),
            Self::Stored { is_text: false } => parse_json(text).map(CellValue::plain),
        }
    }

    /// Reads a cell that the file itself says is a date: `2018-01-15`, `2018-01-15 08:30:00` or `2018-01`.
    pub(crate) fn read_date_cell(&self, text: &str) -> Result<CellValue, CellFault> {
        let unmarked = if let Self::Marked(reading) = self { reading } else { self };
        let Self::Date(dates) = unmarked else { return self.read(text) };
        dates.settle(read_iso(text).ok_or(CellFault::Date)?)
    }

    /// Reads a cell that holds a JSON list or group; the items of a plain list are read one by one.
    pub(crate) fn read_json(&self, text: &str) -> Result<CellValue, CellFault> {
        let Self::List { each, .. } = self else { return self.read(text) };
        let items: Vec<Value> = serde_json::from_str(text).or(Err(CellFault::Json))?;
        let read = |item: Value| match item {
            Value::String(text) => each.read(&text),
            Value::Number(_) | Value::Bool(_) => each.read(&item.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => Err(CellFault::Json),
        };
        items.into_iter().map(read).collect::<Result<Vec<_>, _>>().map(CellValue::of_items)
    }
}

fn parse_json(text: &str) -> Result<Value, CellFault> {
    serde_json::from_str(text).or(Err(CellFault::Json))
}

fn read_marked(text: &str, reading: &Reading) -> Result<CellValue, CellFault> {
    let is_list = matches!(reading, Reading::List { .. });
    match text.strip_prefix('\'') {
        Some(json) if json.starts_with(['"', '[', '{']) => parse_json(json).map(CellValue::plain),
        Some(number) if matches!(reading, Reading::Number) && number.contains('.') => {
            parse_json(number).map(CellValue::plain)
        }
        Some(plain) => reading.read(plain),
        None if is_list && text.starts_with('[') => {
            parse_json(text).map(CellValue::plain).or_else(|_not_json| reading.read(text))
        }
        None => reading.read(text),
    }
}

impl Dates {
    fn read(&self, text: &str) -> Result<CellValue, CellFault> {
        let text = narrow(text);
        let mut vague = None;
        for date in self.forms.iter().filter_map(|form| form.read(&text)) {
            if date.precision() >= self.wanted {
                return Ok(CellValue::of_date(date, self.wanted));
            }
            vague = Some(date);
        }
        match vague {
            Some(date) => self.settle(date),
            None if is_day_number(&text) => Err(CellFault::Damaged(Damage::DayNumber)),
            None => Err(CellFault::Date),
        }
    }

    fn settle(&self, date: PartialDate) -> Result<CellValue, CellFault> {
        if date.precision() >= self.wanted {
            Ok(CellValue::of_date(date, self.wanted))
        } else if self.imprecise == Unfit::Keep {
            Ok(CellValue::left_out(Kept::Imprecise))
        } else {
            Err(CellFault::DateTooVague { wanted: self.wanted })
        }
    }
}

fn read_text(text: &str, normals: &[Normal]) -> Result<CellValue, CellFault> {
    if normals.is_empty() {
        return Ok(CellValue::plain(text));
    }
    let normal = normalise(text, normals);
    if normal.is_empty() {
        return Err(CellFault::NothingLeft);
    }
    let kept = (normal != text).then_some(Kept::Shortened);
    Ok(CellValue { value: Some(Value::from(normal)), kept })
}

fn read_number(text: &str) -> Result<Value, CellFault> {
    match parse_scaled(text, PLAIN) {
        Ok(whole) => Ok(Value::from(whole)),
        // Only a plain decimal number gets this far, and every reader of it sees the same nearest double.
        Err(DecimalFault::TooFine) => match text.trim().parse::<f64>() {
            Ok(number) => Ok(Value::from(number)),
            Err(_) => Err(CellFault::Number { fault: DecimalFault::NotANumber, unit: "" }),
        },
        Err(fault) => Err(CellFault::Number { fault, unit: "" }),
    }
}

/// Whether the text may be a spreadsheet's count of days, which lost its format.
fn is_day_number(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    (1..=6).contains(&whole.len()) && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit())
}

fn read_nested(text: &str, is_list: bool) -> Result<Value, CellFault> {
    match serde_json::from_str(text) {
        Ok(value @ Value::Array(_)) if is_list => Ok(value),
        Ok(value @ Value::Object(_)) if !is_list => Ok(value),
        _ => Err(CellFault::Json),
    }
}

fn read_flag(text: &str) -> Result<Value, CellFault> {
    match fold(text).as_str() {
        "是" | "有" | "yes" | "y" | "true" | "1" | "√" => Ok(Value::from(true)),
        "否" | "无" | "no" | "n" | "false" | "0" | "×" => Ok(Value::from(false)),
        _ => Err(CellFault::Flag),
    }
}

fn read_list(text: &str, separators: &[String], each: &Reading) -> Result<CellValue, CellFault> {
    let mut parts = vec![text];
    for separator in separators {
        parts = parts.into_iter().flat_map(|part| part.split(separator.as_str())).collect();
    }
    let parts = parts.into_iter().map(trim).filter(|part| !part.is_empty());
    parts.map(|part| each.read(part)).collect::<Result<Vec<_>, _>>().map(CellValue::of_items)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::import::date::unambiguous_forms;

    fn check(reading: &Reading, text: &str, wanted: Result<Value, &str>) {
        let read = reading.read(text).map(|read| read.value.unwrap()).map_err(|fault| fault.finding().code);
        assert_eq!(read, wanted.map_err(str::to_owned), "{text:?}");
    }

    fn dates(wanted: Precision, imprecise: Unfit) -> Dates {
        Dates { forms: unambiguous_forms(), wanted, imprecise }
    }

    fn keeps(reading: &Reading, text: &str, value: Option<Value>, kept: Option<Kept>) {
        assert_eq!(reading.read(text), Ok(CellValue { value, kept }), "{text:?}");
    }

    #[test]
    fn texts_that_say_more_than_the_value_are_kept() {
        let day = Reading::Date(dates(Precision::Day, Unfit::Keep));
        keeps(&day, "2018.01", None, Some(Kept::Imprecise));
        keeps(&day, "2018-01-05", Some(json!("2018-01-05")), None);
        check(&day, "一月", Err("not-a-date"));
        let month = Reading::Date(dates(Precision::Month, Unfit::Refuse));
        keeps(&month, "2018-01-05", Some(json!("2018-01")), Some(Kept::Shortened));
        let mut table = CodeTable::default();
        table.add("公开", "public");
        let codes = Reading::Code(table, Unfit::Keep);
        keeps(&codes, "别的", None, Some(Kept::Unknown));
        let list = Reading::List { separators: vec!["；".to_owned()], each: Box::new(codes) };
        keeps(&list, "公开；别的", Some(json!(["public"])), Some(Kept::Unknown));
        keeps(&list, "公开", Some(json!(["public"])), None);
        let number = Reading::Text(vec![Normal::Digits]);
        keeps(&number, "12/474,430", Some(json!("12474430")), Some(Kept::Shortened));
        keeps(&number, "12474430", Some(json!("12474430")), None);
        check(&number, "未知", Err("nothing-left"));
    }

    #[test]
    fn dates_keep_what_the_field_asks_for() {
        let month = Reading::Date(dates(Precision::Month, Unfit::Refuse));
        check(&month, "2018-01-15", Ok(json!("2018-01")));
        check(&month, "2018年１月", Ok(json!("2018-01")));
        check(&month, "2018", Err("date-incomplete"));
        let day = Reading::Date(dates(Precision::Day, Unfit::Refuse));
        check(&day, "2018/1/5", Ok(json!("2018-01-05")));
        check(&day, "2018.01", Err("date-incomplete"));
        check(&day, "01/02/2018", Err("not-a-date"));
        check(&day, "43115", Err("not-a-date"));
    }

    #[test]
    fn both_ends_of_a_period_are_read() {
        let period = |end| Reading::Period {
            end,
            separators: vec!["-".to_owned()],
            dates: dates(Precision::Month, Unfit::Refuse),
        };
        check(&period(PeriodEnd::Start), "2018.01-2020.12", Ok(json!("2018-01")));
        check(&period(PeriodEnd::End), "2018.01－2020.12", Ok(json!("2020-12")));
        check(&period(PeriodEnd::End), "2018", Err("not-a-period"));
        check(&period(PeriodEnd::End), "2018-2020", Err("date-incomplete"));
    }

    #[test]
    fn numbers_keep_their_fraction() {
        check(&Reading::Number, "12", Ok(json!(12)));
        check(&Reading::Number, "１２．５", Ok(json!(12.5)));
        check(&Reading::Number, "1e5", Err("digits-lost"));
    }

    #[test]
    fn codes_flags_and_lists_are_read() {
        let mut table = CodeTable::default();
        table.add("公开", "public");
        table.announce("公开");
        check(&Reading::Code(table.clone(), Unfit::Refuse), " 公 开", Ok(json!("public")));
        check(&Reading::Code(table, Unfit::Refuse), "秘密", Err("not-in-list"));
        check(&Reading::Flag, "是", Ok(json!(true)));
        check(&Reading::Flag, "N", Ok(json!(false)));
        check(&Reading::Flag, "也许", Err("not-yes-or-no"));
        let list = Reading::List {
            separators: ["；", ";", "、"].map(str::to_owned).to_vec(),
            each: Box::new(Reading::Text(Vec::new())),
        };
        check(&list, "张三；李四、 王五;", Ok(json!(["张三", "李四", "王五"])));
        assert_eq!(list.read("；"), Ok(CellValue::default()));
    }
}
