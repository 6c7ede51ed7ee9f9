//! Imports: revisions and the outbox.

use crate::command::{Command, ImportOrder};
use crate::outbox::Content;
use crate::speech::{Exit, Format, Language};
use crate::testing::{Bench, DAY_MS, on_every_store, published};

fn revealed_of(bench: &Bench) -> Vec<Vec<String>> {
    let pending = bench.context.outbox.pending(100).unwrap();
    let revealed = pending.into_iter().filter_map(|pending| match pending.content {
        Content::Disclosure { revealed, .. } => Some(revealed.into_iter().collect()),
        Content::Withdrawal { .. } => None,
    });
    revealed.collect()
}

#[test]
fn the_same_file_twice_changes_nothing() {
    on_every_store(|bench| {
        bench.accept(1, "reveal");
        let rows = [published("A-1", "甲"), published("A-2", "乙")];
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let first = bench.import(&rows).json();
        assert_eq!((&first["new"], &first["unchanged"]), (&2.into(), &0.into()));
        let before = bench.rows();
        let second = bench.import(&rows);
        assert_eq!(second.exit, Exit::Done, "{}", second.err);
        assert_eq!((&second.json()["new"], &second.json()["unchanged"]), (&0.into(), &2.into()));
        assert_eq!(bench.rows(), before);
    });
}

#[test]
fn a_changed_row_is_a_later_revision_and_replaces_what_waits() {
    on_every_store(|bench| {
        bench.accept(1, "reveal");
        bench.import(&[&published("A-1", "甲")]);
        let report = bench.import(&[&published("A-1", "甲改")]).json();
        assert_eq!(report["revised"], 1);
        let rec = bench.rec("A-1");
        let revision =
            |rev| bench.context.records.revision(rec, rev).unwrap().unwrap().record["name"].clone();
        assert_eq!((revision(1), revision(2)), ("甲".into(), "甲改".into()));
        let pending = bench.context.outbox.pending(10).unwrap();
        let revisions = pending.iter().map(|pending| match &pending.content {
            Content::Disclosure { rev, .. } | Content::Withdrawal { rev, .. } => *rev,
        });
        assert_eq!(revisions.collect::<Vec<_>>(), [2]);
    });
}

#[test]
fn what_has_a_place_in_the_chain_is_not_replaced() {
    let bench = Bench::new();
    bench.accept(1, "commit");
    bench.import(&[&published("A-1", "甲")]);
    assert_eq!(bench.state_all(), 1);
    bench.import(&[&published("A-1", "甲改")]);
    assert_eq!(bench.state_all(), 1);
    let chain = crate::chain::Chain::new(std::sync::Arc::clone(&bench.context.store));
    let revisions: Vec<_> = chain.statements_of(bench.rec("A-1")).unwrap().iter().map(|s| s.rev).collect();
    assert_eq!(revisions, [Some(1), Some(2)]);
}

#[test]
fn without_an_accepted_policy_nothing_waits() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲")]);
    assert!(bench.context.outbox.is_empty().unwrap());
    bench.accept(1, "off");
    bench.import(&[&published("A-2", "乙")]);
    assert!(bench.context.outbox.is_empty().unwrap());
}

#[test]
fn commit_states_everything_and_reveals_nothing() {
    let bench = Bench::new();
    bench.accept(1, "commit");
    bench.import(&[&published("A-1", "甲")]);
    assert_eq!(revealed_of(&bench), [Vec::<String>::new()]);
    let pending = bench.context.outbox.pending(1).unwrap();
    let Content::Disclosure { claims, digests, .. } = &pending[0].content else { panic!("a disclosure") };
    assert_eq!((claims.len(), *digests), (7, 48));
}

#[test]
fn reveal_reveals_c0_and_c1_and_nothing_else() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&[&published("A-1", "甲"), "B-1,未公开,张三,初期阶段,,摘要"]);
    assert_eq!(
        revealed_of(&bench),
        [
            vec!["achievement_no", "name", "public_since", "secrecy", "stage"],
            vec!["achievement_no", "secrecy", "stage"]
        ]
    );
}

#[test]
fn a_class_that_became_stricter_reveals_less_and_one_that_became_laxer_no_more() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&["A-1,甲,张三,初期阶段,2026-03-01,摘要", "B-1,乙,张三,初期阶段,2026-03-02,摘要"]);
    let names = |bench: &Bench| -> Vec<bool> {
        revealed_of(bench).iter().map(|fields| fields.contains(&"name".to_owned())).collect()
    };
    assert_eq!(names(&bench), [true, false]);
    bench.clock.advance_ms(DAY_MS);
    assert_eq!(names(&bench), [true, false], "allowed when it was imported, and no later");
    bench.clock.set_ms(crate::testing::NOON_MS - DAY_MS);
    assert_eq!(names(&bench), [false, false], "not public yet by today's clock");
}

#[test]
fn a_dry_run_answers_the_same_and_keeps_nothing() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲")]);
    let before = bench.rows();
    let file = bench.path("dry.csv");
    std::fs::write(&file, "编号,名称,完成人,阶段,公开日期,摘要\nA-1,改,,,,\nA-2,乙,,,,\n").unwrap();
    let mapping = bench.path("mapping.toml");
    let report = bench
        .ask(Command::Import(ImportOrder { dry_run: true, ..ImportOrder::of_file(file, Some(mapping)) }))
        .json();
    assert_eq!((&report["new"], &report["revised"]), (&1.into(), &1.into()));
    assert_eq!(bench.rows(), before);
}

#[test]
fn refused_rows_are_told_and_good_ones_kept() {
    let bench = Bench::new();
    let said = bench.import(&[&published("A-1", "甲"), "A-2,乙,,不知道的阶段,,"]);
    assert_eq!(said.exit, Exit::Refused);
    assert_eq!((&said.json()["new"], &said.json()["refused"]), (&1.into(), &1.into()));
    assert_eq!(bench.context.records.count().unwrap(), 1);
}

#[test]
fn an_import_is_logged_by_counts_and_hash() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲")]);
    let entries = safeharbor_service::audit::load(&bench.context.layout.audit_log()).unwrap();
    let entry = entries.last().unwrap();
    assert_eq!((entry.action.as_str(), &entry.detail["counts"]["new"]), ("import", &1.into()));
    assert!(entry.detail["sha256"].as_str().is_some_and(|digest| digest.len() == 43));
    let mapping = safeharbor_core::digest::Digest::of(&std::fs::read(bench.path("mapping.toml")).unwrap());
    assert_eq!(entry.detail["mapping_sha256"], mapping.to_string());
    let log = std::fs::read_to_string(bench.context.layout.audit_log()).unwrap();
    assert!(!log.contains(crate::testing::MARKER) && !log.contains("张三"), "no value is logged");
}

#[test]
fn a_file_or_mapping_that_is_refused_says_why_in_chinese() {
    let bench = Bench::new();
    let mapping = bench.write_mapping("");
    let faulty = bench.path("faulty.toml");
    std::fs::write(&faulty, "kind = \"ACH\"\n[field.nane]\nfrom = \"名称\"\n").unwrap();
    for (bytes, mapping, wanted) in [
        (&b""[..], Some(&mapping), "文件是空的"),
        (b"a\0b\n", Some(&mapping), "含有空字节"),
        ("甲,乙\n1,2\n".as_bytes(), None, "第 1 行的表头不属于任何类别"),
        ("编号,名称\n\"1,2\n".as_bytes(), Some(&mapping), "英文引号没有结束"),
        (
            "名称\n甲\n".as_bytes(),
            Some(&faulty),
            "映射文件第 2 行，nane：类别 ACH 没有这个字段；最接近的是 name",
        ),
    ] {
        let file = bench.path("坏.csv");
        std::fs::write(&file, bytes).unwrap();
        let order = Command::Import(ImportOrder::of_file(file, mapping.cloned()));
        let said = bench.say(order, Language::Zh, Format::Table);
        assert_eq!(said.exit, Exit::Refused);
        assert!(said.err.contains("未导入任何内容") && said.err.contains(wanted), "{wanted}: {}", said.err);
        assert!(!said.err.contains(" is "), "{}", said.err);
    }
}
