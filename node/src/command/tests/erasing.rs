//! Erasure: no value is left in any table, and the fact is.

use safeharbor_core::statement::StatementType;

use crate::chain::Chain;
use crate::command::Command;
use crate::outbox::Content;
use crate::speech::{Exit, Format, Language};
use crate::testing::{APPROVER, Bench, MARKER, by, on_every_store, published};

fn erase(bench: &Bench, record: &str) -> crate::testing::Said {
    bench.ask(Command::Erase { record: record.to_owned(), by: by(APPROVER) })
}

/// A record with the marker in its natural key, a revealed and an unrevealed field, in several revisions.
fn marked(number: &str, name: &str) -> String {
    published(&format!("{number}-{MARKER}"), &format!("{name} {MARKER}"))
}

#[test]
fn an_erased_record_leaves_no_value_in_any_table() {
    on_every_store(|bench| {
        bench.accept(1, "reveal");
        bench.import(&[&marked("A-1", "甲")]);
        bench.state_all();
        bench.import(&[&marked("A-1", "甲改")]);
        bench.approve(&format!("A-1-{MARKER}"), &["abstract"], by(APPROVER));
        bench.state_all();
        bench.import(&[&marked("A-1", "甲又改")]);
        assert!(bench.holds_marker());
        let erased = erase(bench, &format!("A-1-{MARKER}"));
        assert_eq!(erased.exit, Exit::Done, "{}", erased.err);
        assert!(!bench.holds_marker());
        assert_eq!(bench.context.records.count().unwrap(), 0);
    });
}

#[test]
fn a_withdrawal_follows_what_was_stated_and_nothing_else_waits() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&[&published("A-1", "甲")]);
    bench.state_all();
    bench.import(&[&published("A-1", "甲改")]);
    let rec = bench.rec("A-1");
    assert_eq!(erase(&bench, "A-1").json()["statements"], 1);
    let pending = bench.context.outbox.pending(10).unwrap();
    assert!(
        matches!(&pending[..], [one] if matches!(one.content, Content::Withdrawal { rev: 2, .. })),
        "{pending:?}"
    );
    bench.state_all();
    let statements = Chain::new(std::sync::Arc::clone(&bench.context.store)).statements_of(rec).unwrap();
    let types: Vec<_> = statements.iter().map(|stated| stated.statement).collect();
    assert_eq!(types, [StatementType::Disclosure, StatementType::Withdrawal]);
    assert!(statements.iter().all(|stated| stated.claims.is_empty()), "nothing opens the digests");
}

#[test]
fn what_never_left_needs_no_withdrawal() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&[&published("A-1", "甲")]);
    erase(&bench, "A-1");
    assert!(bench.context.outbox.is_empty().unwrap());
}

#[test]
fn the_erasure_stays_known() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲")]);
    let rec = bench.rec("A-1").to_string();
    bench.approve("A-1", &["stage"], by(APPROVER));
    bench.state_all();
    erase(&bench, "A-1");
    let again = erase(&bench, &rec);
    assert!(again.err.contains("was erased before"), "{}", again.err);
    let shown = bench.say(Command::Show { record: rec.clone() }, Language::Zh, Format::Table);
    let first = format!("ACH {rec} 已于 2026-03-01 12:00:00 UTC 由 {APPROVER} 删除；本节点不再保存其内容。");
    assert_eq!(
        shown.out.lines().collect::<Vec<_>>(),
        [
            first.as_str(),
            "删除前曾公开给枢纽的字段：stage",
            "",
            "声明：",
            "  第 1 号  披露第 1 版，值不在本节点  已编号，尚未获枢纽确认",
        ]
    );
    let log = std::fs::read_to_string(bench.context.layout.audit_log()).unwrap();
    assert!(log.contains("\"action\":\"erase\"") && log.contains(&rec));
    bench.import(&[&published("A-1", "甲")]);
    assert_ne!(bench.rec("A-1").to_string(), rec, "the row imported again is another record");
}

#[test]
fn the_preview_says_what_cannot_be_recalled() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&[&published("A-1", "甲")]);
    let preview =
        || bench.say(Command::PreviewErase { record: "A-1".to_owned() }, Language::Zh, Format::Table).err;
    assert!(preview().contains("此记录从未离开本节点。"));
    bench.state_all();
    let said = preview();
    assert!(said.contains("已作出 1 份声明；将追加一份撤回声明"), "{said}");
    assert!(said.contains("无法收回：") && said.contains("成果名称"), "{said}");
    assert!(bench.context.records.count().unwrap() == 1);
}
