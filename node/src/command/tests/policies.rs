//! The policy, approvals and who may give them.

use serde_json::{Value, json};

use crate::command::{Command, Credentials, Password, PersonCommand};
use crate::outbox::{Content, Pending};
use crate::speech::{Exit, Format, Language};
use crate::testing::{APPROVER, Bench, CLERK, by, on_every_store, published};

fn waiting(bench: &Bench) -> Vec<(u32, Vec<String>)> {
    let of = |pending: Pending| match pending.content {
        Content::Disclosure { rev, revealed, .. } => (rev, revealed.into_iter().collect()),
        Content::Withdrawal { rev, .. } => (rev, vec!["withdrawn".to_owned()]),
    };
    bench.context.outbox.pending(100).unwrap().into_iter().map(of).collect()
}

const AUTOMATIC: [&str; 5] = ["achievement_no", "name", "public_since", "secrecy", "stage"];

#[test]
fn accepting_a_policy_queues_what_is_stored() {
    on_every_store(|bench| {
        bench.import(&[&published("A-1", "甲"), &published("A-2", "乙")]);
        let said = bench.accept(1, "reveal");
        assert_eq!(said.exit, Exit::Done, "{}", said.err);
        let change = &said.json()["ACH"];
        assert_eq!(
            (&change["before"], &change["after"], &change["to_send"]),
            (&"off".into(), &"reveal".into(), &2.into())
        );
        assert_eq!(change["revealed"]["name"], 2);
        assert_eq!(waiting(bench).len(), 2);
    });
}

#[test]
fn the_preview_says_what_accepting_does_and_changes_nothing() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲")]);
    let before = bench.rows();
    let text = "version = 1\n[kinds]\nACH = \"reveal\"\n".to_owned();
    let command = Command::PreviewPolicy { text, person: APPROVER.to_owned() };
    let said = bench.say(command, Language::Zh, Format::Table);
    assert_eq!(said.exit, Exit::Done);
    for line in [
        "接受这份披露政策后：",
        "  科技成果 ACH：未经审批不外传（off） → 自动公开 C0/C1 字段，其余只传加盐摘要（reveal）",
        "    现有 1 条记录中，1 条将发送，0 条待发的不再发送。已发送的无法由政策收回。",
        "    公开的字段：成果编号（1 条）、成果名称（1 条）、公开日期（1 条）、成果密级（1 条）、成果所处阶段（1 条）",
    ] {
        assert!(said.err.lines().any(|said| said == line), "{line}\n{}", said.err);
    }
    assert_eq!(bench.rows(), before);
}

#[test]
fn a_policy_that_turns_off_stops_what_waits() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&[&published("A-1", "甲")]);
    assert_eq!(bench.accept(2, "off").json()["ACH"]["to_stop"], 1);
    assert!(bench.context.outbox.is_empty().unwrap());
    bench.accept(3, "reveal");
    assert_eq!(waiting(&bench).len(), 1);
}

#[test]
fn a_policy_that_reveals_more_states_again_and_one_that_reveals_less_does_not() {
    let bench = Bench::new();
    bench.accept(1, "commit");
    bench.import(&[&published("A-1", "甲")]);
    bench.state_all();
    bench.accept(2, "reveal");
    assert_eq!(waiting(&bench), [(2, AUTOMATIC.map(str::to_owned).to_vec())]);
    bench.state_all();
    bench.accept(3, "commit");
    assert!(waiting(&bench).is_empty());
    bench.import(&[&published("A-1", "甲")]);
    assert!(waiting(&bench).is_empty(), "the same content is no revision");
}

#[test]
fn a_version_must_rise() {
    let bench = Bench::new();
    bench.accept(2, "reveal");
    let refused = bench.accept(2, "commit");
    assert_eq!(refused.exit, Exit::Refused);
    assert!(refused.err.contains("not later than the accepted version 2"), "{}", refused.err);
    assert_eq!(bench.accept(2, "reveal").exit, Exit::Done, "the same text again");
    assert_eq!(bench.ask(Command::ShowPolicy).json()["kinds"]["ACH"], "reveal");
}

#[test]
fn a_policy_that_is_accepted_again_after_a_restore_is_applied_though_the_node_is_killed_meanwhile() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲")]);
    bench.accept(1, "reveal");
    let mut batch = safeharbor_service::store::Batch::new();
    crate::policy::await_acceptance(&mut batch);
    bench.commit(batch);
    assert_eq!(bench.state_all(), 0, "nothing leaves by a policy that nobody accepted again");
    // What ends the acceptance between the policy and its effects.
    let mut batch = safeharbor_service::store::Batch::new();
    batch.put(crate::tables::OUTBOX, u64::MAX.to_be_bytes(), "unreadable");
    bench.commit(batch);
    assert_ne!(bench.accept(1, "reveal").exit, Exit::Done);
    assert_eq!(bench.ask(Command::ShowPolicy).json()["kinds"]["ACH"], "reveal", "it is in force");
    let mut batch = safeharbor_service::store::Batch::new();
    batch.delete(crate::tables::OUTBOX, u64::MAX.to_be_bytes());
    bench.commit(batch);
    bench.context.resume_policy().unwrap();
    assert_eq!(waiting(&bench), [(1, AUTOMATIC.map(str::to_owned).to_vec())]);
}

#[test]
fn an_interrupted_acceptance_is_finished_when_the_node_opens() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲")]);
    bench.accept(1, "reveal");
    // What a crash between the policy and its effects leaves.
    let mut batch = safeharbor_service::store::Batch::new();
    batch.delete(crate::tables::META, *b"policy-applied");
    bench.context.outbox.drop_record(bench.rec("A-1"), &mut batch).unwrap();
    bench.commit(batch);
    assert!(waiting(&bench).is_empty());
    bench.context.resume_policy().unwrap();
    assert_eq!(waiting(&bench).len(), 1);
}

#[test]
fn an_approval_adds_to_what_waits() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&[&published("A-1", "甲")]);
    assert_eq!(bench.approve("A-1", &["abstract"], by(APPROVER)).exit, Exit::Done);
    let mut fields = AUTOMATIC.map(str::to_owned).to_vec();
    fields.insert(0, "abstract".to_owned());
    assert_eq!(waiting(&bench), [(1, fields)]);
}

#[test]
fn an_approval_of_what_left_states_it_again_with_more() {
    on_every_store(|bench| {
        bench.accept(1, "commit");
        bench.import(&[&published("A-1", "甲")]);
        bench.state_all();
        bench.approve("A-1", &["name"], by(APPROVER));
        assert_eq!(waiting(bench), [(2, vec!["name".to_owned()])]);
        bench.state_all();
        bench.approve("A-1", &["abstract"], by(APPROVER));
        assert_eq!(waiting(bench), [(3, vec!["abstract".to_owned(), "name".to_owned()])]);
        let again = bench.approve("A-1", &["name"], by(APPROVER));
        assert!(again.err.contains("revealed already"), "{}", again.err);
    });
}

#[test]
fn an_approved_statement_is_not_replaced_and_its_approval_is_not_carried_over() {
    let bench = Bench::new();
    bench.accept(1, "commit");
    bench.import(&[&published("A-1", "甲")]);
    bench.approve("A-1", &["abstract"], by(APPROVER));
    bench.import(&[&published("A-1", "甲改")]);
    assert_eq!(waiting(&bench), [(1, vec!["abstract".to_owned()]), (2, Vec::new())]);
}

/// Revision 1 is public, and a person approved its project number; revision 2 is not published, and the hub is away.
fn correct_to_unpublished(bench: &Bench) {
    bench.accept(1, "reveal");
    bench.import_with("project_no = \"P-1\"", &[&published("A-1", "甲")]);
    assert_eq!(bench.approve("A-1", &["project_no"], by(APPROVER)).exit, Exit::Done);
    let corrected = bench.import_with("project_no = \"P-1\"", &["A-1,甲,张三,初期阶段,,摘要"]);
    assert_eq!(corrected.json()["revised"], 1, "{}", corrected.err);
}

fn earlier_shown(bench: &Bench) -> Value {
    bench.ask(Command::Show { record: "A-1".to_owned() }).json()["earlier"].clone()
}

#[test]
fn what_the_policy_granted_to_an_approved_revision_ends_with_a_correction() {
    on_every_store(|bench| {
        correct_to_unpublished(bench);
        let waiting = waiting(bench);
        assert_eq!(waiting[0], (1, vec!["project_no".to_owned()]));
        assert!(!waiting.iter().any(|(_, revealed)| revealed.contains(&"name".to_owned())), "{waiting:?}");
        assert_eq!(earlier_shown(bench), json!([{"rev": 1, "revealed": ["project_no"]}]));
    });
}

#[test]
fn a_policy_that_turns_off_ends_what_it_granted_to_earlier_revisions() {
    on_every_store(|bench| {
        correct_to_unpublished(bench);
        assert_eq!(bench.accept(2, "off").exit, Exit::Done);
        assert_eq!(waiting(bench), [(1, vec!["project_no".to_owned()])]);
        assert_eq!(earlier_shown(bench), json!([{"rev": 1, "revealed": ["project_no"]}]));
    });
}

#[test]
fn an_approved_field_that_a_correction_closed_stays_and_its_statement_with_it() {
    let bench = Bench::new();
    bench.accept(1, "commit");
    bench.import(&[&published("A-1", "甲")]);
    bench.approve("A-1", &["abstract"], by(APPROVER));
    bench.import(&["A-1,甲,张三,初期阶段,,摘要"]);
    bench.accept(2, "off");
    assert!(waiting(&bench).is_empty());
    assert_eq!(bench.context.outbox.len().unwrap(), 1);
    assert_eq!(bench.state_all(), 0);
    assert!(bench.context.outbox.is_empty().unwrap(), "what can never leave waits no more");
}

#[test]
fn a_correction_that_stays_public_leaves_the_earlier_revision_only_what_was_approved() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&[&published("A-1", "甲")]);
    bench.approve("A-1", &["abstract"], by(APPROVER));
    bench.import(&[&published("A-1", "甲改")]);
    assert_eq!(waiting(&bench)[0], (1, vec!["abstract".to_owned()]));
    assert_eq!(earlier_shown(&bench), json!([{"rev": 1, "revealed": ["abstract"]}]));
    let show = Command::Show { record: "A-1".to_owned() };
    let shown = bench.say(show, Language::Zh, Format::Table).out;
    assert!(shown.contains("此前的第 1 版经批准仍在待发：将公开 abstract"), "{shown}");
}

#[test]
fn a_grant_counts_only_as_long_as_the_policy_in_force_gives_it() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&[&published("A-1", "甲")]);
    bench.approve("A-1", &["abstract"], by(APPROVER));
    let entry = bench.context.outbox.first().unwrap().unwrap();
    bench.accept(2, "off");
    // What an entry written by an earlier version of the program may still hold.
    let mut batch = safeharbor_service::store::Batch::new();
    bench.context.outbox.put(&entry, &mut batch).unwrap();
    bench.commit(batch);
    let waiting = waiting(&bench);
    assert!(waiting.iter().all(|(_, revealed)| revealed == &["abstract"]), "{waiting:?}");
}

#[test]
fn an_approval_lets_one_statement_leave_though_the_policy_is_off() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲"), &published("A-2", "乙")]);
    bench.approve("A-1", &["stage"], by(APPROVER));
    assert_eq!(waiting(&bench), [(1, vec!["stage".to_owned()])]);
}

#[test]
fn what_would_leave_is_shown_before_it_is_approved() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import_with("project_no = \"P-1\"", &[&published("A-1", "甲")]);
    let before = bench.rows();
    let said = bench.see("A-1", &["project_no"], APPROVER, Language::Zh).err;
    let line = |field: &str| said.lines().find(|line| line.contains(field)).unwrap().to_owned();
    assert!(said.starts_with("批准后，ACH A-1"), "{said}");
    assert!(line("project_no").contains("P-1") && line("project_no").contains("此次批准"), "{said}");
    assert!(line(" name ").contains("甲") && line(" name ").contains("依据披露政策"), "{said}");
    assert!(line("abstract").contains("仅传加盐摘要"), "{said}");
    assert!(!said.contains(crate::testing::MARKER), "only what leaves is shown with its value: {said}");
    assert_eq!(bench.rows(), before);
}

#[test]
fn an_approval_of_what_was_not_seen_is_refused() {
    on_every_store(|bench| {
        bench.import(&[&published("A-1", "甲")]);
        let seen =
            || serde_json::from_str(&bench.see("A-1", &["stage"], APPROVER, Language::Zh).out).unwrap();
        let approve = |seen| {
            let command = Command::Approve { seen, fields: vec!["stage".to_owned()], by: by(APPROVER) };
            bench.say(command, Language::Zh, Format::Table)
        };
        let first = seen();
        bench.import(&[&published("A-1", "甲改")]);
        let before = bench.rows();
        let refused = approve(first);
        assert_eq!(refused.exit, Exit::Refused);
        assert!(refused.err.contains("您看到第 1 版，现为第 2 版"), "{}", refused.err);
        assert_eq!(bench.rows().len(), before.len());
        assert!(waiting(bench).is_empty());
        assert_eq!(approve(seen()).exit, Exit::Done);
        assert_eq!(waiting(bench), [(2, vec!["stage".to_owned()])]);
    });
}

#[test]
fn nothing_above_its_ceiling_can_be_approved() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&[&published("A-1", "甲"), "B-1,未公开,张三,初期阶段,,摘要"]);
    let before = bench.rows();
    for (record, field) in [("A-1", "inventors"), ("B-1", "name"), ("B-1", "abstract")] {
        let refused = bench.approve(record, &["stage", field], by(APPROVER));
        assert_eq!(refused.exit, Exit::Refused, "{field}");
        assert!(refused.err.contains("above its ceiling"), "{}", refused.err);
    }
    for (field, why) in [("funding", "no value"), ("no_such_field", "no value")] {
        let refused = bench.approve("A-1", &[field], by(APPROVER));
        assert!(refused.err.contains(why), "{}", refused.err);
    }
    assert_eq!(bench.rows(), before);
}

#[test]
fn a_wrong_password_is_refused_and_counted() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲")]);
    let wrong =
        || Credentials { name: APPROVER.to_owned(), password: Password::new("a wrong password".to_owned()) };
    for _ in 0..3 {
        let refused = bench.approve("A-1", &["stage"], wrong());
        assert_eq!(refused.exit, Exit::Refused);
        assert!(refused.err.contains("the name or the password is wrong"), "{}", refused.err);
    }
    let refused = bench.approve("A-1", &["stage"], by(APPROVER));
    assert!(refused.err.contains("after 3 failed attempts"), "{}", refused.err);
    assert!(bench.context.outbox.is_empty().unwrap());
    let log = std::fs::read_to_string(bench.context.layout.audit_log()).unwrap();
    assert_eq!(log.matches("authentication failed").count(), 1, "one line at once, their number later");
    assert!(!log.contains("a wrong password"));
}

#[test]
fn a_clerk_may_neither_approve_nor_accept_nor_erase() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲")]);
    let text = "version = 1\n[kinds]\n".to_owned();
    let seen = serde_json::from_str(&bench.see("A-1", &["stage"], CLERK, Language::Zh).out).unwrap();
    for command in [
        Command::Approve { seen, fields: vec!["stage".to_owned()], by: by(CLERK) },
        Command::Erase { record: "A-1".to_owned(), by: by(CLERK) },
        Command::AcceptPolicy { text, by: by(CLERK) },
    ] {
        let refused = bench.say(command, Language::Zh, Format::Table);
        assert_eq!(refused.exit, Exit::Refused);
        assert!(refused.err.contains("角色“经办”无权执行此操作"), "{}", refused.err);
    }
}

#[test]
fn later_persons_need_an_administrator() {
    let bench = Bench::new();
    let add = |name: &str, by: Option<Credentials>| {
        let password = Password::new("another long password".to_owned());
        let (name, role) = (name.to_owned(), "clerk".to_owned());
        bench.ask(Command::Person(PersonCommand::Add { name, role, password, by }))
    };
    assert!(add("赵", None).err.contains("the next person must be one"));
    assert!(add("赵", Some(by(APPROVER))).err.contains("approver may not do this"));
    let secret = secrecy::SecretString::from(crate::testing::PASSWORD);
    bench
        .context
        .persons
        .add("管理员甲", safeharbor_service::person::Role::Administrator, &secret, None)
        .unwrap();
    assert!(add("赵", None).err.contains("an administrator must add further persons"));
    assert_eq!(add("赵", Some(by("管理员甲"))).exit, Exit::Done);
}

#[test]
fn a_request_round_trips_and_its_debug_withholds_the_password() {
    let command = Command::Erase { record: "A-1".to_owned(), by: by(APPROVER) };
    let text = format!("{command:?}");
    assert!(text.contains("withheld") && !text.contains(crate::testing::PASSWORD), "{text}");
    let value = serde_json::to_value(&command).unwrap();
    assert_eq!(
        value,
        json!({"Erase": {"record": "A-1", "by": {"name": APPROVER, "password": crate::testing::PASSWORD}}})
    );
    assert!(serde_json::from_value::<Command>(value).is_ok());
    assert!(serde_json::from_value::<Command>(Value::Null).is_err());
}
