//! Approving and rejecting many records at once, and listing who decided what.

use serde_json::{Value, json};

use crate::command::{Choice, Command, Words};
use crate::outbox::{Content, Pending};
use crate::selection::Among;
use crate::speech::{Exit, Format, Language};
use crate::testing::{APPROVER, Bench, CLERK, DAY_MS, MARKER, Said, by, on_every_store, published};

fn words(conditions: &[&str], among: Among) -> Words {
    let conditions = conditions.iter().map(|one| (*one).to_owned()).collect();
    Words { kind: "ACH".to_owned(), conditions, among }
}

fn see(bench: &Bench, words: Words, fields: &[&str]) -> Said {
    let fields = fields.iter().map(|field| (*field).to_owned()).collect();
    let person = APPROVER.to_owned();
    bench.say(Command::PreviewApproveSet { words, fields, person }, Language::Zh, Format::Table)
}

fn approve(bench: &Bench, seen: &Said) -> Said {
    let seen = serde_json::from_value(seen.json()["seen"].clone()).unwrap();
    bench.ask(Command::ApproveSet { seen, by: by(APPROVER) })
}

fn reject(bench: &Bench, choice: Choice) -> Said {
    let seen = bench.ask(Command::PreviewReject { choice, person: APPROVER.to_owned() });
    if seen.exit != Exit::Done {
        return seen;
    }
    let seen = serde_json::from_value(seen.json()["seen"].clone()).unwrap();
    bench.ask(Command::Reject { seen, reason: format!("商业秘密 {MARKER}"), by: by(APPROVER) })
}

fn waiting(bench: &Bench) -> Vec<(u32, Vec<String>)> {
    let of = |pending: Pending| match pending.content {
        Content::Disclosure { rev, revealed, .. } => (rev, revealed.into_iter().collect()),
        Content::Withdrawal { rev, .. } => (rev, vec!["withdrawn".to_owned()]),
    };
    bench.context.outbox.pending(10_000).unwrap().into_iter().map(of).collect()
}

/// Three published, one not.
fn import(bench: &Bench) {
    let rows: Vec<String> = ["甲", "乙", "丙"]
        .iter()
        .enumerate()
        .map(|(n, name)| format!("A-{n},{name},张三；李四,初期阶段,202{n}-05-01,电话13800138000，找张三"))
        .chain(["B-1,未公开,王五,初期阶段,,摘要".to_owned()])
        .collect();
    let said = bench.import(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(said.exit, Exit::Done, "{}", said.err);
}

#[test]
fn a_set_is_approved_as_it_was_seen_and_stated_in_order() {
    on_every_store(|bench| {
        import(bench);
        let seen = see(bench, words(&["published"], Among::Undecided), &["name", "abstract", "inventors"]);
        for part in [
            "3 条记录将作出声明",
            "成果名称 name",
            "公开 3 个值",
            "自由文本，请逐条核对",
            "疑似手机号码",
            "本记录中人员的姓名",
            "【13800138000】",
            "完成人",
        ] {
            assert!(seen.err.contains(part), "{part}\n{}", seen.err);
        }
        let fields = &seen.json()["summary"]["fields"];
        assert_eq!(
            (&fields["inventors"]["approved"], &fields["inventors"]["above_ceiling"]),
            (&json!(0), &json!(3))
        );
        let approved = approve(bench, &seen);
        assert_eq!(approved.exit, Exit::Done, "{}", approved.err);
        let expected = vec![(1, vec!["abstract".to_owned(), "name".to_owned()]); 3];
        assert_eq!(waiting(bench), expected, "what is above its ceiling stays");
        let acts = bench.ask(Command::Approvals { record: None, person: None, since: None }).json();
        assert_eq!(
            (&acts[0]["records"], &acts[0]["meant"], &acts[0]["id"]),
            (&json!(3), &json!(3), &approved.json()["id"])
        );
        assert_eq!(bench.state_all(), 3);
        let again = see(bench, words(&[], Among::Undecided), &["name"]);
        assert!(again.exit == Exit::Refused && again.err.contains("没有符合条件"), "{}", again.err);
    });
}

#[test]
fn a_set_that_changed_since_is_refused() {
    on_every_store(|bench| {
        import(bench);
        let seen = see(bench, words(&["published"], Among::Undecided), &["name"]);
        bench.import(&["A-1,乙改,张三；李四,初期阶段,2021-05-01,摘要"]);
        let refused = approve(bench, &seen);
        assert!(refused.exit == Exit::Refused && refused.err.contains("changed since"), "{}", refused.err);
        assert!(waiting(bench).is_empty());
    });
}

#[test]
fn conditions_select_and_are_not_logged_with_their_values() {
    let bench = Bench::new();
    import(&bench);
    let only = |conditions: &[&str]| {
        see(&bench, words(conditions, Among::All), &["stage"]).json()["seen"]["pinned"]["records"].clone()
    };
    for (conditions, records) in [
        (&["public_since=2021-01-01..2022-12-31"][..], 2),
        (&["name=甲|丙"], 2),
        (&["name=甲", "published"], 1),
        (&["published=no"], 1),
    ] {
        assert_eq!(only(conditions), records, "{conditions:?}");
    }
    approve(&bench, &see(&bench, words(&["inventors=张三"], Among::All), &["stage"]));
    let log = std::fs::read_to_string(bench.context.layout.audit_log()).unwrap();
    assert!(log.contains("conditions_on") && log.contains("inventors") && !log.contains("张三"), "{log}");
    let wrong = see(&bench, words(&["名称=甲"], Among::All), &["stage"]);
    assert!(wrong.exit == Exit::Refused && wrong.err.contains("没有字段或状态"), "{}", wrong.err);
}

#[test]
fn more_records_than_one_commit_takes_are_approved_under_one_id() {
    on_every_store(|bench| {
        let rows: Vec<String> = (0..450).map(|n| published(&format!("A-{n:03}"), "甲")).collect();
        bench.import(&rows.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(approve(bench, &see(bench, words(&[], Among::Undecided), &["stage"])).exit, Exit::Done);
        assert_eq!(waiting(bench).len(), 450);
        let acts = bench.ask(Command::Approvals { record: None, person: None, since: None }).json();
        assert_eq!((acts.as_array().unwrap().len(), &acts[0]["records"]), (1, &json!(450)));
    });
}

#[test]
fn a_rejected_record_stays_until_a_person_decides_again() {
    on_every_store(|bench| {
        bench.accept(1, "reveal");
        import(bench);
        bench.approve("A-0", &["abstract"], by(APPROVER));
        let said = reject(bench, Choice::Record("A-0".to_owned()));
        assert_eq!((said.exit, &said.json()["stopped"]), (Exit::Done, &json!(1)), "{}", said.err);
        let before = waiting(bench).len();
        bench.accept(2, "commit");
        bench.accept(3, "reveal");
        assert_eq!(waiting(bench).len(), before, "no policy lets it leave");
        let shown = bench.say(Command::Show { record: "A-0".to_owned() }, Language::Zh, Format::Table).out;
        assert!(shown.contains("已驳回，留在本地；李娜（审批）于") && shown.contains("商业秘密"), "{shown}");
        assert_eq!(reject(bench, Choice::Record("A-0".to_owned())).exit, Exit::Refused, "it is held already");
        bench.import(&["A-0,甲改,张三,初期阶段,2020-05-01,摘要"]);
        assert_eq!(waiting(bench).len(), before, "also when it says something else");
        let seen = see(bench, words(&["published"], Among::Undecided), &["name"]);
        assert_eq!(
            seen.json()["seen"]["pinned"]["records"],
            1,
            "and it is among the undecided: {}",
            seen.err
        );
        assert_eq!(approve(bench, &seen).exit, Exit::Done);
        assert_eq!(waiting(bench).len(), before + 1);
    });
}

#[test]
fn what_left_cannot_be_rejected_and_a_set_says_how_many_those_are() {
    let bench = Bench::new();
    import(&bench);
    bench.approve("A-0", &["name"], by(APPROVER));
    bench.state_all();
    let refused = reject(&bench, Choice::Record("A-0".to_owned()));
    assert!(refused.err.contains("`withdraw` takes it back"), "{}", refused.err);
    let said = reject(&bench, Choice::Set(words(&[], Among::All))).json();
    assert_eq!((&said["records"], &said["left"]), (&json!(3), &json!(1)));
    let seen = see(&bench, words(&[], Among::All), &["stage"]);
    assert_eq!(seen.json()["summary"]["held"], 3, "an approval in bulk overrules no rejection");
    assert_eq!(bench.approve("A-1", &["stage"], by(APPROVER)).exit, Exit::Done, "one of a record does");
    let log = std::fs::read_to_string(bench.context.layout.audit_log()).unwrap();
    assert!(!log.contains(MARKER), "a reason is not logged");
}

#[test]
fn only_approvers_decide() {
    let bench = Bench::new();
    import(&bench);
    let before = bench.rows();
    let seen = see(&bench, words(&[], Among::All), &["stage"]);
    let seen = serde_json::from_value(seen.json()["seen"].clone()).unwrap();
    let refused = [
        bench.ask(Command::ApproveSet { seen, by: by(CLERK) }),
        bench.ask(Command::Withdraw { record: "A-0".to_owned(), reason: "x".to_owned(), by: by(CLERK) }),
    ];
    assert!(refused.iter().all(|said| said.exit == Exit::Refused && said.err.contains("may not do this")));
    assert_eq!(bench.rows(), before);
}

#[test]
fn what_leaves_left_and_stays_is_told_for_a_kind_for_what_waits_and_for_what_left() {
    let bench = Bench::new();
    import(&bench);
    assert_eq!(
        bench.say(Command::Left { kind: None, since: None }, Language::Zh, Format::Table).out,
        "没有任何内容离开过本节点。\n"
    );
    approve(&bench, &see(&bench, words(&["name=甲|乙"], Among::All), &["name"]));
    let kind = bench.ask(Command::ShowKind { kind: "ach".to_owned(), limit: 10 }).json();
    assert_eq!(kind["kinds"]["ACH"]["standing"], json!({ "undecided": 2, "waits": 2 }));
    assert_eq!(kind["kinds"]["ACH"]["fields"]["name"], json!({ "revealed": 2, "digest": 0, "stays": 2 }));
    let waits = bench.ask(Command::ShowWaiting { kind: None, limit: 1 }).json();
    assert_eq!(
        waits["kinds"]["ACH"]["fields"]["abstract"],
        json!({ "revealed": 0, "digest": 2, "stays": 0 })
    );
    assert_eq!(waits["list"].as_array().unwrap().len(), 1);
    bench.state_all();
    bench.ask(Command::Withdraw { record: "A-0".to_owned(), reason: "合同".to_owned(), by: by(APPROVER) });
    bench.state_all();
    let left = bench.ask(Command::Left { kind: None, since: None }).json();
    assert_eq!(left["ACH"]["fields"], json!({ "name": { "revealed": 1, "taken_back": 1 } }));
    assert_eq!((&left["ACH"]["disclosures"], &left["ACH"]["withdrawals"]), (&json!(2), &json!(1)));
    assert_eq!(left["ACH"]["by"][0]["values"], 2);
    assert_eq!(left["ACH"]["receipts"]["on_the_way"], 3);
    let none = bench.ask(Command::Left { kind: None, since: Some("2026-03-02".to_owned()) }).json();
    assert_eq!(none, Value::Object(serde_json::Map::new()));
    for command in [
        Command::ShowKind { kind: "ACH".to_owned(), limit: 2 },
        Command::ShowWaiting { kind: None, limit: 2 },
        Command::Left { kind: None, since: None },
        Command::Approvals { record: None, person: Some(APPROVER.to_owned()), since: None },
    ] {
        let said = bench.say(command, Language::Zh, Format::Table);
        assert!(said.exit == Exit::Done && !said.out.is_empty(), "{}", said.err);
    }
}

#[test]
fn a_policy_is_checked_and_compared_without_being_accepted() {
    let bench = Bench::new();
    import(&bench);
    let before = bench.rows();
    let text = "version = 3\n[kinds]\nACH = \"reveal\"\n".to_owned();
    let checked = bench.say(Command::CheckPolicy { text: text.clone() }, Language::Zh, Format::Table).out;
    assert!(checked.contains("科技成果 ACH") && checked.contains("未经审批不外传（off）"), "{checked}");
    let changes = bench.ask(Command::DiffPolicy { text: text.clone() }).json();
    assert_eq!((&changes["ACH"]["to_send"], &changes["ACH"]["revealed"]["name"]), (&json!(4), &json!(3)));
    assert_eq!(bench.ask(Command::CheckPolicy { text: "version = 0".to_owned() }).exit, Exit::Refused);
    assert_eq!(bench.rows(), before);
    bench.accept(3, "reveal");
    bench.accept(4, "off");
    let history = bench.ask(Command::PolicyHistory).json();
    let versions: Vec<_> = history.as_array().unwrap().iter().map(|row| row["version"].clone()).collect();
    assert_eq!(versions, [3, 4]);
}

#[test]
fn a_set_of_which_more_would_be_revealed_than_was_seen_is_refused() {
    let bench = Bench::new();
    let row = |date: &str| format!("A-1,甲,张三,初期阶段,{date},摘要");
    bench.import(&[&row("2026-03-02")]);
    let seen = see(&bench, words(&[], Among::Undecided), &["stage", "name"]);
    bench.clock.advance_ms(DAY_MS);
    let refused = approve(&bench, &seen);
    assert!(
        refused.exit == Exit::Refused && refused.err.contains("changed since"),
        "{} {}",
        refused.err,
        seen.out
    );
    let seen = see(&bench, words(&[], Among::Undecided), &["stage", "name"]);
    assert_eq!(approve(&bench, &seen).exit, Exit::Done);
}
