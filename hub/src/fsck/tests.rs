//! A hub's folder in order, and the same folder with one bit of it changed.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;
use safeharbor_core::statement::StatementType;

use super::*;
use crate::testing::HubAtWork;

const ONE: &str = "12100000400002259P";
const TWO: &str = "12100000DEM000014F";

fn run(folder: &Path) -> FsckReport {
    check(folder, &mut |_, _| ()).unwrap()
}

/// A stopped hub with statements of two institutions, some of them withdrawn.
async fn stopped(statements: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let hub = HubAtWork::set_up(folder.path()).await;
    let mut stating = [hub.admit(ONE, 11).await, hub.admit(TWO, 12).await];
    for n in 0..statements {
        let institution = &mut stating[usize::from(n % 3 == 2)];
        let handle = u8::try_from(n / 6 % 200).unwrap();
        let withdraws = n % 6 == 5 && n > 12;
        let kind = if withdraws { StatementType::Withdrawal } else { StatementType::Disclosure };
        let checked = institution.state(kind, handle);
        hub.submit(institution.code, vec![checked]).await.unwrap();
        if n % 40 == 0 {
            hub.published().await;
        }
    }
    hub.published().await;
    hub.stop().await;
    folder
}

/// All files whose every byte is derived or checked.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.join("registry/checkpoint"), folder.join("signed/checkpoint")];
    let mut folders = vec![folder.join("journal"), folder.join("registry/tile")];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap().map(Result::unwrap) {
            let is_folder = entry.file_type().unwrap().is_dir();
            if is_folder { folders.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found.sort();
    found
}

/// Flips a bit, checks, and puts it back; the first finding names the file.
fn check_flip(folder: &Path, file: &Path, at: usize, bit: usize) {
    let sound = std::fs::read(file).unwrap();
    let mut changed = sound.clone();
    changed[at] ^= 1 << bit;
    std::fs::write(file, &changed).unwrap();
    let report = run(folder);
    std::fs::write(file, &sound).unwrap();
    let name = file.strip_prefix(folder).unwrap().display().to_string();
    let found =
        report.findings.iter().find(|finding| finding.severity == Severity::Damage && finding.file == name);
    assert!(found.is_some(), "{name} byte {at} bit {bit}: {report:?}");
    let found = found.unwrap();
    if name.starts_with("registry/tile") {
        assert_eq!(found.position, Some(at as u64), "{name} byte {at}: {found:?}");
        assert!(found.entry.is_some());
    } else if name.starts_with("journal") && at >= 8 {
        assert!(found.position.is_some_and(|position| position <= at as u64), "{name} byte {at}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_in_order_is_found_in_order_and_left_as_it_was() {
    let folder = stopped(300).await;
    let before: Vec<Vec<u8>> = files(folder.path()).iter().map(|file| std::fs::read(file).unwrap()).collect();
    let index = std::fs::read(folder.path().join("index/db")).unwrap();
    let report = run(folder.path());
    assert_eq!(report.findings, []);
    assert_eq!((report.entries, report.signed, report.indexed), (306, 306, Some(306)));
    assert_eq!(report.published, Some(306));
    let after: Vec<Vec<u8>> = files(folder.path()).iter().map(|file| std::fs::read(file).unwrap()).collect();
    assert_eq!(before, after);
    assert_eq!(index, std::fs::read(folder.path().join("index/db")).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_of_journal_tile_or_checkpoint_is_found_where_it_is() {
    let folder = stopped(300).await;
    let files = files(folder.path());
    proptest!(ProptestConfig::with_cases(160), |(which in any::<Index>(), at in any::<Index>(), bit in 0_usize..8)| {
        let file = &files[which.index(files.len())];
        let length = usize::try_from(std::fs::metadata(file).unwrap().len()).unwrap();
        check_flip(folder.path(), file, at.index(length), bit);
    });
    assert!(!run(folder.path()).is_damaged());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_of_the_smallest_files_is_found_at_every_byte() {
    let folder = stopped(1).await;
    for name in ["registry/checkpoint", "signed/checkpoint", "registry/tile/0/000.p/7"] {
        let file = folder.path().join(name);
        let length = std::fs::read(&file).unwrap().len();
        (0..length).for_each(|at| check_flip(folder.path(), &file, at, at % 8));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_of_a_frame_with_values_is_found_also_in_its_key_slot() {
    let folder = stopped(1).await;
    let file = folder.path().join("journal/00000000000000000000.journal");
    let mut reader = crate::journal::JournalReader::from_start(&folder.path().join("journal")).unwrap();
    let mut last = 0;
    while let Some(stored) = reader.next_frame().unwrap() {
        last = usize::try_from(stored.position.offset).unwrap();
    }
    let end = std::fs::read(&file).unwrap().len();
    // Length, checksum and key slot at every byte, the body at every sixteenth.
    let places = (last..last + 40).chain((last + 40..end).step_by(16));
    places.for_each(|at| check_flip(folder.path(), &file, at, at % 8));
    // A public statement of the hub reveals nothing, and its slot is empty.
    (8 + 8..8 + 40).step_by(5).for_each(|at| check_flip(folder.path(), &file, at, at % 8));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_another_moment_or_with_damage_is_found() {
    let folder = stopped(60).await;
    let db = folder.path().join("index/db");
    let sound = std::fs::read(&db).unwrap();
    let used = sound.iter().rposition(|byte| *byte != 0).unwrap();
    let mut found = 0;
    // Space in which no row lives is of no consequence, and not looked at.
    for n in 0..24 {
        let at = used * n / 24;
        let mut changed = sound.clone();
        changed[at] ^= 0x10;
        std::fs::write(&db, &changed).unwrap();
        let report = run(folder.path());
        let is_noticed = !report.findings.is_empty();
        assert!(is_noticed || report.indexed == Some(66), "byte {at}: {report:?}");
        found += usize::from(is_noticed);
    }
    assert!(found > 0);
    std::fs::remove_dir_all(folder.path().join("index")).unwrap();
    assert!(run(folder.path()).is_damaged());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named() {
    let folder = stopped(300).await;
    let remove = |name: &str| {
        let path = folder.path().join(name);
        let sound = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let report = run(folder.path());
        std::fs::write(&path, sound).unwrap();
        report
            .findings
            .into_iter()
            .filter(|found| found.severity == Severity::Damage)
            .map(|found| found.file)
            .collect::<Vec<_>>()
    };
    for name in [
        "registry/tile/0/000",
        "registry/tile/entries/000",
        "registry/tile/entries/001.p/50",
        "registry/tile/1/000.p/1",
    ] {
        assert_eq!(remove(name), [name], "{name}");
    }
    assert_eq!(remove("signed/checkpoint"), ["signed/checkpoint"]);
    assert_eq!(remove("registry/checkpoint"), ["registry/checkpoint"]);
    assert!(remove("journal/00000000000000000000.journal").contains(&"journal".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_that_was_never_signed_over_is_no_damage() {
    let folder = stopped(3).await;
    let segment = folder.path().join("journal/00000000000000000000.journal");
    let sound = std::fs::read(&segment).unwrap();
    std::fs::write(&segment, [&sound[..], &sound[8..60]].concat()).unwrap();
    let report = run(folder.path());
    assert_eq!(report.findings.iter().map(|found| found.severity).collect::<Vec<_>>(), [Severity::Note]);
    std::fs::write(&segment, &sound[..sound.len() - 5]).unwrap();
    assert!(run(folder.path()).is_damaged());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_that_another_segment_follows_is_damage_as_the_hub_will_not_open() {
    let folder = stopped(3).await;
    let journal = folder.path().join("journal");
    let segment = journal.join("00000000000000000000.journal");
    let sound = std::fs::read(&segment).unwrap();
    std::fs::write(&segment, [&sound[..], &sound[8..60]].concat()).unwrap();
    std::fs::write(journal.join("00000000000000000099.journal"), &sound).unwrap();
    assert!(run(folder.path()).is_damaged());
    let refused = HubAtWork::start(folder.path()).await.err().unwrap();
    assert!(refused.to_string().contains("journal"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_that_a_crash_left_without_a_frame_is_no_damage() {
    let folder = stopped(3).await;
    let entries = run(folder.path()).entries;
    std::fs::write(folder.path().join(format!("journal/{entries:020}.journal")), b"SHJ").unwrap();
    let report = run(folder.path());
    assert_eq!(report.findings.iter().map(|found| found.severity).collect::<Vec<_>>(), [Severity::Note]);
    HubAtWork::start(folder.path()).await.unwrap().stop().await;
    assert_eq!(run(folder.path()).findings, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawn_values_that_are_still_there_are_noted_until_the_next_start() {
    let folder = stopped(60).await;
    let segment = folder.path().join("journal/00000000000000000000.journal");
    let mut reader = crate::journal::JournalReader::from_start(&folder.path().join("journal")).unwrap();
    let mut erased = std::iter::from_fn(|| reader.next_frame().unwrap())
        .filter(|stored| stored.frame.key.is_none() && !stored.frame.sealed.is_empty());
    let slot = usize::try_from(erased.next().unwrap().position.offset).unwrap() + 8;
    let mut bytes = std::fs::read(&segment).unwrap();
    // The first record that is withdrawn is the one with this handle.
    bytes[slot..slot + 32].fill(2);
    std::fs::write(&segment, bytes).unwrap();
    let found = run(folder.path()).findings;
    let found: Vec<_> = found.into_iter().map(|found| (found.severity, found.position)).collect();
    assert_eq!(found, [(Severity::Note, Some(slot as u64 - 8))]);
    HubAtWork::start(folder.path()).await.unwrap().stop().await;
    assert_eq!(run(folder.path()).findings, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_notes_hide_no_damage() {
    let folder = stopped(3).await;
    for n in 0..300 {
        std::fs::write(folder.path().join(format!("registry/tile/stray-{n}")), "").unwrap();
    }
    assert!(!run(folder.path()).is_damaged());
    let signed = folder.path().join("signed/checkpoint");
    let size = run(folder.path()).signed;
    let other = safeharbor_core::digest::Digest::of(b"another root");
    std::fs::write(signed, format!("{size}\n{other}\n")).unwrap();
    assert!(run(folder.path()).is_damaged());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_hub_is_not_checked_and_its_process_named() {
    let folder = tempfile::tempdir().unwrap();
    let hub = HubAtWork::set_up(folder.path()).await;
    let refused = check(folder.path(), &mut |_, _| ()).unwrap_err().to_string();
    assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
    hub.stop().await;
    assert!(!run(folder.path()).is_damaged());
}
