//! The hub's judgement: only fitting values of fields that may reach the hub, and always the same number of digests.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use safeharbor_core::code::Code;
use safeharbor_rules::{Ceiling, Lang, Mode, plan};
use serde_json::{Value, json};

use crate::samples::{PERSONAL_ID, TODAY, any_json, catalogue, kind, records, runner};

fn check(revealed: Value, digests: usize, expected: Result<(), Code>) {
    let catalogue = catalogue();
    let revealed: Vec<(String, Value)> = serde_json::from_value(revealed).unwrap();
    let judged = kind(&catalogue, "ACH").judge(&revealed, digests);
    assert_eq!(judged.map_err(|refusal| refusal.code), expected, "{revealed:?}");
}

#[test]
fn each_fault_has_its_code() {
    check(json!([]), 48, Ok(()));
    check(json!([["stage", "S2"], ["name", "固态电解质"], ["abstract", "可公开的摘要"]]), 48, Ok(()));
    check(json!([]), 47, Err(Code::DigestCount));
    check(json!([["colour", "red"]]), 48, Err(Code::FieldUnknown));
    check(json!([["stage", "中试"]]), 48, Err(Code::ValueInvalid));
    check(json!([["funding", 1.0]]), 48, Err(Code::ValueInvalid));
    check(json!([["stage", "S2"], ["stage", "S2"]]), 48, Err(Code::ValueInvalid));
    check(json!([["inventors", ["林晚秋"]]]), 48, Err(Code::CeilingExceeded));
    check(json!([["secrecy", "秘密"]]), 48, Err(Code::ValueInvalid));
    check(json!([["name", PERSONAL_ID]]), 48, Err(Code::ValueInvalid));
}

#[test]
fn a_refusal_repeats_no_value_and_no_foreign_name() {
    let catalogue = catalogue();
    let kind = kind(&catalogue, "ACH");
    for revealed in [("stage", "标记甲"), ("标记甲", "x"), ("inventors", "标记甲")] {
        let refusal = kind.judge(&[(revealed.0.to_owned(), revealed.1.into())], 48).unwrap_err();
        let shown = format!("{refusal:?} {refusal} {}", refusal.text(Lang::Zh));
        assert!(!shown.contains("标记甲"), "{shown}");
    }
}

#[test]
fn whatever_a_plan_reveals_the_hub_takes() {
    let catalogue = catalogue();
    for kind in catalogue.kinds() {
        let check = |mut record: safeharbor_rules::Record| {
            kind.derive(&mut record);
            let open =
                kind.fields().iter().filter(|f| kind.ceiling_of(f.name(), &record, TODAY) == Ceiling::Hub);
            let approved: BTreeSet<String> = open.map(|f| f.name().to_owned()).collect();
            let plan = plan(kind, &record, Mode::Reveal, &approved, TODAY).unwrap();
            let revealed: Vec<_> =
                plan.revealed().map(|name| (name.to_owned(), record[name].clone())).collect();
            prop_assert_eq!(kind.judge(&revealed, kind.digests()), Ok(()));
            prop_assert!(plan.stated().count() <= kind.digests());
            Ok(())
        };
        runner().run(&records(kind), check).unwrap();
    }
}

#[test]
fn no_json_makes_a_judgement_panic() {
    let catalogue = catalogue();
    for kind in catalogue.kinds() {
        let names: Vec<String> = kind.fields().iter().map(|f| f.name().to_owned()).collect();
        let name = prop_oneof![proptest::sample::select(names), "\\PC{0,12}"];
        let check = |revealed: Vec<(String, Value)>| {
            if kind.judge(&revealed, kind.digests()).is_ok() {
                let fits =
                    |(name, value): &(String, Value)| kind.field(name).is_some_and(|f| f.accepts(value));
                prop_assert!(revealed.iter().all(fits));
            }
            Ok(())
        };
        runner().run(&vec((name, any_json()), 0..4), check).unwrap();
    }
}
