//! What another version changes is said, as gravely as it is, in both languages.

use safeharbor_rules::{Catalogue, Change, Difference, Lang, Severity, compare};
use serde_json::{Value, json};

use crate::samples::catalogue;

/// The shipped catalogue with one JSON file changed.
fn edited(path: &str, edit: impl Fn(&mut Value)) -> Catalogue {
    let mut files = catalogue().files().clone();
    let mut value: Value = serde_json::from_slice(&files[path]).unwrap();
    edit(&mut value);
    files.insert(path.to_owned(), serde_json::to_vec(&value).unwrap());
    Catalogue::load(files).unwrap()
}

fn difference(path: &str, edit: impl Fn(&mut Value)) -> Difference {
    compare(&catalogue(), &edited(path, edit))
}

/// Writing a file anew sorts its fields: every other change.
fn but_for_order(difference: &Difference) -> Vec<&Change> {
    difference.changes().iter().filter(|change| !change.text(Lang::Zh).contains("字段的次序改变")).collect()
}

/// Changes one property of a kind, and expects one change of this severity whose sentences hold these words.
fn check(kind: &str, field: &str, notes: &Value, severity: Severity, [zh, en]: [&str; 2]) {
    let difference = difference(&format!("kinds/{kind}.json"), |file| {
        let property = file["properties"][field].as_object_mut().unwrap();
        for (name, value) in notes.as_object().unwrap() {
            property.insert(name.clone(), value.clone());
        }
    });
    let changes = but_for_order(&difference);
    let [change] = changes.as_slice() else { panic!("{difference:?}") };
    assert_eq!(change.severity(), severity, "{change:?}");
    assert_eq!((change.kind().unwrap().as_str(), change.field()), (kind, Some(field)));
    assert!(change.text(Lang::Zh).contains(zh), "{}", change.text(Lang::Zh));
    assert!(change.text(Lang::En).contains(en), "{}", change.text(Lang::En));
}

#[test]
fn a_version_differs_in_nothing_from_itself() {
    assert_eq!(compare(&catalogue(), &catalogue()), Difference::default());
}

#[test]
fn what_reveals_more_says_so() {
    use Severity::RevealsMore;
    let inventors = json!({"x-class": "C0"});
    check(
        "ACH",
        "inventors",
        &inventors,
        RevealsMore,
        [
            "“完成人”（inventors）：披露等级由“留在本单位 C3”改为“公开 C0”",
            "the class changes from \"stays here C3\"",
        ],
    );
    check(
        "ACH",
        "keywords",
        &json!({"x-class": {"by": "published", "values": {"true": "C0", "false": "C3"}}}),
        RevealsMore,
        ["公开 C0", "public C0 once published"],
    );
    let raised =
        difference("kinds/POC.json", |file| file["properties"]["trl_in"]["x-ceiling"] = json!("reviewer"));
    assert_eq!(raised.gravest(), Some(Severity::ComputesDifferently), "stricter");
}

#[test]
fn what_asks_for_more_says_so() {
    use Severity::{AsksMore, ComputesDifferently};
    check("ACH", "trl", &json!({"x-unit": "级"}), AsksMore, ["单位由“无”改为“级”", "the unit changes"]);
    check("ACH", "name", &json!({"maxLength": 7}), AsksMore, ["对值的要求", "what values fit"]);
    check(
        "ACH",
        "stage",
        &json!({"x-codes": "poc_outcome"}),
        AsksMore,
        ["代码表由“ach_stage”改为“poc_outcome”", "the code list"],
    );
    check("ACH", "stage", &json!({"x-forms": []}), ComputesDifferently, ["所属报表", "the forms"]);
    let required =
        difference("kinds/ACH.json", |file| file["required"].as_array_mut().unwrap().push(json!("trl")));
    assert_eq!(required.gravest(), Some(AsksMore));
    assert!(required.changes()[0].text(Lang::Zh).contains("改为必填"));
    let gone =
        difference("codes/ach_stage.json", |file| drop(file["codes"].as_array_mut().unwrap().remove(0)));
    assert_eq!(gone.gravest(), Some(AsksMore));
    assert!(gone.changes()[0].text(Lang::Zh).contains("不再有代码 S1"), "{gone:?}");
}

#[test]
fn titles_and_notes_are_words_only() {
    check("ACH", "stage", &json!({"title": "所处阶段"}), Severity::WordsOnly, ["名称由", "the title"]);
    let described = difference("kinds/ACH.json", |file| file["description"] = json!("另一说明"));
    assert_eq!(described.gravest(), Some(Severity::WordsOnly));
}

#[test]
fn fields_and_kinds_that_come_and_go_are_named() {
    let without =
        difference("kinds/ACH.json", |file| drop(file["properties"].as_object_mut().unwrap().remove("trl")));
    let changes = but_for_order(&without);
    let [change] = changes.as_slice() else { panic!("{without:?}") };
    assert!(change.text(Lang::Zh).contains("不再有这一字段"), "{change:?}");
    let back = compare(
        &edited("kinds/ACH.json", |file| drop(file["properties"].as_object_mut().unwrap().remove("trl"))),
        &catalogue(),
    );
    assert!(back.changes()[0].text(Lang::En).contains("a new field (optional)"), "{back:?}");
    let mut files = catalogue().files().clone();
    files.remove("kinds/VST.json");
    let fewer = Catalogue::load(files).unwrap();
    let gone = compare(&catalogue(), &fewer);
    assert_eq!(gone.gravest(), Some(Severity::ComputesDifferently));
    let come = compare(&fewer, &catalogue());
    assert!(come.gravest() <= Some(Severity::AsksMore), "{come:?}");
    assert!(come.changes()[0].text(Lang::Zh).contains("新增的记录类别"), "{come:?}");
}

#[test]
fn another_ground_for_publication_reveals_more() {
    let states = difference("kinds/IPR.json", |file| {
        file["x-states"]["published"]["any"] = json!([{"date_reached": "pub_date"}]);
    });
    assert_eq!(states.gravest(), Some(Severity::RevealsMore), "{states:?}");
}

#[test]
fn the_gravest_change_comes_first() {
    let mut files = edited("kinds/ACH.json", |file| {
        file["properties"]["stage"]["title"] = json!("所处阶段");
        file["required"].as_array_mut().unwrap().push(json!("trl"));
        file["properties"]["inventors"]["x-class"] = json!("C1");
    })
    .files()
    .clone();
    files.insert("rules/A01.toml".into(), b"x = 1".to_vec());
    files.insert("evaluator-version".into(), b"2\n".to_vec());
    files.insert("README.md".into(), b"words".to_vec());
    let difference = compare(&catalogue(), &Catalogue::load(files).unwrap());
    let severities: Vec<Severity> = difference.changes().iter().map(|change| change.severity()).collect();
    assert!(severities.is_sorted(), "{severities:?}");
    for severity in Severity::ALL {
        assert!(severities.contains(&severity), "{severity:?} of {difference:?}");
    }
}

/// Whatever is changed in whichever file, the difference is not empty.
#[test]
fn no_changed_file_goes_unsaid() {
    let shipped = catalogue();
    for path in shipped.files().keys() {
        let mut files = shipped.files().clone();
        files.get_mut(path).unwrap().push(b'\n');
        let difference = compare(&shipped, &Catalogue::load(files).unwrap());
        assert_eq!(difference.changes().len(), 1, "{path}: {difference:?}");
    }
}
