//! Records for tests: one ordinary record of each kind, and random ones that follow a kind's schema.

use jiff::civil::Date;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::string::string_regex;
use proptest::test_runner::{Config, TestRunner};
use safeharbor_rules::{Catalogue, Kind, Record};
use serde_json::{Value, json};

/// The day on which the tests plan.
pub(crate) const TODAY: Date = Date::constant(2026, 3, 1);

/// A valid identity card number: the example of GB 11643-1999.
pub(crate) const PERSONAL_ID: &str = "11010519491231002X";

/// Runs a property over random records.
pub(crate) fn runner() -> TestRunner {
    TestRunner::new(Config { cases: 32, failure_persistence: None, ..Config::default() })
}

pub(crate) fn catalogue() -> Catalogue {
    Catalogue::embedded().unwrap()
}

pub(crate) fn kind<'a>(catalogue: &'a Catalogue, id: &str) -> &'a Kind {
    catalogue.kind(&id.parse().unwrap()).unwrap()
}

pub(crate) fn record(value: Value) -> Record {
    let Value::Object(record) = value else { panic!("{value} is no record") };
    record
}

pub(crate) fn achievement() -> Record {
    record(json!({
        "achievement_no": "KY-2024-0131", "name": "高比能固态电池用硫化物电解质", "type": "T3",
        "completing_units": ["12100000400002259P"], "inventors": ["林晚秋", "赵启明", "何若兰"],
        "research_start": "2019-01", "research_end": "2023-12", "secrecy": "public", "attribute": "A1",
        "form": "F07", "level": "L0", "stage": "S2", "trl": 6, "field": "NE", "industry": "C38",
        "discipline": "43040", "source": "FISCAL", "project_no": "2018YFB0104300", "funding": 850_000_000,
        "abstract": "室温离子电导率达到 12 mS/cm，已完成 20 Ah 软包样机。", "keywords": ["固态电池", "硫化物"],
        "public_since": "2025-06-30", "internal_registered_at": "2024-03-05", "ledger_state": "P",
        "ledger_separate": true, "core_tech": false
    }))
}

pub(crate) fn deal() -> Record {
    record(json!({
        "deal_id": "ZH-2025-017", "mode": "LEX", "buyer_name": "北京某某新能源有限公司", "buyer_region": "110108",
        "buyer_size": "S", "price": 36_500_000, "price_band": "B1", "signed_at": "2025-11-18",
        "signed_month": "2025-11", "in_haidian": true, "related_party": false
    }))
}

/// Values that fit a property's schema.
pub(crate) fn fitting(schema: &Value) -> BoxedStrategy<Value> {
    if let Some(options) = schema["enum"].as_array() {
        return proptest::sample::select(options.clone()).boxed();
    }
    match (schema["type"].as_str().unwrap(), schema["format"].as_str(), schema["pattern"].as_str()) {
        ("boolean", ..) => any::<bool>().prop_map(Value::from).boxed(),
        ("integer", ..) => integers(schema),
        ("string", Some("date"), _) => dates().prop_map(Value::from).boxed(),
        ("string", Some("year-month"), _) => dates().prop_map(|d| Value::from(d.get(..7))).boxed(),
        ("string", Some("uscc"), _) => {
            proptest::sample::select(vec!["12100000400002259P", "12100000400000624D"])
                .prop_map(Value::from)
                .boxed()
        }
        ("string", _, Some(pattern)) => {
            string_regex(pattern.trim_matches(['^', '$'])).unwrap().prop_map(Value::from).boxed()
        }
        ("string", ..) => string_regex("[一-龥A-Za-z]{1,12}").unwrap().prop_map(Value::from).boxed(),
        ("array", ..) => vec(fitting(&schema["items"]), 1..3)
            .prop_map(|mut items| {
                items.dedup();
                Value::from(items)
            })
            .boxed(),
        ("object", ..) => groups(schema),
        other => panic!("no values for {other:?}"),
    }
}

fn integers(schema: &Value) -> BoxedStrategy<Value> {
    (schema["minimum"].as_u64().unwrap()..=schema["maximum"].as_u64().unwrap()).prop_map(Value::from).boxed()
}

fn dates() -> impl Strategy<Value = String> {
    (2015_i16..2036, 1_i8..=12, 1_i8..=28).prop_map(|(y, m, d)| Date::new(y, m, d).unwrap().to_string())
}

fn groups(schema: &Value) -> BoxedStrategy<Value> {
    let parts: Vec<(String, BoxedStrategy<Value>)> = schema["properties"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, part)| (name.clone(), fitting(part)))
        .collect();
    let (names, values): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    values.prop_map(move |values| Value::Object(names.iter().cloned().zip(values).collect())).boxed()
}

/// Records that fit the kind, each optional field there or not.
pub(crate) fn records(kind: &Kind) -> BoxedStrategy<Record> {
    let fields: Vec<_> = kind
        .fields()
        .iter()
        .filter(|field| !field.codes().is_some_and(|list| list.codes().is_empty()))
        .map(|field| {
            let there = if field.is_required() { Just(true).boxed() } else { any::<bool>().boxed() };
            let value = (there, fitting(field.schema())).prop_map(|(there, value)| there.then_some(value));
            (field.name().to_owned(), value)
        })
        .collect();
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    let named = move |values: Vec<Option<Value>>| {
        names.iter().cloned().zip(values).filter_map(|(name, value)| Some((name, value?))).collect::<Record>()
    };
    values.prop_map(named).boxed()
}

/// Any JSON at all.
pub(crate) fn any_json() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,24}".prop_map(Value::from),
        Just(Value::from(PERSONAL_ID)),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec(("[a-z]{1,8}", inner), 0..4).prop_map(|parts| Value::Object(parts.into_iter().collect())),
        ]
    })
    .boxed()
}

/// Records of the kind's and other names with any JSON in them.
pub(crate) fn wild_records(kind: &Kind) -> BoxedStrategy<Record> {
    let names: Vec<String> = kind.fields().iter().map(|f| f.name().to_owned()).collect();
    let name = prop_oneof![9 => proptest::sample::select(names), 1 => "\\PC{0,20}"];
    (records(kind), vec((name, any_json()), 0..6))
        .prop_map(|(mut record, wild)| {
            record.extend(wild);
            record
        })
        .boxed()
}
