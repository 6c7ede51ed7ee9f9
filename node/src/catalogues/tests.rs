//! Versions are offered, compared and accepted by a named person, and nothing above a ceiling ever leaves.

use safeharbor_core::key::Signer as _;
use safeharbor_core::statement::Statement;
use safeharbor_proto::TaskMessage;
use safeharbor_rules::{Catalogue, FileSet};

use super::testing::{another, edited, hostile, hub_signer, published, published_as};
use super::*;
use crate::command::{CatalogueCommand, Command};
use crate::outbox::{Content, Pending};
use crate::own_lists::load_catalogue;
use crate::speech::{Exit, Format, Language};
use crate::testing::{APPROVER, Bench, CLERK, MARKER, Said, by};

fn ask(bench: &Bench, command: CatalogueCommand) -> Said {
    bench.ask(Command::Catalogue(command))
}

/// Puts a version there, shows its difference in Chinese, and accepts it.
fn accept(bench: &Bench, files: &FileSet) -> String {
    Shelf::of(&bench.context.layout).put(files).unwrap();
    let cat = files.digest().to_string();
    let preview = Command::Catalogue(CatalogueCommand::Preview { cat });
    let seen = bench.say(preview, Language::Zh, Format::Table);
    assert_eq!(seen.exit, Exit::Done, "{}", seen.err);
    let command =
        CatalogueCommand::Accept { seen: serde_json::from_str(&seen.out).unwrap(), by: by(APPROVER) };
    let said = ask(bench, command);
    assert_eq!(said.exit, Exit::Done, "{}", said.err);
    seen.err
}

/// The last statement of the chain, and all that was revealed with any.
fn stated(bench: &Bench) -> (String, String) {
    let chain = crate::chain::Chain::new(std::sync::Arc::clone(&bench.context.store));
    let statements = chain.statements(1, 1000).unwrap();
    let opened = |disclosure: &String| {
        String::from_utf8(safeharbor_core::b64::decode_url(disclosure).unwrap()).unwrap()
    };
    let revealed = statements.iter().flat_map(|stated| stated.submission().disclosures).map(|d| opened(&d));
    (statements.last().map(|stated| stated.jwt.clone()).unwrap_or_default(), revealed.collect())
}

#[test]
fn statements_name_the_version_that_was_accepted() {
    let bench = Bench::new();
    let files = another();
    let shown = accept(&bench, &files);
    assert!(shown.contains("notes.txt") && shown.contains("上限不变"), "{shown}");
    assert_eq!(bench.context.catalogue().digest(), files.digest());
    bench.import(&["A-1,名称,张三,初期阶段,2020-01-01,摘要"]);
    bench.accept(1, "reveal");
    assert_eq!(bench.state_all(), 1);
    let (jwt, _) = stated(&bench);
    assert_eq!(Statement::parse(&jwt).unwrap().envelope.cat, Some(files.digest()));
    assert_eq!(load_catalogue(&bench.context.layout).unwrap().digest(), files.digest(), "opened again");
    let history = ask(&bench, CatalogueCommand::History).json();
    assert_eq!(
        (history[0]["cat"].as_str(), history[0]["person"]["name"].as_str()),
        (Some(files.digest().to_string().as_str()), Some(APPROVER))
    );
}

#[test]
fn only_who_may_and_saw_it_accepts() {
    let bench = Bench::new();
    let files = another();
    Shelf::of(&bench.context.layout).put(&files).unwrap();
    let seen = SeenCatalogue { from: bench.context.catalogue().digest(), to: files.digest() };
    let refused = ask(&bench, CatalogueCommand::Accept { seen, by: by(CLERK) });
    assert_eq!(refused.exit, Exit::Refused);
    let other = SeenCatalogue { from: files.digest(), ..seen };
    let person = bench.context.persons.named(APPROVER).unwrap();
    let other = SeenCatalogue { to: other.from, from: safeharbor_core::digest::Digest::of(b"earlier") };
    assert!(matches!(bench.context.accept_catalogue(other, &person), Err(AcceptFailed::Changed)));
    let absent = SeenCatalogue { to: safeharbor_core::digest::Digest::of(b"absent"), ..seen };
    assert!(matches!(bench.context.accept_catalogue(absent, &person), Err(AcceptFailed::Unknown(_))));
    assert_ne!(bench.context.catalogue().digest(), files.digest());
    bench.context.accept_catalogue(seen, &person).unwrap();
    assert!(matches!(bench.context.accept_catalogue(seen, &person), Err(AcceptFailed::InUse(_))));
}

/// A catalogue that declares persons, prices and all else public, accepted by somebody who did not read it.
#[test]
fn a_hostile_version_that_was_accepted_reveals_nothing_above_its_ceiling() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&[&format!("A-1,名称{MARKER},张三{MARKER},初期阶段,,摘要{MARKER}")]);
    let shown = accept(&bench, &hostile());
    let first = shown.lines().find(|line| line.contains("披露更多")).unwrap();
    assert!(shown.find(first) < shown.find("仅文字").or(Some(usize::MAX)), "{shown}");
    assert!(shown.contains("“完成人”（inventors）：披露等级由“留在本单位 C3”改为“公开 C0”"), "{shown}");
    bench.import(&[&format!("A-2,名称{MARKER},李四{MARKER},初期阶段,,摘要{MARKER}")]);
    assert!(bench.state_all() >= 1);
    let (_, revealed) = stated(&bench);
    assert!(revealed.contains("\"stage\""), "something is revealed: {revealed}");
    for guarded in [MARKER, "张三", "李四", "inventors", "\"name\"", "abstract"] {
        assert!(!revealed.contains(guarded), "{guarded} in {revealed}");
    }
}

#[test]
fn a_version_without_a_kind_in_use_stops_nothing() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&["A-1,名称,张三,初期阶段,2020-01-01,摘要"]);
    assert_eq!(bench.context.outbox.len().unwrap(), 1);
    // Whatever leads to achievements goes with them.
    let mut files = edited(|property| drop(property.remove("x-link"))).files().clone();
    files.remove("kinds/ACH.json");
    let shown = accept(&bench, &FileSet::try_from(files).unwrap());
    assert!(shown.contains("1 条记录所属的类别不复存在"), "{shown}");
    assert_eq!(bench.state_all(), 0, "nothing of it leaves");
    assert_eq!(bench.ask(Command::Status).exit, Exit::Done);
    assert_eq!(bench.context.outbox.len().unwrap(), 0);
    accept(&bench, Catalogue::embedded().unwrap().file_set());
    assert_eq!(bench.state_all(), 1, "it is stated once the kind is back");
}

#[test]
fn values_whose_field_disappears_are_counted_in_the_difference() {
    let bench = Bench::new();
    bench.import(&["A-1,名称,张三,初期阶段,2020-01-01,摘要"]);
    let mut files = Catalogue::embedded().unwrap().files().clone();
    let mut kind: serde_json::Value = serde_json::from_slice(&files["kinds/ACH.json"]).unwrap();
    kind["properties"].as_object_mut().unwrap().remove("stage");
    files.insert("kinds/ACH.json".to_owned(), serde_json::to_vec(&kind).unwrap());
    let shown = accept(&bench, &FileSet::try_from(files).unwrap());
    assert!(shown.contains("1 条记录的“成果所处阶段”（stage）不再有对应字段"), "{shown}");
}

#[test]
fn status_says_that_a_version_is_offered() {
    let bench = Bench::new();
    let files = another();
    let quiet = bench.say(Command::Status, Language::En, Format::Table);
    assert!(!quiet.out.contains("catalogue"), "{}", quiet.out);
    let offer = Offer::read(7, &published(files.digest(), &[1, 2]), &[hub_signer().public_key()]).unwrap();
    offer.keep(&*bench.context.store).unwrap();
    let said = bench.say(Command::Status, Language::En, Format::Table);
    assert!(said.out.contains("a new catalogue version is offered"), "{}", said.out);
    Shelf::of(&bench.context.layout).put(&files).unwrap();
    let diff = ask(&bench, CatalogueCommand::Diff { cat: None }).json();
    assert_eq!(diff["changes"][0]["severity"], "computes-differently");
    accept(&bench, &files);
    let said = bench.say(Command::Status, Language::En, Format::Table);
    assert!(!said.out.contains("catalogue"), "{}", said.out);
}

#[test]
fn an_offer_takes_two_persons_and_the_hubs_own_key() {
    let cat = another().digest();
    let (ours, foreign) = (hub_signer().public_key(), crate::chain::testing::signer(9).public_key());
    let read = |persons: &[u32], pinned: &[_]| Offer::read(7, &published(cat, persons), pinned);
    assert!(read(&[1, 2], &[foreign, ours]).unwrap().verified);
    assert!(!read(&[1, 2], &[foreign]).unwrap().verified, "its key is not at hand");
    assert_eq!(read(&[1], &[ours]), Err(OfferRefused::TooFew(1)));
    assert_eq!(read(&[], &[ours]), Err(OfferRefused::TooFew(0)), "nobody decided");
    let first = |persons: &[u32]| Offer::read(1, &published_as(2, cat, persons), &[ours]);
    assert_eq!(first(&[]).unwrap().decided_by, 0, "the version that the registry began with");
    assert_eq!(first(&[1]), Err(OfferRefused::TooFew(1)));
    let forged = published(cat, &[1, 2]);
    let (signed, signature) = forged.rsplit_once('.').unwrap();
    let flipped: String = signature.chars().map(|c| if c == 'A' { 'B' } else { 'A' }).collect();
    let forged = Offer::read(7, &format!("{signed}.{flipped}"), &[ours]);
    assert!(matches!(forged, Err(OfferRefused::Signature | OfferRefused::Statement)), "{forged:?}");
}

/// The hub says that it does not know the version that a statement names.
fn refuse_as_unknown(bench: &Bench, seq: u64) {
    let payload = serde_json::json!({"seq": seq, "code": "catalogue-unknown", "text": "never published"});
    let (id, kind) = (format!("refused-{seq}"), "content-refused".to_owned());
    let task = TaskMessage { id, kind, due_ms: None, payload: payload.to_string().into_bytes() };
    crate::sync::keep_task(&*bench.context.store, &task, 5).unwrap().unwrap();
}

fn waiting(bench: &Bench) -> Vec<(u32, Vec<String>)> {
    let of = |pending: Pending| match pending.content {
        Content::Disclosure { rev, revealed, .. } => (rev, revealed.into_iter().collect()),
        Content::Withdrawal { rev, .. } => (rev, vec!["withdrawn".to_owned()]),
    };
    bench.context.outbox.pending(100).unwrap().into_iter().map(of).collect()
}

fn offered(bench: &Bench, cat: safeharbor_core::digest::Digest) {
    let offer = Offer::read(7, &published(cat, &[1, 2]), &[hub_signer().public_key()]).unwrap();
    offer.keep(&*bench.context.store).unwrap();
}

#[test]
fn what_was_refused_under_an_unknown_version_is_stated_again_once_the_hubs_version_is_accepted() {
    let bench = Bench::new();
    let files = another();
    bench.accept(1, "commit");
    let row = |number: &str| format!("{number},名称,张三,初期阶段,2020-01-01,摘要");
    bench.import(&[&row("A-1"), &row("A-2"), &row("A-3"), &row("A-4")]);
    let said = bench.approve("ACH:A-1", &["stage"], by(APPROVER));
    assert_eq!(said.exit, Exit::Done, "{}", said.err);
    assert_eq!(bench.state_all(), 4);
    (1..=4).for_each(|seq| refuse_as_unknown(&bench, seq));
    // A-2 says something else by now, A-3 is erased; both say nothing of what was refused.
    bench.import(&[&row("A-2").replace("摘要", "另一摘要")]);
    crate::erasure::erase(&bench.context, bench.rec("A-3"), &bench.context.persons.named(APPROVER).unwrap())
        .unwrap();
    bench.state_all();
    assert_eq!(waiting(&bench), []);

    offered(&bench, files.digest());
    accept(&bench, &files);
    let mut again = waiting(&bench);
    again.sort();
    assert_eq!(again, [(2, vec![]), (2, vec!["stage".to_owned()])], "with what was revealed, and no more");
    let state = crate::sync::state(&bench.context).unwrap();
    assert_eq!(state.content_refused, [], "nothing is left to be corrected");
    assert_eq!(bench.state_all(), 2);
    let (jwt, _) = stated(&bench);
    assert_eq!(Statement::parse(&jwt).unwrap().envelope.cat, Some(files.digest()));
    let held = bench.context.outbox.hold();
    let again = restate_refused(&bench.context, Occasion::Published(files.digest())).unwrap();
    drop(held);
    assert_eq!((again, waiting(&bench)), (0, vec![]), "once");
}

#[test]
fn what_was_refused_before_its_version_was_published_is_stated_again_once_it_is() {
    let bench = Bench::new();
    bench.accept(1, "reveal");
    bench.import(&["A-1,名称,张三,初期阶段,2020-01-01,摘要"]);
    bench.state_all();
    refuse_as_unknown(&bench, 1);
    let in_use = bench.context.catalogue().digest();
    let restate = |occasion| {
        let _held = bench.context.outbox.hold();
        restate_refused(&bench.context, occasion).unwrap()
    };
    assert_eq!(restate(Occasion::Published(another().digest())), 0, "another version");
    offered(&bench, in_use);
    assert_eq!(restate(Occasion::ChangedHere), 0, "nothing changed: it would be refused again, for ever");
    assert_eq!(restate(Occasion::Published(in_use)), 1);
    assert_eq!(restate(Occasion::Published(in_use)), 0, "once");
    let waits = waiting(&bench);
    assert!(waits.len() == 1 && waits[0].0 == 2 && waits[0].1.len() == 5, "{waits:?}");
}
