//! Lists that an institution sets itself (五方, 六力): empty as shipped, never guessed, and no way around a class.

use std::error::Error;

use safeharbor_core::code::Code;
use safeharbor_rules::{Catalogue, Lang, OwnLists};
use serde_json::{Value, json};

use crate::samples::{catalogue, kind, record};

const PARTIES: &str = r#"{"title": "五方", "x-title-en": "Party role", "x-source": "区里口径 2026-01",
    "codes": [{"code": "P1", "zh": "甲方面", "en": "First party"}]}"#;

fn own(name: &str, text: &str) -> OwnLists {
    OwnLists::from([(name.to_owned(), text.as_bytes().to_vec())])
}

fn team(role: &Value) -> safeharbor_rules::Record {
    record(json!({"team_no": "T-1", "school": "12100000400002259P", "party_role": role}))
}

#[test]
fn an_empty_list_takes_nothing_and_says_why() {
    let catalogue = catalogue();
    let problems = kind(&catalogue, "TEAM").check(&team(&json!("P1")));
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    assert_eq!(
        problem.text(Lang::En),
        "Party role takes no value yet: the code list 'Party role (set by the district)' is empty; found 'P1'"
    );
    assert!(problem.text(Lang::Zh).contains("尚为空"), "{}", problem.text(Lang::Zh));
    for lang in [Lang::Zh, Lang::En] {
        assert!(problem.advice(lang).contains("codes/party_role.json"), "{}", problem.advice(lang));
    }
}

#[test]
fn an_own_list_is_taken_and_the_digest_stays() {
    let shipped = catalogue();
    let catalogue = Catalogue::embedded_with(&own("party_role", PARTIES)).unwrap();
    assert_eq!(catalogue.digest(), shipped.digest());
    assert_eq!(catalogue.files(), shipped.files());
    let kind = kind(&catalogue, "TEAM");
    assert_eq!(kind.check(&team(&json!("P1"))), []);
    assert_eq!(kind.check(&team(&json!("P2"))).len(), 1);
    assert_eq!(catalogue.codes("party_role").unwrap().label("P1", Lang::Zh), "甲方面");
}

#[test]
fn the_hub_takes_any_code_of_a_list_it_does_not_have() {
    let catalogue = catalogue();
    let kind = kind(&catalogue, "TEAM");
    let judge = |field: &str, value: Value| {
        kind.judge(&[(field.to_owned(), value)], kind.digests()).map_err(|refusal| refusal.code)
    };
    assert_eq!(judge("party_role", json!("P1")), Ok(()));
    assert_eq!(judge("forces", json!(["F1", "F-2"])), Ok(()));
    for bad in [json!("甲方面"), json!(""), json!("ABCDEFGHIJKLMNOPQ"), json!(1), json!(["P1"]), json!("a b")]
    {
        assert_eq!(judge("party_role", bad.clone()), Err(Code::ValueInvalid), "{bad}");
    }
    assert_eq!(judge("forces", json!(["F1", "F1"])), Err(Code::ValueInvalid));
    assert_eq!(judge("specialist_role", json!("")), Err(Code::ValueInvalid));
}

#[test]
fn no_other_list_is_replaced_and_a_broken_one_is_named() {
    let check = |name: &str, text: &str, expected: &str| {
        let failed = Catalogue::embedded_with(&own(name, text)).map(|_| ()).unwrap_err();
        let cause = failed.source().map(ToString::to_string).unwrap_or_default();
        let shown = format!("{failed}: {cause}");
        assert!(shown.contains(expected), "{shown}");
    };
    check(
        "secrecy",
        PARTIES,
        "\"secrecy\" is no list an institution sets itself; those are force, party_role",
    );
    check("colours", PARTIES, "\"colours\" is no list");
    check("force", "{", "code list \"force.json\" is refused: not a code list");
    let many: Vec<Value> = (0..501)
        .map(|n| json!({"code": format!("C{n}"), "zh": format!("甲{n}"), "en": format!("n{n}")}))
        .collect();
    let many = json!({"title": "多", "x-title-en": "Many", "x-source": "own", "codes": many}).to_string();
    check("force", &many, "501 codes are more than 500");
}
