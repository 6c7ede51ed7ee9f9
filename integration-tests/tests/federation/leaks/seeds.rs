//! Records of every kind, filled from the schemas with values that occur nowhere else.

use std::sync::atomic::{AtomicU64, Ordering};

use safeharbor_core::institution::InstitutionCode;
use safeharbor_rules::{Catalogue, Class, Kind, KindId, Record};
use safeharbor_service::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};

/// A record and what of it must not leave.
pub(super) struct Planted {
    pub(super) kind: KindId,
    pub(super) record: Record,
    /// (field, value) of every C2 and C3 value that is unique.
    pub(super) secrets: Vec<(String, String)>,
    /// Unique values that may leave: the search must find some of them.
    pub(super) open: Vec<String>,
}

/// Two records a kind: as open as its states allow, and with every state unknown.
pub(super) fn plant(catalogue: &Catalogue, kind: &Kind) -> [Planted; 2] {
    let text = &catalogue.files()[&format!("kinds/{}.json", kind.id())];
    let schema: Value = serde_json::from_slice(text).unwrap();
    let states = schema.get("x-states").map(Value::to_string).unwrap_or_default();
    let decides = |name: &str| states.contains(&format!("\"{name}\""));
    [planted(kind, &|_| true), planted(kind, &|name| !decides(name))]
}

/// A record with a value in every field, as open as its states allow.
pub(super) fn fresh(kind: &Kind) -> Planted {
    planted(kind, &|_| true)
}

impl Planted {
    /// The unique values in one field that are long enough to stand nowhere by chance.
    pub(super) fn marks_in(&self, field: &str) -> Vec<String> {
        let mut values = Vec::new();
        if let Some(value) = self.record.get(field) {
            unique_leaves(value, &mut values);
        }
        values.retain(|value| is_mark(value));
        values
    }

    /// All of them.
    pub(super) fn marks(&self) -> Vec<String> {
        let all = self.secrets.iter().map(|(_, value)| value).chain(&self.open);
        all.filter(|value| is_mark(value)).cloned().collect()
    }
}

/// Dates and months come again after a while.
fn is_mark(value: &str) -> bool {
    value.contains("MARK") || value.contains("LEAK") || value.len() == 43
}

fn planted(kind: &Kind, wanted: &dyn Fn(&str) -> bool) -> Planted {
    let today = SystemClock.today();
    let mut record = Record::new();
    for field in kind.fields().iter().filter(|field| {
        let can_be_filled =
            field.derived_from().is_none() && !field.codes().is_some_and(|c| c.codes().is_empty());
        can_be_filled && (field.is_required() || wanted(field.name()))
    }) {
        // Digests are told apart by their number, so that each can be searched for.
        let example = field.example().filter(|_| !field.schema().to_string().contains("{43}"));
        let value = match (field.gate(), field.codes(), example) {
            (Some(gate), ..) => Value::from(gate),
            (None, Some(codes), _) => coded(field.schema(), &codes.codes()[0].code),
            (None, None, Some(example)) => coded(field.schema(), example),
            (None, None, None) => fill(field.schema()),
        };
        record.insert(field.name().to_owned(), value);
    }
    kind.derive(&mut record);
    assert_eq!(kind.check(&record).len(), 0, "{}: {:?}", kind.id(), kind.check(&record));
    let mut planted = Planted { kind: kind.id().clone(), record, secrets: Vec::new(), open: Vec::new() };
    for (name, value) in &planted.record {
        let mut values = Vec::new();
        unique_leaves(value, &mut values);
        if kind.class_of(name, &planted.record, today) >= Class::C2 {
            planted.secrets.extend(values.into_iter().map(|value| (name.clone(), value)));
        } else {
            planted.open.extend(values);
        }
    }
    planted
}

fn coded(schema: &Value, code: &str) -> Value {
    if schema["type"] == "array" { json!([code]) } else { json!(code) }
}

/// A value for a schema; unique wherever the schema leaves room.
fn fill(schema: &Value) -> Value {
    let n = next();
    match (schema["type"].as_str().unwrap_or_default(), schema["format"].as_str()) {
        ("object", _) => {
            let properties = schema["properties"].as_object().unwrap();
            properties.iter().map(|(name, schema)| (name.clone(), fill(schema))).collect()
        }
        ("array", _) => json!([fill(&schema["items"])]),
        ("boolean", _) => json!(true),
        ("integer" | "number", _) => {
            let max = schema["maximum"].as_u64().unwrap_or(u64::MAX);
            json!(match max {
                10_000_000_001.. => prime_after(1_000_000_000 + n * 1_000),
                // Not the maximum itself: the catalogue says it, and the hub keeps the catalogue.
                2_000_000.. => max - max / 7,
                _ => max,
            })
        }
        ("string", Some("date")) => {
            json!(format!("19{:02}-{:02}-{:02}", 10 + n / 336 % 40, n / 28 % 12 + 1, n % 28 + 1))
        }
        ("string", Some("year-month")) => json!(format!("{:04}-{:02}", 1860 + n / 12 % 40, n % 12 + 1)),
        ("string", Some("uscc")) => {
            json!(
                InstitutionCode::complete(&format!("Y1LEAK{n:011}").replace(['O', 'I', 'S', 'V', 'Z'], "0"))
                    .unwrap()
                    .as_str()
            )
        }
        ("string", _) => match (schema["enum"].as_array(), schema["pattern"].as_str()) {
            (Some(options), _) => options[0].clone(),
            (None, Some(pattern)) if pattern.contains("{43}") => json!(format!("{n:043}")),
            (None, Some(pattern)) => {
                panic!("no value known for the pattern {pattern}: give the field an x-example")
            }
            (None, None) => json!(format!("标记MARK{n:08}QX")),
        },
        (other, _) => panic!("no value known for the type {other:?}"),
    }
}

fn next() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

fn prime_after(mut n: u64) -> u64 {
    let is_prime = |n: u64| (2..).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d));
    while !is_prime(n) {
        n += 1;
    }
    n
}

/// Values long enough to be searched for.
fn unique_leaves(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains("MARK") || text.contains("LEAK") => found.push(text.clone()),
        Value::String(text) if text.len() == 43 && text.starts_with("000") => found.push(text.clone()),
        Value::String(text) if text.starts_with("19") && text.len() == 10 => found.push(text.clone()),
        Value::String(text) if text.starts_with("18") && text.len() == 7 => found.push(text.clone()),
        Value::Number(number) if number.as_u64().is_some_and(|n| n > 1_000_000) => {
            found.push(number.to_string())
        }
        Value::Array(items) => items.iter().for_each(|item| unique_leaves(item, found)),
        Value::Object(members) => members.values().for_each(|member| unique_leaves(member, found)),
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {}
    }
}
