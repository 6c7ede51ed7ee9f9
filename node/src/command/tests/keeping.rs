//! Changes made here, absent records, links and rejected rows.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use proptest::prelude::*;
use safeharbor_interchange::import::{ImportedRow, Sink as _, Taken};
use safeharbor_rules::Record;
use serde_json::json;

use crate::command::{Command, ImportOrder, Rejects};
use crate::records::{Links, RecordSink, Terms};
use crate::speech::{Exit, Format, Language};
use crate::testing::{APPROVER, Bench, CLERK, MARKER, Said, by, on_every_store, published};

fn edit(bench: &Bench, record: &str, changes: &[&str]) -> Said {
    let changes = changes.iter().map(|change| (*change).to_owned()).collect();
    bench.ask(Command::Edit { record: record.to_owned(), changes, by: by(CLERK) })
}

/// Imports once more what the bench imported last, on other terms.
fn again(bench: &Bench, change: impl FnOnce(&mut ImportOrder)) -> Said {
    let mut order = ImportOrder::of_file(bench.path("成果.csv"), Some(bench.path("mapping.toml")));
    change(&mut order);
    bench.ask(Command::Import(order))
}

fn name_of(bench: &Bench, key: &str) -> serde_json::Value {
    bench.context.records.last(bench.rec(key)).unwrap().unwrap().revision.record["name"].clone()
}

#[test]
fn an_edit_made_here_stays_when_the_row_is_as_it_was() {
    on_every_store(|bench| {
        bench.import(&[&published("A-1", "甲")]);
        assert_eq!(edit(bench, "A-1", &["name=甲（修订）"]).json()["rev"], 2);
        let said = bench.import(&[&published("A-1", "甲")]);
        assert_eq!((said.exit, &said.json()["unchanged"]), (Exit::Done, &1.into()), "{}", said.err);
        assert_eq!(name_of(bench, "A-1"), "甲（修订）");
    });
}

#[test]
fn a_row_that_changed_as_well_is_a_conflict_and_overwrites_nothing() {
    on_every_store(|bench| {
        bench.import(&[&published("A-1", "甲"), &published("A-2", "乙")]);
        edit(bench, "A-1", &["name=我方所改"]);
        let said = bench.import(&[&published("A-1", "文件所改"), &published("A-2", "乙改")]);
        assert_eq!(said.exit, Exit::Refused);
        let report = said.json();
        assert_eq!((&report["conflicts"], &report["revised"]), (&1.into(), &1.into()));
        let problem = &report["problems"][0];
        assert_eq!((&problem["code"], &problem["column"]), (&"conflict".into(), &"名称".into()));
        let text = problem["text"].as_str().unwrap();
        for told in ["我方所改", "文件所改", CLERK, "2026-03-01"] {
            assert!(text.contains(told), "{told}: {text}");
        }
        assert_eq!(name_of(bench, "A-1"), "我方所改");
        let log = std::fs::read_to_string(bench.context.layout.audit_log()).unwrap();
        assert!(log.contains(r#""conflicts":1"#) && !log.contains("所改"), "{log}");
    });
}

#[test]
fn the_file_is_taken_on_purpose_by_somebody_named() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲")]);
    edit(&bench, "A-1", &["name=我方所改"]);
    bench.import(&[&published("A-1", "文件所改")]);
    assert_eq!(again(&bench, |order| order.takes_file = true).json()["conflicts"], 1, "nobody is named");
    let taken = again(&bench, |order| {
        order.takes_file = true;
        order.by = Some(by(CLERK));
    });
    assert_eq!((taken.exit, &taken.json()["revised"]), (Exit::Done, &1.into()), "{}", taken.err);
    assert_eq!(name_of(&bench, "A-1"), "文件所改");
    let entries = safeharbor_service::audit::load(&bench.context.layout.audit_log()).unwrap();
    let entry = entries.last().unwrap();
    assert_eq!(entry.person.as_ref().unwrap().name, CLERK);
    assert_eq!(entry.detail["overruled"], json!([bench.rec("A-1").to_string()]));
}

#[test]
fn a_statement_made_again_with_more_revealed_is_no_change_made_here() {
    let bench = Bench::new();
    bench.accept(1, "commit");
    bench.import(&[&published("A-1", "甲")]);
    bench.state_all();
    bench.approve("A-1", &["abstract"], by(APPROVER));
    assert_eq!(bench.import(&[&published("A-1", "甲改")]).json()["revised"], 1);
}

#[test]
fn who_changed_it_is_told_although_somebody_else_had_it_stated_again() {
    let bench = Bench::new();
    bench.accept(1, "commit");
    bench.import(&[&published("A-1", "甲")]);
    edit(&bench, "A-1", &["name=我方所改"]);
    bench.state_all();
    bench.approve("A-1", &["abstract"], by(APPROVER));
    let report = bench.import(&[&published("A-1", "文件所改")]).json();
    let text = report["problems"][0]["text"].as_str().unwrap();
    assert!(text.contains(CLERK) && !text.contains(APPROVER), "{text}");
}

#[test]
fn a_record_whose_row_may_not_be_stored_any_more_stays_here() {
    on_every_store(|bench| {
        bench.accept(1, "reveal");
        bench.import(&[&published("A-1", "甲")]);
        let refused = bench.import(&["A-1,证号 11010519491231002X,,,,"]).json();
        assert_eq!(refused["problems"][0]["code"], "personal-id");
        assert_eq!(refused["absent"]["count"], 0, "the file names it");
        assert!(bench.context.outbox.pending(10).unwrap().is_empty(), "nothing of it leaves");
        bench.import(&[&published("A-1", "甲")]);
        assert_eq!(bench.context.outbox.pending(10).unwrap().len(), 1, "the row came without");
    });
}

#[test]
fn the_same_change_on_both_sides_is_no_conflict() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲")]);
    edit(&bench, "A-1", &["name=同改"]);
    assert_eq!(bench.import(&[&published("A-1", "同改")]).json()["unchanged"], 1);
}

#[test]
fn a_file_that_caught_up_with_a_change_made_here_is_in_step_again() {
    on_every_store(|bench| {
        bench.import(&[&published("A-1", "甲")]);
        edit(bench, "A-1", &["name=乙"]);
        assert_eq!(bench.import(&[&published("A-1", "乙")]).json()["unchanged"], 1);
        let said = bench.import(&[&published("A-1", "丙")]).json();
        assert_eq!((&said["revised"], &said["conflicts"]), (&1.into(), &0.into()), "{said}");
        assert_eq!(name_of(bench, "A-1"), "丙");
        edit(bench, "A-1", &["name=丁"]);
        edit(bench, "A-1", &["name=丙"]);
        assert_eq!(bench.import(&[&published("A-1", "戊")]).json()["revised"], 1, "the edit was undone");
        edit(bench, "A-1", &["name=己"]);
        assert_eq!(bench.import(&[&published("A-1", "戊")]).json()["unchanged"], 1, "the edit stays");
        assert_eq!(bench.import(&[&published("A-1", "庚")]).json()["conflicts"], 1);
    });
}

#[test]
fn a_row_that_differs_in_its_source_text_alone_contradicts_nothing() {
    let bench = Bench::new();
    let catalogue = bench.context.catalogue();
    let kind = catalogue.kind(&"ACH".parse().unwrap()).unwrap();
    let row = |name: &str, raw: &str| {
        let record = json!({ "achievement_no": "A-1", "name": name, "secrecy": "public" });
        let raw = [("name".to_owned(), raw.to_owned())].into();
        ImportedRow { raw, ..ImportedRow::new(2, "A-1".to_owned(), serde_json::from_value(record).unwrap()) }
    };
    let take = |row: ImportedRow| {
        let terms = Terms::of_file("成果.csv".to_owned());
        RecordSink::new(&bench.context, kind, terms).take(vec![row]).unwrap().remove(0)
    };
    assert_eq!(take(row("甲", "甲（原文）")), Taken::New);
    let shown = bench.say(Command::Show { record: "A-1".to_owned() }, Language::Zh, Format::Table).out;
    assert!(shown.contains("来源文件中的原文（只留在本地）：1 项"), "{shown}");
    assert!(shown.contains("\"甲（原文）\"") && !shown.contains("未知"), "{shown}");
    edit(&bench, "A-1", &["name=乙"]);
    assert_eq!(take(row("乙", "乙（原文）")), Taken::Revised);
    assert_eq!(take(row("丙", "丙（原文）")), Taken::Revised, "the file leads again");
    let without = |row: ImportedRow| ImportedRow { raw: std::collections::BTreeMap::new(), ..row };
    assert_eq!(take(without(row("丙", ""))), Taken::Unchanged, "an export takes no source text away");
    assert_eq!(take(without(row("丁", ""))), Taken::Revised);
}

#[test]
fn records_that_a_later_file_of_the_same_source_lacks_are_listed_and_kept() {
    on_every_store(|bench| {
        bench.import(&[&published("A-1", "甲"), &published("A-2", "乙"), &published("A-3", "丙")]);
        let report = bench.import(&[&published("A-1", "甲"), "A-3,丙,,不知道的阶段,,"]).json();
        assert_eq!(report["absent"], json!({ "count": 1, "keys": ["A-2"], "rows_without_key": 0 }));
        assert_eq!(bench.context.records.count().unwrap(), 3);
        let other = again(bench, |order| order.origin = Some("另一来源".to_owned())).json();
        assert_eq!(other["absent"]["count"], 0, "what another source brought is not missed");
    });
}

#[test]
fn an_edited_record_is_missed_like_any_other() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲"), &published("A-2", "乙")]);
    edit(&bench, "A-2", &["name=改"]);
    let order = ImportOrder::of_file(bench.path("成果.csv"), Some(bench.path("mapping.toml")));
    bench.import(&[&published("A-1", "甲")]);
    let said = bench.say(Command::Import(order), Language::Zh, Format::Table);
    assert!(
        said.err.contains("提示：同一来源以前导入过的 1 条记录不在此文件中，均保留未动：A-2\n"),
        "{}",
        said.err
    );
}

fn deal(id: &str, achievements: &[&str]) -> ImportedRow {
    let record = json!({ "deal_id": id, "mode": "M1", "achievements": achievements });
    let record: Record = serde_json::from_value(record).unwrap();
    ImportedRow::new(2, id.to_owned(), record)
}

fn take_deal(bench: &Bench, row: ImportedRow, links: Links, keeps: bool) -> (Taken, usize) {
    let catalogue = bench.context.catalogue();
    let kind = catalogue.kind(&"DEAL".parse().unwrap()).unwrap();
    let terms = Terms { links, ..Terms::of_file("合同.csv".to_owned()) };
    let mut sink = if keeps {
        RecordSink::new(&bench.context, kind, terms)
    } else {
        RecordSink::dry_run(&bench.context, kind, terms)
    };
    let taken = sink.take(vec![row]).unwrap().remove(0);
    (taken, sink.remarks().len())
}

#[test]
fn a_row_that_names_a_record_that_is_not_here_is_refused_or_counted() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲")]);
    for keeps in [false, true] {
        let (taken, _) = take_deal(&bench, deal("D-1", &["A-1", "A-9"]), Links::Refuse, keeps);
        let Taken::Refused(objections) = taken else { panic!("{taken:?}") };
        assert_eq!((objections.len(), objections[0].field.as_deref()), (1, Some("achievements")));
        let text = objections[0].text.of(safeharbor_rules::Lang::Zh);
        assert!(text.contains("“A-9”") && text.contains("ACH") && !text.contains("A-1"), "{text}");
    }
    assert_eq!(take_deal(&bench, deal("D-1", &["A-1", "A-9"]), Links::Warn, true), (Taken::New, 1));
    assert_eq!(take_deal(&bench, deal("D-2", &["A-1"]), Links::Refuse, true), (Taken::New, 0));
    bench.ask(Command::Erase { record: "A-1".to_owned(), by: by(APPROVER) });
    assert!(matches!(take_deal(&bench, deal("D-3", &["A-1"]), Links::Refuse, true).0, Taken::Refused(_)));
    assert_eq!(take_deal(&bench, deal("D-2", &["A-1"]), Links::Refuse, true).0, Taken::Unchanged);
}

#[test]
fn rejected_rows_are_corrected_and_imported() {
    let bench = Bench::new();
    let folder = bench.folder.path().to_owned();
    bench.import(&[&published("A-1", "甲"), "A-2,乙,,不知道的阶段,,", "A-3,证号 11010519491231002X,,,,"]);
    let said = again(&bench, |order| order.rejects = Rejects::In(folder.clone())).json();
    let path = PathBuf::from(said["rejects"].as_str().unwrap());
    assert_eq!(path.file_name().unwrap(), "成果-rejected.csv");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("11010519491231002X") && !text.contains("A-3"), "{text}");
    std::fs::write(&path, text.replace(",不知道的阶段", ",初期阶段")).unwrap();
    let order = ImportOrder::of_file(path.clone(), Some(bench.path("mapping.toml")));
    let corrected = bench.ask(Command::Import(order)).json();
    assert_eq!(
        (&corrected["new"], &corrected["refused"], &corrected["rows"]),
        (&1.into(), &0.into(), &1.into())
    );
    assert_eq!(name_of(&bench, "A-2"), "乙");

    let second = again(&bench, |order| order.rejects = Rejects::In(folder.clone())).json();
    assert!(second["rejects"].as_str().unwrap().ends_with("成果-rejected-2.csv"), "{second}");
    let refused = again(&bench, |order| order.rejects = Rejects::Into(path.clone()));
    assert_eq!(refused.exit, Exit::Refused);
    assert!(refused.err.contains("is there already"), "{}", refused.err);
    let dry = again(&bench, |order| {
        order.rejects = Rejects::In(folder.clone());
        order.dry_run = true;
    });
    assert!(dry.json()["rejects"].is_null());
}

#[test]
fn an_edit_is_read_as_a_template_is_and_checked_by_the_kind() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲")]);
    let said = edit(&bench, "A-1", &["funding=17.5", "完成人＝张三；王五", "stage=中期阶段", "abstract="]);
    assert_eq!(said.json()["fields"], json!(["abstract", "funding", "inventors", "stage"]), "{}", said.err);
    let record = bench.context.records.last(bench.rec("A-1")).unwrap().unwrap().revision.record;
    assert_eq!(record["funding"], 17_500_000);
    assert_eq!((&record["inventors"], record.contains_key("abstract")), (&json!(["张三", "王五"]), false));
    for (change, told) in [
        ("achievement_no=A-2", "tells the record apart"),
        ("secrecy=机密", "not edited"),
        ("name=11010519491231002X", "identity card"),
        ("funding=十八万", "not a number"),
        ("stage=不知道", "not in the code list"),
        ("nmae=x", "has no field"),
        ("name=甲", "nothing would change"),
        ("name", "field=value"),
    ] {
        let refused = edit(&bench, "A-1", &[change]);
        assert_ne!(refused.exit, Exit::Done, "{change}");
        assert!(refused.err.contains(told), "{change}: {}", refused.err);
    }
    let log = std::fs::read_to_string(bench.context.layout.audit_log()).unwrap();
    assert!(log.contains(r#""action":"edit""#) && !log.contains("王五"), "{log}");
}

#[test]
fn an_edit_replaces_what_waits_and_follows_the_policy() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&[&published("A-1", "甲")]);
    edit(&bench, "A-1", &["name=甲改"]);
    let pending = bench.context.outbox.pending(10).unwrap();
    assert!(
        matches!(&pending[..], [one] if matches!(one.content, crate::outbox::Content::Disclosure { rev: 2, .. }))
    );
}

#[test]
fn the_history_says_what_changed_when_and_by_whom() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲")]);
    bench.clock.advance_ms(60_000);
    edit(&bench, "A-1", &["name=甲改", "stage="]);
    let command = || Command::History { record: "A-1".to_owned() };
    let said = bench.say(command(), Language::Zh, Format::Table).out;
    for line in [
        "第 1 版  2026-03-01 12:00:00 UTC  来自 成果.csv 第 2 行",
        "    成果名称 name：甲",
        "第 2 版  2026-03-01 12:01:00 UTC  由 王伟 修改",
        "    成果名称 name：甲 → 甲改",
        "    成果所处阶段 stage：初期阶段（S1） → （空）",
    ] {
        assert!(said.lines().any(|said| said == line), "{line}\n{said}");
    }
    let told = bench.ask(command()).json();
    assert_eq!(told["revisions"][1]["changes"][0]["after"], "甲改");
    assert!(said.contains(MARKER), "values are shown here");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_dry_run_says_what_the_import_then_does(
        rounds in proptest::collection::vec(
            (proptest::collection::vec((0_u8..5, 0_u8..3), 1..6), proptest::option::of((0_u8..5, 0_u8..3))),
            1..5,
        ),
    ) {
        let bench = Bench::new();
        for (rows, edited) in rounds {
            let rows: Vec<String> = rows.iter().map(|(key, name)| published(&format!("A-{key}"), &format!("名{name}"))).collect();
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            std::fs::write(bench.path("成果.csv"), format!("{}\n{}\n", crate::testing::HEADER, rows.join("\n"))).unwrap();
            bench.write_mapping("");
            let mut dry = again(&bench, |order| order.dry_run = true).json();
            let wet = again(&bench, |_| ()).json();
            dry["dry_run"] = false.into();
            prop_assert_eq!(dry, wet);
            if let Some((key, name)) = edited {
                edit(&bench, &format!("A-{key}"), &[&format!("name=我方{name}")]);
            }
        }
    }
}
