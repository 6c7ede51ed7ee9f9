//! Values as the text of a cell: in the form people write where that reads back as the same value, otherwise marked.

use serde_json::Value;

use super::{Column, SEPARATORS};
use crate::import::decimal::{MONEY, SHARE, write_scaled};
use crate::import::mapping::LineBreaks;
use crate::import::shape::Shape;
use crate::import::text::{clean, has_lost_digits, is_error_value};

/// What a spreadsheet takes for the start of a formula, in both widths.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

pub(super) fn cell(column: &Column<'_>, value: &Value) -> String {
    let plain = plain(column, value);
    if (column.is_number() || !plain.starts_with(FORMULA)) && comes_back(column, &plain, value) {
        return plain;
    }
    let marked = format!("'{plain}");
    if comes_back(column, &marked, value) {
        return marked;
    }
    let json = json(value);
    if comes_back(column, &json, value) { json } else { format!("'{json}") }
}

/// Whether no program between here and there changes the text, and reading it gives the value.
fn comes_back(column: &Column<'_>, text: &str, value: &Value) -> bool {
    let is_safe = text.chars().all(|c| c == '\n' || !is_fragile(c)) && !text.contains("_x");
    let is_safe = is_safe && !is_error_value(text) && !has_lost_digits(text);
    is_safe && column.read(&clean(text, LineBreaks::Keep, &[])).as_ref() == Some(value)
}

/// Characters that spreadsheets, XML or the cleaning of cells change.
fn is_fragile(c: char) -> bool {
    c.is_control() || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

pub(super) fn plain(column: &Column<'_>, value: &Value) -> String {
    let shape = Shape::of(column.field);
    match value {
        _ if matches!(shape, Shape::Nested) => json(value),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| one(shape, item)).collect();
            items.join(SEPARATORS.first().copied().unwrap_or_default())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            one(shape, value)
        }
    }
}

fn one(shape: Shape<'_>, value: &Value) -> String {
    match (shape, value) {
        (Shape::Money, Value::Number(number)) => scaled(number, places(MONEY, "万元")),
        (Shape::Share, Value::Number(number)) => scaled(number, places(SHARE, "%")),
        (Shape::Code(list), Value::String(code)) => list.label(code, safeharbor_rules::Lang::Zh).to_owned(),
        (_, Value::String(text)) => text.clone(),
        (_, Value::Bool(flag)) => if *flag { "是" } else { "否" }.to_owned(),
        _ => json(value),
    }
}

fn places(units: &[crate::import::decimal::Scale], name: &str) -> u32 {
    units.iter().find(|unit| unit.name == name).map_or(0, |unit| unit.places)
}

fn scaled(number: &serde_json::Number, places: u32) -> String {
    number.as_i64().map_or_else(|| number.to_string(), |value| write_scaled(value, places))
}

/// JSON in which every fragile character is an escape; outside of texts JSON has none.
fn json(value: &Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        if is_fragile(c) {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else if c == 'x' && out.ends_with('_') {
            out.push_str("\\u0078");
        } else {
            out.push(c);
        }
    }
    out
}
