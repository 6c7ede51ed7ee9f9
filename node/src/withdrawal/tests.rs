//! What was taken back stays here, whatever comes, until a person approves it again.

use std::collections::BTreeSet;

use safeharbor_core::statement::StatementType;
use safeharbor_service::store::Batch;

use super::*;
use crate::command::Command;
use crate::outbox::Content;
use crate::speech::Exit;
use crate::testing::{APPROVER, Bench, by, on_every_store, published};

fn person(bench: &Bench) -> Person {
    let persons = bench.context.persons.list().unwrap();
    persons.into_iter().find(|person| person.name == APPROVER).unwrap()
}

fn take_back(bench: &Bench, key: &str) -> Withdrawn {
    let recs = BTreeSet::from([bench.rec(key)]);
    withdraw(&bench.context, &recs, &person(bench), "合同要求保密").unwrap().pop().unwrap()
}

/// What waits: `None` for a withdrawal, otherwise the revision and what of it is revealed.
fn waiting(bench: &Bench) -> Vec<Option<(u32, Vec<String>)>> {
    let pending = bench.context.outbox.pending(100).unwrap();
    let of = |content| match content {
        Content::Disclosure { rev, revealed, .. } => Some((rev, revealed.into_iter().collect())),
        Content::Withdrawal { .. } => None,
    };
    pending.into_iter().map(|pending| of(pending.content)).collect()
}

#[test]
fn what_left_is_taken_back_and_the_policy_does_not_reveal_it_again() {
    on_every_store(|bench| {
        bench.accept(1, "reveal");
        bench.import(&[&published("A-1", "甲")]);
        bench.state_all();
        let withdrawn = take_back(bench, "A-1");
        assert!(withdrawn.taken_back && withdrawn.revealed.contains("name"), "{withdrawn:?}");
        assert_eq!(waiting(bench), [None]);
        bench.import(&[&published("A-1", "甲改")]);
        bench.accept(2, "commit");
        bench.accept(3, "reveal");
        assert_eq!(waiting(bench), [None], "neither an import nor a policy lets it leave");
        assert!(!take_back(bench, "A-1").taken_back, "it waits to be taken back already");
        bench.state_all();
        assert!(!take_back(bench, "A-1").taken_back, "the hub has nothing more of it");
        assert!(waiting(bench).is_empty());
    });
}

#[test]
fn a_later_approval_begins_anew() {
    on_every_store(|bench| {
        bench.accept(1, "reveal");
        bench.import(&[&published("A-1", "甲")]);
        bench.approve("A-1", &["abstract"], by(APPROVER));
        bench.state_all();
        take_back(bench, "A-1");
        bench.state_all();
        assert_eq!(bench.approve("A-1", &["stage"], by(APPROVER)).exit, Exit::Done);
        assert_eq!(waiting(bench), [Some((2, vec!["stage".to_owned()]))], "nothing of what was taken back");
        let again = take_back(bench, "A-1");
        assert_eq!((again.stopped, again.taken_back), (1, false));
        assert!(waiting(bench).is_empty());
    });
}

#[test]
fn what_never_left_is_kept_without_a_statement() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&[&published("A-1", "甲")]);
    let withdrawn = take_back(&bench, "A-1");
    assert_eq!((withdrawn.stopped, withdrawn.taken_back), (1, false));
    assert!(bench.context.outbox.is_empty().unwrap());
}

#[test]
fn erasing_what_was_taken_back_withdraws_it_once() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&[&published("A-1", "甲")]);
    bench.state_all();
    let rec = bench.rec("A-1");
    take_back(&bench, "A-1");
    bench.state_all();
    bench.ask(Command::Erase { record: "A-1".to_owned(), by: by(APPROVER) });
    bench.state_all();
    let chain = Chain::new(std::sync::Arc::clone(&bench.context.store));
    let types: Vec<_> = chain.statements_of(rec).unwrap().iter().map(|stated| stated.statement).collect();
    assert_eq!(types, [StatementType::Disclosure, StatementType::Withdrawal]);
    let decisions = crate::decision::decisions_of(&*bench.context.store, rec).unwrap();
    assert!(
        decisions.len() == 1 && decisions[0].reason.is_empty(),
        "the decision is kept, its words are not"
    );
}

#[test]
fn a_record_whose_row_turned_secret_is_held_and_cannot_be_approved() {
    on_every_store(|bench| {
        bench.accept(1, "reveal");
        bench.import(&[&published("A-1", "甲"), &published("A-2", "乙")]);
        let kind = "ACH".parse().unwrap();
        for (key, is_secret) in [("A-1", true), ("A-2", false), ("A-3", true)] {
            let mut batch = Batch::new();
            let held = hold::hold_refused_row(&bench.context, &kind, key, is_secret, &mut batch).unwrap();
            assert_eq!(held, key != "A-3");
            bench.commit(batch);
        }
        assert!(waiting(bench).is_empty(), "what waited does not leave");
        take_back(bench, "A-1");
        let refused = bench.approve("A-1", &["abstract"], by(APPROVER));
        assert!(refused.exit == Exit::Refused && refused.err.contains("erase"), "{}", refused.err);
        bench.import(&[&published("A-1", "甲"), &published("A-2", "乙")]);
        assert_eq!(waiting(bench).len(), 1, "a row without what was forbidden ends that hold, secrecy stays");
        assert_eq!(hold::barred(&*bench.context.store).unwrap(), BTreeSet::from([bench.rec("A-1")]));
    });
}
