//! The plan: nothing leaves that class, ceiling, policy and approval do not all allow.

use std::collections::BTreeSet;

use proptest::prelude::*;
use safeharbor_rules::{
    Authority, Ceiling, Class, Fate, Kind, Mode, Plan, PlanRefused, Record, WithheldBecause,
    holds_personal_id, plan,
};
use serde_json::{Value, json};

use crate::samples::{PERSONAL_ID, TODAY, achievement, catalogue, deal, kind, runner, wild_records};

fn names(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|&name| name.to_owned()).collect()
}

fn plan_of(id: &str, record: &Record, mode: Mode, approved: &[&str]) -> Result<Plan, PlanRefused> {
    let catalogue = catalogue();
    plan(kind(&catalogue, id), record, mode, &names(approved), TODAY)
}

fn fate(plan: &Plan, field: &str) -> Fate {
    plan.fields.iter().find(|f| f.name == field).unwrap().fate
}

#[test]
fn policy_reveals_c0_and_c1_alone() {
    let plan = plan_of("ACH", &achievement(), Mode::Reveal, &[]).unwrap();
    assert_eq!(
        plan.revealed().collect::<Vec<_>>(),
        [
            "achievement_no",
            "name",
            "completing_units",
            "secrecy",
            "attribute",
            "stage",
            "trl",
            "field",
            "industry",
            "discipline",
            "keywords",
            "public_since"
        ]
    );
    assert_eq!(fate(&plan, "name"), Fate::Revealed { by: Authority::Policy });
    assert_eq!(fate(&plan, "funding"), Fate::DigestOnly { why: WithheldBecause::NeedsApproval });
    assert_eq!(fate(&plan, "inventors"), Fate::DigestOnly { why: WithheldBecause::Ceiling });
    assert_eq!(plan.stated().count(), achievement().len());
}

#[test]
fn an_unpublished_result_keeps_its_name() {
    let mut record = achievement();
    record.remove("public_since");
    let plan = plan_of("ACH", &record, Mode::Reveal, &[]).unwrap();
    assert_eq!(fate(&plan, "name"), Fate::DigestOnly { why: WithheldBecause::Ceiling });
    assert_eq!(fate(&plan, "stage"), Fate::Revealed { by: Authority::Policy });
    let refused = plan_of("ACH", &record, Mode::Reveal, &["name"]);
    assert_eq!(refused, Err(PlanRefused::AboveCeiling { field: "name".into(), ceiling: Ceiling::Reviewer }));
}

#[test]
fn off_lets_nothing_leave_and_commit_only_what_is_approved() {
    let off = plan_of("ACH", &achievement(), Mode::Off, &["funding"]).unwrap();
    assert!(off.fields.iter().all(|f| f.fate == Fate::Stays));
    assert_eq!(off.stated().count(), 0);
    let commit = plan_of("ACH", &achievement(), Mode::Commit, &["funding"]).unwrap();
    assert_eq!(commit.revealed().collect::<Vec<_>>(), ["funding"]);
    assert_eq!(fate(&commit, "stage"), Fate::DigestOnly { why: WithheldBecause::CommitOnly });
}

#[test]
fn approval_opens_c2_and_free_text_within_the_ceiling() {
    let plan = plan_of("ACH", &achievement(), Mode::Reveal, &["abstract", "funding"]).unwrap();
    for field in ["abstract", "funding"] {
        assert_eq!(fate(&plan, field), Fate::Revealed { by: Authority::Approval }, "{field}");
    }
    for (id, record, field) in
        [("ACH", achievement(), "inventors"), ("DEAL", deal(), "price"), ("DEAL", deal(), "buyer_name")]
    {
        let refused = plan_of(id, &record, Mode::Reveal, &[field]);
        assert_eq!(
            refused,
            Err(PlanRefused::AboveCeiling { field: field.into(), ceiling: Ceiling::Reviewer })
        );
    }
    let unknown = plan_of("ACH", &achievement(), Mode::Reveal, &["colour"]);
    assert!(matches!(unknown, Err(PlanRefused::UnknownField { field, .. }) if field == "colour"));
}

#[test]
fn what_must_not_be_stored_has_no_plan() {
    for (name, value) in
        [("secrecy", json!("秘密")), ("abstract", json!(PERSONAL_ID)), ("secrecy", json!(null))]
    {
        let mut record = achievement();
        record.insert(name.into(), value);
        assert_eq!(plan_of("ACH", &record, Mode::Reveal, &[]), Err(PlanRefused::NotStorable), "{name}");
    }
}

#[test]
fn a_value_that_fits_no_schema_and_a_foreign_field_stay_closed() {
    let mut record = achievement();
    record.insert("stage".into(), json!({"note": "price 365000"}));
    record.insert("colour".into(), json!("red"));
    let plan = plan_of("ACH", &record, Mode::Reveal, &[]).unwrap();
    assert_eq!(fate(&plan, "stage"), Fate::DigestOnly { why: WithheldBecause::Unfit });
    assert_eq!(fate(&plan, "colour"), Fate::Stays);
}

/// The class of a field by the text of the kind's file, worked out here a second time.
fn class_by_the_book(property: &Value, published: bool) -> &str {
    let class = &property["x-class"];
    class.as_str().unwrap_or_else(|| class["values"][published.to_string()].as_str().unwrap())
}

fn ceiling_by_the_book(property: &Value, published: bool) -> &str {
    let ceiling = &property["x-ceiling"];
    ceiling.as_str().unwrap_or_else(|| ceiling["values"][published.to_string()].as_str().unwrap())
}

fn published_by_the_book(kind: &Kind, record: &Record) -> bool {
    let reached = |name: &str| {
        let date = record.get(name).and_then(Value::as_str).filter(|date| date.len() == 10);
        date.and_then(|date| date.parse::<jiff::civil::Date>().ok()).is_some_and(|date| date <= TODAY)
    };
    match kind.id().as_str() {
        "ACH" | "DMD" | "CHL" | "CSE" => reached("public_since"),
        "IPR" => {
            record["right_kind"].is_string()
                && record["right_kind"] != "TS"
                && (reached("public_since") || reached("pub_date"))
        }
        _ => false,
    }
}

#[test]
fn nothing_leaves_without_class_ceiling_and_approval() {
    let catalogue = catalogue();
    for kind in catalogue.kinds() {
        let file: Value =
            serde_json::from_slice(&catalogue.files()[&format!("kinds/{}.json", kind.id())]).unwrap();
        let all: Vec<String> = kind.fields().iter().map(|f| f.name().to_owned()).collect();
        let modes = proptest::sample::select(vec![Mode::Off, Mode::Commit, Mode::Reveal]);
        let approvals = prop_oneof![
            Just(BTreeSet::new()),
            proptest::sample::subsequence(all, 0..4)
                .prop_map(|list| list.into_iter().collect::<BTreeSet<_>>())
        ];
        let check = |(record, mode, approved): (Record, Mode, BTreeSet<String>)| {
            let published = published_by_the_book(kind, &record);
            let Ok(plan) = plan(kind, &record, mode, &approved, TODAY) else { return Ok(()) };
            for field in plan.revealed() {
                let property = &file["properties"][field];
                let class = class_by_the_book(property, published);
                prop_assert_eq!(ceiling_by_the_book(property, published), "hub", "{}", field);
                prop_assert!(
                    approved.contains(field) || class == "C0" || class == "C1",
                    "{field} is {class}"
                );
                prop_assert!(approved.contains(field) || mode == Mode::Reveal, "{field} by {mode:?}");
                prop_assert!(mode != Mode::Off && class != "CX");
                prop_assert!(!holds_personal_id(&record[field].to_string()));
            }
            Ok(())
        };
        runner().run(&(wild_records(kind), modes, approvals), check).unwrap();
    }
}

#[test]
fn classes_are_ordered_by_strictness() {
    assert!(Class::C0 < Class::C1 && Class::C1 < Class::C2 && Class::C2 < Class::C3 && Class::C3 < Class::CX);
    assert!(Ceiling::Never < Ceiling::Reviewer && Ceiling::Reviewer < Ceiling::Hub);
}
