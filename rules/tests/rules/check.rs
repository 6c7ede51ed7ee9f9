//! The check at the door: what it refuses, what it says, and what it never repeats.

use proptest::prelude::*;
use safeharbor_rules::{Lang, Problem, ProblemCode, Record};
use serde_json::{Value, json};

use crate::samples::{
    PERSONAL_ID, achievement, any_json, catalogue, deal, kind, records, runner, wild_records,
};

fn problems(id: &str, record: &Record) -> Vec<Problem> {
    let catalogue = catalogue();
    kind(&catalogue, id).check(record)
}

fn with(mut record: Record, name: &str, value: Value) -> Record {
    record.insert(name.to_owned(), value);
    record
}

#[test]
fn ordinary_records_pass() {
    assert_eq!(problems("ACH", &achievement()), []);
    assert_eq!(problems("DEAL", &deal()), []);
}

/// One wrong field of an achievement, with the code and both texts.
fn check(name: &str, value: Value, code: ProblemCode, zh: &str, en: &str) {
    let found = problems("ACH", &with(achievement(), name, value));
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    assert_eq!((found[0].code, found[0].field.as_deref()), (code, Some(name)));
    assert_eq!((found[0].text(Lang::Zh).as_str(), found[0].text(Lang::En).as_str()), (zh, en));
    assert!(!found[0].advice(Lang::Zh).is_empty() && !found[0].advice(Lang::En).is_empty());
}

#[test]
fn problems_tell_what_to_write() {
    use ProblemCode::{Format, Length, NotInList, Range, Type, UnknownField};
    check(
        "stage",
        json!("中试"),
        NotInList,
        "“成果所处阶段”必须是以下之一：初期阶段、中期阶段、成熟应用阶段；现为“中试”",
        "Technology stage must be one of 初期阶段, 中期阶段, 成熟应用阶段; found '中试'",
    );
    check(
        "internal_registered_at",
        json!("2024/3/5"),
        Format,
        "“单位登记日期”必须是日期，形如 2025-03-31；现为“2024/3/5”",
        "Registered in the institution on must be a date such as 2025-03-31; found '2024/3/5'",
    );
    check(
        "completing_units",
        json!(["12100000400002259P", "北京大学"]),
        Format,
        "“完成单位”必须是十八位统一社会信用代码（校验位须正确）；现为“北京大学”",
        "Completing institutions must be an 18-character institution code (统一社会信用代码) with a valid check character; found '北京大学'",
    );
    check(
        "funding",
        json!("850"),
        Type,
        "“项目经费”必须是整数（单位：分）；现为“850”",
        "Project funding must be a whole number (in 分); found '850'",
    );
    check(
        "funding",
        json!(850.0),
        Type,
        "“项目经费”必须是整数（单位：分）；现为“850.0”",
        "Project funding must be a whole number (in 分); found '850.0'",
    );
    check(
        "trl",
        json!(10),
        Range,
        "“技术就绪水平”应不小于 1 / 不大于 9；现为“10”",
        "Technology readiness level must be at least 1 / at most 9; found '10'",
    );
    check(
        "reg_no",
        json!("Y-1"),
        Format,
        "“批准登记号”的格式应形如 9112024Y0123；现为“Y-1”",
        "Registration number must look like 9112024Y0123; found 'Y-1'",
    );
    check(
        "keywords",
        json!(["甲", "乙", "丙", "丁"]),
        Length,
        "“关键词”应至多 3 项；现为“[\"甲\",\"乙\",\"丙\",\"丁\"]”",
        "Keywords must have at most 3 items; found '[\"甲\",\"乙\",\"丙\",\"丁\"]'",
    );
    check(
        "colour",
        json!("red"),
        UnknownField,
        "“colour”不是该类记录的字段",
        "colour is not a field of this kind",
    );
}

#[test]
fn required_fields_are_missed() {
    let mut record = achievement();
    record.remove("name");
    let found = problems("ACH", &record);
    assert_eq!((found[0].code, found[0].text(Lang::En).as_str()), (ProblemCode::Missing, "Name is required"));
}

#[test]
fn a_derived_field_that_contradicts_its_source_is_named() {
    let found = problems("DEAL", &with(deal(), "price_band", json!("B4")));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].text(Lang::En), "Price band contradicts Price; found 'B4'");
}

#[test]
fn only_public_achievements_pass_the_gate() {
    for value in [
        json!("秘密"),
        json!("机密"),
        json!("公开"),
        json!("PUBLIC"),
        json!(""),
        json!(null),
        json!(true),
        json!(["public"]),
    ] {
        let found = problems("ACH", &with(achievement(), "secrecy", value.clone()));
        assert_eq!(found.len(), 1, "{value}");
        assert_eq!((found[0].code, &found[0].value), (ProblemCode::Secrecy, &None), "{value}");
        assert!(found[0].code.withholds_record());
    }
    let mut silent = achievement();
    silent.remove("secrecy");
    let found = problems("ACH", &silent);
    assert_eq!(found[0].text(Lang::Zh), "“成果密级”缺失或不是“公开”，该记录不予收录");
}

#[test]
fn an_identity_number_is_refused_wherever_it_stands() {
    let disguised = "身份证 110105 19491231 002x";
    for (name, value) in [
        ("abstract", json!(disguised)),
        ("inventors", json!(["林晚秋", format!("赵启明({PERSONAL_ID})")])),
        ("achievement_no", json!(PERSONAL_ID)),
        ("co_owner_consents", json!([{"owner": disguised, "consented": true}])),
        ("funding", json!(110_101_199_003_074_557_u64)),
        ("stage", json!(PERSONAL_ID)),
        ("no_such_field", json!({ PERSONAL_ID: null })),
        (PERSONAL_ID, json!(1)),
    ] {
        let found = problems("ACH", &with(with(achievement(), "trl", json!(99)), name, value));
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert_eq!((found[0].code, &found[0].value), (ProblemCode::PersonalId, &None), "{name}");
    }
}

#[test]
fn debug_never_shows_the_value() {
    let found = problems("ACH", &with(achievement(), "stage", json!("中试")));
    assert!(!format!("{found:?}").contains("中试"));
}

#[test]
fn no_json_makes_a_check_panic() {
    let catalogue = catalogue();
    for kind in catalogue.kinds() {
        let check = |record: Record| {
            for problem in kind.check(&record) {
                let texts = [problem.text(Lang::Zh), problem.text(Lang::En), problem.advice(Lang::Zh)];
                prop_assert!(texts.iter().all(|text| !text.is_empty() && text.chars().count() < 600));
            }
            Ok(())
        };
        runner().run(&wild_records(kind), check).unwrap();
    }
}

/// Every text that the answer to a record could show.
fn shown(found: &[Problem]) -> String {
    let texts = found.iter().map(|p| {
        let fields = format!("{:?} {:?} {p:?}", p.field, p.value);
        [fields, p.text(Lang::Zh), p.text(Lang::En), p.advice(Lang::Zh), p.advice(Lang::En)].concat()
    });
    texts.collect()
}

#[test]
fn problems_of_a_refused_record_repeat_none_of_its_values() {
    const MARKER: &str = "绝密标记甲乙丙";
    let catalogue = catalogue();
    let kind = kind(&catalogue, "ACH");
    let names: Vec<String> =
        kind.fields().iter().map(|f| f.name().to_owned()).filter(|n| n != "secrecy").collect();
    let strategy = (records(kind), proptest::sample::select(names), any::<bool>(), any_json());
    let check = |(mut record, name, classified, other): (Record, String, bool, Value)| {
        record.insert("trl".into(), other);
        record.insert(name, MARKER.into());
        if classified {
            record.insert("secrecy".into(), MARKER.into());
        } else {
            record.insert("inventors".into(), json!([MARKER, PERSONAL_ID]));
        }
        let found = kind.check(&record);
        prop_assert!(found.iter().all(|p| p.code.withholds_record() && p.value.is_none()));
        let shown = shown(&found);
        prop_assert!(!shown.contains(MARKER) && !shown.contains(PERSONAL_ID), "{shown}");
        Ok(())
    };
    runner().run(&strategy, check).unwrap();
}

/// Import must validate tens of thousands of rows a second beside reading and storing them.
#[cfg(not(debug_assertions))]
#[test]
fn an_ordinary_record_is_checked_in_ten_microseconds() {
    let catalogue = catalogue();
    let kind = kind(&catalogue, "ACH");
    let record = achievement();
    let start = std::time::Instant::now();
    let rounds = 200_000_u32;
    for _ in 0..rounds {
        assert!(std::hint::black_box(kind.check(std::hint::black_box(&record))).is_empty());
    }
    let each = start.elapsed() / rounds;
    println!("{each:?} a check");
    assert!(each.as_micros() < 10, "{each:?}");
}
