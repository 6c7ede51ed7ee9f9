//! What is exported imports again without a mapping as the same records, whatever they hold: CSV, XLSX, JSON Lines.

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::string::string_regex;
use proptest::test_runner::{Config, TestRunner};
use safeharbor_interchange::export::{Form, RecordWriter};
use safeharbor_interchange::import::{ImportOptions, import, recognise};
use safeharbor_rules::{Catalogue, Kind, Record};
use serde_json::Value;

use crate::fixture::{MemoryStore, explain};

/// Texts that spreadsheets, XML, separators of lists and the cleaning of cells would change.
const HOSTILE: &str = "[ -~\u{7}\t\n\r\u{a0}\u{3000}\u{feff}；、，“”一-龥Ａ-Ｚ=_x0]{1,8}";

fn text(schema: &Value) -> BoxedStrategy<Value> {
    let most = usize::try_from(schema["maxLength"].as_u64().unwrap_or(8)).unwrap();
    let plain = string_regex("[一-龥A-Za-z]{1,8}").unwrap();
    let special = proptest::sample::select(vec![
        "#N/A",
        "1.23E+15",
        "'a",
        "\"a\"",
        "[1]",
        "{\"a\":1}",
        "_x0041_",
        "-5",
        "@x",
    ]);
    prop_oneof![plain, string_regex(HOSTILE).unwrap(), special.prop_map(str::to_owned)]
        .prop_map(move |text| Value::from(text.chars().take(most).collect::<String>()))
        .boxed()
}

/// Values that fit a property's schema.
fn fitting(schema: &Value) -> BoxedStrategy<Value> {
    if let Some(options) = schema["enum"].as_array() {
        if options.is_empty() {
            // A list that the district has yet to fill.
            return Just(Value::Null).boxed();
        }
        return proptest::sample::select(options.clone()).boxed();
    }
    let day = (1900_i16..2200, 1_i8..=12, 1_i8..=28);
    match (schema["type"].as_str().unwrap(), schema["format"].as_str(), schema["pattern"].as_str()) {
        ("boolean", ..) => any::<bool>().prop_map(Value::from).boxed(),
        ("integer", ..) => {
            let bound = |word: &str, otherwise| schema[word].as_i64().unwrap_or(otherwise);
            (bound("minimum", -1_000)..=bound("maximum", i64::MAX)).prop_map(Value::from).boxed()
        }
        ("number", ..) => (-1e9..1e9_f64).prop_map(Value::from).boxed(),
        ("string", Some("date"), _) => {
            day.prop_map(|(y, m, d)| Value::from(format!("{y:04}-{m:02}-{d:02}"))).boxed()
        }
        ("string", Some("year-month"), _) => {
            day.prop_map(|(y, m, _)| Value::from(format!("{y:04}-{m:02}"))).boxed()
        }
        ("string", Some("uscc"), _) => {
            proptest::sample::select(vec!["12100000400002259P", "12100000400000624D"])
                .prop_map(Value::from)
                .boxed()
        }
        ("string", _, Some(pattern)) => {
            string_regex(pattern.trim_matches(['^', '$'])).unwrap().prop_map(Value::from).boxed()
        }
        ("string", ..) => text(schema),
        ("array", ..) => vec(fitting(&schema["items"]), 1..4).prop_map(Value::from).boxed(),
        ("object", ..) => {
            let parts = schema["properties"].as_object().unwrap();
            let (names, values): (Vec<String>, Vec<_>) =
                parts.iter().map(|(name, part)| (name.clone(), fitting(part))).unzip();
            values.prop_map(move |values| Value::Object(names.iter().cloned().zip(values).collect())).boxed()
        }
        other => panic!("no values for {other:?}"),
    }
}

/// Records that the kind accepts, each optional field there or not.
fn records(kind: &Kind) -> BoxedStrategy<Vec<Record>> {
    let fields: Vec<_> = kind
        .fields()
        .iter()
        .map(|field| {
            let value = match field.gate() {
                Some(open) => Just(Value::from(open)).boxed(),
                None => fitting(field.schema()),
            };
            let there = if field.is_required() { Just(true).boxed() } else { any::<bool>().boxed() };
            (field.name().to_owned(), (there, value).prop_map(|(there, value)| there.then_some(value)))
        })
        .collect();
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    let named = move |values: Vec<Option<Value>>| -> Record {
        names.iter().cloned().zip(values).filter_map(|(name, value)| Some((name, value?))).collect()
    };
    vec(values.prop_map(named), 1..4).boxed()
}

fn written(path: &Path, form: Form, kind: &Kind, records: &[Record]) {
    let file = std::fs::File::create(path).unwrap();
    let mut writer = RecordWriter::create(form, kind, file, path.parent().unwrap()).unwrap();
    for record in records {
        writer.write(record).unwrap();
    }
    writer.finish().unwrap();
}

fn read(path: &Path, kind: &Kind) -> Vec<Record> {
    let mapping = recognise(path, &[kind], None).unwrap_or_else(|failed| panic!("{}", explain(&failed)));
    let mut store = MemoryStore::default();
    let report = import(path, &mapping, kind, &ImportOptions::default(), &mut store)
        .unwrap_or_else(|failed| panic!("{}", explain(&failed)));
    assert_eq!(report.refused, 0, "{:?}", report.problems);
    store.records.into_values().collect()
}

/// What the kind would store, one record a key.
fn storable(kind: &Kind, drawn: Vec<Record>) -> Vec<Record> {
    let mut kept = std::collections::BTreeMap::new();
    for mut record in drawn {
        kind.derive(&mut record);
        // A list may have drawn one value twice: what the kind refuses is left out.
        for problem in kind.check(&record) {
            problem.field.and_then(|field| record.remove(&field));
        }
        // A record of nothing but white space is a blank row in every format.
        let is_blank = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
        let is_storable = kind.check(&record).is_empty() && !record.values().all(is_blank);
        if let Some(key) = kind.key_of(&record).filter(|_| is_storable) {
            kept.insert(key, record);
        }
    }
    kept.into_values().collect()
}

fn check(form: Form, name: &str) {
    let catalogue = Catalogue::embedded().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    for kind in catalogue.kinds() {
        let mut runner =
            TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
        let tried = std::cell::Cell::new(0);
        runner
            .run(&records(kind), |drawn| {
                let records = storable(kind, drawn);
                tried.set(tried.get() + records.len());
                if !records.is_empty() {
                    written(&path, form, kind, &records);
                    prop_assert_eq!(read(&path, kind), records, "{}", kind.id());
                }
                Ok(())
            })
            .unwrap();
        assert!(tried.get() > 5, "only {} records of {} were tried", tried.get(), kind.id());
    }
}

#[test]
fn csv_comes_back_without_loss() {
    check(Form::Csv, "x.csv");
}

#[test]
fn workbooks_come_back_without_loss() {
    check(Form::Xlsx, "x.xlsx");
}

#[test]
fn json_lines_come_back_without_loss() {
    check(Form::JsonLines, "x.jsonl");
}

#[test]
fn every_kind_is_recognised_by_its_own_header() {
    let catalogue = Catalogue::embedded().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.csv");
    let kinds: Vec<&Kind> = catalogue.kinds().collect();
    for kind in &kinds {
        written(&path, Form::Csv, kind, &[]);
        assert_eq!(recognise(&path, &kinds, None).unwrap().kind(), kind.id().as_str());
    }
}
