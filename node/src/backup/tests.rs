//! Backups of a node with records: what is in them, while others write, and what a restored node is.

use std::io;

use safeharbor_service::audit;
use safeharbor_service::backup::{
    self, BackupKey, Item, Made, Manifest, ReadFailed, RestoreFailed, make, verify,
};
use safeharbor_service::key_file::{self, KeyUse};
use safeharbor_service::random::SeededRandom;
use safeharbor_service::store::{Scan, Table};

use super::*;
use crate::command::{BackupCommand, Command};
use crate::opening::{Owner, Seams, open};
use crate::speech::{Exit, Format, Language};
use crate::tables::{ALL, KEYS, META, REVISIONS, SYNC};
use crate::testing::{Bench, by, published};

/// A node as `open` takes it, with everything that a backup may hold and more.
fn bench() -> Bench {
    prepared(Bench::new())
}

fn prepared(bench: Bench) -> Bench {
    let layout = &bench.context.layout;
    std::fs::create_dir_all(layout.keys()).unwrap();
    let random = SeededRandom::from_seed(1);
    key_file::create(&layout.statement_key(), KeyUse::Statement, &random).unwrap();
    key_file::create(&layout.witness_key(), KeyUse::Witness, &random).unwrap();
    let owner = Owner { institution: bench.context.institution, name: bench.context.name.clone() };
    std::fs::write(layout.institution(), serde_json::to_vec(&owner).unwrap()).unwrap();
    for (name, text) in [
        ("settings.toml", "[backup]\nkeep = 3\n"),
        ("codes/.draft", ""),
        ("catalogue/version.json", "{}"),
        ("trust/membership.json", "{}"),
        ("jobs/00000001/log.txt", "done"),
        ("jobs/00000001/input/rows.jsonl", "a spool"),
        ("outside.txt", "not the node's"),
    ] {
        std::fs::create_dir_all(bench.path(name).parent().unwrap()).unwrap();
        std::fs::write(bench.path(name), text).unwrap();
    }
    bench.context.evidence.put(&b"a contract"[..]).unwrap();
    bench.import(&[&published("A-1", "甲"), &published("A-2", "乙")]);
    bench
}

fn make_of(bench: &Bench) -> Made {
    make(&bench.context, &settings(&bench.context.layout).unwrap(), &*bench.clock).unwrap()
}

fn key_of(bench: &Bench) -> BackupKey {
    BackupKey::load(&BackupKey::path(bench.folder.path())).unwrap()
}

fn seams(bench: &Bench) -> Seams {
    let clock: Arc<dyn safeharbor_service::clock::Clock> =
        Arc::<safeharbor_service::clock::ManualClock>::clone(&bench.clock);
    Seams { clock, random: Arc::new(SeededRandom::from_seed(2)) }
}

/// Every file of a backup with its content.
fn members(bench: &Bench, made: &Made) -> (Manifest, Vec<(String, Vec<u8>)>) {
    let mut members = Vec::new();
    let mut take = |item: &Item, content: &mut dyn io::Read| {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).map_err(ReadFailed::Io)?;
        members.push((item.name.clone(), bytes));
        Ok(())
    };
    let input = std::fs::File::open(&made.path).unwrap();
    let manifest = backup::read(input, &key_of(bench), &CONTENT, &mut take).unwrap();
    (manifest, members)
}

fn put_checkpoint(bench: &Bench) {
    let mut batch = safeharbor_service::store::Batch::new();
    batch.put(SYNC, *b"checkpoint", *b"what a witness stands on");
    bench.commit(batch);
}

#[test]
fn a_backup_holds_the_node_and_neither_witness_nor_spools() {
    let bench = bench();
    put_checkpoint(&bench);
    let made = make_of(&bench);
    let (manifest, members) = members(&bench, &made);
    let names: Vec<&str> =
        members.iter().map(|(name, _)| name.as_str()).filter(|name| !name.starts_with("evidence/")).collect();
    let expected = [
        "store.rows",
        "audit.log",
        "catalogue/version.json",
        "codes/.draft",
        "institution.json",
        "jobs/00000001/log.txt",
        "keys/backup-identity",
        "keys/statement.key",
        "settings.toml",
        "trust/membership.json",
    ];
    assert_eq!(names, expected);
    assert!(members.iter().any(|(name, bytes)| name.starts_with("evidence/") && bytes == b"a contract"));
    assert_eq!(manifest.counts.get("records"), Some(&2));
    let secret = std::fs::read_to_string(bench.context.layout.witness_key()).unwrap();
    let secret = secret.lines().last().unwrap().as_bytes().to_vec();
    for (name, bytes) in &members {
        for never in [secret.as_slice(), b"what a witness stands on"] {
            assert!(!bytes.windows(never.len()).any(|window| window == never), "{name}");
        }
    }
}

#[test]
fn a_restored_node_opens_with_the_same_rows_and_a_witness_of_its_own() {
    let bench = bench();
    put_checkpoint(&bench);
    let made = make_of(&bench);
    let place = tempfile::tempdir().unwrap();
    let layout = Layout::at(&place.path().join("data"));
    bench.clock.advance_ms(1000);
    restore(&made.path, &key_of(&bench), &layout, &seams(&bench)).unwrap();
    let old = key_file::load(&bench.context.layout.witness_key(), KeyUse::Witness).unwrap();
    let new = key_file::load(&layout.witness_key(), KeyUse::Witness).unwrap();
    use safeharbor_core::key::Signer as _;
    assert_ne!(old.public_key(), new.public_key());
    let node = open(&layout, &Settings::load(&layout, &[]).unwrap(), &seams(&bench)).unwrap();
    for table in ALL.into_iter().filter(|table| ![META, SYNC].contains(table)) {
        let rows = |store: &dyn Store| store.scan(&Scan::all(table)).unwrap();
        assert_eq!(rows(&*node.context.store), rows(&*bench.context.store), "{table:?}");
    }
    let mark = RestoredMark::load(&*node.context.store).unwrap().unwrap();
    assert_eq!(mark.made_at, "2026-03-01T12:00:00.000Z");
    assert_eq!(mark.restored_ms, crate::testing::NOON_MS + 1000);
    let last = audit::load(&layout.audit_log()).unwrap().pop().unwrap();
    assert_eq!((last.action.as_str(), last.person), ("restore", None));
    let warnings = state(&layout).unwrap().warnings(crate::testing::NOON_MS);
    assert!(!warnings.contains(&backup::Warning::KeyNotSaved), "the key came from elsewhere");
    let refused = restore(&made.path, &key_of(&bench), &layout, &seams(&bench));
    assert!(matches!(refused, Err(RestoreFailed::NotEmpty { .. })));
}

/// A record is committed with its revision: a copy never has one without the other.
#[test]
fn a_backup_made_while_records_come_is_of_one_moment() {
    let bench = prepared(Bench::on_sled());
    let made = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 0..12 {
                let rows: Vec<String> =
                    (0..50).map(|row| published(&format!("B-{round}-{row}"), "丙")).collect();
                bench.import(&rows.iter().map(String::as_str).collect::<Vec<_>>());
            }
        });
        let mut made = Vec::new();
        while !writer.is_finished() {
            made.push(make_of(&bench));
            bench.clock.advance_ms(1000);
        }
        made
    });
    let last = made.last().unwrap();
    let place = tempfile::tempdir().unwrap();
    let layout = Layout::at(&place.path().join("data"));
    restore(&last.path, &key_of(&bench), &layout, &seams(&bench)).unwrap();
    let node = open(&layout, &Settings::load(&layout, &[]).unwrap(), &seams(&bench)).unwrap();
    let count = |table: Table| node.context.store.scan(&Scan::all(table)).unwrap().len();
    assert_eq!(count(KEYS), count(REVISIONS));
    assert!(count(KEYS) >= 2);
}

#[test]
fn the_key_is_saved_by_an_administrator_and_that_is_in_the_audit_log() {
    let bench = bench();
    let administrator = safeharbor_service::person::Role::Administrator;
    bench.context.persons.add("赵敏", administrator, &crate::testing::PASSWORD.into(), None).unwrap();
    let file = bench.path("saved-elsewhere");
    let save =
        |name: &str| bench.ask(Command::Backup(BackupCommand::SaveKey { file: file.clone(), by: by(name) }));
    assert_eq!(save(crate::testing::APPROVER).exit, Exit::Refused);
    assert!(!file.exists());
    assert_eq!(save("赵敏").exit, Exit::Done);
    assert_eq!(save("赵敏").exit, Exit::Refused, "no file is replaced");
    let now = bench.ask(Command::Backup(BackupCommand::Now));
    assert_eq!(now.exit, Exit::Done, "{}", now.err);
    let key = BackupKey::load(&file).unwrap();
    let made = now.json()["path"].as_str().unwrap().to_owned();
    verify(Path::new(&made), &key, &CONTENT).unwrap();
    let log = std::fs::read_to_string(bench.context.layout.audit_log()).unwrap();
    assert!(
        log.contains("save the backup key")
            && log.contains(&key.recipient())
            && !log.contains("AGE-SECRET-KEY")
    );
    assert!(state(&bench.context.layout).unwrap().key_saved_ms.is_some());
    let status = bench.say(Command::Status, Language::Zh, Format::Table);
    assert!(status.out.contains("最近备份"), "{}", status.out);
    assert_eq!(bench.ask(Command::Checkpoint).exit, Exit::Refused, "none was verified yet");
}

#[test]
fn a_policy_that_came_with_a_backup_lets_nothing_leave_until_a_person_accepts_it_again() {
    let bench = bench();
    let text = "version = 2\n[kinds]\nACH = \"reveal\"\n";
    let approver = bench.context.persons.named(crate::testing::APPROVER).unwrap();
    bench.context.accept_policy(text, &approver).unwrap();
    assert_eq!(bench.context.outbox.pending(10).unwrap().len(), 2);
    let made = make_of(&bench);
    let place = tempfile::tempdir().unwrap();
    let layout = Layout::at(&place.path().join("data"));
    restore(&made.path, &key_of(&bench), &layout, &seams(&bench)).unwrap();
    let node = open(&layout, &Settings::load(&layout, &[]).unwrap(), &seams(&bench)).unwrap();
    let context = &*node.context;
    assert!(context.policy().unwrap().is_none(), "a stricter one may have been accepted since");
    assert_eq!(context.awaited_policy().unwrap().map(|awaited| awaited.version), Some(2));
    let author = crate::chain::Author::new(context, safeharbor_core::digest::Digest::of(b"admission"));
    assert_eq!(author.state(&context.outbox, 10).unwrap().taken, 0);
    assert!(context.evidence.holds(safeharbor_core::digest::Digest::of(text.as_bytes())));
    let findings = crate::doctor::examine_books(context, false);
    let finding =
        serde_json::to_value(findings.iter().find(|finding| finding.id == "policy").unwrap()).unwrap();
    assert_eq!(finding["state"], "warning", "{finding}");
    assert!(context.accept_policy("version = 1\n[kinds]\n", &approver).is_err(), "an earlier one is none");

    let changes = context.accept_policy(text, &approver).unwrap();
    assert_eq!(
        changes.values().map(|change| change.to_send).sum::<u64>(),
        2,
        "both, as if it were the first"
    );
    assert_eq!(author.state(&context.outbox, 10).unwrap().taken, 2);
    assert!(context.policy().unwrap().is_some() && context.awaited_policy().unwrap().is_none());
}
