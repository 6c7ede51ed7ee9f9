//! What commands say: `show`, `status`, `list`, exports.

use crate::command::Command;
use crate::speech::{Exit, Format, Language};
use crate::testing::{APPROVER, Bench, by, published};

fn show(bench: &Bench, record: &str, language: Language) -> String {
    let said = bench.say(Command::Show { record: record.to_owned() }, language, Format::Table);
    assert_eq!(said.exit, Exit::Done, "{}", said.err);
    said.out
}

fn check(said: &str, wanted: &str) {
    let lines = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(lines(said.trim_end()), lines(wanted.trim()), "\n{said}");
}

#[test]
fn show_says_before_anything_leaves_what_would() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&[&published("A-1", "甲")]);
    let rec = bench.rec("A-1");
    let wanted = format!(
        "
科技成果 ACH  A-1
记录柄      {rec}
版本        第 1 版，存于 2026-03-01 12:00:00 UTC，来自 成果.csv 第 2 行
披露政策    第 1 版，李娜 于 2026-03-01 12:00:00 UTC 接受；本类别：自动公开 C0/C1 字段，其余只传加盐摘要（reveal）
去向        待发：尚未离开本节点

公开给枢纽：5 项
  成果编号 achievement_no                  C1  A-1
                                               依据：披露政策第 1 版，李娜（审批）接受
  成果名称 name                            C1  甲
                                               依据：披露政策第 1 版，李娜（审批）接受
  成果密级 secrecy                         C1  公开（public）
                                               依据：披露政策第 1 版，李娜（审批）接受
  成果所处阶段 stage                       C1  初期阶段（S1）
                                               依据：披露政策第 1 版，李娜（审批）接受
  公开日期 public_since                    C1  2020-01-01
                                               依据：披露政策第 1 版，李娜（审批）接受

仅留摘要（只有加盐摘要离开，值不离开）：2 项
  完成人 inventors                         C3  张三；李四
                                               披露上限：核验时仅限一名复核员
  成果摘要 abstract                        C3  摘要 MARKER
                                               须由具名人员批准（approve）

留在本地：0 项

声明：无。此记录从未离开本节点。
"
    );
    check(&show(&bench, "ACH:A-1", Language::Zh), &wanted);
}

#[test]
fn show_says_what_left_and_on_whose_word() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲")]);
    bench.approve("A-1", &["abstract"], by(APPROVER));
    bench.state_all();
    let said = show(&bench, "A-1", Language::En);
    for line in [
        "Policy      none accepted: nothing leaves without an approval (off)",
        "On its way  has left",
        "Revealed to the hub: 1",
        "Digest only (a salted digest leaves, the value does not): 6",
        "  1  disclosure of revision 1, 1 fields revealed  numbered, not acknowledged",
    ] {
        assert!(said.lines().any(|said| said == line), "{line}\n{said}");
    }
    assert!(said.contains("by approval") && said.contains("of 李娜 (approver)"), "{said}");
}

#[test]
fn show_without_a_policy_says_that_all_stays() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲")]);
    let said = show(&bench, "A-1", Language::Zh);
    assert!(said.contains("披露政策    尚未接受任何政策：未经审批不外传（off）"), "{said}");
    assert!(said.contains("公开给枢纽：0 项") && said.contains("留在本地：7 项"), "{said}");
}

#[test]
fn a_record_answers_to_handle_kind_and_key_or_key() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲")]);
    let rec = bench.rec("A-1").to_string();
    for typed in [rec.as_str(), "ACH:A-1", "ach：A-1", " A-1 "] {
        let said = bench.ask(Command::Show { record: typed.to_owned() });
        assert_eq!(said.json()["rec"], rec.as_str(), "{typed}");
    }
    let refused = bench.say(Command::Show { record: "A-9".to_owned() }, Language::Zh, Format::Table);
    assert_eq!(refused.exit, Exit::Refused);
    assert_eq!(refused.err, "没有与“A-9”对应的记录；用 list 查看已有记录\n");
}

#[test]
fn status_counts_records_statements_and_receipts() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&[&published("A-1", "甲"), &published("A-2", "乙")]);
    let status = || bench.ask(Command::Status).json();
    let numbers = |status: &serde_json::Value| {
        ["records", "waiting", "stated", "receipts"].map(|name| status[name].as_u64().unwrap())
    };
    assert_eq!(numbers(&status()), [2, 2, 0, 0]);
    bench.state_all();
    let said = status();
    assert_eq!(numbers(&said), [2, 0, 2, 0]);
    assert_eq!((&said["policy"], &said["enrolled"]), (&1.into(), &false.into()));
    assert_eq!(said["sync"]["standing"], "waiting");
    let wanted = "
测试大学 12100000400002259P
  状态           尚未入网（join）
  记录           2
  披露政策       第 1 版
  待编号         0
  已作声明       2
  枢纽已确认     0
  已有回执       0
  登记簿规模     0
  上次联系       从未
  最近备份       从未
";
    check(&bench.say(Command::Status, Language::Zh, Format::Table).out, wanted);
}

#[test]
fn a_list_says_how_far_each_record_is() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲"), &published("A-2", "乙")]);
    bench.approve("A-2", &["stage"], by(APPROVER));
    let rows = bench.ask(Command::List { kind: Some("ach".to_owned()), limit: 10 }).json();
    let standings: Vec<_> =
        rows.as_array().unwrap().iter().map(|row| (row["key"].clone(), row["standing"].clone())).collect();
    assert_eq!(standings, [("A-1".into(), "undecided".into()), ("A-2".into(), "waits".into())]);
    let said = bench.say(Command::List { kind: None, limit: 1 }, Language::Zh, Format::Table);
    assert_eq!((said.out.lines().count(), said.err.as_str()), (2, "还有更多记录；用 --limit 调整数量\n"));
    assert_eq!(bench.ask(Command::List { kind: Some("XXX".to_owned()), limit: 1 }).exit, Exit::Usage);
}

#[test]
fn records_are_exported_as_sorted_lines() {
    let bench = Bench::new();
    bench.import(&[&published("B-1", "乙"), &published("A-1", "甲")]);
    let file = bench.path("records.jsonl");
    bench.ask(Command::ExportRecords { file: file.clone(), kind: None, form: None, replace: false });
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let keys: Vec<_> = lines.iter().map(|line| line["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["A-1", "B-1"]);
    assert_eq!(
        (&lines[0]["kind"], &lines[0]["rev"], &lines[0]["record"]["name"]),
        (&"ACH".into(), &1.into(), &"甲".into())
    );
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let log = std::fs::read_to_string(bench.context.layout.audit_log()).unwrap();
    assert!(log.contains("export records") && log.contains(r#""records":2"#), "{log}");
}

#[test]
fn a_receipt_is_exported_with_its_entry_and_what_was_sent() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&[&published("A-1", "甲")]);
    bench.state_all();
    let mut batch = safeharbor_service::store::Batch::new();
    batch.put(crate::tables::RECEIPTS, [&1_u64.to_be_bytes()[..], &[0]].concat(), *b"the proof");
    bench.commit(batch);
    let folder = bench.path("receipts");
    assert_eq!(bench.ask(Command::ExportReceipts { folder: folder.clone() }).exit, Exit::Done);
    let read = |extension: &str| {
        std::fs::read_to_string(folder.join(format!("12100000400002259P-1.{extension}"))).unwrap()
    };
    assert_eq!(read("tlog-proof"), "the proof");
    let token = read("statement");
    let parts: Vec<&str> = token.split('~').collect();
    assert_eq!((parts.len(), parts[6]), (1 + 5 + 1, ""), "a token and the five revealed fields");
    let digest = safeharbor_core::statement::statement_digest(parts[0]);
    assert_eq!(read("entry").lines().last(), Some(digest.to_string().as_str()));
    for file in std::fs::read_dir(&folder).unwrap() {
        let mode = std::os::unix::fs::PermissionsExt::mode(&file.unwrap().metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "values stand in it");
    }
    let log = std::fs::read_to_string(bench.context.layout.audit_log()).unwrap();
    assert!(log.contains("export receipts") && log.contains(r#""receipts":1"#), "{log}");
    assert!(!bench.ask(Command::Status).out.contains(crate::testing::MARKER));
}

#[test]
fn what_was_taken_back_is_not_said_to_be_revealed() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&[&published("A-1", "甲")]);
    bench.state_all();
    assert!(show(&bench, "A-1", Language::Zh).contains("\n公开给枢纽："));
    let reason = "写错了".to_owned();
    bench.ask(Command::Withdraw { record: "A-1".to_owned(), reason, by: by(APPROVER) });
    let shown = show(&bench, "A-1", Language::Zh);
    assert!(shown.contains("曾公开给枢纽，已撤回：") && !shown.contains("\n公开给枢纽："), "{shown}");
}
