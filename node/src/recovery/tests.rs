//! A chain that a node lost, adopted by one whose store is empty, and the records imported again.

use safeharbor_core::digest::Digest;
use safeharbor_core::statement::StatementType;
use safeharbor_service::person::Person;
use safeharbor_service::random::SystemRandom;

use super::*;
use crate::chain::{Author, Chain, Fetched};
use crate::command::Command;
use crate::outbox::{Content, Entry};
use crate::speech::Exit;
use crate::testing::{APPROVER, Bench, MARKER, by, published};

fn author(bench: &Bench) -> Author {
    Author::new(&bench.context, Digest::of(b"admission"))
}

/// What the hub holds of the chain of a node under this policy that imported these rows.
fn stated(mode: &str, rows: &[&str]) -> (Bench, Vec<Fetched>) {
    let lost = Bench::new();
    lost.accept(1, mode);
    lost.import(rows);
    lost.state_all();
    let page = page_of(&lost);
    (lost, page)
}

fn page_of(lost: &Bench) -> Vec<Fetched> {
    let statements = Chain::new(std::sync::Arc::clone(&lost.context.store)).statements(1, 1_000).unwrap();
    let fetch = |stated: crate::chain::Stated| Fetched { submission: stated.submission(), is_refused: false };
    statements.into_iter().map(fetch).collect()
}

/// A node with an empty store that adopted a chain, and that draws other handles than the lost one.
fn recovering(page: &[Fetched]) -> Bench {
    let mut bench = Bench::new();
    bench.context.random = std::sync::Arc::new(SystemRandom);
    author(&bench).adopt(page, &bench.context).unwrap();
    bench
}

fn unlinked(bench: &Bench) -> Vec<Unlinked> {
    list(&*bench.context.store).unwrap()
}

fn person(bench: &Bench) -> Person {
    let persons = bench.context.persons.list().unwrap();
    persons.into_iter().find(|person| person.name == APPROVER).unwrap()
}

fn waiting(bench: &Bench) -> Vec<(StatementType, RecordHandle, u32)> {
    let about = |content: Content| match content {
        Content::Disclosure { rec, rev, .. } => (StatementType::Disclosure, rec, rev),
        Content::Withdrawal { rec, rev, .. } => (StatementType::Withdrawal, rec, rev),
    };
    bench.context.outbox.pending(100).unwrap().into_iter().map(|pending| about(pending.content)).collect()
}

#[test]
fn a_record_that_is_imported_again_takes_its_handle_over_and_is_stated_as_the_next_revision() {
    let (lost, page) = stated("reveal", &[&published("A-1", "甲"), &published("A-2", "乙")]);
    let bench = recovering(&page);
    let found = unlinked(&bench);
    let keys: Vec<_> = found.iter().map(|one| (one.key.as_deref(), one.rev, one.rec)).collect();
    let (first, second) = (lost.rec("A-1"), lost.rec("A-2"));
    assert_eq!(keys, [(Some("A-1"), 1, first), (Some("A-2"), 1, second)]);

    bench.accept(1, "reveal");
    bench.import(&[&published("A-1", "甲"), &published("A-3", "丙")]);
    assert_eq!(bench.rec("A-1"), first);
    let third = bench.rec("A-3");
    let disclosed = StatementType::Disclosure;
    assert_eq!(waiting(&bench), [(disclosed, first, 2), (disclosed, third, 1)]);
    assert_eq!(unlinked(&bench).iter().map(|one| one.rec).collect::<Vec<_>>(), [second]);

    bench.state_all();
    bench.import(&[&published("A-1", "甲改")]);
    assert_eq!(bench.rec("A-1"), first);
    assert_eq!(waiting(&bench), [(disclosed, first, 3)]);
}

#[test]
fn linking_needs_no_policy_and_states_nothing_by_itself() {
    let (lost, page) = stated("reveal", &[&published("A-1", "甲")]);
    let bench = recovering(&page);
    bench.import(&[&published("A-1", "甲")]);
    assert_eq!((bench.rec("A-1"), count(&*bench.context.store).unwrap()), (lost.rec("A-1"), 0));
    assert_eq!(waiting(&bench), []);
    bench.accept(1, "reveal");
    assert_eq!(waiting(&bench), [(StatementType::Disclosure, lost.rec("A-1"), 2)]);
}

#[test]
fn what_was_committed_with_nothing_revealed_cannot_be_linked_and_is_withdrawn_by_a_person() {
    let (lost, page) = stated("commit", &[&published("A-1", "甲")]);
    let bench = recovering(&page);
    let rec = lost.rec("A-1");
    let found = unlinked(&bench);
    assert_eq!(found.iter().map(|one| (one.rec, one.is_linkable())).collect::<Vec<_>>(), [(rec, false)]);
    bench.accept(1, "commit");
    bench.import(&[&published("A-1", "甲")]);
    assert_ne!(bench.rec("A-1"), rec, "nobody can tell that it is the same");
    assert_eq!(unlinked(&bench), found);

    let (which, person) = (Which::All, person(&bench));
    assert!(withdraw(&bench.context, &which, &person, " ").is_err(), "a reason is asked for");
    assert_eq!(withdraw(&bench.context, &which, &person, "找不到").unwrap(), found);
    assert_eq!(unlinked(&bench), []);
    assert!(waiting(&bench).contains(&(StatementType::Withdrawal, rec, 1)));
    let before = waiting(&bench).len();
    assert_eq!(withdraw(&bench.context, &which, &person, "找不到").unwrap(), []);
    assert_eq!(waiting(&bench).len(), before, "asked again it withdraws nothing twice");
}

#[test]
fn one_kind_or_some_records_are_withdrawn_alone() {
    let (lost, page) = stated("reveal", &[&published("A-1", "甲"), &published("A-2", "乙")]);
    let bench = recovering(&page);
    let person = person(&bench);
    let other = Which::Kind("DEAL".parse().unwrap());
    assert_eq!(withdraw(&bench.context, &other, &person, "x").unwrap(), []);
    let one = Which::Records([lost.rec("A-2")].into());
    assert_eq!(withdraw(&bench.context, &one, &person, "x").unwrap().len(), 1);
    assert_eq!(unlinked(&bench).iter().map(|one| one.rec).collect::<Vec<_>>(), [lost.rec("A-1")]);
}

#[test]
fn what_was_withdrawn_stays_so_when_it_is_imported_again() {
    let (lost, page) = stated("reveal", &[&published("A-1", "甲")]);
    let bench = recovering(&page);
    withdraw(&bench.context, &Which::All, &person(&bench), "错误").unwrap();
    bench.accept(1, "reveal");
    bench.import(&[&published("A-1", "甲")]);
    let rec = lost.rec("A-1");
    assert_eq!(bench.rec("A-1"), rec, "it is the same record");
    assert_eq!(waiting(&bench), [(StatementType::Withdrawal, rec, 1)], "and nothing else leaves of it");
    assert!(
        crate::hold::active(
            &*bench.context.store,
            rec,
            &bench.context.records.last(rec).unwrap().unwrap().revision.record
        )
        .unwrap()
        .is_some()
    );
}

#[test]
fn what_the_chain_took_back_waits_for_nobody() {
    let (lost, _) = stated("reveal", &[&published("A-1", "甲"), &published("A-2", "乙")]);
    crate::withdrawal::withdraw(&lost.context, &[lost.rec("A-1")].into(), &person(&lost), "x").unwrap();
    lost.state_all();
    let mut page = page_of(&lost);
    // Of what was taken back the hub has erased the values.
    page[0].submission.disclosures.clear();
    for pages in [vec![&page[..]], page.chunks(1).collect()] {
        let bench = Bench::new();
        for page in pages {
            author(&bench).adopt(page, &bench.context).unwrap();
        }
        let found = unlinked(&bench);
        assert_eq!(found.iter().map(|one| one.rec).collect::<Vec<_>>(), [lost.rec("A-2")]);
    }
}

#[test]
fn what_the_hub_refused_counts_nowhere_and_is_not_to_be_linked() {
    let (_, mut page) = stated("reveal", &[&published("A-1", "甲")]);
    page[0].is_refused = true;
    assert_eq!(unlinked(&recovering(&page)), []);
}

#[test]
fn records_that_are_here_are_not_to_be_linked() {
    let (lost, page) = stated("reveal", &[&published("A-1", "甲")]);
    let bench = Bench::new();
    bench.accept(1, "off");
    let kept = lost.context.store.scan(&Scan::all(crate::tables::REVISIONS)).unwrap();
    let mut batch = Batch::new();
    kept.into_iter().for_each(|(key, row)| batch.put(crate::tables::REVISIONS, key, row));
    bench.commit(batch);
    author(&bench).adopt(&page, &bench.context).unwrap();
    assert_eq!(unlinked(&bench), []);
}

#[test]
fn withdrawals_of_what_is_not_linked_are_entries_like_others() {
    let (lost, page) = stated("reveal", &[&published("A-1", "甲")]);
    let bench = recovering(&page);
    withdraw(&bench.context, &Which::All, &person(&bench), "错误").unwrap();
    let first = bench.context.outbox.first().unwrap().unwrap();
    assert!(matches!(first, Entry::Withdrawal { rec, rev: 1, .. } if rec == lost.rec("A-1")));
    assert_eq!(bench.state_all(), 1);
    assert!(!crate::withdrawal::stands_at_hub(&bench.context, lost.rec("A-1")).unwrap());
}

/// What the test's rows say is in the adopted statements; whether a record of the chain is erased, however it is named.
fn check_erased(name: impl Fn(&Bench, RecordHandle) -> String, prepare: impl Fn(&Bench)) {
    let (lost, page) = stated("reveal", &[&published(MARKER, "甲")]);
    let (bench, rec) = (recovering(&page), lost.rec(MARKER));
    prepare(&bench);
    assert!(bench.holds_marker());
    let record = name(&bench, rec);
    let shown = bench.ask(Command::PreviewErase { record: record.clone() });
    assert!(shown.exit == Exit::Done && shown.err.contains("is not here"), "{shown:?}");
    let said = bench.ask(Command::Erase { record, by: by(APPROVER) });
    assert_eq!(said.exit, Exit::Done, "{said:?}");
    assert!(!bench.holds_marker(), "neither its number nor a value");
    assert_eq!(unlinked(&bench), []);
    assert_eq!(waiting(&bench), [(StatementType::Withdrawal, rec, 1)]);
    assert!(bench.context.records.tombstone(rec).unwrap().is_some());
    bench.import(&[&published(MARKER, "甲")]);
    assert_ne!(bench.rec(MARKER), rec, "as after any erasure");
}

#[test]
fn what_the_adopted_chain_tells_of_a_record_that_is_not_here_can_be_erased() {
    check_erased(|_, rec| rec.to_string(), |_| {});
    check_erased(|_, _| format!("ach：{MARKER}"), |_| {});
    let withdraw_all =
        |bench: &Bench| drop(withdraw(&bench.context, &Which::All, &person(bench), "x").unwrap());
    check_erased(|_, rec| rec.to_string(), withdraw_all);
    check_erased(|_, _| MARKER.to_owned(), withdraw_all);
}

#[test]
fn what_was_taken_back_and_has_no_number_is_kept_no_longer() {
    let (lost, page) = stated("commit", &[&published("A-1", "甲")]);
    let bench = recovering(&page);
    withdraw(&bench.context, &Which::All, &person(&bench), "x").unwrap();
    assert!(find(&*bench.context.store, lost.rec("A-1")).unwrap().is_none());
}

#[test]
fn what_was_disclosed_again_after_it_was_taken_back_is_to_be_linked_again() {
    let (lost, _) = stated("reveal", &[&published("A-1", "甲")]);
    let (rec, person) = (lost.rec("A-1"), person(&lost));
    crate::withdrawal::withdraw(&lost.context, &[rec].into(), &person, "x").unwrap();
    lost.state_all();
    lost.approve("A-1", &["achievement_no", "name"], by(APPROVER));
    lost.state_all();
    let page = page_of(&lost);
    assert_eq!(page.len(), 3);
    for pages in [vec![&page[..]], page.chunks(1).collect()] {
        let bench = Bench::new();
        for page in pages {
            author(&bench).adopt(page, &bench.context).unwrap();
        }
        let found = unlinked(&bench);
        assert_eq!(found.iter().map(|one| (one.rec, one.is_linkable())).collect::<Vec<_>>(), [(rec, true)]);
    }
}

#[test]
fn of_two_records_under_one_number_the_one_that_stands_is_linked() {
    let bench = Bench::new();
    let row = |byte: u8, is_withdrawn| Unlinked {
        kind: "ACH".parse().unwrap(),
        rec: RecordHandle::from_bytes([byte; 16]),
        rev: 1,
        identifiers: BTreeMap::new(),
        key: Some("A-1".to_owned()),
        is_withdrawn,
        since_ms: 0,
    };
    let mut batch = Batch::new();
    [row(1, true), row(2, false)].iter().for_each(|row| row.put_into(&mut batch).unwrap());
    bench.commit(batch);
    bench.import(&[&published("A-1", "甲")]);
    assert_eq!(bench.rec("A-1"), RecordHandle::from_bytes([2; 16]));
}
