//! Signed notes against the crate signed_note: each reads, verifies and refuses what the other does.

use proptest::prelude::*;
use safeharbor_core::key::Signer as _;
use safeharbor_core::note::{SignedNote, VerifierKey, sign_note};
use signed_note::{Note, NoteError, StandardVerifier, Verifier, VerifierList};

use crate::tree::{self, log_key, signer};

/// What signed_note says of a note: how many of its signatures are by these keys and verify; none where it refuses.
fn theirs(note: &[u8], keys: &[VerifierKey]) -> Option<usize> {
    let verifier = |key: &VerifierKey| -> Box<dyn Verifier> {
        Box::new(StandardVerifier::new(&key.to_string()).unwrap())
    };
    let keys = VerifierList::new(keys.iter().map(verifier).collect());
    let (verified, _) = Note::from_bytes(note).ok()?.verify(&keys).ok()?;
    Some(verified.len())
}

fn ours(note: &[u8], keys: &[VerifierKey]) -> Option<usize> {
    Some(SignedNote::parse(note).ok()?.verify(keys).ok()?.len())
}

fn key(seed: u8) -> VerifierKey {
    VerifierKey::ed25519(&format!("signer{seed}.example"), signer(seed).public_key()).unwrap()
}

/// A note with one signature each of these seeds.
fn signed(text: &str, seeds: &[u8]) -> SignedNote {
    let sign = |seed: &u8| sign_note(text, key(*seed).name(), &signer(*seed)).unwrap();
    let mut note = sign(&seeds[0]);
    seeds[1..].iter().for_each(|seed| note.append(sign(seed).signatures()[0].clone()).unwrap());
    note
}

#[test]
fn keys_are_written_alike() {
    for seed in 0..20 {
        let key = key(seed);
        let theirs = StandardVerifier::new(&key.to_string()).unwrap();
        assert_eq!((theirs.name(), theirs.key_id().to_be_bytes()), (key.name(), key.id()));
    }
}

#[test]
fn their_notes_verify() {
    let skey = |seed: u8| {
        let secret = [&[1][..], &[seed; 32]].concat();
        let id = u32::from_be_bytes(key(seed).id());
        format!("PRIVATE+KEY+{}+{id:08x}+{}", key(seed).name(), safeharbor_core::b64::encode_std(&secret))
    };
    let signers: Vec<_> = [1, 2].map(|seed| signed_note::StandardSigner::new(&skey(seed)).unwrap()).into();
    let mut note = Note::new("text\n\nmore\n".as_bytes(), &[]).unwrap();
    note.add_sigs(&[&signers[0], &signers[1]]).unwrap();
    let parsed = SignedNote::parse(&note.to_bytes()).unwrap();
    assert_eq!(parsed.verify(&[key(1), key(2)]).unwrap().len(), 2);
    assert_eq!(parsed.to_string().as_bytes(), note.to_bytes());
    assert_eq!(signed("text\n\nmore\n", &[1, 2]), parsed);
}

#[test]
fn checkpoints_are_notes_to_them() {
    let note = tree::checkpoint(7, 3);
    assert_eq!(theirs(note.as_bytes(), &[log_key()]), Some(1));
    assert_eq!(theirs(note.as_bytes(), &[key(1)]), None);
}

/// signed_note takes the first signature of a key and skips the rest; core has every one of them verify.
#[test]
fn a_false_repetition_is_refused_by_core_alone() {
    let mut note = signed("text\n", &[1]);
    let other = signed("other\n", &[1]);
    note.append(other.signatures()[0].clone()).unwrap();
    let bytes = note.to_string().into_bytes();
    assert_eq!((theirs(&bytes, &[key(1)]), ours(&bytes, &[key(1)])), (Some(1), None));
    assert!(!matches!(Note::from_bytes(&bytes), Err(NoteError::MalformedNote)));
}

proptest! {
    #[test]
    fn good_notes_are_accepted_by_both(
        text in "([ -~—\u{e9}\u{4e2d}]*\n){1,5}", seeds in prop::sample::subsequence(vec![1_u8, 2, 3, 4], 1..=4),
        known in prop::sample::subsequence(vec![1_u8, 2, 3, 4], 0..=4),
    ) {
        let note = signed(&text, &seeds).to_string();
        let keys: Vec<VerifierKey> = known.iter().map(|seed| key(*seed)).collect();
        let both = known.iter().filter(|seed| seeds.contains(seed)).count();
        prop_assert_eq!(ours(note.as_bytes(), &keys), (both > 0).then_some(both));
        prop_assert_eq!(theirs(note.as_bytes(), &keys), (both > 0).then_some(both));
    }

    #[test]
    fn damaged_notes_are_judged_alike(
        at in any::<prop::sample::Index>(), cut in 0..4_usize, paste in "[\n —+A=\\x00\u{2028}]{0,3}",
    ) {
        let note = signed("text\n\nmore\n", &[1, 2]).to_string();
        let start = note.floor_char_boundary(at.index(note.len()));
        let end = note.ceil_char_boundary((start + cut).min(note.len()));
        let (before, after) = (note.split_at(start).0, note.split_at(end).1);
        let damaged = format!("{before}{paste}{after}");
        let keys = [key(1), key(2)];
        prop_assert_eq!(ours(damaged.as_bytes(), &keys), theirs(damaged.as_bytes(), &keys), "{}", damaged);
    }
}
