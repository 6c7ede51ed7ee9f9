//! From the cleaned text of a cell to the value of a field.

use std::collections::HashMap;

use serde_json::Value;

use super::date::{DateForm, PeriodEnd, Precision, read_iso, read_period};
use super::decimal::{DecimalFault, PLAIN, Scale, parse_scaled};
use super::fault::{CellFault, Damage};
use super::text::{fold, narrow, trim};

/// How the text of a cell is read.
#[derive(Debug, Clone)]
pub(crate) enum Reading {
    /// As it stands.
    Text,
    /// A whole number of the stored unit.
    Integer(Scale),
    /// A number with or without a fraction.
    Number,
    /// A date or month in one of the forms.
    Date { forms: Vec<DateForm>, wanted: Precision },
    /// One end of a period.
    Period { end: PeriodEnd, separators: Vec<String>, forms: Vec<DateForm>, wanted: Precision },
    /// A code of the field's list.
    Code(CodeTable),
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
    /// Reads a cell that is neither empty nor a null token; none when nothing remains of it.
    pub(crate) fn read(&self, text: &str) -> Result<Option<Value>, CellFault> {
        let value = match self {
            Self::Text => Value::from(text),
            Self::Integer(scale) => parse_scaled(&narrow(text), *scale)
                .map(Value::from)
                .map_err(|fault| CellFault::Number { fault, unit: scale.name })?,
            Self::Number => read_number(&narrow(text))?,
            Self::Date { forms, wanted } => read_date(text, forms, *wanted)?,
            Self::Period { end, separators, forms, wanted } => {
                let (start, finish) =
                    read_period(&narrow(text), separators, forms).ok_or(CellFault::Period)?;
                let date = if *end == PeriodEnd::Start { start } else { finish };
                refuse_vague(date.precision(), *wanted)?;
                Value::from(date.at(*wanted).to_string())
            }
            Self::Code(table) => match table.find(text) {
                Some(code) => Value::from(code),
                None => return Err(CellFault::Code { known: table.known() }),
            },
            Self::Flag => read_flag(text)?,
            Self::Json { is_list } => read_nested(text, *is_list)?,
            Self::List { separators, each } => return read_list(text, separators, each),
            Self::Marked(reading) => return read_marked(text, reading),
            Self::Stored { is_text: true } => Value::from(text),
            Self::Stored { is_text: false } => parse_json(text)?,
        };
        Ok(Some(value))
    }

    /// Reads a cell that the file itself says is a date: `2018-01-15`, `2018-01-15 08:30:00` or `2018-01`.
    pub(crate) fn read_date_cell(&self, text: &str) -> Result<Option<Value>, CellFault> {
        let unmarked = if let Self::Marked(reading) = self { reading } else { self };
        let Self::Date { wanted, .. } = unmarked else { return self.read(text) };
        let date = read_iso(text).ok_or(CellFault::Date)?;
        refuse_vague(date.precision(), *wanted)?;
        Ok(Some(Value::from(date.at(*wanted).to_string())))
    }

    /// Reads a cell that holds a JSON list or group; the items of a plain list are read one by one.
    pub(crate) fn read_json(&self, text: &str) -> Result<Option<Value>, CellFault> {
        let Self::List { each, .. } = self else { return self.read(text) };
        let items: Vec<Value> = serde_json::from_str(text).or(Err(CellFault::Json))?;
        let read = |item: Value| match item {
            Value::String(text) => each.read(&text),
            Value::Number(_) | Value::Bool(_) => each.read(&item.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => Err(CellFault::Json),
        };
        let values = items.into_iter().filter_map(|item| read(item).transpose());
        let values = values.collect::<Result<Vec<_>, _>>()?;
        Ok(if values.is_empty() { None } else { Some(Value::from(values)) })
    }
}

fn parse_json(text: &str) -> Result<Value, CellFault> {
    serde_json::from_str(text).or(Err(CellFault::Json))
}

fn read_marked(text: &str, reading: &Reading) -> Result<Option<Value>, CellFault> {
    let is_list = matches!(reading, Reading::List { .. });
    match text.strip_prefix('\'') {
        Some(json) if json.starts_with(['"', '[', '{']) => parse_json(json).map(Some),
        Some(number) if matches!(reading, Reading::Number) && number.contains('.') => {
            parse_json(number).map(Some)
        }
        Some(plain) => reading.read(plain),
        None if is_list && text.starts_with('[') => {
            parse_json(text).map(Some).or_else(|_not_json| reading.read(text))
        }
        None => reading.read(text),
    }
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

fn read_date(text: &str, forms: &[DateForm], wanted: Precision) -> Result<Value, CellFault> {
    let text = narrow(text);
    let mut vague = false;
    for date in forms.iter().filter_map(|form| form.read(&text)) {
        if date.precision() >= wanted {
            return Ok(Value::from(date.at(wanted).to_string()));
        }
        vague = true;
    }
    Err(match vague {
        true => CellFault::DateTooVague { wanted },
        false if is_day_number(&text) => CellFault::Damaged(Damage::DayNumber),
        false => CellFault::Date,
    })
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

fn refuse_vague(precision: Precision, wanted: Precision) -> Result<(), CellFault> {
    if precision < wanted { Err(CellFault::DateTooVague { wanted }) } else { Ok(()) }
}

fn read_flag(text: &str) -> Result<Value, CellFault> {
    match fold(text).as_str() {
        "是" | "有" | "yes" | "y" | "true" | "1" | "√" => Ok(Value::from(true)),
        "否" | "无" | "no" | "n" | "false" | "0" | "×" => Ok(Value::from(false)),
        _ => Err(CellFault::Flag),
    }
}

fn read_list(text: &str, separators: &[String], each: &Reading) -> Result<Option<Value>, CellFault> {
    let mut parts = vec![text];
    for separator in separators {
        parts = parts.into_iter().flat_map(|part| part.split(separator.as_str())).collect();
    }
    let parts = parts.into_iter().map(trim).filter(|part| !part.is_empty());
    let values = parts.filter_map(|part| each.read(part).transpose()).collect::<Result<Vec<_>, _>>()?;
    Ok(if values.is_empty() { None } else { Some(Value::from(values)) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::import::date::unambiguous_forms;

    fn check(reading: &Reading, text: &str, wanted: Result<Value, &str>) {
        let read = reading.read(text).map(Option::unwrap).map_err(|fault| fault.finding().code);
        assert_eq!(read, wanted.map_err(str::to_owned), "{text:?}");
    }

    #[test]
    fn dates_keep_what_the_field_asks_for() {
        let month = Reading::Date { forms: unambiguous_forms(), wanted: Precision::Month };
        check(&month, "2018-01-15", Ok(json!("2018-01")));
        check(&month, "2018年１月", Ok(json!("2018-01")));
        check(&month, "2018", Err("date-incomplete"));
        let day = Reading::Date { forms: unambiguous_forms(), wanted: Precision::Day };
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
            forms: unambiguous_forms(),
            wanted: Precision::Month,
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
        check(&Reading::Code(table.clone()), " 公 开", Ok(json!("public")));
        check(&Reading::Code(table), "秘密", Err("not-in-list"));
        check(&Reading::Flag, "是", Ok(json!(true)));
        check(&Reading::Flag, "N", Ok(json!(false)));
        check(&Reading::Flag, "也许", Err("not-yes-or-no"));
        let list = Reading::List {
            separators: ["；", ";", "、"].map(str::to_owned).to_vec(),
            each: Box::new(Reading::Text),
        };
        check(&list, "张三；李四、 王五;", Ok(json!(["张三", "李四", "王五"])));
        assert_eq!(list.read("；"), Ok(None));
    }
}
