//! A registry is verified as it was made, and refused when any byte of it is another.

use proptest::prelude::*;
use proptest::sample::Index;
use safeharbor_core::checkpoint::{Checkpoint, sign_checkpoint};
use safeharbor_core::digest::Digest;
use safeharbor_core::directory::Announcement;
use safeharbor_core::entry::Entry;
use safeharbor_core::tile::BundleId;
use safeharbor_verifier::log::{Depth, VerifiedLog, verify};
use safeharbor_verifier::objection::{Fault, Objection};
use safeharbor_verifier::report::Verdict;
use safeharbor_verifier::trust::{HubKeySource, LogTrust};

use crate::registry::*;

fn by_key() -> LogTrust {
    LogTrust::by_vkey(vkey())
}

fn by_policy() -> LogTrust {
    LogTrust::by_policy(policy(&policy_text()))
}

fn check(files: &Files, trust: &LogTrust) -> Result<VerifiedLog, Objection> {
    verify(files, trust, Depth::EntriesAndTiles, |_, _| ())
}

/// Verifies after one change to the files; the change must have an effect.
fn refusal(files: &Files, change: impl FnOnce(&mut Files)) -> Objection {
    let mut changed = files.clone();
    change(&mut changed);
    check(&changed, &by_key()).expect_err("a changed registry was verified")
}

#[test]
fn registries_of_every_shape_are_verified() {
    for sealed in [0, 1, 3, 249, 250, 251, 508] {
        let (registry, _) = Registry::with_disclosures(sealed);
        let mut indexes = Vec::new();
        let log = verify(&registry.files(), &by_key(), Depth::EntriesAndTiles, |index, _: &Entry| {
            indexes.push(index)
        });
        let log = log.unwrap_or_else(|refused| panic!("{sealed}: {refused:?}"));
        assert_eq!(log.size(), registry.size());
        assert_eq!(indexes, (0..registry.size()).collect::<Vec<_>>());
        let heads = log.audit().unwrap().heads();
        let stated: u64 = [PEKING, TSINGHUA]
            .iter()
            .filter_map(|code| heads.get(&institution(code)))
            .map(|head| head.seq)
            .sum();
        assert_eq!(stated, u64::try_from(sealed).unwrap());
    }
}

#[test]
fn an_empty_registry_is_verified() {
    let mut registry = Registry::begin();
    registry.entries.clear();
    let log = check(&registry.files(), &by_key()).unwrap();
    assert_eq!((log.size(), log.audit().is_none()), (0, true));
}

#[test]
fn a_size_that_no_memory_holds_is_refused_at_the_first_file_that_is_missing() {
    let checkpoint = Checkpoint { size: 1 << 62, ..Registry::begin().checkpoint() };
    let note = sign_checkpoint(&checkpoint, &signer(LOG_KEY)).unwrap().to_string();
    let files = Files([("checkpoint".to_owned(), note.into_bytes())].into());
    let objection = check(&files, &by_key()).unwrap_err();
    assert!(matches!(*objection.fault, Fault::Missing), "{objection:?}");
    assert_eq!(objection.file.as_deref(), Some("tile/entries/000"));
}

/// The log index of the entry that has the byte `at` of a bundle, its two bytes of length included.
fn entry_at(bundle: &str, bytes: &[u8], at: usize) -> u64 {
    let first = bundle.parse::<BundleId>().unwrap().index() * 256;
    let (mut entry, mut end) = (first, 0);
    loop {
        end += 2 + usize::from(u16::from_be_bytes([bytes[end], bytes[end + 1]]));
        if at < end {
            return entry;
        }
        entry += 1;
    }
}

/// Flips one bit: the refusal names the file, and the entry or hash.
fn check_flip(files: &Files, path: &str, at: usize, bit: usize) {
    let objection = refusal(files, |files| files.0.get_mut(path).unwrap()[at] ^= 1 << bit);
    let place = format!("{path} byte {at} bit {bit}: {objection:?}");
    assert_eq!(objection.verdict(), Verdict::Refuted, "{place}");
    assert_eq!(objection.file.as_deref(), Some(path), "{place}");
    if path.starts_with("tile/entries") {
        assert_eq!(objection.index, Some(entry_at(path, &files.0[path], at)), "{place}");
    } else if path.starts_with("tile") {
        assert!(matches!(*objection.fault, Fault::Tile(hash) if hash == at / 32), "{place}");
    }
}

#[test]
fn a_flipped_bit_at_any_byte_of_a_small_registry_is_found_where_it_is() {
    let (registry, _) = Registry::with_disclosures(4);
    let files = registry.files();
    for (path, bytes) in &files.0 {
        (0..bytes.len()).for_each(|at| check_flip(&files, path, at, at % 8));
    }
}

#[test]
fn flipped_bits_of_a_larger_registry_are_found_where_they_are() {
    let (registry, _) = Registry::with_disclosures(700);
    let files = registry.files();
    let paths: Vec<&String> = files.0.keys().collect();
    proptest!(ProptestConfig::with_cases(96), |(which in any::<Index>(), at in any::<Index>(), bit in 0_usize..8)| {
        let path = paths[which.index(paths.len())];
        check_flip(&files, path, at.index(files.0[path].len()), bit);
    });
}

#[test]
fn every_hash_of_every_tile_of_a_larger_registry_is_compared() {
    let (registry, _) = Registry::with_disclosures(260);
    let files = registry.files();
    let tiles = files.0.iter().filter(|(path, _)| !path.starts_with("tile/entries") && *path != "checkpoint");
    for (path, bytes) in tiles {
        for hash in 0..bytes.len() / 32 {
            let at = hash * 32 + hash % 32;
            let objection = refusal(&files, |files| files.0.get_mut(path).unwrap()[at] ^= 1);
            assert!(matches!(*objection.fault, Fault::Tile(place) if place == hash), "{objection:?}");
            assert_eq!(objection.file.as_ref(), Some(path));
        }
    }
}

#[test]
fn every_file_is_needed_at_its_length() {
    let (registry, _) = Registry::with_disclosures(260);
    let files = registry.files();
    for path in files.0.keys() {
        let missing = refusal(&files, |files| drop(files.0.remove(path)));
        assert!(matches!(*missing.fault, Fault::Missing), "{path}: {missing:?}");
        assert_eq!((missing.verdict(), missing.file.as_ref()), (Verdict::CouldNotTell, Some(path)));
        let longer = refusal(&files, |files| files.0.get_mut(path).unwrap().push(0));
        assert_eq!(longer.verdict(), Verdict::Refuted, "{path}");
        let shorter = refusal(&files, |files| assert!(files.0.get_mut(path).unwrap().pop().is_some()));
        assert_eq!(shorter.verdict(), Verdict::Refuted, "{path}");
    }
}

#[test]
fn full_tiles_stand_in_for_partial_ones_that_are_gone() {
    let (mut registry, _) = Registry::with_disclosures(200);
    let mut files = registry.files();
    let old_checkpoint = files.0.remove("checkpoint").unwrap();
    while registry.entries.len() < 256 {
        registry.disclose(PEKING, PEKING_KEY);
    }
    files = registry.files();
    files.0.insert("checkpoint".to_owned(), old_checkpoint);
    assert_eq!(check(&files, &by_key()).unwrap().size(), 206);
    files.0.get_mut("tile/0/000").unwrap()[205 * 32] ^= 1;
    assert!(matches!(*check(&files, &by_key()).unwrap_err().fault, Fault::Tile(205)));
}

#[test]
fn stale_partial_tiles_are_neither_needed_nor_believed() {
    let (registry, _) = Registry::with_disclosures(3);
    let mut files = registry.files();
    for stale in ["tile/0/000.p/3", "tile/0/000", "tile/entries/000.p/2", "tile/1/000.p/1"] {
        files.0.insert(stale.to_owned(), vec![0xff; 96]);
    }
    assert!(check(&files, &by_key()).is_ok());
}

#[test]
fn another_key_does_not_vouch_for_the_log() {
    let (registry, _) = Registry::with_disclosures(3);
    let other = safeharbor_core::note::VerifierKey::ed25519(ORIGIN, public_key(99)).unwrap();
    let objection = check(&registry.files(), &LogTrust::by_vkey(other)).unwrap_err();
    assert!(matches!(*objection.fault, Fault::Checkpoint(_)), "{objection:?}");
    assert_eq!(objection.verdict(), Verdict::Refuted);
}

#[test]
fn the_policy_pins_the_hub_and_its_key() {
    let (registry, _) = Registry::with_disclosures(3);
    let files = registry.files();
    assert_eq!(check(&files, &by_policy()).unwrap().hub_key_source(), HubKeySource::Policy);
    assert_eq!(check(&files, &by_key()).unwrap().hub_key_source(), HubKeySource::LogItself);
    let other_key = policy_text().replace(
        &safeharbor_core::b64::encode_std(public_key(HUB_KEY).as_bytes()),
        &safeharbor_core::b64::encode_std(public_key(98).as_bytes()),
    );
    let objection = check(&files, &LogTrust::by_policy(policy(&other_key))).unwrap_err();
    assert!(matches!(*objection.fault, Fault::HubKey), "{objection:?}");
    let other_hub = policy_text().replace(HUB, "https://elsewhere.example.org");
    let objection = check(&files, &LogTrust::by_policy(policy(&other_hub))).unwrap_err();
    assert!(matches!(*objection.fault, Fault::HubUnknown(_)), "{objection:?}");
}

#[test]
fn a_policy_with_witnesses_asks_for_them() {
    let (registry, _) = Registry::with_disclosures(3);
    let trust = LogTrust::by_policy(policy(&witnessed_policy_text()));
    let objection = check(&registry.files(), &trust).unwrap_err();
    assert!(matches!(*objection.fault, Fault::Policy(_)), "{objection:?}");
}

#[test]
fn a_log_that_signs_a_broken_chain_is_refused_at_the_entry() {
    let (mut registry, made) = Registry::with_disclosures(5);
    registry.entries.swap(made[0].index, made[1].index);
    let objection = check(&registry.files(), &by_key()).unwrap_err();
    assert!(matches!(*objection.fault, Fault::Audit(_)), "{objection:?}");
    assert_eq!(objection.index, Some(6));
    assert_eq!(objection.file.as_deref(), Some("tile/entries/000.p/11"));
}

#[test]
fn a_log_that_repeats_an_entry_is_refused() {
    let (mut registry, made) = Registry::with_disclosures(2);
    let again = registry.entries[made[0].index].clone();
    registry.entries.push(again);
    assert_eq!(check(&registry.files(), &by_key()).unwrap_err().index, Some(8));
}

#[test]
fn a_log_whose_hub_key_is_not_its_own_is_refused() {
    let mut registry = Registry::begin();
    // The key of an institution cannot become the hub's: one key, one use, one owner.
    registry.announce(&Announcement::HubKey { key: public_key(PEKING_KEY) });
    assert_eq!(check(&registry.files(), &by_key()).unwrap_err().index, Some(6));
}

#[test]
fn a_log_that_signs_another_root_is_refused_at_any_depth() {
    let (registry, _) = Registry::with_disclosures(3);
    let mut files = registry.files();
    let other = Checkpoint { root: Digest::of(b"another tree"), ..registry.checkpoint() };
    let note = sign_checkpoint(&other, &signer(LOG_KEY)).unwrap();
    files.0.insert("checkpoint".to_owned(), note.to_string().into_bytes());
    for depth in [Depth::Entries, Depth::EntriesAndTiles] {
        let objection = verify(&files, &by_key(), depth, |_, _| ()).unwrap_err();
        assert!(matches!(*objection.fault, Fault::Root { .. }), "{objection:?}");
    }
}
