//! A process that writes to a sled store is killed at any moment; the store is opened again.
//!
//! What fails: the writing process, by SIGKILL, while it commits and flushes. What does not: the machine and the disk.
//! Promised: every batch whole or not at all, nothing missing before the last one there, nothing missing that a
//! flush had promised before the kill.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test panics and speaks to the one it is run by"
)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use safeharbor_service::store::{Batch, Scan, SledSettings, SledStore, Store, Table};

const LEFT: Table = Table(1);
const RIGHT: Table = Table(2);
const HEAD: Table = Table(3);

const SETTINGS: SledSettings = SledSettings { cache_bytes: 8 * 1024 * 1024, reserve_bytes: 4096 };
const KILLS: u32 = 6;
const BATCHES_PER_FLUSH: u32 = 7;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.as_slice() {
        [_, word, path] if word == "write" => write_until_killed(Path::new(path)),
        _ => killed_writers_lose_nothing_promised(),
    }
}

fn open(path: &Path) -> SledStore {
    SledStore::open(path, SETTINGS).unwrap()
}

fn head_of(store: &SledStore) -> u32 {
    store.get(HEAD, b"head").unwrap().map_or(0, |bytes| u32::from_be_bytes(bytes.try_into().unwrap()))
}

/// Says the number of each batch that a flush has made durable.
fn write_until_killed(path: &Path) {
    let store = open(path);
    for number in head_of(&store) + 1.. {
        let mut batch = Batch::new();
        // Scattered keys and values of all lengths, so that pages split and move.
        batch.put(LEFT, number.reverse_bits().to_be_bytes(), vec![7; (number as usize * 37) % 3000]);
        batch.put(RIGHT, number.to_be_bytes(), number.to_be_bytes());
        batch.put(HEAD, *b"head", number.to_be_bytes());
        store.commit(batch).unwrap();
        if number.is_multiple_of(BATCHES_PER_FLUSH) {
            store.flush().unwrap();
            println!("{number}");
        }
    }
}

fn killed_writers_lose_nothing_promised() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    for kill in 1..=KILLS {
        let promised = write_and_kill(&path, 50 * kill);
        verify(&path, promised);
    }
    println!("test killed_writers_lose_nothing_promised ... ok ({KILLS} kills)");
}

/// The last number the writer said before it died.
fn write_and_kill(path: &Path, after_lines: u32) -> u32 {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    let mut writer = command.arg("write").arg(path).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(writer.stdout.take().unwrap()).lines();
    let mut last = 0;
    for _ in 0..after_lines {
        last = said.next().unwrap().unwrap().parse().unwrap();
    }
    writer.kill().unwrap();
    writer.wait().unwrap();
    // What it said while it was being killed; a number cut short is smaller than it was.
    said.map_while(Result::ok).filter_map(|line| line.parse().ok()).fold(last, u32::max)
}

fn verify(path: &Path, promised: u32) {
    let store = open(path);
    let head = head_of(&store);
    assert!(head >= promised, "{head} is there, {promised} was promised");
    let left = store.scan(&Scan::all(LEFT)).unwrap();
    let right = store.scan(&Scan::all(RIGHT)).unwrap();
    let numbers: Vec<u32> =
        right.iter().map(|(key, _)| u32::from_be_bytes(key.as_slice().try_into().unwrap())).collect();
    assert!(numbers.into_iter().eq(1..=head), "a batch before {head} is missing, or one after it is there");
    let mut scattered: Vec<u32> = left
        .iter()
        .map(|(key, _)| u32::from_be_bytes(key.as_slice().try_into().unwrap()).reverse_bits())
        .collect();
    scattered.sort_unstable();
    assert!(scattered.into_iter().eq(1..=head), "half a batch is there");
}
