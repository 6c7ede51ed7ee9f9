//! Catalogues that raise the ceiling of anything that ships guarded are refused, field by field, in every kind.

use std::collections::BTreeMap;

use safeharbor_rules::{Catalogue, Ceiling, Class, Field, Kind};
use serde_json::{Value, json};

use crate::samples::catalogue;

/// One kind and the code lists, without links to kinds that are not there.
fn alone(catalogue: &Catalogue, kind: &Kind) -> (BTreeMap<String, Vec<u8>>, Value) {
    let used = |path: &str| {
        let list = path.strip_prefix("codes/").and_then(|file| file.strip_suffix(".json"));
        list.is_some_and(|list| {
            kind.fields().iter().any(|f| f.codes().is_some_and(|codes| codes.name() == list))
        })
    };
    let files = catalogue.files().iter().filter(|(path, _)| *path == "evaluator-version" || used(path));
    let files = files.map(|(path, bytes)| (path.clone(), bytes.clone())).collect();
    let text = &catalogue.files()[&format!("kinds/{}.json", kind.id())];
    let mut schema: Value = serde_json::from_slice(text).unwrap();
    for property in schema["properties"].as_object_mut().unwrap().values_mut() {
        property.as_object_mut().unwrap().remove("x-link");
    }
    (files, schema)
}

/// Everything a catalogue could say of a field so that its value went to the hub.
fn attempts() -> Vec<Value> {
    let inverted = json!({"by": "published", "values": {"true": "reviewer", "false": "hub"}});
    let unguarded = |class: &str, ceiling: Value| json!({"x-class": class, "x-ceiling": ceiling, "x-subject": null, "x-free-text": null});
    let mut attempts = vec![json!({"x-ceiling": "hub"}), unguarded("C3", inverted.clone())];
    for class in ["C0", "C1", "C2", "C3"] {
        attempts.push(unguarded(class, json!("hub")));
        attempts.push(unguarded(class, inverted.clone()));
    }
    attempts.push(json!({"x-class": "C3", "x-ceiling": "hub", "x-subject": null, "x-free-text": true}));
    attempts
}

fn refused(
    kind: &Kind,
    files: &BTreeMap<String, Vec<u8>>,
    schema: &Value,
    field: &str,
    changes: &Value,
) -> bool {
    let mut schema = schema.clone();
    let property = schema["properties"][field].as_object_mut().unwrap();
    for (word, value) in changes.as_object().unwrap() {
        if value.is_null() {
            property.remove(word);
        } else {
            property.insert(word.clone(), value.clone());
        }
    }
    let mut files = files.clone();
    files.insert(format!("kinds/{}.json", kind.id()), serde_json::to_vec(&schema).unwrap());
    Catalogue::load(files).is_err()
}

fn is_guarded(field: &Field) -> bool {
    field.ceiling().in_state(Some(false)) < Ceiling::Hub
}

#[test]
fn nothing_that_ships_guarded_can_be_opened_by_a_catalogue() {
    let catalogue = catalogue();
    let mut guarded = 0;
    for kind in catalogue.kinds() {
        let (files, schema) = alone(&catalogue, kind);
        assert!(!refused(kind, &files, &schema, kind.fields()[0].name(), &json!({})), "{kind:?}");
        for field in kind.fields().iter().filter(|field| is_guarded(field)) {
            guarded += 1;
            for attempt in attempts() {
                let name = field.name();
                assert!(refused(kind, &files, &schema, name, &attempt), "{}.{name} {attempt}", kind.id());
            }
        }
    }
    assert!(guarded > 150, "{guarded}");
}

#[test]
fn persons_counterparties_prices_and_c3_ship_guarded() {
    for kind in catalogue().kinds() {
        for field in kind.fields() {
            let is_c3 = field.class().in_state(Some(false)) == Class::C3;
            assert!(!is_c3 && field.subject().is_none() || is_guarded(field), "{kind:?} {}", field.name());
        }
    }
}

#[test]
fn publication_follows_from_a_date_alone() {
    let catalogue = catalogue();
    for id in ["ACH", "IPR", "DMD", "CHL", "CSE"] {
        let kind = catalogue.kind(&id.parse().unwrap()).unwrap();
        let (mut files, mut schema) = alone(&catalogue, kind);
        let coded = kind.fields().iter().find(|field| field.codes().is_some());
        let (name, code) =
            coded.map_or((kind.fields()[0].name(), "X"), |f| (f.name(), &f.codes().unwrap().codes()[0].code));
        schema["x-states"]["published"] = json!({"any": [{"field": name, "in": [code]}]});
        files.insert(format!("kinds/{id}.json"), serde_json::to_vec(&schema).unwrap());
        assert!(Catalogue::load(files).is_err(), "{id} by {name}");
    }
}
