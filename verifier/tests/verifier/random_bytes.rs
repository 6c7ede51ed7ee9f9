//! No bytes whatever make the verifier panic, or verify.

use proptest::prelude::*;
use safeharbor_verifier::disclosure::{verify_by_keys, verify_by_log};
use safeharbor_verifier::keys::KeyFile;
use safeharbor_verifier::log::{Depth, verify};
use safeharbor_verifier::receipt::{self, tie_statement, verify_entry};
use safeharbor_verifier::token::Token;
use safeharbor_verifier::trust::{LogTrust, parse_policy, parse_vkey};

use crate::registry::*;

/// Random bytes, and real ones with a stretch replaced.
fn mangled(real: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let cut = (any::<prop::sample::Index>(), 0..64_usize, prop::collection::vec(any::<u8>(), 0..64));
    let replaced = cut.prop_map(move |(at, length, bytes)| {
        let mut mangled = real.clone();
        let start = at.index(mangled.len());
        let end = (start + length).min(mangled.len());
        mangled.splice(start..end, bytes);
        mangled
    });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..2048), replaced]
}

fn text(real: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    mangled(real.as_bytes().to_vec())
}

#[test]
fn files_of_any_bytes_are_read_without_panic() {
    let (registry, made) = Registry::with_disclosures(5);
    let (receipt, entry) = (registry.receipt(7, &[]), registry.entries[7].clone());
    let (own, trusted) = (verify_entry(&entry).unwrap(), policy(&policy_text()));
    let keys_text = jwks(&[PEKING_KEY]).to_string();
    let keys = KeyFile::parse(keys_text.as_bytes()).unwrap();
    let trust = LogTrust::by_both(trusted.clone(), vkey());
    let files = registry.files();

    proptest!(|(bytes in text(&receipt))| {
        let outcome = receipt::verify(&bytes, &own, &trusted);
        prop_assert_eq!(outcome.is_ok(), bytes == receipt.as_bytes());
    });
    proptest!(|(bytes in mangled(entry.clone()))| {
        let outcome = verify_entry(&bytes).and_then(|other| receipt::verify(receipt.as_bytes(), &other, &trusted));
        prop_assert_eq!(outcome.is_ok(), bytes == entry);
    });
    proptest!(|(bytes in text(&made[1].revealing(2)))| {
        drop(tie_statement(&bytes, &own));
        if let Ok(token) = Token::parse(&bytes) {
            drop(verify_by_keys(&token, &keys));
            drop(verify_by_log(&token, &files, &trust));
        }
    });
    proptest!(|(bytes in text(&policy_text()))| { drop(parse_policy(&bytes)); });
    proptest!(|(bytes in text(&vkey().to_string()))| { drop(parse_vkey(&bytes)); });
    proptest!(|(bytes in text(&keys_text))| { drop(KeyFile::parse(&bytes)); });
}

#[test]
fn registries_of_any_bytes_are_read_without_panic() {
    let (registry, _) = Registry::with_disclosures(5);
    let files = registry.files();
    let trust = LogTrust::by_vkey(vkey());
    for (path, real) in &files.0 {
        proptest!(|(bytes in mangled(real.clone()))| {
            let mut changed = files.clone();
            changed.0.insert(path.clone(), bytes.clone());
            let outcome = verify(&changed, &trust, Depth::EntriesAndTiles, |_, _| ());
            prop_assert_eq!(outcome.is_ok(), bytes == *real, "{}", path);
        });
    }
}
