//! An audit goes on where it stopped, and remembers what it saw.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use safeharbor_core::checkpoint::{Checkpoint, sign_checkpoint};
use safeharbor_core::digest::Digest;
use safeharbor_core::directory::Announcement;
use safeharbor_verifier::log::{Companion, Rest};
use safeharbor_verifier::log::{
    Course, Depth, LogFiles, VerifiedLog, load_state, store_state, walk, walk_with_state,
};
use safeharbor_verifier::objection::{Fault, Objection};
use safeharbor_verifier::progress::Progress;
use safeharbor_verifier::report::Verdict;
use safeharbor_verifier::trust::LogTrust;

use crate::registry::*;

fn go_on(files: &dyn LogFiles, state: &Path) -> Result<VerifiedLog, Objection> {
    let (trust, progress) = (LogTrust::by_vkey(vkey()), Progress::silent());
    let course = Course { files, trust: &trust, depth: Depth::EntriesAndTiles, progress: &progress };
    walk_with_state(course, state)
}

/// Files that count how many bundles are read, and fail from a number of them on.
struct Counted {
    files: Files,
    bundles: AtomicUsize,
    fail_from: usize,
}

impl LogFiles for Counted {
    fn read(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, Objection> {
        if path.starts_with("tile/entries") && self.bundles.fetch_add(1, Ordering::Relaxed) >= self.fail_from
        {
            return Err(Fault::Unreachable("the line is cut".to_owned()).into());
        }
        self.files.read(path, bytes_max)
    }
}

fn counted(files: Files, fail_from: usize) -> Counted {
    Counted { files, bundles: AtomicUsize::new(0), fail_from }
}

/// Notes the state after every bundle.
struct Diligent<'a>(&'a Path);

impl Companion for Diligent<'_> {
    fn rest(&mut self, rest: Rest<'_>) -> Result<(), Objection> {
        store_state(self.0, rest.state)
    }
}

#[test]
fn an_audit_that_was_cut_off_goes_on_and_comes_to_the_same_end() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let (registry, _) = Registry::with_disclosures(1100);
    let (trust, progress) = (LogTrust::by_vkey(vkey()), Progress::silent());
    let cut = counted(registry.files(), 3);
    let course = Course { files: &cut, trust: &trust, depth: Depth::EntriesAndTiles, progress: &progress };
    let objection = walk(course, load_state(&state).unwrap(), &mut Diligent(&state)).unwrap_err();
    assert!(matches!(*objection.fault, Fault::Unreachable(_)));
    assert_eq!(load_state(&state).unwrap().size(), 768);

    let whole = counted(registry.files(), usize::MAX);
    let log = go_on(&whole, &state).unwrap();
    assert_eq!((log.size(), whole.bundles.load(Ordering::Relaxed)), (1106, 2));
    let straight = go_on(&registry.files(), &folder.path().join("other")).unwrap();
    assert_eq!(log.audit().unwrap().heads(), straight.audit().unwrap().heads());
    assert_eq!(log.state().print().unwrap(), straight.state().print().unwrap());
}

#[test]
fn a_log_that_grew_is_read_from_where_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let mut registry = Registry::with_disclosures(290).0;
    for more in [0, 1, 5, 300, 0] {
        (0..more).for_each(|_| drop(registry.disclose(PEKING, PEKING_KEY)));
        let files = counted(registry.files(), usize::MAX);
        assert_eq!(go_on(&files, &state).unwrap().size(), registry.size());
        assert!(more > 0 || files.bundles.load(Ordering::Relaxed) <= 2);
    }
}

#[test]
fn another_history_is_proven_with_both_notes() {
    for (known, other) in [(1, 1), (5, 9), (10, 300), (250, 251), (600, 601)] {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let (ours, _) = Registry::with_disclosures(known);
        go_on(&ours.files(), &state).unwrap();
        // The other history has the two institutions' first disclosures in another order.
        let mut theirs = Registry::begin();
        drop(theirs.disclose(TSINGHUA, TSINGHUA_KEY));
        (1..other).for_each(|_| drop(theirs.disclose(PEKING, PEKING_KEY)));
        let objection = go_on(&theirs.files(), &state).unwrap_err();
        assert!(matches!(*objection.fault, Fault::Forked { .. }), "{known} {other}: {objection:?}");
        let evidence = std::fs::read_to_string(objection.evidence.unwrap()).unwrap();
        let proven = evidence.parse::<safeharbor_core::fork::Fork>().unwrap().verify(&vkey()).unwrap();
        assert_eq!((proven.first.size, proven.second.size), (ours.size(), theirs.size()));
        // What was verified before stays what is known.
        assert_eq!(load_state(&state).unwrap().size(), ours.size());
    }
}

#[test]
fn a_log_that_shrank_is_behind() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    go_on(&Registry::with_disclosures(20).0.files(), &state).unwrap();
    let objection = go_on(&Registry::with_disclosures(10).0.files(), &state).unwrap_err();
    assert!(matches!(*objection.fault, Fault::Behind { known: 26, found: 16 }), "{objection:?}");
}

#[test]
fn a_state_with_any_byte_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let (registry, _) = Registry::with_disclosures(3);
    go_on(&registry.files(), &path).unwrap();
    let sound = std::fs::read(&path).unwrap();
    for at in 0..sound.len() {
        let mut changed = sound.clone();
        changed[at] ^= 1 << (at % 7);
        std::fs::write(&path, &changed).unwrap();
        assert!(go_on(&registry.files(), &path).is_err(), "{at}");
    }
    std::fs::write(&path, &sound).unwrap();
    go_on(&registry.files(), &path).unwrap();
}

#[test]
fn a_long_audit_that_was_cut_off_goes_on_where_it_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let files = long("a").files();
    assert!(go_on(&counted(files.clone(), 66), &state).is_err());
    assert_eq!(load_state(&state).unwrap().size(), 64 * 256);
    let whole = counted(files, usize::MAX);
    assert_eq!(go_on(&whole, &state).unwrap().size(), 17_006);
    assert_eq!(whole.bundles.load(Ordering::Relaxed), 3);
}

#[test]
fn what_a_server_made_up_is_not_gone_on_from() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let (honest, made_up) = (long("a").files(), long("b").files());
    // Entries and their tiles agree with each other, but nothing leads from them to the signed root.
    let mut lying = honest.clone();
    let of_entries = |path: &str| path.starts_with("tile/entries/") || path.starts_with("tile/0/");
    lying.0.extend(made_up.0.into_iter().filter(|(path, _)| of_entries(path)));
    assert_eq!(go_on(&lying, &state).unwrap_err().verdict(), Verdict::Refuted);
    assert_eq!(go_on(&honest, &state).unwrap().size(), 17_006);
}

#[test]
fn an_entry_that_was_verified_before_may_not_be_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let history = |more| {
        let mut registry = Registry::begin();
        registry.seal(PEKING, 10, "a");
        registry.seal(PEKING, more, "b");
        registry
    };
    go_on(&history(0).files(), &state).unwrap();
    let (mut files, mut made_up) = (history(5).files(), Registry::begin());
    made_up.seal(PEKING, 15, "c");
    for (path, bytes) in made_up.files().0.into_iter().filter(|(path, _)| path != "checkpoint") {
        files.0.insert(path, bytes);
    }
    let objection = go_on(&files, &state).unwrap_err();
    assert!(matches!(*objection.fault, Fault::Rewritten) && objection.index == Some(6), "{objection:?}");
}

/// A registry of more entries than are read before the state is kept for the first time.
fn long(history: &str) -> Registry {
    let mut registry = Registry::begin();
    registry.seal(PEKING, 17_000, history);
    registry
}

#[test]
fn a_state_that_was_tampered_with_accuses_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let (registry, _) = Registry::with_disclosures(3);
    go_on(&registry.files(), &path).unwrap();
    for size in [7, 9] {
        let other = Checkpoint { origin: ORIGIN.to_owned(), size, root: Digest::of(b"made up") };
        let note = sign_checkpoint(&other, &signer(HUB_KEY)).unwrap().to_string();
        let text = std::fs::read_to_string(&path).unwrap();
        let (head, body) = text.trim_end().split_once('\n').unwrap();
        let mut body: serde_json::Value = serde_json::from_str(body).unwrap();
        body["verified"] = note.into();
        let (body, header) = (body.to_string(), head.split_once(' ').unwrap().0);
        std::fs::write(&path, format!("{header} {}\n{body}\n", Digest::of(body.as_bytes()))).unwrap();
        let objection = go_on(&registry.files(), &path).unwrap_err();
        assert_eq!(objection.verdict(), Verdict::CouldNotTell, "{size}: {objection:?}");
        assert!(objection.evidence.is_none());
    }
}

#[test]
fn statements_that_change_no_key_and_no_standing_do_not_swell_the_state() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let mut registry = Registry::with_disclosures(3).0;
    go_on(&registry.files(), &path).unwrap();
    let before = std::fs::metadata(&path).unwrap().len();
    for _ in 0..200 {
        registry.announce(&Announcement::Other);
    }
    go_on(&registry.files(), &path).unwrap();
    registry.disclose(PEKING, PEKING_KEY);
    assert_eq!(go_on(&registry.files(), &path).unwrap().size(), 210);
    // The right edge of the tree grew by 201 hashes of 47 characters.
    assert!(std::fs::metadata(&path).unwrap().len() < before + 201 * 50);
}
