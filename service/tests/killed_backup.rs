//! A process that makes backups, and one that restores them, are killed at any moment.
//!
//! What fails: the process, by SIGKILL. What does not: the machine and the disk. Promised: a file with a backup's name is a
//! whole backup; rows of the store never lie in clear under a name; a restored folder is there whole or not at all; the
//! next attempt succeeds and leaves nothing of the last one.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test panics and speaks to the one it is run by"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use safeharbor_service::audit::AuditFailed;
use safeharbor_service::backup::{
    BackupKey, Bounds, Content, Made, Settings, Subject, make, restore, verify,
};
use safeharbor_service::clock::SystemClock;
use safeharbor_service::folder::{DataFolder, Role};
use safeharbor_service::store::{Batch, MemoryStore, Scan, SledSettings, SledStore, Store, Table};

const CONTENT: Content = Content {
    role: Role::Node,
    store: "store",
    files: &["audit.log"],
    trees: &["keys", "evidence"],
    leaves_out: |_| false,
};
const ROWS: Table = Table(3);
const KILLS: u32 = 5;
const FILES: u32 = 20;

struct Server {
    data: PathBuf,
    store: MemoryStore,
}

impl Server {
    /// A node with 3000 rows and some files.
    fn in_folder(data: &Path) -> Self {
        let store = MemoryStore::new();
        for number in 0..3000_u32 {
            let mut batch = Batch::new();
            batch.put(ROWS, number.to_be_bytes(), vec![b'r'; 300]);
            store.commit(batch).unwrap();
        }
        std::fs::create_dir_all(data.join("evidence")).unwrap();
        for number in 0..FILES {
            std::fs::write(data.join(format!("evidence/{number}")), vec![b'e'; 30_000]).unwrap();
        }
        Self { data: data.to_owned(), store }
    }
}

impl Subject for Server {
    fn data(&self) -> &Path {
        &self.data
    }

    fn content(&self) -> &'static Content {
        &CONTENT
    }

    fn program(&self) -> String {
        "test".to_owned()
    }

    fn owner(&self) -> String {
        "owner".to_owned()
    }

    fn store(&self) -> &dyn Store {
        &self.store
    }

    fn leaves_out(&self, _: Table, _: &[u8]) -> bool {
        false
    }

    fn note_made(&self, _: &Made) -> Result<(), AuditFailed> {
        Ok(())
    }

    fn bounds(&self) -> Result<Bounds, Box<dyn Error + Send + Sync>> {
        Ok(Bounds { limits: BTreeMap::new(), counts: BTreeMap::new() })
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.as_slice() {
        [_, word, data] if word == "make" => make_until_killed(Path::new(data)),
        [_, word, file, identity, place] if word == "restore" => {
            restore_until_killed(Path::new(file), Path::new(identity), Path::new(place));
        }
        _ => {
            killed_makers_leave_whole_backups_only();
            killed_restorers_leave_whole_folders_only();
        }
    }
}

fn make_until_killed(data: &Path) {
    let server = Server::in_folder(data);
    let settings = Settings { keep: 3, ..Settings::default() };
    loop {
        println!("begin");
        println!("{}", make(&server, &settings, &SystemClock).unwrap().path.display());
    }
}

fn restore_until_killed(file: &Path, identity: &Path, place: &Path) {
    let key = BackupKey::load(identity).unwrap();
    // In one place again and again: what the killed one left aside must not stand in the way.
    for number in std::fs::read_dir(place).unwrap().count().. {
        println!("begin");
        let data = place.join("data");
        restore(file, &key, &CONTENT, (&data, &SystemClock), Box::new(|_, _, _| Ok(()))).unwrap();
        std::fs::rename(&data, place.join(format!("done-{number}"))).unwrap();
        println!("{number}");
    }
}

fn start(words: &[&Path]) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(words).stdout(Stdio::piped()).spawn().unwrap()
}

/// Kills the process a little after it said so many lines: `kill` moves the moment through what it does.
fn kill_after(mut child: Child, lines: u32, kill: u32) {
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..lines {
        said.next().unwrap().unwrap();
    }
    // No waiting for a time: work of a growing amount.
    let mut work = 0_u64;
    for step in 0..u64::from(kill) * 3_000_000 {
        work = std::hint::black_box(work.wrapping_add(step));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn killed_makers_leave_whole_backups_only() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    drop(DataFolder::create(&data, Role::Node).unwrap());
    for kill in 1..=KILLS {
        kill_after(start(&[Path::new("make"), &data]), 2 * (kill % 3) + 1, kill);
        let backups = data.join("backups");
        let key = BackupKey::load(&BackupKey::path(&data)).unwrap();
        for name in names(&backups).iter().filter(|name| name.ends_with(".age")) {
            verify(&backups.join(name), &key, &CONTENT).unwrap();
        }
        let clear = names(&data).into_iter().find(|name| name.starts_with(".tmp-rows"));
        let held = clear.as_ref().map(|name| std::fs::metadata(data.join(name)).unwrap().len());
        // Between making the file and taking its name away there is nothing in it.
        assert!(held.unwrap_or(0) == 0, "rows lie in clear");
    }
    let made =
        make(&Server::in_folder(&data), &Settings { keep: 3, ..Settings::default() }, &SystemClock).unwrap();
    let left = names(&data.join("backups"));
    assert!(left.iter().all(|name| name.ends_with(".age")), "{left:?}");
    assert!(made.path.exists() && left.len() <= 3 + 5, "{left:?}");
    println!("test killed_makers_leave_whole_backups_only ... ok ({KILLS} kills)");
}

fn killed_restorers_leave_whole_folders_only() {
    let folder = tempfile::tempdir().unwrap();
    let (data, place) = (folder.path().join("source"), folder.path().join("place"));
    drop(DataFolder::create(&data, Role::Node).unwrap());
    std::fs::create_dir(&place).unwrap();
    let made = make(&Server::in_folder(&data), &Settings::default(), &SystemClock).unwrap();
    let identity = BackupKey::path(&data);
    for kill in 1..=KILLS {
        kill_after(start(&[Path::new("restore"), &made.path, &identity, &place]), 1, kill * 2);
        for name in names(&place).iter().filter(|name| *name != ".data.restoring") {
            check_whole(&place.join(name));
            if name == "data" {
                std::fs::remove_dir_all(place.join(name)).unwrap();
            }
        }
    }
    let key = BackupKey::load(&identity).unwrap();
    let last = place.join("data");
    restore(&made.path, &key, &CONTENT, (&last, &SystemClock), Box::new(|_, _, _| Ok(()))).unwrap();
    check_whole(&last);
    assert!(!place.join(".data.restoring").exists());
    println!("test killed_restorers_leave_whole_folders_only ... ok ({KILLS} kills)");
}

fn check_whole(data: &Path) {
    drop(DataFolder::open(data, Role::Node).unwrap());
    assert_eq!(names(&data.join("evidence")).len(), usize::try_from(FILES).unwrap(), "{}", data.display());
    let settings = SledSettings { reserve_bytes: 0, ..SledSettings::default() };
    let store = SledStore::open(&data.join("store"), settings).unwrap();
    assert_eq!(store.scan(&Scan::all(ROWS)).unwrap().len(), 3000, "{}", data.display());
}
