//! Every kind that ships: it says what the data dictionary says, and it is JSON Schema 2020-12.

use proptest::prelude::*;
use safeharbor_rules::{ByState, Catalogue, Ceiling, Class, Field, Lang, ValueType};
use serde_json::{Value, json};

use crate::samples::{TODAY, achievement, catalogue, deal, kind, record, records, runner, wild_records};

fn file(catalogue: &Catalogue, id: &str) -> Value {
    serde_json::from_slice(&catalogue.files()[&format!("kinds/{id}.json")]).unwrap()
}

#[test]
fn every_kind_has_one_key_that_is_a_text() {
    for kind in catalogue().kinds() {
        let keys: Vec<&Field> = kind.key_fields().collect();
        assert_eq!(keys.len(), 1, "{kind:?}");
        assert!(matches!(keys[0].value_type(), ValueType::Text | ValueType::Institution), "{kind:?}");
        assert_eq!(keys[0].name(), kind.fields()[0].name(), "{kind:?}: people look for it first");
    }
}

#[test]
fn an_unknown_state_makes_every_table_c3() {
    let catalogue = catalogue();
    let mut tables = 0;
    for kind in catalogue.kinds() {
        for field in kind.fields() {
            if let ByState::Table { .. } = field.class() {
                tables += 1;
                let (id, name) = (kind.id(), field.name());
                assert_eq!(field.class().in_state(None), Class::C3, "{id}.{name}");
                assert!(field.ceiling().in_state(None) < Ceiling::Hub, "{id}.{name}");
                assert_eq!(kind.class_of(name, &record(json!({})), TODAY), Class::C3, "{id}.{name}");
            }
        }
    }
    assert!(tables >= 20, "{tables}");
}

#[test]
fn a_result_is_public_from_its_date_on() {
    let catalogue = catalogue();
    let kind = kind(&catalogue, "ACH");
    for (since, name) in [("2026-03-01", Class::C1), ("2026-03-02", Class::C3), ("nonsense", Class::C3)] {
        let mut published = achievement();
        published.insert("public_since".into(), since.into());
        assert_eq!(kind.class_of("name", &published, TODAY), name, "{since}");
        assert_eq!(kind.class_of("abstract", &published, TODAY), Class::C3);
    }
}

#[test]
fn a_trade_secret_is_never_public() {
    let catalogue = catalogue();
    let kind = kind(&catalogue, "IPR");
    let right = |right_kind: &str| {
        record(json!({"right_no": "1", "name": "工艺", "right_kind": right_kind, "pub_date": "2020-01-01"}))
    };
    for field in kind.fields() {
        let name = field.name();
        assert_eq!(kind.class_of(name, &right("TS"), TODAY), Class::C3, "{name}");
        assert!(kind.class_of(name, &right("P"), TODAY) <= Class::C2, "{name}");
    }
}

#[test]
fn every_kind_is_valid_json_schema() {
    let catalogue = catalogue();
    for kind in catalogue.kinds() {
        assert!(jsonschema::draft202012::meta::is_valid(&file(&catalogue, kind.id().as_str())), "{kind:?}");
    }
}

/// The kind's own file, code lists filled in, as a validator that knows nothing of this crate.
fn whole_schema(catalogue: &Catalogue, id: &str) -> jsonschema::Validator {
    let mut schema = file(catalogue, id);
    for field in kind(catalogue, id).fields() {
        schema["properties"][field.name()] = field.schema().clone();
    }
    jsonschema::draft202012::new(&schema).unwrap()
}

#[test]
fn what_a_check_accepts_the_whole_schema_accepts() {
    let catalogue = catalogue();
    for kind in catalogue.kinds() {
        let schema = whole_schema(&catalogue, kind.id().as_str());
        let check = |mut record: safeharbor_rules::Record| {
            kind.derive(&mut record);
            let accepted = kind.check(&record).is_empty();
            prop_assert!(!accepted || schema.is_valid(&Value::Object(record)));
            Ok(())
        };
        runner().run(&wild_records(kind), check).unwrap();
    }
}

#[test]
fn records_that_follow_the_schema_are_accepted() {
    let catalogue = catalogue();
    for kind in catalogue.kinds() {
        let check = |mut record: safeharbor_rules::Record| {
            kind.derive(&mut record);
            let problems: Vec<String> = kind.check(&record).iter().map(|p| p.text(Lang::En)).collect();
            prop_assert!(problems.is_empty(), "{problems:?}");
            Ok(())
        };
        runner().run(&records(kind), check).unwrap();
    }
}

#[test]
fn the_natural_key_is_read_off_the_record() {
    let catalogue = catalogue();
    assert_eq!(kind(&catalogue, "ACH").key_of(&achievement()).as_deref(), Some("KY-2024-0131"));
    assert_eq!(kind(&catalogue, "ACH").key_of(&deal()), None);
}

#[test]
fn an_importer_learns_what_each_field_takes() {
    let catalogue = catalogue();
    let check = |id: &str, name: &str, expected: ValueType| {
        assert_eq!(kind(&catalogue, id).field(name).unwrap().value_type(), &expected, "{id}.{name}");
    };
    check("ACH", "name", ValueType::Text);
    check("ACH", "completing_units", ValueType::List(Box::new(ValueType::Institution)));
    check("ACH", "co_owner_consents", ValueType::List(Box::new(ValueType::Group)));
    check("ACH", "research_start", ValueType::Month);
    check("DEAL", "price", ValueType::Integer);
    check("DEAL", "signed_at", ValueType::Date);
    check("DEAL", "in_haidian", ValueType::Flag);
    let stage = kind(&catalogue, "ACH").field("stage").unwrap();
    assert_eq!(stage.codes().and_then(|list| list.find("中期阶段")).map(|c| c.code.as_str()), Some("S2"));
    assert_eq!(kind(&catalogue, "DEAL").field("price").unwrap().unit(), Some("分"));
    assert_eq!(kind(&catalogue, "DEAL").field("signed_month").unwrap().derived_from(), Some("signed_at"));
}

#[test]
fn links_lead_to_the_key_of_another_kind() {
    let catalogue = catalogue();
    let mut links = Vec::new();
    for kind in catalogue.kinds() {
        for field in kind.fields() {
            let Some(link) = field.link() else { continue };
            links.push(format!("{}.{} {}.{}", kind.id(), field.name(), link.kind(), link.field()));
        }
    }
    assert_eq!(
        links,
        [
            "APV.deal DEAL.deal_id",
            "APV.achievement ACH.achievement_no",
            "CSE.achievement ACH.achievement_no",
            "CTR.deal DEAL.deal_id",
            "DEAL.achievements ACH.achievement_no",
            "DEC.deal DEAL.deal_id",
            "DEC.pricing PRC.pricing_no",
            "DIL.deal DEAL.deal_id",
            "DST.deal DEAL.deal_id",
            "ENT.source_ach ACH.achievement_no",
            "IPR.achievements ACH.achievement_no",
            "NTC.pricing PRC.pricing_no",
            "NTC.deal DEAL.deal_id",
            "OBJ.notice NTC.notice_no",
            "PAY.deal DEAL.deal_id",
            "POC.achievement ACH.achievement_no",
            "PRC.deal DEAL.deal_id",
            "PRG.achievements ACH.achievement_no",
            "REL.deal DEAL.deal_id",
            "STG.achievement ACH.achievement_no",
            "SVC.platform CAR.carrier_no",
            "UBO.deal DEAL.deal_id",
            "VST.team TEAM.team_no",
        ]
    );
}

#[test]
fn derived_fields_follow_their_source() {
    let catalogue = catalogue();
    let kind = kind(&catalogue, "DEAL");
    let band = |price: u64| {
        let mut record =
            record(json!({"price": price, "signed_at": "2025-11-18", "signed_month": "2020-01"}));
        kind.derive(&mut record);
        assert_eq!(record["signed_month"], "2025-11");
        record["price_band"].as_str().unwrap().to_owned()
    };
    for (price, expected) in [
        (0, "B0"),
        (9_999_999, "B0"),
        (10_000_000, "B1"),
        (99_999_999, "B1"),
        (100_000_000, "B2"),
        (1_000_000_000, "B3"),
        (10_000_000_000, "B4"),
    ] {
        assert_eq!(band(price), expected, "{price}");
    }
    let mut without_sources = record(json!({"signed_month": "2025-10"}));
    kind.derive(&mut without_sources);
    assert_eq!(without_sources, record(json!({"signed_month": "2025-10"})));
}

#[test]
fn mappings_and_policies_are_carried_as_text() {
    let catalogue = catalogue();
    assert!(catalogue.policy("shipped").is_some());
    assert!(catalogue.policy("../kinds/ACH").is_none());
    for name in catalogue.mappings() {
        assert!(catalogue.mapping(name).is_some(), "{name}");
    }
}

#[test]
fn the_lists_of_parties_and_forces_are_left_to_the_district() {
    let catalogue = catalogue();
    for name in ["party_role", "force"] {
        assert!(catalogue.codes(name).unwrap().codes().is_empty(), "{name}");
    }
}

/// Every command of a node opens the catalogue first.
#[cfg(not(debug_assertions))]
#[test]
fn the_catalogue_opens_in_a_tenth_of_a_second() {
    let opening = || {
        let start = std::time::Instant::now();
        assert!(Catalogue::embedded().unwrap().kinds().count() > 40);
        start.elapsed()
    };
    let fastest = (0..5).map(|_| opening()).min().unwrap();
    println!("{fastest:?}");
    assert!(fastest.as_millis() < 100, "{fastest:?}");
}
