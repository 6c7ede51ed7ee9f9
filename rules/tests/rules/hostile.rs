//! Catalogues that would leak, mislead or break a reader are refused at load.

use std::error::Error;

use proptest::prelude::*;
use safeharbor_rules::{Catalogue, FileSet, OwnLists, Severity, compare};
use serde_json::{Value, json};

use crate::samples::{catalogue, runner};

/// The whole chain of an error, outermost first.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

/// Loads the shipped catalogue with one JSON file changed, and expects these words in the refusal.
fn check_file(path: &str, edit: impl Fn(&mut Value), expected: &str) {
    let mut files = catalogue().files().clone();
    let mut value: Value = serde_json::from_slice(&files[path]).unwrap();
    edit(&mut value);
    files.insert(path.to_owned(), serde_json::to_vec(&value).unwrap());
    let refused = Catalogue::load(files).map(|_| ()).unwrap_err();
    let shown = chain(&refused);
    assert!(shown.contains(expected), "expected {expected:?}, got {shown:?}");
}

/// Changes one property of ACH.
fn check_field(field: &str, changes: &Value, expected: &str) {
    check_kind_field("ACH", field, changes, expected);
}

fn check_kind_field(kind: &str, field: &str, changes: &Value, expected: &str) {
    let edit = |file: &mut Value| {
        let property = file["properties"][field].as_object_mut().unwrap();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                property.remove(name);
            } else {
                property.insert(name.clone(), value.clone());
            }
        }
    };
    check_file(&format!("kinds/{kind}.json"), edit, expected);
}

#[test]
fn raised_ceilings_are_refused() {
    let hub = json!({"x-ceiling": "hub"});
    let open = json!({"x-ceiling": "hub", "x-class": "C1", "x-subject": null});
    for (kind, field) in [
        ("ACH", "inventors"),
        ("ACH", "core_tech"),
        ("ACH", "co_owner_consents"),
        ("ACH", "name"),
        ("ACH", "keywords"),
        ("IPR", "app_no"),
        ("IPR", "right_kind"),
        ("DEAL", "buyer_name"),
        ("DEAL", "buyer_nature"),
        ("DEAL", "price"),
        ("DEAL", "price_band"),
        ("DEAL", "received"),
        ("DEAL", "pay_rate"),
        ("DEAL", "equity_holder"),
        ("DEAL", "screenings"),
        ("ENT", "founder_role"),
        ("ENT", "revenue"),
        ("ENT", "waivers"),
    ] {
        check_kind_field(kind, field, &hub, "which is compiled in");
        check_kind_field(kind, field, &open, "which is compiled in");
    }
    let inverted = json!({"x-ceiling": {"by": "published", "values": {"true": "reviewer", "false": "hub"}}});
    check_field("name", &inverted, "the ceiling hub is above reviewer, which is compiled in");
}

#[test]
fn free_text_is_never_anything_but_c3() {
    check_field("abstract", &json!({"x-class": "C1"}), "free text is C3");
    check_field("abstract", &json!({"x-ceiling": "hub"}), "which is compiled in");
}

#[test]
fn ceilings_of_kinds_nobody_compiled_go_by_class_and_meaning() {
    let kind = |field: &str, notes: Value| {
        let mut property = json!({"title": "字段", "x-title-en": "Field", "type": "boolean", "x-ceiling": "hub", "x-source": "own"});
        property.as_object_mut().unwrap().extend(notes.as_object().unwrap().clone());
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:safeharbor:kind:XYZ:1",
            "title": "新类别", "x-title-en": "Another kind", "type": "object", "additionalProperties": false,
            "x-digests": 4, "required": ["no"],
            "properties": {
                "no": {"title": "编号", "x-title-en": "Number", "type": "string", "maxLength": 9, "x-class": "C1",
                    "x-ceiling": "hub", "x-key": true, "x-source": "own"},
                field: property
            }
        })
    };
    let load = |field: &str, notes: Value| {
        let mut files = catalogue().files().clone();
        files.insert("kinds/XYZ.json".into(), serde_json::to_vec(&kind(field, notes)).unwrap());
        Catalogue::load(files).map(|_| ()).map_err(|refused| chain(&refused))
    };
    assert_eq!(load("remark", json!({"x-class": "C2"})), Ok(()));
    for (field, notes) in [
        ("remark", json!({"x-class": "C3"})),
        ("remark", json!({"x-class": "C1", "x-subject": "person"})),
        ("remark", json!({"x-class": "C1", "x-subject": "price"})),
        ("list_price", json!({"x-class": "C1"})),
        ("contact_person", json!({"x-class": "C1"})),
        ("remark", json!({"x-class": "CX"})),
        ("remark", json!({"x-class": "CX", "x-ceiling": "reviewer"})),
    ] {
        let refused = load(field, notes.clone()).unwrap_err();
        assert!(refused.contains("compiled in"), "{field} {notes}: {refused}");
    }
}

#[test]
fn a_result_cannot_be_declared_published() {
    let check = |rule: Value, expected: &str| {
        check_file("kinds/ACH.json", |file| file["x-states"]["published"] = rule.clone(), expected);
    };
    check(
        json!({"any": [{"date_reached": "internal_registered_at"}]}),
        "state \"published\" cannot follow from",
    );
    check(json!({"any": [{"field": "secrecy", "in": ["public"]}]}), "cannot follow from \"secrecy\"");
    check(json!({"any": [{"date_reached": "no_such_field"}]}), "cannot follow from \"no_such_field\"");
    check(json!({"any": [{"date_reached": "name"}]}), "cannot follow from \"name\"");
    check(json!({"any": [{"always": true}]}), "not a kind's schema");
    check_file("kinds/ACH.json", |file| file["x-states"] = json!({}), "states the kind does not define");
}

#[test]
fn the_gate_stays_shut() {
    check_field("secrecy", &json!({"x-gate": null}), "must be a field with the gate");
    check_field("secrecy", &json!({"x-gate": "internal"}), "the gate's value \"internal\"");
    let optional = |file: &mut Value| file["required"] = json!(["achievement_no", "name"]);
    check_file("kinds/ACH.json", optional, "every gate is required");
    let without = |file: &mut Value| {
        file["properties"].as_object_mut().unwrap().remove("secrecy");
        file["required"] = json!(["achievement_no", "name"]);
    };
    check_file("kinds/ACH.json", without, "must be a field with the gate");
}

#[test]
fn tables_without_c3_or_with_unknown_states_are_refused() {
    let table =
        |by: &str, yes: &str, no: &str| json!({"x-class": {"by": by, "values": {"true": yes, "false": no}}});
    check_field("name", &table("published", "C1", "C2"), "a table of classes must contain C3");
    check_field("name", &table("noticed", "C1", "C3"), "states the kind does not define, or on two");
    check_field("name", &table("published", "C1", "C4"), "unknown variant `C4`");
    check_field(
        "name",
        &json!({"x-class": {"by": "published", "values": {"true": "C3"}}}),
        "missing field `false`",
    );
}

#[test]
fn unknown_annotations_and_keywords_are_refused() {
    check_field("stage", &json!({"x-clas": "C0"}), "unknown field `x-clas`");
    check_field("stage", &json!({"x-ceiling": "everyone"}), "unknown variant `everyone`");
    check_field("stage", &json!({"x-class": null}), "missing field `x-class`");
    check_field("stage", &json!({"x-source": "hearsay"}), "unknown variant `hearsay`");
    check_field("stage", &json!({"x-forms": ["Q"]}), "unknown variant `Q`");
    check_field("stage", &json!({"x-key": "yes"}), "invalid type");
    check_field("stage", &json!({"x-subject": "weather"}), "unknown variant `weather`");
    check_field("stage", &json!({"x-codes": "no_such_list"}), "there is no code list \"no_such_list\"");
    check_field("trl", &json!({"x-codes": "ach_stage"}), "a code list fits a text");
    check_field("name", &json!({"$ref": "file:///etc/passwd"}), "keyword \"$ref\" is not used");
    check_field("name", &json!({"anyOf": []}), "keyword \"anyOf\" is not used");
    check_field("name", &json!({"maxLength": null}), "a text needs a bound");
    check_field("inventors", &json!({"maxItems": null}), "a list needs a bound");
    check_field("name", &json!({"format": "email"}), "the type or format");
    check_field("name", &json!({"type": ["string", "object"]}), "the type or format");
    check_field("name", &json!({"pattern": "("}), "the schema is refused");
    check_field("name", &json!({"type": "null"}), "the type or format");
    let open = json!({"items": {"type": "object", "properties": {}}});
    check_field("co_owner_consents", &open, "\"additionalProperties\": false");
    check_file("kinds/ACH.json", |file| file["x-colour"] = json!("red"), "unknown field `x-colour`");
    check_file(
        "kinds/ACH.json",
        |file| file["patternProperties"] = json!({}),
        "unknown field `patternProperties`",
    );
}

#[test]
fn frames_that_do_not_hold_are_refused() {
    let check = |name: &str, value: Value, expected: &str| {
        check_file("kinds/ACH.json", |file| file[name] = value.clone(), expected);
    };
    check("$schema", json!("http://json-schema.org/draft-07/schema#"), "\"$schema\" must be");
    check("$id", json!("urn:safeharbor:kind:DEAL:1"), "\"$id\" must be \"urn:safeharbor:kind:ACH:1\"");
    check("additionalProperties", json!(true), "\"additionalProperties\": false");
    check("type", json!("array"), "of type \"object\"");
    check("x-digests", json!(39), "40 fields do not fit into 39 digests");
    check("x-digests", json!(513), "more than 512");
    check("required", json!(["achievement_no", "secrecy", "colour"]), "\"colour\", which is no field");
    check("required", json!(["secrecy", "name"]), "\"achievement_no\"");
    check("title", json!("转化交易"), "two kinds have the title \"转化交易\"");
    check("properties", json!([]), "not a kind's schema");
    check_field("stage", &json!({"title": "成果名称"}), "two fields have the title \"成果名称\"");
    check_field("achievement_no", &json!({"x-key": null}), "at least one \"x-key\"");
}

#[test]
fn derivations_that_do_not_fit_are_refused() {
    let check = |field: &str, derived: Value| {
        check_kind_field("DEAL", field, &json!({"x-derived": derived}), "does not fit");
    };
    check("signed_month", json!({"month_of": "price"}));
    check("signed_month", json!({"month_of": "no_such_field"}));
    check("price_band", json!({"band_of": "price", "bounds": [1, 2]}));
    check("price_band", json!({"band_of": "price", "bounds": [4, 3, 2, 1]}));
    check("price_band", json!({"band_of": "signed_at", "bounds": [1, 2, 3, 4]}));
}

/// Adds a property to a kind.
fn check_added(kind: &str, field: &str, property: &Value, expected: &str) {
    let edit = |file: &mut Value| file["properties"][field] = property.clone();
    check_file(&format!("kinds/{kind}.json"), edit, expected);
}

#[test]
fn a_derived_field_goes_no_further_than_its_source() {
    let derived = |derivation: Value, schema: Value, ceiling: Value| {
        let mut property = json!({"title": "派生", "x-title-en": "Derived", "type": "string", "x-class": "C1",
            "x-ceiling": ceiling, "x-derived": derivation, "x-source": "own"});
        property.as_object_mut().unwrap().extend(schema.as_object().unwrap().clone());
        property
    };
    let by_publication =
        |yes: &str, no: &str| json!({"by": "published", "values": {"true": yes, "false": no}});
    let band = json!({"band_of": "price", "bounds": [1, 2, 3, 4]});
    let coded = derived(band, json!({"x-codes": "price_band"}), json!("hub"));
    check_added(
        "DEAL",
        "amount_class",
        &coded,
        "the ceiling hub is above reviewer, that of \"price\", from which",
    );
    let month =
        |of: &str, ceiling: Value| derived(json!({"month_of": of}), json!({"format": "year-month"}), ceiling);
    let decided = month("decided_at", json!("hub"));
    check_added("DEC", "month", &decided, "the ceiling hub is above reviewer, that of \"decided_at\"");
    for ceiling in [json!("hub"), by_publication("reviewer", "hub")] {
        check_added("IPR", "filed_in", &month("filing_date", ceiling), "that of \"filing_date\"");
    }
    let load = |kind: &str, property: Value| {
        let mut files = catalogue().files().clone();
        let path = format!("kinds/{kind}.json");
        let mut file: Value = serde_json::from_slice(&files[&path]).unwrap();
        file["properties"]["month"] = property;
        files.insert(path, serde_json::to_vec(&file).unwrap());
        Catalogue::load(files).map(|_| ()).map_err(|refused| chain(&refused))
    };
    assert_eq!(load("DEC", month("decided_at", json!("reviewer"))), Ok(()));
    assert_eq!(load("IPR", month("filing_date", by_publication("hub", "reviewer"))), Ok(()));
}

#[test]
fn a_guarded_word_counts_at_any_depth() {
    let text = json!({"type": "string", "maxLength": 99});
    let group = |part: &str, of: &Value| json!({"type": "object", "properties": {part: of}, "additionalProperties": false});
    let list = |items: Value| json!({"type": "array", "maxItems": 9, "items": items});
    let added = |schema: Value| {
        let mut property = json!({"title": "部分", "x-title-en": "Parts", "x-class": "C1", "x-ceiling": "hub", "x-source": "own"});
        property.as_object_mut().unwrap().extend(schema.as_object().unwrap().clone());
        property
    };
    let raised = "the ceiling hub is above reviewer, which is compiled in";
    for part in ["buyer", "price", "contact_person", "buyerName", "price2"] {
        check_added("POC", "parts", &added(group(part, &text)), raised);
        check_added("POC", "parts", &added(list(group(part, &text))), raised);
        check_added("POC", "parts", &added(list(group("inner", &list(group(part, &text))))), raised);
    }
    check_added("POC", "buyerName", &added(text.clone()), raised);
    let mut replaced = list(group("price", &text));
    replaced["x-codes"] = Value::Null;
    check_kind_field("DEAL", "buyer_size", &replaced, raised);
    for part in ["买方", "Object", "a b", ""] {
        check_added("POC", "parts", &added(group(part, &text)), "is no name of a part");
    }
}

#[test]
fn a_trade_secret_cannot_be_declared_published() {
    let refused = "\"published\" must not hold where \"right_kind\" is \"TS\"";
    for unless in [
        json!([]),
        json!([{"field": "right_kind", "in": ["P"]}]),
        json!([{"field": "legal_status", "in": ["TS"]}]),
    ] {
        let edit = |file: &mut Value| file["x-states"]["published"]["unless"] = unless.clone();
        let expected =
            if unless.to_string().contains("legal_status") { "cannot follow from" } else { refused };
        check_file("kinds/IPR.json", edit, expected);
    }
    let renamed = |file: &mut Value| {
        for code in file["codes"].as_array_mut().unwrap() {
            if code["code"] == "TS" {
                code["code"] = json!("TX");
            }
        }
    };
    check_file("codes/right_kind.json", renamed, "cannot follow from \"right_kind\"");
    let in_own_words = json!({"x-codes": null, "maxLength": 40});
    check_kind_field("IPR", "right_kind", &in_own_words, "cannot follow from \"right_kind\"");
}

#[test]
fn links_that_lead_nowhere_are_refused() {
    let check = |kind: &str, field: &str, link: Value, expected: &str| {
        check_kind_field(kind, field, &json!({"x-link": link}), expected);
    };
    check("DEAL", "achievements", json!({"kind": "NOPE"}), "leads to \"NOPE\", which is no kind");
    check("DEAL", "achievements", json!({"kind": "ach"}), "leads to \"ach\", which is no kind");
    check(
        "DEAL",
        "achievements",
        json!({"kind": "ACH", "field": "name"}),
        "the key of ACH is \"achievement_no\"",
    );
    check("DEAL", "achievements", json!({"kind": "ENT"}), "whose key is of another type");
    check("DEAL", "price", json!({"kind": "ACH"}), "whose key is of another type");
    check("DEAL", "achievements", json!({"kind": "ACH", "when": "always"}), "unknown field `when`");
    check("DEAL", "achievements", json!("ACH"), "an annotation is refused");
    let two_keys = |file: &mut Value| file["properties"]["name"]["x-key"] = json!(true);
    check_file("kinds/ACH.json", two_keys, "leads to ACH, whose key is more than one field");
}

#[test]
fn nothing_rests_on_a_list_that_institutions_edit() {
    let editable = |file: &mut Value| file["x-editable"] = json!(true);
    check_file("codes/secrecy.json", editable, "no key, gate or derivation rests on it");
    check_file("codes/price_band.json", editable, "no key, gate or derivation rests on it");
    check_file("codes/right_kind.json", editable, "state \"published\" cannot follow from \"right_kind\"");
}

#[test]
fn names_of_the_envelope_are_no_fields() {
    for name in ["status", "rev", "cat", "_sd", "iss", "Name", "a-b", "", "名称"] {
        let edit = |file: &mut Value| {
            let properties = file["properties"].as_object_mut().unwrap();
            let stage = properties.remove("stage").unwrap();
            properties.insert(name.to_owned(), stage);
        };
        check_file("kinds/ACH.json", edit, "the name is reserved or not of the form");
    }
}

#[test]
fn broken_folders_are_refused() {
    let check = |path: &str, bytes: Option<&[u8]>, expected: &str| {
        let mut files = catalogue().files().clone();
        match bytes {
            Some(bytes) => files.insert(path.to_owned(), bytes.to_vec()),
            None => files.remove(path),
        };
        let shown = chain(&Catalogue::load(files).map(|_| ()).unwrap_err());
        assert!(shown.contains(expected), "{path}: {shown}");
    };
    check("evaluator-version", None, "evaluator-version");
    check("evaluator-version", Some(b"one"), "evaluator-version");
    check("kinds/ach.json", Some(b"{}"), "is not named <KIND>.json");
    check("kinds/ACH.txt", Some(b"{}"), "is not named <KIND>.json");
    check("kinds/ACH.json", Some(b"{"), "not a kind's schema");
    check("codes/ach_stage.json", None, "there is no code list \"ach_stage\"");
    check("codes/x.json", Some(b"[]"), "not a code list");
    check("mappings/x.toml", Some(&[0xff]), "is not UTF-8 text");
    check("../x", Some(b""), "has no place in a catalogue");
    check("a b", Some(b""), "has no place in a catalogue");
    check("a\nb", Some(b""), "has no place in a catalogue");
}

#[test]
fn a_property_named_twice_is_refused() {
    let mut files = catalogue().files().clone();
    let text = String::from_utf8(files["kinds/PRF.json"].clone()).unwrap();
    let twice = text.replace("\"superior\": {", "\"in_district\": {");
    files.insert("kinds/PRF.json".into(), twice.into_bytes());
    let shown = chain(&Catalogue::load(files).map(|_| ()).unwrap_err());
    assert!(shown.contains("\"in_district\" occurs twice"), "{shown}");
}

#[test]
fn titles_that_mislead_whoever_reads_them_are_refused() {
    for title in ["成果\u{1b}[2J", "成果\n上限", "\u{202e}格价", "成\u{200b}果", " ", &"长".repeat(201)]
    {
        check_field("stage", &json!({"title": title}), "is no title");
        check_file("kinds/ACH.json", |file| file["x-title-en"] = json!(title), "is no title");
        check_file("codes/ach_stage.json", |file| file["codes"][0]["zh"] = json!(title), "is no title");
    }
}

#[test]
fn a_guarded_field_keeps_its_ceiling_in_another_kind() {
    let moved = |from: &str, field: &str, to: &str| {
        let mut files = catalogue().files().clone();
        let (from, to) = (format!("kinds/{from}.json"), format!("kinds/{to}.json"));
        let mut source: Value = serde_json::from_slice(&files[&from]).unwrap();
        let mut property = source["properties"].as_object_mut().unwrap().remove(field).unwrap();
        files.insert(from, serde_json::to_vec(&source).unwrap());
        property["x-ceiling"] = json!("hub");
        property["x-class"] = json!("C0");
        property.as_object_mut().unwrap().remove("x-subject");
        let mut target: Value = serde_json::from_slice(&files[&to]).unwrap();
        target["properties"][field] = property;
        files.insert(to, serde_json::to_vec(&target).unwrap());
        Catalogue::load(files).map(|_| ()).map_err(|refused| chain(&refused))
    };
    for (from, field, to) in
        [("DEAL", "buyer_name", "POC"), ("INV", "investor", "CAR"), ("SEC", "person", "PLC")]
    {
        let refused = moved(from, field, to).unwrap_err();
        assert!(refused.contains("which is compiled in"), "{from}.{field} to {to}: {refused}");
    }
}

/// A name nobody compiled escapes the ceilings (ADR 0002), so that the person who accepts must see it first of all.
#[test]
fn a_renamed_guarded_field_is_the_first_thing_the_difference_says() {
    let mut files = catalogue().files().clone();
    let mut deal: Value = serde_json::from_slice(&files["kinds/DEAL.json"]).unwrap();
    let mut price = deal["properties"].as_object_mut().unwrap().remove("price").unwrap();
    price.as_object_mut().unwrap().remove("x-subject");
    (price["x-class"], price["x-ceiling"]) = (json!("C0"), json!("hub"));
    deal["properties"]["consideration"] = price;
    deal["properties"].as_object_mut().unwrap().remove("price_band");
    files.insert("kinds/DEAL.json".into(), serde_json::to_vec(&deal).unwrap());
    let renamed = Catalogue::load(files).unwrap();
    let difference = compare(&catalogue(), &renamed);
    let first = &difference.changes()[0];
    assert_eq!((first.severity(), first.field()), (Severity::RevealsMore, Some("consideration")));
    let mut record = crate::samples::deal();
    record.insert("consideration".into(), record["price"].clone());
    let kind = crate::samples::kind(&renamed, "DEAL");
    assert!(
        kind.ceiling_of("price", &record, crate::samples::TODAY) == safeharbor_rules::Ceiling::Never,
        "gone: stays"
    );
}

#[test]
fn no_files_panic() {
    let names = prop_oneof![
        Just("kinds/ACH.json".to_owned()),
        Just("codes/secrecy.json".to_owned()),
        Just("evaluator-version".to_owned()),
        ".{0,20}",
    ];
    let bytes = proptest::collection::vec(any::<u8>(), 0..200);
    let files = proptest::collection::btree_map(names, bytes, 0..6);
    runner()
        .run(&files, |changed| {
            let mut files = catalogue().files().clone();
            files.extend(changed);
            drop(Catalogue::load(files));
            Ok(())
        })
        .unwrap();
    runner()
        .run(&proptest::collection::vec(any::<u8>(), 0..300), |bytes| {
            drop(FileSet::decode(&bytes));
            Ok(())
        })
        .unwrap();
}

/// Whatever one member of a kind's file becomes, the version is refused or no compiled ceiling is above what it was.
#[test]
fn no_edit_of_a_kind_raises_a_ceiling() {
    let shipped = catalogue();
    let fields: Vec<(String, String)> = shipped
        .kinds()
        .flat_map(|kind| kind.fields().iter().map(|f| (kind.id().to_string(), f.name().to_owned())))
        .collect();
    let word = prop_oneof![
        Just("x-class"),
        Just("x-ceiling"),
        Just("x-subject"),
        Just("x-free-text"),
        Just("x-gate"),
        Just("x-derived"),
        Just("x-key")
    ];
    let value = prop_oneof![
        Just(Value::Null),
        Just(json!("C0")),
        Just(json!("C1")),
        Just(json!("hub")),
        Just(json!(true)),
        Just(json!({"by": "published", "values": {"true": "hub", "false": "hub"}})),
        Just(json!({"by": "published", "values": {"true": "C0", "false": "C3"}}))
    ];
    let edits = proptest::collection::vec((proptest::sample::select(fields), word, value), 1..4);
    runner()
        .run(&edits, |edits| {
            let mut files = shipped.files().clone();
            for ((kind, field), word, value) in &edits {
                let path = format!("kinds/{kind}.json");
                let mut file: Value = serde_json::from_slice(&files[&path]).unwrap();
                let property = file["properties"][field].as_object_mut().unwrap();
                if value.is_null() {
                    property.remove(*word);
                } else {
                    property.insert((*word).to_owned(), value.clone());
                }
                files.insert(path, serde_json::to_vec(&file).unwrap());
            }
            let Ok(hostile) = Catalogue::of(FileSet::try_from(files).unwrap(), &OwnLists::new()) else {
                return Ok(());
            };
            for ((kind, field), ..) in &edits {
                let before = crate::samples::kind(&shipped, kind).field(field).unwrap();
                let after = crate::samples::kind(&hostile, kind).field(field).unwrap();
                let guarded =
                    before.subject().is_some() || field.contains("price") || field.contains("buyer_name");
                if guarded {
                    prop_assert!(
                        after.ceiling().most_open() <= before.ceiling().most_open(),
                        "{kind}.{field}"
                    );
                }
            }
            Ok(())
        })
        .unwrap();
}
