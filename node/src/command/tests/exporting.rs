//! Exports of one kind: they come back unchanged, replace nothing unasked, and say what is missing.

use crate::command::{Command, ExportForm, ImportOrder};
use crate::speech::{Exit, Format, Language};
use crate::testing::{Bench, Said, published};

fn export(bench: &Bench, name: &str, kind: Option<&str>, replace: bool) -> Said {
    let (file, kind) = (bench.path(name), kind.map(str::to_owned));
    bench.say(Command::ExportRecords { file, kind, form: None, replace }, Language::Zh, Format::Table)
}

fn import(bench: &Bench, name: &str) -> Said {
    let file = bench.path(name);
    bench.ask(Command::Import(ImportOrder::of_file(file, None)))
}

#[test]
fn an_exported_kind_imports_again_without_a_mapping_and_changes_nothing() {
    let bench = Bench::new();
    bench.import(&[&published("B-1", "=乙"), &published("A-1", "甲")]);
    let before = bench.rows();
    assert_eq!(export(&bench, "x.csv", Some("ach"), false).exit, Exit::Done);
    let said = import(&bench, "x.csv");
    assert_eq!(said.exit, Exit::Done, "{}", said.err);
    assert_eq!((&said.json()["rows"], &said.json()["unchanged"]), (&2.into(), &2.into()));
    let kept = |rows: Vec<(u8, Vec<u8>, Vec<u8>)>| {
        rows.into_iter().filter(|(table, ..)| *table == crate::tables::REVISIONS.0).collect::<Vec<_>>()
    };
    assert_eq!(kept(bench.rows()), kept(before));
}

#[test]
fn no_file_is_replaced_unasked() {
    let bench = Bench::new();
    std::fs::write(bench.path("x.csv"), "mine").unwrap();
    let said = export(&bench, "x.csv", Some("ACH"), false);
    assert_eq!(said.exit, Exit::Refused);
    assert!(said.err.contains("--replace"), "{}", said.err);
    assert_eq!(std::fs::read_to_string(bench.path("x.csv")).unwrap(), "mine");
    assert_eq!(export(&bench, "x.csv", Some("ACH"), true).exit, Exit::Done);
    assert_ne!(std::fs::read_to_string(bench.path("x.csv")).unwrap(), "mine");
}

#[test]
fn what_is_missing_is_said() {
    let bench = Bench::new();
    for (name, kind, wanted) in [("x.csv", None, "--kind"), ("x.doc", Some("ACH"), "--format")] {
        let said = export(&bench, name, kind, false);
        assert_eq!(said.exit, Exit::Usage);
        assert!(said.err.contains(wanted), "{}", said.err);
        assert!(!bench.path(name).exists());
    }
    let file = bench.path("y");
    let form = Some(ExportForm::Xlsx);
    let said = bench.ask(Command::ExportRecords {
        file: file.clone(),
        kind: Some("ENT".to_owned()),
        form,
        replace: false,
    });
    assert_eq!(said.exit, Exit::Done, "{}", said.err);
    assert!(std::fs::read(file).unwrap().starts_with(b"PK"));
    let left: Vec<_> =
        std::fs::read_dir(bench.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("tmp")), "{left:?}");
}

#[test]
fn a_template_is_a_workbook_of_a_kind_that_exists() {
    let bench = Bench::new();
    let make = |kind: &str, name: &str, replace| {
        crate::command::template(&bench.context.catalogue(), kind, &bench.path(name), replace)
            .map_err(|failed| failed.text(Language::Zh))
    };
    make("deal", "x.xlsx", false).unwrap();
    assert!(std::fs::read(bench.path("x.xlsx")).unwrap().starts_with(b"PK"));
    assert!(make("DEAL", "x.xlsx", false).unwrap_err().contains("--replace"));
    make("DEAL", "x.xlsx", true).unwrap();
    assert!(make("DEAL", "x.csv", false).unwrap_err().contains(".xlsx"));
    assert!(make("NONE", "y.xlsx", false).unwrap_err().contains("NONE"));
}

#[test]
fn cerif_holds_what_is_published_and_not_held_back_and_says_what_it_left_out() {
    let bench = Bench::new();
    bench.import(&[
        &published("A-1", "甲"),
        "A-2,乙,张三,初期阶段,2027-01-01,摘要 MARKER",
        &published("A-3", "丙"),
    ]);
    let rec = bench.rec("A-3");
    let digest = bench.context.records.last(rec).unwrap().unwrap().digest().unwrap();
    let hold = crate::hold::Hold {
        why: crate::hold::Why::Withdrawn,
        content: digest,
        is_narrowed: false,
        person: None,
        decision: None,
        at: 0,
    };
    let mut batch = safeharbor_service::store::Batch::new();
    hold.put_into(rec, &mut batch).unwrap();
    bench.commit(batch);
    let said = export(&bench, "x.xml", Some("ACH"), false);
    assert_eq!(said.exit, Exit::Done, "{}", said.err);
    let xml = std::fs::read_to_string(bench.path("x.xml")).unwrap();
    assert!(xml.contains("Products/A-1") && !xml.contains("A-2") && !xml.contains("A-3"), "{xml}");
    assert!(!xml.contains("MARKER") && !xml.contains("张三"), "{xml}");
    for wanted in ["已暂停外传或已撤回", "未公开", "成果摘要（1 条记录）：等级 C3"] {
        assert!(said.err.contains(wanted), "{}", said.err);
    }
    let refused = export(&bench, "y.xml", Some("PRF"), false);
    assert!(refused.exit == Exit::Usage && refused.err.contains("ACH"), "{}", refused.err);
}

fn layout(bench: &Bench, name: &str, year: Option<i16>, records: &[&str]) -> Said {
    let order = crate::command::LayoutOrder {
        name: name.to_owned(),
        text: None,
        year,
        records: records.iter().map(|record| (*record).to_owned()).collect(),
        file: bench.path("form.xlsx"),
        replace: true,
    };
    bench.say(Command::ExportLayout(order), Language::Zh, Format::Table)
}

#[test]
fn forms_say_what_they_could_not_fill_in_and_what_is_missing() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲"), &published("A-2", "乙")]);
    let said = layout(&bench, "R", None, &["ACH:A-1"]);
    assert_eq!(said.exit, Exit::Done, "{}", said.err);
    for wanted in ["非官方表样", "A-1 · 批准登记号：记录中“批准登记号”为空"] {
        assert!(said.err.contains(wanted), "{}", said.err);
    }
    assert!(!said.err.contains("A-2"), "{}", said.err);
    let said = layout(&bench, "y", Some(2025), &[]);
    assert!(said.err.contains("总表 · 合同项数：本节点没有 DEAL 转化交易 记录"), "{}", said.err);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(bench.path("form.xlsx")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    assert!(std::fs::read_to_string(bench.context.layout.audit_log()).unwrap().contains("export layout"));
    for (name, records, wanted) in
        [("Y", [].as_slice(), "--year"), ("Z", &[], "--layout"), ("R", &["X-1"], "X-1")]
    {
        let said = layout(&bench, name, None, records);
        assert_ne!(said.exit, Exit::Done);
        assert!(said.err.contains(wanted), "{}", said.err);
    }
}

#[test]
fn a_file_named_after_an_identity_card_is_not_named_in_the_log() {
    let bench = Bench::new();
    assert_eq!(export(&bench, "11010519491231002X.csv", Some("ACH"), false).exit, Exit::Done);
    let log = std::fs::read_to_string(bench.context.layout.audit_log()).unwrap();
    assert!(log.contains("export records") && !log.contains("11010519491231002X"), "{log}");
}
