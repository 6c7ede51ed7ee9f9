//! The history of an institution is told without a gap, or not at all.

use safeharbor_core::directory::{Announcement, Deciders, InstitutionType, KeyGround, Standing};
use safeharbor_verifier::chain::verify;
use safeharbor_verifier::objection::{Fault, Objection};
use safeharbor_verifier::progress::Progress;
use safeharbor_verifier::trust::LogTrust;
use serde_json::{Value, json};

use crate::registry::*;

const NEXT_KEY: u8 = 21;

fn history(registry: &Registry, code: &str) -> Result<Value, Objection> {
    let trust = LogTrust::by_policy(policy(&policy_text()));
    let report = verify(&registry.files(), &trust, code.parse().unwrap(), &Progress::silent())?;
    Ok(serde_json::to_value(report).unwrap())
}

fn standing(registry: &mut Registry, standing: Standing) {
    registry.announce(&Announcement::Institution {
        code: PEKING.parse().unwrap(),
        name: "北京大学".to_owned(),
        kind: InstitutionType::University,
        standing,
        decided_by: Deciders::new([1, 2]),
    });
}

#[test]
fn keys_standing_and_statements_are_told_in_their_order() {
    let mut registry = Registry::begin();
    (0..3).for_each(|_| drop(registry.disclose(PEKING, PEKING_KEY)));
    standing(&mut registry, Standing::Suspended);
    registry.disclose(TSINGHUA, TSINGHUA_KEY);
    standing(&mut registry, Standing::Active);
    let code = PEKING.parse().unwrap();
    let key = public_key(NEXT_KEY);
    let confirmed = Announcement::KeyConfirmed { code, key: public_key(PEKING_KEY) };
    registry.announce(&confirmed);
    registry.disclose(PEKING, PEKING_KEY);
    registry.announce(&key_begins(code, key, KeyGround::ReEnrolment));
    registry.disclose(PEKING, NEXT_KEY);
    let report = history(&registry, PEKING).unwrap();
    assert_eq!((&report["statements"], &report["last_index"]), (&5.into(), &15.into()));
    assert_eq!((&report["re_enrolled"], &report["hub_key_source"]), (&true.into(), &"policy".into()));
    let events: Vec<Value> = report["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            json!([event["event"], event.get("index").or(event.get("first_index")), event["last_seq"]])
        })
        .collect();
    assert_eq!(
        json!(events),
        json!([
            ["admitted", 2, null],
            ["key-began", 3, null],
            ["stated", 6, 3],
            ["standing", 9, null],
            ["standing", 11, null],
            ["key-confirmed", 12, null],
            ["stated", 13, 4],
            ["key-began", 14, null],
            ["stated", 15, 5],
        ])
    );
    let began = &report["history"][7];
    assert_eq!((&began["ground"], &began["decided_by"]), (&"re-enrolled".into(), &json!([1, 2])));
    assert_eq!(report["history"][8]["key"], key.thumbprint().to_string());
}

#[test]
fn a_gap_is_no_history() {
    let (mut registry, made) = Registry::with_disclosures(9);
    registry.entries.remove(made[4].index);
    let objection = history(&registry, PEKING).unwrap_err();
    assert!(matches!(*objection.fault, Fault::Audit(_)), "{objection:?}");
    // The gap is in another chain, and still nothing of such a registry is believed.
    assert!(history(&registry, TSINGHUA).is_err());
}

#[test]
fn an_institution_that_made_no_statement_has_a_history_too() {
    let report = history(&Registry::begin(), TSINGHUA).unwrap();
    assert_eq!((&report["statements"], &report["head"]), (&0.into(), &report["admitted"]));
    let unknown = history(&Registry::begin(), "12100000400006217A");
    assert!(unknown.is_err_and(|objection| matches!(*objection.fault, Fault::InstitutionUnknown { .. })));
}
