//! Rows that say what is to be done: added, changed, deleted.

use safeharbor_interchange::import::{Action, ImportedRow, Sink as _, Taken};
use safeharbor_rules::Record;
use serde_json::json;

use crate::command::Command;
use crate::outbox::Content;
use crate::records::{RecordSink, Source, Terms};
use crate::speech::{Format, Language};
use crate::testing::{APPROVER, Bench, CLERK, MARKER, by, on_every_store, published};

fn row(key: &str, name: &str, action: Action) -> ImportedRow {
    let record = json!({ "achievement_no": key, "name": name, "secrecy": "public" });
    let record: Record = serde_json::from_value(record).unwrap();
    ImportedRow { action, ..ImportedRow::new(7, key.to_owned(), record) }
}

/// What a dry run and then an import answer; they are the same.
fn take(bench: &Bench, row: &ImportedRow, person: Option<&str>) -> Taken {
    let catalogue = bench.context.catalogue();
    let kind = catalogue.kind(&"ACH".parse().unwrap()).unwrap();
    let person = person.map(|name| {
        bench.context.persons.list().unwrap().into_iter().find(|person| person.name == name).unwrap()
    });
    let terms = Terms { person, ..Terms::of_file("变动.csv".to_owned()) };
    let dry = RecordSink::dry_run(&bench.context, kind, terms.clone()).take(vec![row.clone()]).unwrap();
    let wet = RecordSink::new(&bench.context, kind, terms).take(vec![row.clone()]).unwrap();
    assert_eq!(dry, wet);
    wet[0].clone()
}

fn code(taken: &Taken) -> &'static str {
    if let Taken::Refused(objections) = taken { objections[0].code } else { "taken" }
}

#[test]
fn what_is_to_be_added_must_not_be_here_and_what_is_to_be_changed_must() {
    on_every_store(|bench| {
        let add = row("A-1", "甲", Action::Add);
        assert_eq!(code(&take(bench, &row("A-1", "甲", Action::Update), None)), "not-here");
        assert_eq!(take(bench, &add, None), Taken::New);
        assert_eq!(take(bench, &add, None), Taken::Unchanged, "importing twice changes nothing");
        assert_eq!(code(&take(bench, &row("A-1", "甲改", Action::Add), None)), "exists-already");
        assert_eq!(take(bench, &row("A-1", "甲改", Action::Update), None), Taken::Revised);
        assert_eq!(code(&take(bench, &row("A-2", "乙", Action::Delete), Some(APPROVER))), "not-here");
    });
}

#[test]
fn deleting_takes_somebody_who_may_take_back_what_left() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲")]);
    let delete = row("A-1", "", Action::Delete);
    for person in [None, Some(CLERK)] {
        assert_eq!(code(&take(&bench, &delete, person)), "delete-needs-person");
    }
    assert_eq!(bench.context.records.count().unwrap(), 1);
}

#[test]
fn a_retired_record_counts_no_more_and_nothing_of_it_is_lost_here() {
    on_every_store(|bench| {
        bench.accept(1, "reveal");
        bench.import(&[&published("A-1", "甲"), &published("A-2", "乙")]);
        let rec = bench.rec("A-1");
        bench.state_all();
        bench.import(&[&published("A-1", "甲改"), &published("A-2", "乙改")]);
        let delete = row("A-1", "", Action::Delete);
        assert_eq!(take(bench, &delete, Some(APPROVER)), Taken::Deleted);
        assert_eq!(take(bench, &delete, Some(APPROVER)), Taken::Unchanged);
        assert_eq!(bench.context.records.count().unwrap(), 1);
        let pending = bench.context.outbox.pending(10).unwrap();
        let of_it: Vec<bool> = pending
            .iter()
            .filter_map(|pending| match &pending.content {
                Content::Disclosure { rec: about, .. } => (*about == rec).then_some(false),
                Content::Withdrawal { rec: about, .. } => (*about == rec).then_some(true),
            })
            .collect();
        assert_eq!(of_it, [true], "what waited is gone, what was stated is taken back");
        let revisions = bench.context.records.revisions(rec).unwrap();
        assert_eq!((revisions.len(), &revisions[1].revision.record["name"]), (3, &"甲改".into()));
        assert!(
            matches!(&revisions[2].revision.source, Source::Retirement { row: 7, person, .. } if person.name == APPROVER)
        );
        let history =
            bench.say(Command::History { record: "ACH:A-1".to_owned() }, Language::Zh, Format::Table).out;
        assert!(history.contains("已停用：变动.csv 第 7 行要求删除，由 李娜 导入"), "{history}");
    });
}

#[test]
fn a_record_that_is_added_once_more_goes_on_where_it_was() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&[&published("A-1", "甲")]);
    let rec = bench.rec("A-1");
    bench.state_all();
    take(&bench, &row("A-1", "", Action::Delete), Some(APPROVER));
    bench.state_all();
    assert_eq!(take(&bench, &row("A-1", "甲", Action::Add), None), Taken::New);
    let current = bench.context.records.current(&"ACH".parse().unwrap(), "A-1").unwrap().unwrap();
    assert_eq!((current.rec, current.rev), (rec, 3));
    assert!(bench.context.outbox.is_empty().unwrap(), "what was taken back leaves again by approval alone");
    assert_eq!(take(&bench, &row("A-1", "甲又改", Action::Upsert), None), Taken::Revised);
}

#[test]
fn erasing_a_retired_record_leaves_no_value_in_any_table() {
    on_every_store(|bench| {
        bench.import(&[&published(&format!("A-1-{MARKER}"), "甲")]);
        let key = format!("A-1-{MARKER}");
        take(bench, &row(&key, "", Action::Delete), Some(APPROVER));
        assert!(bench.holds_marker());
        bench.ask(Command::Erase { record: format!("ACH:{key}"), by: by(APPROVER) });
        assert!(!bench.holds_marker());
    });
}

#[test]
fn retiring_what_others_name_is_remarked_by_a_dry_run_and_an_import() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲"), &published("A-2", "乙")]);
    let catalogue = bench.context.catalogue();
    let deal = catalogue.kind(&"DEAL".parse().unwrap()).unwrap();
    let record = json!({ "deal_id": "D-1", "mode": "M1", "achievements": ["A-1"] });
    let named = ImportedRow::new(2, "D-1".to_owned(), serde_json::from_value(record).unwrap());
    RecordSink::new(&bench.context, deal, Terms::of_file("合同.csv".to_owned())).take(vec![named]).unwrap();
    let catalogue = bench.context.catalogue();
    let kind = catalogue.kind(&"ACH".parse().unwrap()).unwrap();
    let person = bench.context.persons.list().unwrap().into_iter().find(|person| person.name == APPROVER);
    let terms = || Terms { person: person.clone(), ..Terms::of_file("变动.csv".to_owned()) };
    let codes = |mut sink: RecordSink<'_>, key: &str| -> Vec<(&'static str, u64)> {
        assert_eq!(sink.take(vec![row(key, "", Action::Delete)]).unwrap(), [Taken::Deleted]);
        sink.remarks().iter().map(|remark| (remark.code, remark.first_row)).collect()
    };
    assert_eq!(codes(RecordSink::new(&bench.context, kind, terms()), "A-2"), []);
    assert_eq!(codes(RecordSink::dry_run(&bench.context, kind, terms()), "A-1"), [("still-named", 7)]);
    assert_eq!(codes(RecordSink::new(&bench.context, kind, terms()), "A-1"), [("still-named", 7)]);
}
