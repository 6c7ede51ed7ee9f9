//! What a person decided and what a row said stand beside each other, and each ends by itself.

use std::collections::BTreeSet;

use safeharbor_interchange::import::{Action, ImportedRow, RefusedRow, Sink as _, Taken, Withheld};
use safeharbor_service::person::Person;
use serde_json::Value;

use crate::command::{Choice, Command, Words};
use crate::records::{RecordSink, Terms};
use crate::selection::Among;
use crate::speech::Exit;
use crate::testing::{APPROVER, Bench, CLERK, Said, by, on_every_store, published};

/// A valid identity card number, made up.
const PERSONAL_ID: &str = "11010519491231002X";

fn reject(bench: &Bench, record: &str) -> Said {
    decide(bench, Choice::Record(record.to_owned()))
}

fn decide(bench: &Bench, choice: Choice) -> Said {
    let seen = bench.ask(Command::PreviewReject { choice, person: APPROVER.to_owned() });
    if seen.exit != Exit::Done {
        return seen;
    }
    let seen = serde_json::from_value(seen.json()["seen"].clone()).unwrap();
    bench.ask(Command::Reject { seen, reason: "商业秘密".to_owned(), by: by(APPROVER) })
}

fn person(bench: &Bench) -> Person {
    bench.context.persons.list().unwrap().into_iter().find(|one| one.name == APPROVER).unwrap()
}

fn withdraw(bench: &Bench, record: &str) {
    let recs = BTreeSet::from([bench.rec(record)]);
    crate::withdrawal::withdraw(&bench.context, &recs, &person(bench), "合同").unwrap();
}

fn forbidden(number: &str) -> String {
    format!("{number},甲,张三,初期阶段,2020-01-01,{PERSONAL_ID}")
}

fn waiting(bench: &Bench) -> usize {
    bench.context.outbox.pending(100).unwrap().len()
}

fn shown(bench: &Bench, record: &str) -> Value {
    bench.ask(Command::Show { record: record.to_owned() }).json()
}

fn listed(bench: &Bench) -> String {
    let rows = bench.ask(Command::List { kind: None, limit: 10 }).json();
    rows[0]["standing"].as_str().unwrap().to_owned()
}

#[test]
fn a_forbidden_row_ends_no_withdrawal() {
    on_every_store(|bench| {
        bench.accept(1, "reveal");
        bench.import(&[&published("A-1", "甲")]);
        bench.state_all();
        withdraw(bench, "A-1");
        assert_eq!(bench.state_all(), 1, "it is taken back");
        assert_eq!(bench.import(&[&forbidden("A-1")]).json()["refused"], 1);
        assert_eq!(shown(bench, "A-1")["held"]["why"], "forbidden");
        bench.import(&[&published("A-1", "甲改")]);
        assert_eq!(waiting(bench), 0, "a person took it back, and no person approved it since");
        assert_eq!(shown(bench, "A-1")["held"]["why"], "withdrawn");
    });
}

#[test]
fn a_forbidden_row_ends_no_rejection() {
    on_every_store(|bench| {
        bench.accept(1, "reveal");
        bench.import(&[&published("A-1", "甲")]);
        assert_eq!(reject(bench, "A-1").exit, Exit::Done);
        bench.import(&[&forbidden("A-1")]);
        bench.import(&[&published("A-1", "甲")]);
        assert_eq!((waiting(bench), shown(bench, "A-1")["held"]["why"].clone()), (0, "rejected".into()));
    });
}

#[test]
fn a_forbidden_row_keeps_what_nobody_decided_about_until_the_row_is_right() {
    on_every_store(|bench| {
        bench.accept(1, "reveal");
        bench.import(&[&published("A-1", "甲")]);
        bench.import(&[&forbidden("A-1")]);
        assert_eq!(waiting(bench), 0);
        bench.import(&[&published("A-1", "甲")]);
        assert_eq!((waiting(bench), shown(bench, "A-1")["held"].clone()), (1, Value::Null));
    });
}

#[test]
fn a_rejected_record_stays_when_it_changes_and_awaits_a_decision_again() {
    on_every_store(|bench| {
        bench.accept(1, "reveal");
        bench.import(&[&published("A-1", "甲")]);
        reject(bench, "A-1");
        bench.import(&[&published("A-1", "乙")]);
        bench.accept(2, "commit");
        assert_eq!(waiting(bench), 0, "neither its change nor a policy decides");
        assert_eq!(listed(bench), "awaits-again");
        let words = || Words { kind: "ACH".to_owned(), conditions: Vec::new(), among: Among::Undecided };
        assert_eq!(decide(bench, Choice::Set(words())).exit, Exit::Done, "it is among the undecided");
        assert_eq!(listed(bench), "rejected");
        assert_eq!(decide(bench, Choice::Set(words())).exit, Exit::Refused);
    });
}

#[test]
fn an_approval_of_other_content_leaves_what_was_rejected_here() {
    on_every_store(|bench| {
        bench.accept(1, "reveal");
        bench.import(&[&published("A-1", "甲")]);
        reject(bench, "A-1");
        bench.import(&[&published("A-1", "乙")]);
        assert_eq!(bench.approve("A-1", &["name"], by(APPROVER)).exit, Exit::Done);
        assert_eq!(bench.state_all(), 1, "a person approved what it says by now");
        bench.import(&[&published("A-1", "丙")]);
        assert_eq!(bench.state_all(), 1, "and the policy is in force for it again");
        bench.import(&[&published("A-1", "甲")]);
        assert_eq!((waiting(bench), listed(bench)), (0, "rejected".to_owned()));
        bench.import(&[&published("A-1", "丁")]);
        assert_eq!((waiting(bench), listed(bench)), (0, "awaits-again".to_owned()));
    });
}

#[test]
fn a_rejection_is_of_the_fields_whatever_their_source_texts() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&["A-1,甲,张三,初期阶段,2020-01-01,摘要"]);
    reject(&bench, "A-1");
    let rec = bench.rec("A-1");
    let catalogue = bench.context.catalogue();
    let kind = catalogue.kind(&"ACH".parse().unwrap()).unwrap();
    let record = bench.context.records.last(rec).unwrap().unwrap().revision.record;
    let raw = [("public_since".to_owned(), "2020.1.1".to_owned())].into();
    let row = ImportedRow { raw, ..ImportedRow::new(2, "A-1".to_owned(), record) };
    let terms = Terms::of_file("成果.csv".to_owned());
    assert_eq!(RecordSink::new(&bench.context, kind, terms).take(vec![row]).unwrap(), [Taken::Revised]);
    let revisions = bench.context.records.revisions(rec).unwrap();
    let [first, second] = revisions.as_slice() else { panic!("two revisions: {}", revisions.len()) };
    assert_eq!(first.revision.record, second.revision.record);
    assert_ne!(first.revision.raw, second.revision.raw);
    assert_eq!((waiting(&bench), listed(&bench)), (0, "rejected".to_owned()));
}

#[test]
fn an_edit_by_a_clerk_decides_nothing() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&[&published("A-1", "甲")]);
    reject(&bench, "A-1");
    let changes = vec!["abstract=另一段".to_owned()];
    let edit = Command::Edit { record: "A-1".to_owned(), changes, by: by(CLERK) };
    assert_eq!(bench.ask(edit).exit, Exit::Done);
    assert_eq!((waiting(&bench), listed(&bench)), (0, "awaits-again".to_owned()));
}

#[test]
fn a_secret_row_holds_a_record_that_was_retired() {
    on_every_store(|bench| {
        bench.accept(1, "reveal");
        bench.import(&[&published("A-1", "甲")]);
        let rec = bench.rec("A-1");
        bench.state_all();
        let catalogue = bench.context.catalogue();
        let kind = catalogue.kind(&"ACH".parse().unwrap()).unwrap();
        let terms = || Terms { person: Some(person(bench)), ..Terms::of_file("变动.csv".to_owned()) };
        let record = [("achievement_no".to_owned(), "A-1".into())].into_iter().collect();
        let delete = ImportedRow { action: Action::Delete, ..ImportedRow::new(2, "A-1".to_owned(), record) };
        let taken = RecordSink::new(&bench.context, kind, terms()).take(vec![delete]).unwrap();
        assert_eq!(taken, [Taken::Deleted]);
        assert_eq!(bench.state_all(), 1, "what had left is taken back");
        let secret = RefusedRow { row: 2, key: Some("A-1".to_owned()), withheld: Some(Withheld::Secrecy) };
        RecordSink::new(&bench.context, kind, terms()).pass_over(vec![secret]).unwrap();
        bench.import(&[&published("A-1", "甲")]);
        assert_eq!(bench.rec("A-1"), rec, "an older file revives it");
        assert_eq!((waiting(bench), listed(bench)), (0, "secret".to_owned()));
        let refused = bench.approve("A-1", &["name"], by(APPROVER));
        assert!(refused.exit == Exit::Refused && refused.err.contains("erase"), "{}", refused.err);
    });
}

#[test]
fn a_public_row_beside_one_that_may_not_be_stored_makes_no_record() {
    on_every_store(|bench| {
        bench.accept(1, "reveal");
        let (public, forbidden) = (published("A-1", "甲"), forbidden("A-1"));
        for rows in [[public.as_str(), forbidden.as_str()], [forbidden.as_str(), public.as_str()]] {
            let said = bench.import(&rows).json();
            assert_eq!((&said["new"], &said["refused"]), (&0.into(), &2.into()));
            assert_eq!((waiting(bench), bench.context.records.count().unwrap()), (0, 0));
        }
        bench.import(&[&public]);
        assert_eq!(waiting(bench), 1);
        bench.import(&[&published("A-1", "甲改"), &forbidden]);
        assert_eq!((waiting(bench), listed(bench)), (0, "forbidden".to_owned()), "nor changes one");
    });
}

#[test]
fn what_a_barred_record_had_waiting_does_not_count_as_waiting() {
    on_every_store(|bench| {
        bench.accept(1, "reveal");
        bench.import(&[&published("A-1", "甲")]);
        assert_eq!(bench.context.outbox.len().unwrap(), 1);
        bench.import(&[&forbidden("A-1")]);
        assert_eq!(bench.context.outbox.len().unwrap(), 0, "nothing is left to be done about the hub");
        assert_eq!(bench.context.outbox.first().unwrap(), None);
        bench.import(&[&published("A-1", "甲")]);
        assert_eq!(bench.context.outbox.len().unwrap(), 1);
    });
}

#[test]
fn an_edit_that_says_secret_holds_the_record_as_a_row_does() {
    on_every_store(|bench| {
        bench.accept(1, "reveal");
        bench.import(&[&published("A-1", "甲"), &published("A-2", "乙")]);
        let edit = |record: &str, change: &str| {
            let changes = vec![change.to_owned()];
            bench.ask(Command::Edit { record: record.to_owned(), changes, by: by(CLERK) })
        };
        let refused = edit("A-1", &format!("abstract={PERSONAL_ID}"));
        assert!(refused.exit == Exit::Refused && refused.err.contains("held back"), "{}", refused.err);
        assert_eq!((waiting(bench), listed(bench)), (1, "forbidden".to_owned()), "A-2 still waits");
        assert_eq!(edit("A-1", "abstract=摘要").exit, Exit::Done);
        assert_eq!(waiting(bench), 2, "what was typed is gone, and so is that hold");
        let refused = edit("A-1", "secrecy=机密");
        assert!(refused.exit == Exit::Refused && refused.err.contains("held back"), "{}", refused.err);
        bench.import(&[&published("A-1", "甲改")]);
        assert_eq!((waiting(bench), listed(bench)), (1, "secret".to_owned()), "only erasing it ends that");
    });
}
