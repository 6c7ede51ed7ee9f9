//! What the chain keeps, gives out and forgets.

use safeharbor_core::directory::{KeySigns, KeyTerm};
use safeharbor_core::key::Signer as _;
use safeharbor_core::sdjwt::Disclosure;
use safeharbor_core::statement::{Statement, open};
use safeharbor_service::store::{Fault, FaultyStore, MemoryStore};
use serde_json::Value;

use super::testing::{
    admitted, author, disclosure, fetched, fill, record, signer, state, state_these, waiting,
};
use super::*;
use crate::command::Command;
use crate::outbox::{Content, Pending};
use crate::speech::{Format, Language};
use crate::testing::{APPROVER, Bench, by, published};
use crate::trust::{Alarms, KeyTerms};

fn memory() -> (MemoryStore, Arc<dyn Store>) {
    let store = MemoryStore::new();
    (store.clone(), Arc::new(store))
}

fn names(disclosures: &[String]) -> Vec<String> {
    let parsed = disclosures.iter().map(|encoded| Disclosure::parse(encoded).unwrap());
    parsed.map(|disclosure| disclosure.name().unwrap().to_owned()).collect()
}

#[test]
fn statements_are_signed_linked_and_opened_by_their_claims() {
    let (_, store) = memory();
    let author = author(&store);
    fill(&*store, 1..=3);
    assert_eq!(state(&author, 10).unwrap().taken, 3);
    let mut head = Head::before_first(admitted());
    for stated in author.chain.statements(1, 10).unwrap() {
        let statement = Statement::parse(&stated.jwt).unwrap();
        statement.verify(&signer(1).public_key()).unwrap();
        assert_eq!((statement.envelope.seq, statement.envelope.prev), (head.next_seq(), head.digest));
        assert_eq!(statement.envelope.cat, Some(Digest::of(b"catalogue")));
        assert_eq!(statement.digests.len(), 4);
        let claims = stated.claims.iter().map(|claim| claim.disclosure.as_str());
        assert_eq!(open(&statement.digests, claims).unwrap().len(), 2);
        head = head.advance(statement.digest);
    }
    assert_eq!(author.head().unwrap(), head);
    assert!(waiting(&*store, 10).is_empty());
}

#[test]
fn only_revealed_claims_are_sent() {
    let (_, store) = memory();
    let author = author(&store);
    fill(&*store, [7]);
    state(&author, 10).unwrap();
    let submission = author.ready(1, 10, usize::MAX).unwrap()[0].submission();
    assert_eq!(names(&submission.disclosures), ["name"]);
    assert_eq!(author.chain.revealed_of(record(7)).unwrap(), BTreeSet::from(["name".to_owned()]));
}

#[test]
fn salts_are_fresh_for_every_statement() {
    let (_, store) = memory();
    let author = author(&store);
    let twice = [1, 2].map(|number| Pending { number, content: disclosure(1) });
    state_these(&author, twice.to_vec()).unwrap();
    let both = author.chain.statements_of(record(1)).unwrap();
    assert_eq!(author.chain.numbers_of(record(1)).unwrap(), [1, 2]);
    for (one, other) in both[0].claims.iter().zip(&both[1].claims) {
        assert_ne!(one.disclosure, other.disclosure);
    }
}

#[test]
fn a_withdrawal_has_no_digests() {
    let (_, store) = memory();
    let author = author(&store);
    let content = Content::Withdrawal { kind: "ACH".parse().unwrap(), rec: record(1), rev: 2 };
    state_these(&author, vec![Pending { number: 1, content }]).unwrap();
    let stated = author.chain.statement(1).unwrap().unwrap();
    assert!(Statement::parse(&stated.jwt).unwrap().digests.is_empty());
    assert!(stated.submission().disclosures.is_empty());
}

/// Numbers with one planned fault, then looks at the same store as a restarted process.
fn check_fault(fault: Fault, numbered: bool) {
    let (memory, plain) = memory();
    fill(&*plain, 1..=2);
    let faulty = FaultyStore::new(memory);
    faulty.plan(fault);
    let store: Arc<dyn Store> = Arc::new(faulty);
    state(&author(&store), 10).unwrap_err();
    let restarted = author(&plain);
    assert_eq!(restarted.chain.statements(1, 10).unwrap().len(), if numbered { 2 } else { 0 }, "{fault:?}");
    assert_eq!(waiting(&*plain, 10).is_empty(), numbered, "{fault:?}: chain and outbox change together");
    assert_eq!(restarted.head().unwrap().seq, if numbered { 2 } else { 0 }, "{fault:?}");
    state(&restarted, 10).unwrap();
    assert_eq!(restarted.head().unwrap().seq, 2, "{fault:?}: every entry is stated once");
}

#[test]
fn a_commit_that_fails_changes_all_or_nothing() {
    check_fault(Fault::CommitRefused, false);
    check_fault(Fault::CommitLost, false);
    check_fault(Fault::CommitKept, true);
    check_fault(Fault::FlushRefused, true);
}

#[test]
fn nothing_is_ready_before_it_is_durable() {
    let (memory, plain) = memory();
    fill(&*plain, 1..=2);
    let faulty = Arc::new(FaultyStore::new(memory.clone()));
    faulty.plan(Fault::FlushRefused);
    faulty.plan(Fault::FlushRefused);
    let store: Arc<dyn Store> = faulty;
    let first = author(&store);
    state(&first, 10).unwrap_err();
    first.ready(1, 10, usize::MAX).unwrap_err();
    memory.lose_power();
    assert_eq!(first.head().unwrap().seq, 0, "what no flush vouched for is gone, and nobody saw it");
    state(&first, 10).unwrap();
    let sent = first.ready(1, 10, usize::MAX).unwrap();
    memory.lose_power();
    assert_eq!(author(&plain).ready(1, 10, usize::MAX).unwrap(), sent, "resent unchanged");
}

#[test]
fn a_batch_ends_where_the_bytes_do_and_holds_at_least_one() {
    let (_, store) = memory();
    let author = author(&store);
    fill(&*store, 1..=5);
    state(&author, 10).unwrap();
    let one = author.ready(1, 10, 1).unwrap();
    assert_eq!(one.len(), 1);
    let size = one[0].submission().size();
    assert_eq!(author.ready(1, 10, 3 * size + size / 2).unwrap().len(), 3);
    assert_eq!(author.ready(4, 10, usize::MAX).unwrap().len(), 2);
}

#[test]
fn what_cannot_be_stated_is_set_aside_and_blocks_nothing() {
    let (_, store) = memory();
    let author = author(&store);
    let mut too_many = disclosure(1);
    if let Content::Disclosure { digests, .. } = &mut too_many {
        *digests = 1;
    }
    let mut too_large = disclosure(2);
    if let Content::Disclosure { claims, .. } = &mut too_large {
        claims[0].1 = Value::from("长".repeat(1 << 19));
    }
    let contents = [too_many, too_large, disclosure(3)];
    let pending = (1..).zip(contents).map(|(number, content)| Pending { number, content });
    let stating = state_these(&author, pending.collect()).unwrap();
    assert_eq!((stating.head.seq, stating.taken), (1, 3));
    assert_eq!(author.chain.statement(1).unwrap().unwrap().rec, Some(record(3)));
    assert_eq!(Alarms::new(store).list().unwrap().len(), 2);
}

#[test]
fn what_was_set_aside_is_not_shown_as_having_left() {
    let (bench, author) = restored();
    let mut pending = bench.context.outbox.pending(10).unwrap();
    if let Content::Disclosure { digests, .. } = &mut pending[0].content {
        *digests = 1;
    }
    let outbox = &bench.context.outbox;
    let stating = author
        .commit((pending, Digest::of(b"catalogue")), &mut |number, left, batch| {
            outbox.remove(number, left, batch)
        })
        .unwrap();
    assert_eq!((stating.head.seq, stating.taken), (0, 1));
    assert!(outbox.is_empty().unwrap());
    let shown = bench.ask(Command::Show { record: "A-1".to_owned() }).json();
    assert_eq!((&shown["way"], &shown["statements"]), (&"stays".into(), &Value::Array(Vec::new())));
}

#[test]
fn a_forgotten_record_leaves_digests_that_nobody_can_open() {
    let (_, store) = memory();
    let author = author(&store);
    fill(&*store, 1..=2);
    state(&author, 10).unwrap();
    let before = author.chain.statement(1).unwrap().unwrap();
    let mut batch = Batch::new();
    author.chain.forget(record(1), &mut batch).unwrap();
    store.commit(batch).unwrap();
    let after = author.chain.statement(1).unwrap().unwrap();
    assert_eq!((&after.jwt, after.digest), (&before.jwt, before.digest));
    assert!(after.claims.is_empty() && after.submission().disclosures.is_empty());
    let row = String::from_utf8(store.get(CHAIN, &1_u64.to_be_bytes()).unwrap().unwrap()).unwrap();
    assert!(before.claims.iter().all(|claim| !row.contains(&claim.disclosure)));
    assert_eq!(author.chain.statement(2).unwrap().unwrap().claims.len(), 2, "other records stay");
}

fn jwts(author: &Author) -> Vec<String> {
    author.chain.statements(1, 100).unwrap().into_iter().map(|stated| stated.jwt).collect()
}

#[test]
fn a_lost_chain_is_adopted_and_continued() {
    let (_, store) = memory();
    let old = author(&store);
    fill(&*store, 1..=3);
    state(&old, 10).unwrap();
    let bench = Bench::new();
    let new = Author::new(&bench.context, admitted());
    assert_eq!(new.adopt(&fetched(&jwts(&old)), &bench.context).unwrap(), old.head().unwrap());
    assert_eq!(new.chain.numbers_of(record(2)).unwrap(), [2]);
    fill(&*bench.context.store, [9]);
    assert_eq!(state(&new, 10).unwrap().head.seq, 4);
}

/// A node as a backup has it: a record that is stored and waits.
fn restored() -> (Bench, Author) {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&[&published("A-1", "甲")]);
    let author = Author::new(&bench.context, admitted());
    (bench, author)
}

/// A statement of the lost node about a revision: disclosed, or taken back.
fn content_about(rec: RecordHandle, rev: u32, is_withdrawal: bool) -> Content {
    let kind = "ACH".parse().unwrap();
    if is_withdrawal {
        return Content::Withdrawal { kind, rec, rev };
    }
    Content::Disclosure { kind, rec, rev, claims: Vec::new(), revealed: BTreeSet::new(), digests: 4 }
}

/// What the lost node stated after the backup was made: revisions, and whether each was taken back or disclosed.
fn stated_since(rec: RecordHandle, made: &[(u32, bool)]) -> Vec<String> {
    let (_, store) = memory();
    let lost = author(&store);
    let contents = made.iter().map(|(rev, is_withdrawal)| content_about(rec, *rev, *is_withdrawal));
    let pending = (1..).zip(contents).map(|(number, content)| Pending { number, content });
    state_these(&lost, pending.collect()).unwrap();
    jwts(&lost)
}

fn ask_erase(bench: &Bench, rec: RecordHandle) {
    bench.ask(Command::Erase { record: rec.to_string(), by: by(APPROVER) });
}

#[test]
fn a_revision_that_was_disclosed_since_the_backup_is_not_stated_again() {
    let (bench, author) = restored();
    let rec = bench.rec("A-1");
    author.adopt(&fetched(&stated_since(rec, &[(1, false)])), &bench.context).unwrap();
    assert!(bench.context.outbox.is_empty().unwrap());
    assert!(bench.context.outbox.stated(rec, 1).unwrap().is_some());
    bench.accept(2, "reveal");
    assert!(bench.context.outbox.is_empty().unwrap(), "nor by a later policy");
    assert!(bench.holds_marker(), "the record stays");
}

#[test]
fn a_record_that_was_taken_back_since_the_backup_is_held_for_a_person_to_decide() {
    let (bench, author) = restored();
    let rec = bench.rec("A-1");
    author.adopt(&fetched(&stated_since(rec, &[(1, false), (1, true)])), &bench.context).unwrap();
    assert!(bench.context.outbox.is_empty().unwrap(), "nothing of it leaves, and no second withdrawal");
    bench.import(&[&published("A-1", "甲改")]);
    bench.accept(2, "reveal");
    assert_eq!(bench.rec("A-1"), rec, "the same record, under the same handle");
    assert!(bench.context.outbox.pending(10).unwrap().is_empty());
    let show = Command::Show { record: rec.to_string() };
    let shown = bench.say(show, Language::Zh, Format::Table);
    assert!(shown.out.contains("备份之后已撤回：请删除（erase）"), "{} {}", shown.out, shown.err);
    ask_erase(&bench, rec);
    assert!(!bench.holds_marker() && bench.context.records.tombstone(rec).unwrap().is_some());
    assert!(bench.context.outbox.is_empty().unwrap(), "the hub was told before");
}

#[test]
fn a_record_that_was_disclosed_again_after_it_was_taken_back_can_be_taken_back_again() {
    for pages in [&[3][..], &[2, 3]] {
        let (bench, author) = restored();
        let rec = bench.rec("A-1");
        let made = stated_since(rec, &[(1, false), (1, true), (2, false)]);
        let mut from = 0;
        for to in pages {
            author.adopt(&fetched(&made[from..*to]), &bench.context).unwrap();
            from = *to;
        }
        let shown = bench.ask(Command::Show { record: rec.to_string() }).json();
        assert_eq!(shown["held"], Value::Null, "{pages:?}");
        ask_erase(&bench, rec);
        let pending = bench.context.outbox.pending(10).unwrap();
        let is_withdrawal = |one: &Pending| matches!(one.content, Content::Withdrawal { .. });
        assert!(pending.len() == 1 && is_withdrawal(&pending[0]), "the hub has revision 2: {pending:?}");
    }
}

fn check_adoption(change: impl Fn(&mut Vec<String>, &Author), refused_at: u64) {
    let (_, store) = memory();
    let old = author(&store);
    fill(&*store, 1..=3);
    state(&old, 10).unwrap();
    let mut page = jwts(&old);
    change(&mut page, &old);
    let bench = Bench::new();
    let new = Author::new(&bench.context, admitted());
    let refused = new.adopt(&fetched(&page), &bench.context);
    assert!(matches!(refused, Err(AdoptFailed::Foreign { seq, .. }) if seq == refused_at), "{refused:?}");
    assert_eq!(new.head().unwrap().seq, 0, "nothing of the page is kept");
}

#[test]
fn statements_that_are_not_ours_are_not_adopted() {
    check_adoption(|page, _| drop(page.remove(0)), 1);
    check_adoption(|page, _| page.swap(1, 2), 2);
    check_adoption(|page, _| page[2].push('x'), 3);
    check_adoption(
        |page, _| {
            let (_, store) = memory();
            let mut other = author(&store);
            other.signer = Arc::new(signer(2));
            fill(&*store, 1..=1);
            state(&other, 10).unwrap();
            page[0] = jwts(&other).remove(0);
        },
        1,
    );
    check_adoption(
        |page, _| {
            let (_, store) = memory();
            let other = author(&store);
            fill(&*store, 1..=2);
            state(&other, 10).unwrap();
            page[1] = jwts(&other).remove(1);
        },
        2,
    );
}

#[test]
fn debug_texts_withhold_content() {
    let (_, store) = memory();
    let author = author(&store);
    fill(&*store, 1..=1);
    state(&author, 10).unwrap();
    let stated = author.chain.statement(1).unwrap().unwrap();
    let text = format!("{stated:?} {:?}", stated.claims);
    assert!(stated.claims.iter().all(|claim| !text.contains(&claim.disclosure)), "{text}");
}

/// Two statements of the key of seed 1, then two of the key of seed 2.
fn rotated() -> Vec<String> {
    let (_, store) = memory();
    let old = author(&store);
    fill(&*store, 1..=2);
    state(&old, 10).unwrap();
    let new = Author { signer: Arc::new(signer(2)), ..old };
    fill(&*store, 3..=4);
    state(&new, 10).unwrap();
    jwts(&new)
}

/// The keys of these seeds, one after the other.
fn keys(seeds: &[u8]) -> KeyTerms {
    KeyTerms::new(seeds.iter().map(|seed| term(*seed)).collect())
}

fn term(seed: u8) -> KeyTerm {
    let (key, signs) = (signer(seed).public_key(), KeySigns::Statements);
    KeyTerm { key, from: 0, until: None, signs, re_enrolled: false, confirmed: None }
}

fn adopting(bench: &Bench, seeds: &[u8]) -> Author {
    Author::new(&bench.context, admitted()).with_own_keys(keys(seeds))
}

#[test]
fn what_an_earlier_key_of_ours_signed_is_adopted() {
    let bench = Bench::new();
    let made = fetched(&rotated());
    let head = adopting(&bench, &[1, 2]).adopt(&made, &bench.context).unwrap();
    assert_eq!(head.seq, 4);
}

fn check_foreign(bench: &Bench, seeds: &[u8], page: &[Fetched], refused_at: u64) {
    let refused = adopting(bench, seeds).adopt(page, &bench.context);
    assert!(matches!(refused, Err(AdoptFailed::Foreign { seq, .. }) if seq == refused_at), "{refused:?}");
}

#[test]
fn after_a_later_key_an_earlier_one_is_not_believed() {
    let made = fetched(&rotated());
    // As the hub would have it, the key of seed 2 came before that of seed 1.
    check_foreign(&Bench::new(), &[2, 1], &made, 3);
    let bench = Bench::new();
    adopting(&bench, &[2, 1]).adopt(&made[..2], &bench.context).unwrap();
    check_foreign(&bench, &[2, 1], &made[2..], 3);
}

#[test]
fn what_a_key_signed_that_was_never_ours_is_not_adopted() {
    check_foreign(&Bench::new(), &[1], &fetched(&rotated()), 3);
}

#[test]
fn what_was_revealed_is_kept_with_an_adopted_statement_and_nothing_that_was_not() {
    let (_, store) = memory();
    let old = author(&store);
    fill(&*store, 1..=2);
    state(&old, 10).unwrap();
    let submissions = old.chain.statements(1, 10).unwrap().into_iter().map(|stated| stated.submission());
    let mut page: Vec<Fetched> =
        submissions.map(|submission| Fetched { submission, is_refused: false }).collect();
    let bench = Bench::new();
    let new = Author::new(&bench.context, admitted());
    new.adopt(&page, &bench.context).unwrap();
    assert_eq!(new.chain.revealed_of(record(1)).unwrap(), BTreeSet::from(["name".to_owned()]));
    page[1].submission.disclosures = page[0].submission.disclosures.clone();
    check_foreign(&Bench::new(), &[1], &page, 2);
}

#[test]
fn a_record_restored_at_an_older_revision_goes_on_behind_the_last_one_that_was_stated() {
    let (bench, author) = restored();
    let rec = bench.rec("A-1");
    author
        .adopt(&fetched(&stated_since(rec, &[(1, false), (2, false), (3, false)])), &bench.context)
        .unwrap();
    bench.import(&[&published("A-1", "甲改")]);
    let pending = bench.context.outbox.pending(10).unwrap();
    let is_next = |one: &Pending| matches!(one.content, Content::Disclosure { rev: 4, .. });
    assert!(pending.len() == 1 && is_next(&pending[0]), "the hub takes no revision twice: {pending:?}");
}

#[test]
fn a_withdrawal_of_an_older_revision_gives_no_number_of_a_later_one_away() {
    let (bench, author) = restored();
    let rec = bench.rec("A-1");
    author
        .adopt(&fetched(&stated_since(rec, &[(1, false), (2, false), (3, false)])), &bench.context)
        .unwrap();
    let person = bench.context.persons.named(APPROVER).unwrap();
    crate::withdrawal::withdraw(&bench.context, &[rec].into(), &person, "x").unwrap();
    bench.state_all();
    bench.import(&[&published("A-1", "甲改")]);
    assert_eq!(bench.context.records.last(rec).unwrap().unwrap().rev, 4);
}

#[test]
fn a_paused_outbox_states_nothing_and_goes_on_where_it_was() {
    let bench = Bench::new();
    let author = Author::new(&bench.context, admitted());
    bench.accept(1, "commit");
    bench.import(&[&published("A-1", "甲"), &published("A-2", "乙"), &published("A-3", "丙")]);
    bench.context.outbox.pause();
    let paused = author.state(&bench.context.outbox, 10).unwrap();
    assert_eq!((paused.taken, paused.head.seq), (0, 0));
    bench.context.outbox.resume();
    assert_eq!(author.state(&bench.context.outbox, 10).unwrap().taken, 3);
}

#[test]
fn statements_name_the_key_that_signed_them_also_after_another_one_took_its_place() {
    let bench = Bench::new();
    let author = Author::new(&bench.context, admitted());
    bench.accept(1, "commit");
    bench.import(&[&published("A-1", "甲"), &published("A-2", "乙")]);
    let state_one = || author.state(&bench.context.outbox, 1).unwrap().head.seq;
    let first = state_one();
    bench.context.signer.replace(Arc::new(signer(2)));
    let second = state_one();
    for (seq, seed) in [(first, 1), (second, 2)] {
        let stated = author.chain.statement(seq).unwrap().unwrap();
        let statement = Statement::parse(&stated.jwt).unwrap();
        statement.verify(&signer(seed).public_key()).unwrap();
        assert_eq!(statement.key_id(), Some(signer(seed).public_key().thumbprint().to_string().as_str()));
    }
}

#[test]
fn what_a_key_signed_that_was_given_up_and_nobody_took_is_signed_again_with_the_same_claims() {
    let (_, store) = memory();
    let old = author(&store);
    fill(&*store, 1..=4);
    state(&old, 10).unwrap();
    let before = old.chain.statements(1, 10).unwrap();
    let again = |until, re_enrolled| {
        let own_keys =
            KeyTerms::new(vec![KeyTerm { until, ..term(1) }, KeyTerm { from: 9, re_enrolled, ..term(2) }]);
        Author { signer: Arc::new(signer(2)), own_keys, ..old.clone() }
    };
    // A key in force signs for what it signed; a hub that is behind gets the same bytes. So does one that had it all before it rotated the
    // key: whatever it says, no number is given twice.
    for until in [None, Some(9)] {
        again(until, false).sign_again(2).unwrap();
        assert_eq!(old.chain.statements(1, 10).unwrap(), before);
    }
    let author = again(Some(9), true);
    author.sign_again(2).unwrap();
    let after = author.chain.statements(1, 10).unwrap();
    assert_eq!(after[..2], before[..2]);
    let mut prev = before[1].digest;
    for (old, new) in before[2..].iter().zip(&after[2..]) {
        let statement = Statement::parse(&new.jwt).unwrap();
        statement.verify(&signer(2).public_key()).unwrap();
        assert_eq!((statement.envelope.seq, statement.envelope.prev), (old.seq, prev));
        assert_eq!(statement.digests, Statement::parse(&old.jwt).unwrap().digests);
        assert!(new.claims == old.claims && new.digest != old.digest);
        prev = new.digest;
    }
    assert_eq!(author.head().unwrap().digest, prev);
    author.sign_again(2).unwrap();
    assert_eq!(author.chain.statements(1, 10).unwrap(), after, "once");
}
