//! A copy holds verified bytes only, at whatever moment it is looked at, and ends up as its source.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use safeharbor_verifier::log::{Depth, LogFiles, LogFolder, verify};
use safeharbor_verifier::mirror::{MirrorReport, copy};
use safeharbor_verifier::objection::{Fault, Objection};
use safeharbor_verifier::progress::Progress;
use safeharbor_verifier::trust::LogTrust;
use serde_json::Value;

use crate::registry::*;
use crate::server::Server;

fn by_key() -> LogTrust {
    LogTrust::by_vkey(vkey())
}

fn mirror(source: &dyn LogFiles, folder: &Path) -> Result<Value, Objection> {
    let report: MirrorReport = copy(source, folder, &by_key(), &Progress::silent())?;
    Ok(serde_json::to_value(report).unwrap())
}

/// The registry's files in a folder; what is there besides them must be the mirror's own.
fn files_in(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let path = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            if !["audit-state", ".lock"].contains(&path.as_str()) && !path.starts_with("fork-") {
                found.insert(path, std::fs::read(entry.path()).unwrap());
            }
        }
    }
    found
}

fn assert_honest(folder: &Path, honest: &Files) {
    for (path, bytes) in files_in(folder) {
        assert_eq!(honest.0.get(&path), Some(&bytes), "{path}");
    }
}

#[test]
fn a_copy_is_the_registry_and_grows_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut registry = Registry::with_disclosures(100).0;
    for more in [0, 0, 1, 149, 1, 5, 400] {
        (0..more).for_each(|_| drop(registry.disclose(PEKING, PEKING_KEY)));
        let server = Server::honest(registry.files());
        let source = safeharbor_verifier::log::LogSource::open(&server.url, None).unwrap();
        let report = mirror(&source, folder.path()).unwrap();
        assert_eq!(report["size"], registry.size());
        let honest = registry.files();
        let found = files_in(folder.path());
        assert!(honest.0.iter().all(|(path, bytes)| found.get(path) == Some(bytes)));
        let log = verify(&LogFolder::new(folder.path()), &by_key(), Depth::EntriesAndTiles, |_, _| ());
        assert_eq!(log.unwrap().size(), registry.size());
    }
    // Partial files whose full ones are there have gone.
    assert!(!files_in(folder.path()).keys().any(|path| path.starts_with("tile/0/000.p")));
    assert!(!files_in(folder.path()).keys().any(|path| path.starts_with("tile/entries/000.p")));
}

/// A source of which one file has a flipped bit, and that fails after a number of files.
struct Bad {
    files: Files,
    reads: AtomicUsize,
    fail_from: usize,
}

impl LogFiles for Bad {
    fn read(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, Objection> {
        if self.reads.fetch_add(1, Ordering::Relaxed) >= self.fail_from {
            return Err(Fault::Unreachable("the line is cut".to_owned()).into());
        }
        self.files.read(path, bytes_max)
    }

    fn readers(&self) -> usize {
        3
    }
}

#[test]
fn no_byte_of_a_lying_source_gets_a_name() {
    let (registry, _) = Registry::with_disclosures(600);
    let honest = registry.files();
    let paths: Vec<&String> = honest.0.keys().collect();
    proptest!(ProptestConfig::with_cases(48), |(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bit in 0_u8..8)| {
        let folder = tempfile::tempdir().unwrap();
        let path = paths[which.index(paths.len())];
        let mut files = honest.clone();
        let bytes = files.0.get_mut(path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let source = Bad { files, reads: AtomicUsize::new(0), fail_from: usize::MAX };
        prop_assert!(mirror(&source, folder.path()).is_err(), "{} {}", path, at);
        assert_honest(folder.path(), &honest);
        prop_assert!(!folder.path().join("checkpoint").exists());
        // The source mends itself, the copy goes on.
        mirror(&honest, folder.path()).unwrap();
        prop_assert_eq!(&files_in(folder.path()), &honest.0);
    });
}

#[test]
fn a_copy_that_is_cut_off_anywhere_goes_on() {
    let (registry, _) = Registry::with_disclosures(600);
    let honest = registry.files();
    let folder = tempfile::tempdir().unwrap();
    let mut fail_from = 0;
    let report = loop {
        let source = Bad { files: honest.clone(), reads: AtomicUsize::new(0), fail_from };
        match mirror(&source, folder.path()) {
            Ok(report) => break report,
            Err(_cut) => assert_honest(folder.path(), &honest),
        }
        fail_from += 1;
    };
    assert!(report["kept"].as_u64().unwrap() > 0, "{report}");
    assert_eq!(files_in(folder.path()), honest.0);
}

#[test]
fn a_damaged_copy_is_healed_where_it_is_read_again() {
    let (mut registry, _) = Registry::with_disclosures(100);
    let folder = tempfile::tempdir().unwrap();
    mirror(&registry.files(), folder.path()).unwrap();
    std::fs::remove_file(folder.path().join("audit-state")).unwrap();
    (0..300).for_each(|_| drop(registry.disclose(PEKING, PEKING_KEY)));
    mirror(&registry.files(), folder.path()).unwrap();
    std::fs::remove_file(folder.path().join("audit-state")).unwrap();
    let path = folder.path().join("tile/entries/000");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[700] ^= 4;
    std::fs::write(&path, bytes).unwrap();
    let report = mirror(&registry.files(), folder.path()).unwrap();
    assert_eq!((&report["healed"], &report["fetched"]), (&1.into(), &0.into()));
}

#[test]
fn another_history_leaves_the_copy_untouched_and_evidence_beside_it() {
    for more in [0, 3, 300] {
        let folder = tempfile::tempdir().unwrap();
        let ours = Registry::with_disclosures(290).0;
        mirror(&ours.files(), folder.path()).unwrap();
        let mut theirs = Registry::begin();
        drop(theirs.disclose(TSINGHUA, TSINGHUA_KEY));
        (1..290 + more).for_each(|_| drop(theirs.disclose(PEKING, PEKING_KEY)));
        let objection = mirror(&theirs.files(), folder.path()).unwrap_err();
        assert!(matches!(*objection.fault, Fault::Forked { .. }), "{objection:?}");
        let evidence = std::fs::read_to_string(objection.evidence.unwrap()).unwrap();
        evidence.parse::<safeharbor_core::fork::Fork>().unwrap().verify(&vkey()).unwrap();
        assert_honest(folder.path(), &ours.files());
        assert_eq!(mirror(&ours.files(), folder.path()).unwrap()["size"], ours.size());
    }
}

#[test]
fn a_source_that_went_back_takes_nothing_away() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Registry::with_disclosures(20).0.files();
    mirror(&ours, folder.path()).unwrap();
    let objection = mirror(&Registry::with_disclosures(10).0.files(), folder.path()).unwrap_err();
    assert!(matches!(*objection.fault, Fault::Behind { known: 26, found: 16 }));
    assert_eq!(files_in(folder.path()), ours.0);
}

#[cfg(unix)]
#[test]
fn a_lock_that_leads_elsewhere_empties_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (copy, elsewhere) = (folder.path().join("copy"), folder.path().join("elsewhere"));
    std::fs::create_dir(&copy).unwrap();
    std::fs::write(&elsewhere, b"kept").unwrap();
    std::os::unix::fs::symlink(&elsewhere, copy.join(".lock")).unwrap();
    mirror(&Registry::with_disclosures(3).0.files(), &copy).unwrap();
    assert_eq!(std::fs::read(&elsewhere).unwrap(), b"kept");
}

#[test]
fn a_source_that_shows_no_way_from_the_copy_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut registry = Registry::with_disclosures(290).0;
    mirror(&registry.files(), folder.path()).unwrap();
    let before = files_in(folder.path());
    (0..300).for_each(|_| drop(registry.disclose(PEKING, PEKING_KEY)));
    let mut files = registry.files();
    files.0.remove("tile/0/001");
    let objection = mirror(&files, folder.path()).unwrap_err();
    assert!(matches!(*objection.fault, Fault::Untold { known: 296, found: 596 }), "{objection:?}");
    assert_eq!(files_in(folder.path()), before);
}

#[test]
fn one_process_at_a_time_works_on_a_copy() {
    let folder = tempfile::tempdir().unwrap();
    let files = Registry::with_disclosures(3).0.files();
    mirror(&files, folder.path()).unwrap();
    let held = std::fs::File::open(folder.path().join(".lock")).unwrap();
    held.lock().unwrap();
    assert!(matches!(*mirror(&files, folder.path()).unwrap_err().fault, Fault::InUse));
    drop(held);
    mirror(&files, folder.path()).unwrap();
}
