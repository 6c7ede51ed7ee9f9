//! Backups of a small server of its own: made, opened with other programs, damaged, restored.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;

use super::container::ContainerWriter;
use super::*;
use crate::audit::AuditFailed;
use crate::clock::ManualClock;
use crate::folder::Role;
use crate::key_file::{self, KeyUse};
use crate::store::{Batch, MemoryStore, Scan, SledSettings, SledStore, Store, Table};

const CONTENT: Content = Content {
    role: Role::Node,
    store: "store",
    files: &["audit.log", "settings.toml"],
    trees: &["keys", "evidence"],
    leaves_out: |name| name.starts_with("keys/witness"),
};
const DAY_MS: u64 = 86_400_000;
const LEFT_OUT: Table = Table(12);

/// A server with a data folder and a store in memory.
struct Server {
    folder: tempfile::TempDir,
    store: MemoryStore,
    clock: ManualClock,
    settings: Settings,
    limits: BTreeMap<String, u64>,
    /// Told to end once it has said how far its files go.
    ends: bool,
    is_ending: AtomicBool,
    noted: std::sync::Mutex<Vec<PathBuf>>,
}

impl Server {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Self {
            store: MemoryStore::new(),
            clock: ManualClock::at_ms(1_772_366_400_000),
            settings: Settings::default(),
            limits: BTreeMap::new(),
            ends: false,
            is_ending: AtomicBool::new(false),
            noted: std::sync::Mutex::default(),
            folder,
        };
        for (name, text) in [
            ("audit.log", "one\ntwo\nhalf a li"),
            ("keys/statement.key", "secret"),
            ("keys/witness.key", "witness secret"),
            ("evidence/ab/abcd", "a contract"),
            ("store/db", "never copied as it is"),
        ] {
            let path = server.path(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let mut batch = Batch::new();
        batch.put(Table(3), *b"record", *b"value");
        batch.put(LEFT_OUT, *b"checkpoint", *b"witness state");
        server.store.commit(batch).unwrap();
        server
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn make(&self) -> Result<Made, MakeFailed> {
        self.clock.advance_ms(DAY_MS);
        make(self, &self.settings, &self.clock)
    }

    fn key(&self) -> BackupKey {
        BackupKey::load_or_create(self.folder.path()).unwrap()
    }
}

impl Subject for Server {
    fn data(&self) -> &Path {
        self.folder.path()
    }

    fn content(&self) -> &'static Content {
        &CONTENT
    }

    fn program(&self) -> String {
        "test 1".to_owned()
    }

    fn owner(&self) -> String {
        "hub.example:8443/../x".to_owned()
    }

    fn store(&self) -> &dyn Store {
        &self.store
    }

    fn leaves_out(&self, table: Table, _: &[u8]) -> bool {
        table == LEFT_OUT
    }

    fn note_made(&self, made: &Made) -> Result<(), AuditFailed> {
        self.noted.lock().unwrap().push(made.path.clone());
        Ok(())
    }

    fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::SeqCst)
    }

    fn bounds(&self) -> Result<Bounds, Box<dyn Error + Send + Sync>> {
        self.is_ending.store(self.ends, Ordering::SeqCst);
        Ok(Bounds { limits: self.limits.clone(), counts: BTreeMap::from([("records".to_owned(), 1)]) })
    }
}

#[test]
fn a_witness_key_is_left_out_whatever_it_is_called() {
    let server = Server::new();
    let random = crate::random::SeededRandom::from_seed(1);
    for (name, key_use) in [("cosigning.key", KeyUse::Witness), ("presentation.key", KeyUse::Presentation)] {
        key_file::create(&server.path("keys").join(name), key_use, &random).unwrap();
    }
    let manifest = verify(&server.make().unwrap().path, &server.key(), &CONTENT).unwrap();
    let keys: Vec<&str> = names(&manifest).into_iter().filter(|name| name.starts_with("keys/")).collect();
    assert_eq!(keys, ["keys/backup-identity", "keys/presentation.key", "keys/statement.key"]);
}

#[test]
fn a_server_that_is_told_to_end_breaks_its_backup_off() {
    let mut server = Server::new();
    server.ends = true;
    assert!(matches!(server.make(), Err(MakeFailed::Ending)));
    assert_eq!(std::fs::read_dir(server.path("backups")).unwrap().count(), 0);
    assert_eq!(Book::load(server.folder.path()).unwrap(), Book::default(), "that is no failure");
}

fn names(manifest: &Manifest) -> Vec<&str> {
    manifest.files.iter().map(|item| item.name.as_str()).collect()
}

fn open_store(data: &Path) -> SledStore {
    SledStore::open(&data.join("store"), SledSettings { reserve_bytes: 0, ..SledSettings::default() })
        .unwrap()
}

fn restore_into(made: &Made, key: &BackupKey, data: &Path) -> Result<Restored, RestoreFailed> {
    restore(&made.path, key, &CONTENT, (data, &ManualClock::at_ms(0)), Box::new(|_, _, _| Ok(())))
}

#[test]
fn a_backup_holds_what_it_should_and_restores_to_the_same() {
    let mut server = Server::new();
    server.limits.insert("audit.log".to_owned(), 8);
    let made = server.make().unwrap();
    assert_eq!(*server.noted.lock().unwrap(), std::slice::from_ref(&made.path));
    assert_eq!(made.path.file_name().unwrap(), "node-hub.example_8443_.._x-20260302T120000.000Z.tar.gz.age");
    let manifest = verify(&made.path, &server.key(), &CONTENT).unwrap();
    let expected =
        ["store.rows", "audit.log", "evidence/ab/abcd", "keys/backup-identity", "keys/statement.key"];
    assert_eq!(names(&manifest), expected);
    assert_eq!(manifest.counts, BTreeMap::from([("records".to_owned(), 1), ("rows".to_owned(), 1)]));

    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let mut told = None;
    let finish = |folder: &Path, manifest: &Manifest, store: &dyn Store| {
        told = Some((folder.join("audit.log").exists(), manifest.owner.clone()));
        let mut batch = Batch::new();
        batch.put(Table(1), *b"restored", *b"yes");
        Ok(store.commit(batch)?)
    };
    restore(&made.path, &server.key(), &CONTENT, (&data, &server.clock), Box::new(finish)).unwrap();
    assert_eq!(told.unwrap(), (true, "hub.example:8443/../x".to_owned()));
    assert_eq!(std::fs::read_to_string(data.join("audit.log")).unwrap(), "one\ntwo\n");
    assert_eq!(std::fs::read_to_string(data.join("evidence/ab/abcd")).unwrap(), "a contract");
    assert_eq!(std::fs::read_to_string(data.join("keys/statement.key")).unwrap(), "secret");
    assert!(!data.join("keys/witness.key").exists() && !data.join("store.rows").exists());
    let store = open_store(&data);
    assert_eq!(store.get(Table(3), b"record").unwrap().as_deref(), Some(&b"value"[..]));
    assert_eq!(store.get(Table(1), b"restored").unwrap().as_deref(), Some(&b"yes"[..]));
    assert!(store.scan(&Scan::all(LEFT_OUT)).unwrap().is_empty());
    drop(crate::folder::DataFolder::open(&data, Role::Node).unwrap());
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn other_programs_open_a_backup() {
    let server = Server::new();
    let made = server.make().unwrap();
    let key = BackupKey::path(server.folder.path());
    let age = std::process::Command::new("age").arg("-d").arg("-i").arg(&key).arg(&made.path).output();
    let Ok(opened) = age else {
        println!("skipped: there is no program `age` here");
        return;
    };
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    let mut tar = std::process::Command::new("tar")
        .arg("tzf")
        .arg("-")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    tar.stdin.take().unwrap().write_all(&opened.stdout).unwrap();
    let listed = tar.wait_with_output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let expected =
        "manifest.json\nstore.rows\naudit.log\nevidence/ab/abcd\nkeys/backup-identity\nkeys/statement.key\n";
    assert_eq!(listed, expected);
}

#[test]
fn any_flipped_bit_and_any_cut_is_refused() {
    let server = Server::new();
    let made = server.make().unwrap();
    let (key, whole) = (server.key(), std::fs::read(&made.path).unwrap());
    let check = |bytes: &[u8], what: &str| {
        assert!(read(bytes, &key, &CONTENT, &mut |_, _| Ok(())).is_err(), "{what}");
    };
    read(whole.as_slice(), &key, &CONTENT, &mut |_, _| Ok(())).unwrap();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        check(&changed, &format!("bit of byte {at}"));
    }
    for length in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
        check(&whole[..length], &format!("cut at {length}"));
    }
    check(&[whole.as_slice(), b"x"].concat(), "something behind it");
}

#[test]
fn another_key_and_another_server_are_told_apart() {
    let (server, other) = (Server::new(), Server::new());
    let made = server.make().unwrap();
    assert!(matches!(verify(&made.path, &other.key(), &CONTENT), Err(ReadFailed::Decrypt(_))));
    let hub = Content { role: Role::Hub, ..CONTENT };
    let refused = verify(&made.path, &server.key(), &hub);
    assert!(matches!(refused, Err(ReadFailed::OtherRole { found: Role::Node, wanted: Role::Hub })));
    let refused = verify(&server.path("audit.log"), &server.key(), &CONTENT);
    assert!(matches!(refused, Err(ReadFailed::NotEncrypted)));
}

/// A container whose manifest is given, encrypted to the server's key as anybody can who knows its public half.
fn forged(server: &Server, manifest: &Manifest, members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ContainerWriter::begin(Vec::new(), &server.key(), manifest).unwrap();
    for (name, bytes) in members {
        let sha256 = hashing::to_hex(&safeharbor_core::digest::Digest::of(bytes));
        writer.add(&Item { name: (*name).to_owned(), bytes: bytes.len() as u64, sha256 }, *bytes).unwrap();
    }
    writer.finish().unwrap()
}

fn described(names: &[(&str, &[u8])]) -> Manifest {
    let item = |(name, bytes): &(&str, &[u8])| Item {
        name: (*name).to_owned(),
        bytes: bytes.len() as u64,
        sha256: hashing::to_hex(&safeharbor_core::digest::Digest::of(bytes)),
    };
    Manifest {
        format: 1,
        role: Role::Node,
        folder_format: 1,
        program: String::new(),
        owner: String::new(),
        created_at: String::new(),
        counts: BTreeMap::new(),
        files: names.iter().map(item).collect(),
    }
}

#[test]
fn a_forged_backup_brings_nothing_into_another_place() {
    let server = Server::new();
    let check = |named: &[(&str, &[u8])], members: &[(&str, &[u8])], good: bool| {
        let bytes = forged(&server, &described(named), members);
        let found = read(bytes.as_slice(), &server.key(), &CONTENT, &mut |_, _| Ok(()));
        assert_eq!(found.is_ok(), good, "{named:?} {found:?}");
    };
    check(&[("audit.log", b"x")], &[("audit.log", b"x")], true);
    check(&[("../audit.log", b"x")], &[("audit.log", b"x")], false);
    check(&[("keys/../../x", b"x")], &[("keys/x", b"x")], false);
    check(&[("keys/witness.key", b"x")], &[("keys/witness.key", b"x")], false);
    check(&[("audit.log", b"x"), ("audit.log", b"x")], &[("audit.log", b"x"), ("audit.log", b"x")], false);
    check(&[("audit.log", b"x")], &[("settings.toml", b"x")], false);
    check(&[("audit.log", b"x")], &[("audit.log", b"y")], false);
    check(&[("audit.log", b"x")], &[("audit.log", b"xx")], false);
    check(&[("audit.log", b"x")], &[], false);
    check(&[("audit.log", b"x")], &[("audit.log", b"x"), ("settings.toml", b"x")], false);
}

/// Whoever knows the public half can put something behind the compressed archive.
#[test]
fn nothing_may_follow_the_archive() {
    let server = Server::new();
    let key = server.key();
    let whole = forged(&server, &described(&[("audit.log", b"x")]), &[("audit.log", b"x")]);
    let archive = age::decrypt(key.identity(), &whole).unwrap();
    for behind in [&b"x"[..], &[0; 300_000], &archive] {
        let longer = age::encrypt(&key.public(), &[archive.as_slice(), behind].concat()).unwrap();
        let refused = read(longer.as_slice(), &key, &CONTENT, &mut |_, _| Ok(()));
        assert!(matches!(refused, Err(ReadFailed::Member { .. })), "{refused:?}");
    }
}

/// A link where a file should be.
#[test]
fn a_link_in_a_backup_is_refused() {
    let server = Server::new();
    let (key, manifest) = (server.key(), described(&[("audit.log", b"")]));
    let recipient = key.public();
    let encryptor =
        age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient)).unwrap();
    let gzip = flate2::write::GzEncoder::new(
        encryptor.wrap_output(Vec::new()).unwrap(),
        flate2::Compression::new(1),
    );
    let mut archive = tar::Builder::new(gzip);
    let bytes = serde_json::to_vec(&manifest).unwrap();
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    archive.append_data(&mut header, MANIFEST, bytes.as_slice()).unwrap();
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    archive.append_link(&mut header, "audit.log", "/etc/passwd").unwrap();
    let bytes = archive.into_inner().unwrap().finish().unwrap().finish().unwrap();
    let refused = read(bytes.as_slice(), &key, &CONTENT, &mut |_, _| Ok(())).unwrap_err();
    assert!(matches!(refused, ReadFailed::Member { reason: "it is no plain file", .. }), "{refused}");
}

#[test]
fn nothing_is_restored_over_anything_or_by_halves() {
    let server = Server::new();
    let made = server.make().unwrap();
    let place = tempfile::tempdir().unwrap();
    let (used, data) = (place.path().join("used"), place.path().join("data"));
    std::fs::create_dir(&used).unwrap();
    std::fs::write(used.join("settings.toml"), "").unwrap();
    assert!(matches!(restore_into(&made, &server.key(), &used), Err(RestoreFailed::NotEmpty { .. })));

    // The last bytes are damaged: everything before them was taken out already.
    // A mount point cannot be replaced; there is one on every Linux.
    if Path::new("/dev/shm").is_dir() && std::fs::read_dir("/dev/shm").unwrap().next().is_none() {
        let refused = restore_into(&made, &server.key(), Path::new("/dev/shm"));
        assert!(matches!(refused, Err(RestoreFailed::MountPoint { .. })));
    }
    let mut bytes = std::fs::read(&made.path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let damaged = Made { path: place.path().join("damaged"), ..made.clone() };
    std::fs::write(&damaged.path, bytes).unwrap();
    assert!(matches!(restore_into(&damaged, &server.key(), &data), Err(RestoreFailed::Read(_))));
    assert!(!data.exists());
    let refuse: Box<Finish<'_>> = Box::new(|_, _, _| Err("no".into()));
    let refused = restore(&made.path, &server.key(), &CONTENT, (&data, &server.clock), refuse);
    assert!(matches!(refused, Err(RestoreFailed::Finish(_))) && !data.exists());

    // What a killed attempt left aside does not stand in the way, and an empty folder is taken.
    let aside = place.path().join(".data.restoring");
    std::fs::create_dir_all(aside.join("keys")).unwrap();
    std::fs::write(aside.join("keys/statement.key"), "half").unwrap();
    std::fs::create_dir(&data).unwrap();
    restore_into(&made, &server.key(), &data).unwrap();
    assert_eq!(std::fs::read_to_string(data.join("keys/statement.key")).unwrap(), "secret");
    assert!(!aside.exists());
}

#[test]
fn what_a_killed_attempt_left_goes_with_the_next_backup() {
    let server = Server::new();
    let folder = server.path("backups");
    std::fs::create_dir(&folder).unwrap();
    let left = folder.join("node-hub.example_8443_.._x-20260301T120000.000Z.tar.gz.age.unfinished");
    let of_another = folder.join("node-another-20260301T120000.000Z.tar.gz.age.unfinished");
    std::fs::write(&left, "half").unwrap();
    std::fs::write(&of_another, "half").unwrap();
    server.make().unwrap();
    assert!(!left.exists() && of_another.exists());
    let hidden = std::fs::read_dir(server.folder.path()).unwrap();
    assert!(
        hidden
            .map(|entry| entry.unwrap().file_name())
            .all(|name| !name.to_string_lossy().starts_with(".tmp"))
    );
}

#[test]
fn only_what_this_program_made_and_nobody_changed_is_deleted() {
    let mut server = Server::new();
    server.settings.keep = 2;
    let made: Vec<Made> = (0..2).map(|_| server.make().unwrap()).collect();
    let foreign = server.path("backups/node-hub.example_8443_.._x-20200101T000000.000Z.tar.gz.age");
    std::fs::write(&foreign, "put here by somebody").unwrap();
    std::fs::write(&made[0].path, "changed").unwrap();
    server.make().unwrap();
    assert!(made[0].path.exists(), "a changed one is left alone");
    let later: Vec<Made> = (0..2).map(|_| server.make().unwrap()).collect();
    assert!(foreign.exists() && !made[1].path.exists() && later.iter().all(|made| made.path.exists()));
    assert_eq!(Book::load(server.folder.path()).unwrap().made.len(), 2);
}

#[test]
fn the_state_says_what_to_put_right() {
    let mut server = Server::new();
    let state_of = |server: &Server| state(server.folder.path(), &server.settings).unwrap();
    let warnings = |server: &Server, days: u64| {
        state_of(server).warnings(crate::clock::Clock::now_ms(&server.clock) + days * DAY_MS)
    };
    assert_eq!(warnings(&server, 0), [Warning::NeverMade, Warning::KeyNotSaved, Warning::SameFileSystem]);
    let made = server.make().unwrap();
    assert_eq!(state_of(&server).last_good_ms, Some(made.at_ms));
    assert_eq!(warnings(&server, 7), [Warning::KeyNotSaved, Warning::SameFileSystem]);
    assert_eq!(warnings(&server, 8), [Warning::Old, Warning::KeyNotSaved, Warning::SameFileSystem]);
    let saved = Saved { at_ms: made.at_ms, recipient: server.key().recipient() };
    Book::note_saved(server.folder.path(), saved).unwrap();
    assert_eq!(warnings(&server, 1), [Warning::SameFileSystem]);
    // A backup that cannot be made is noted, and the last good one stays known.
    server.settings.folder = server.path("audit.log");
    assert!(server.make().is_err());
    let failing = state_of(&server);
    assert_eq!(failing.last_good_ms, Some(made.at_ms));
    assert_eq!(warnings(&server, 1), [Warning::Failing, Warning::SameFileSystem]);
    // A key that replaced the saved one is not saved.
    std::fs::remove_file(BackupKey::path(server.folder.path())).unwrap();
    server.key();
    assert!(warnings(&server, 1).contains(&Warning::KeyNotSaved));
}

/// As many equal bytes as are asked for, and none of them in memory.
struct Endless(u64);

impl io::Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let take = usize::try_from(self.0).unwrap_or(usize::MAX).min(buffer.len());
        buffer[..take].fill(7);
        self.0 -= take as u64;
        Ok(take)
    }
}

#[test]
fn a_member_longer_than_any_buffer_passes_through() {
    const BYTES: u64 = (20 << 20) + 1;
    let server = Server::new();
    let mut hashing = hashing::HashingReader::new(Endless(BYTES));
    hashing.drain().unwrap();
    let (bytes, digest) = hashing.finish();
    let item = Item { name: "audit.log".to_owned(), bytes, sha256: hashing::to_hex(&digest) };
    let manifest = Manifest { files: vec![item.clone()], ..described(&[]) };
    let mut writer = ContainerWriter::begin(Vec::new(), &server.key(), &manifest).unwrap();
    writer.add(&item, Endless(BYTES)).unwrap();
    let written = writer.finish().unwrap();
    let mut taken = 0;
    let mut take = |_: &Item, member: &mut dyn io::Read| {
        taken = io::copy(member, &mut io::sink()).map_err(ReadFailed::Io)?;
        Ok(())
    };
    assert_eq!(read(written.as_slice(), &server.key(), &CONTENT, &mut take).unwrap(), manifest);
    assert_eq!(taken, BYTES);
}

#[test]
fn a_file_that_is_another_when_it_is_copied_is_noticed() {
    let server = Server::new();
    let manifest = described(&[("audit.log", b"as hashed")]);
    let mut writer = ContainerWriter::begin(Vec::new(), &server.key(), &manifest).unwrap();
    let refused = writer.add(&manifest.files[0], &b"as copied"[..]);
    assert!(matches!(refused, Err(MakeFailed::Changed { name }) if name == "audit.log"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any bytes: as a file, as what is encrypted, as what is compressed, as a manifest.
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1500)) {
        let key = BackupKey::load_or_create(tempfile::tempdir().unwrap().path()).unwrap();
        let mut take = |_: &Item, member: &mut dyn io::Read| {
            io::copy(member, &mut io::sink()).map(drop).map_err(ReadFailed::Io)
        };
        prop_assert!(read(bytes.as_slice(), &key, &CONTENT, &mut take).is_err());
        let with_header = [b"age-encryption.org/v1\n", bytes.as_slice(), b"\n--- ", bytes.as_slice()].concat();
        prop_assert!(read(with_header.as_slice(), &key, &CONTENT, &mut take).is_err());
        let encrypted = age::encrypt(&key.public(), &bytes).unwrap();
        prop_assert!(read(encrypted.as_slice(), &key, &CONTENT, &mut take).is_err());
        let mut compressed = Vec::new();
        flate2::read::GzEncoder::new(bytes.as_slice(), flate2::Compression::fast()).read_to_end(&mut compressed).unwrap();
        let encrypted = age::encrypt(&key.public(), &compressed).unwrap();
        prop_assert!(read(encrypted.as_slice(), &key, &CONTENT, &mut take).is_err());
        prop_assert!(Manifest::parse(&bytes, &CONTENT).is_err());
    }
}
