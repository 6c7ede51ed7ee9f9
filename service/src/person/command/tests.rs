//! What is noted, and when: an act before it is done, refused attempts in few lines and without what was typed.

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::SecretString;

use super::*;
use crate::audit::{Entry, load};
use crate::clock::ManualClock;
use crate::folder;
use crate::person::{FirstCode, authorize_at, note_refusals};
use crate::random::SeededRandom;
use crate::store::{Fault, FaultyStore, MemoryStore, Store, Table};

const GOOD: &str = "correct horse battery";

struct Bench {
    persons: Persons,
    audit: AuditLog,
    store: Arc<FaultyStore<MemoryStore>>,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Bench {
    /// A hub with the administrator 王伟.
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let clock = Arc::new(ManualClock::at_ms(1_778_311_773_120));
        let audit = AuditLog::open(&path, Arc::<ManualClock>::clone(&clock) as _).unwrap();
        let store = Arc::new(FaultyStore::new(MemoryStore::new()));
        let seam: Arc<dyn Store> = Arc::<FaultyStore<MemoryStore>>::clone(&store);
        let random = Arc::new(SeededRandom::from_seed(1));
        let persons = Persons::new(seam, Table(1), folder::Role::Hub, clock, random);
        persons.add("王伟", Role::Administrator, &SecretString::from(GOOD), None).unwrap();
        Self { persons, audit, store, path, _folder: folder }
    }

    fn ask(&self, command: PersonCommand) -> Done {
        let (persons, audit) = (&self.persons, &self.audit);
        Counter { persons, audit, language: Language::En, json: false, link: "" }.carry_out(command)
    }

    fn noted(&self) -> Vec<Entry> {
        load(&self.path).unwrap()
    }
}

fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

fn by(name: &str, text: &str) -> Credentials {
    Credentials { name: name.to_owned(), password: password(text) }
}

fn add(name: &str) -> PersonCommand {
    let by = Some(by("王伟", GOOD));
    PersonCommand::Add { name: name.to_owned(), role: "reviewer".to_owned(), password: password(GOOD), by }
}

#[test]
fn whatever_is_done_to_persons_is_noted_before_it_is_done() {
    let bench = Bench::start();
    bench.ask(add("李娜")).unwrap();
    let (day, name) = ("2026-05-10".to_owned(), || "李娜".to_owned());
    let admin = || by("王伟", GOOD);
    let appoint = || PersonCommand::Appoint {
        principal: "王伟".to_owned(),
        deputy: name(),
        from: day.clone(),
        until: day.clone(),
        by: admin(),
    };
    bench.ask(appoint()).unwrap();
    let code = bench.persons.make_first_code().unwrap().unwrap();
    let first = FirstPerson { code, name: "赵敏".to_owned(), password: password(GOOD) };
    let acts = [
        ("add person", add("孙丽")),
        ("deactivate person", PersonCommand::Deactivate { name: name(), by: admin() }),
        ("set password", PersonCommand::Password { name: name(), password: password(GOOD), by: admin() }),
        ("dismiss deputy", PersonCommand::Dismiss { number: 1, by: admin() }),
        ("become second administrator", PersonCommand::First(first)),
        ("make first code", PersonCommand::FirstCode),
    ];
    for (action, act) in acts {
        let before =
            (bench.noted().len(), bench.persons.list().unwrap(), bench.persons.appointments().unwrap());
        bench.store.plan(Fault::CommitRefused);
        bench.ask(act).unwrap_err();
        assert_eq!(bench.store.planned(), 0, "{action}");
        let noted = bench.noted();
        assert_eq!((noted.len(), noted.last().unwrap().action.as_str()), (before.0 + 1, action));
        let after = (bench.persons.list().unwrap(), bench.persons.appointments().unwrap());
        assert_eq!(after, (before.1, before.2), "{action}");
    }
    bench.ask(PersonCommand::Dismiss { number: 1, by: admin() }).unwrap();
    bench.store.plan(Fault::CommitRefused);
    bench.ask(appoint()).unwrap_err();
    assert_eq!(bench.noted().last().unwrap().action, "appoint deputy");
    assert_eq!(bench.persons.appointments().unwrap(), []);
}

#[test]
fn what_cannot_be_done_is_not_noted_as_if_it_were() {
    let bench = Bench::start();
    bench.ask(add("王伟")).unwrap_err();
    bench.ask(PersonCommand::Deactivate { name: "王伟".to_owned(), by: by("王伟", GOOD) }).unwrap_err();
    assert_eq!(bench.noted(), []);
}

#[test]
fn refused_attempts_are_few_lines_without_what_was_typed_and_their_number_is_kept() {
    let bench = Bench::start();
    let page = Door::Page(Some("192.0.2.7".parse().unwrap()));
    let both = (&bench.persons, &bench.audit);
    for n in 0..100 {
        let typed = by(&format!("my secret {n}"), "x");
        authorize_at(page, both, &typed, &[Role::Administrator], "log in").unwrap_err();
        authorize_at(Door::Page(None), both, &by("王伟", "wrong"), &[Role::Administrator], "log in")
            .unwrap_err();
        let code = FirstCode::typed("AAAAAAAAAAAAAAAAAAAAAA");
        let first = FirstPerson { code, name: format!("my secret {n}"), password: password(GOOD) };
        take_first(page, both, &first).unwrap_err();
    }
    let seen = |noted: &[Entry]| -> Vec<_> {
        let each = noted.iter();
        each.map(|entry| (entry.action.clone(), entry.subject.clone(), entry.detail["again"].as_u64()))
            .collect()
    };
    let (failed, code) = ("authentication failed".to_owned(), "one-time code refused".to_owned());
    let lines = |again: Option<u64>| {
        [
            (failed.clone(), "log in: person 1".to_owned(), again),
            (failed.clone(), "log in: unknown name".to_owned(), again),
            (code.clone(), "become administrator".to_owned(), again),
        ]
    };
    let mut noted = seen(&bench.noted());
    noted.sort();
    assert_eq!(noted, lines(None));
    note_refusals(both).unwrap();
    let mut later = seen(&bench.noted()[3..]);
    later.sort();
    assert_eq!(later, lines(Some(99)));
    note_refusals(both).unwrap();
    assert_eq!(bench.noted().len(), 6, "once");
    let text = std::fs::read_to_string(&bench.path).unwrap();
    assert!(!text.contains("secret") && text.contains("192.0.2.7") && text.contains("王伟"), "{text}");
}

#[test]
fn whoever_is_let_in_finds_the_failures_before_noted() {
    let bench = Bench::start();
    for _ in 0..2 {
        bench.ask(PersonCommand::Deactivate { name: "1".to_owned(), by: by("王伟", "wrong") }).unwrap_err();
    }
    assert_eq!(bench.noted().len(), 1);
    bench.ask(add("李娜")).unwrap();
    let noted: Vec<_> = bench.noted().into_iter().map(|entry| entry.action).collect();
    assert_eq!(noted, ["authentication failed", "authentication failed", "add person"]);
}
