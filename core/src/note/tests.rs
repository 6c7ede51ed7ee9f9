//! Tests of signed notes: what is read, what is believed, what is refused.

use zeroize::Zeroizing;

use super::*;
use crate::key::MemorySigner;

/// The example of golang.org/x/mod/sumdb/note.
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETERS_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn signer(seed: u8) -> MemorySigner {
    MemorySigner::from_seed(&Zeroizing::new([seed; 32]))
}

fn key(name: &str, seed: u8) -> VerifierKey {
    VerifierKey::ed25519(name, signer(seed).public_key()).unwrap()
}

/// A note signed once by each of these (name, seed).
fn signed(text: &str, signers: &[(&str, u8)]) -> SignedNote {
    let mut notes = signers.iter().map(|(name, seed)| sign_note(text, name, &signer(*seed)).unwrap());
    let mut note = notes.next().unwrap();
    notes.for_each(|more| note.append(more.signatures()[0].clone()).unwrap());
    note
}

fn names(note: &SignedNote, keys: &[VerifierKey]) -> Result<Vec<String>, NoteFailed> {
    Ok(note.verify(keys)?.iter().map(|verified| verified.key.name().to_owned()).collect())
}

#[test]
fn a_published_note_verifies() {
    let note = SignedNote::parse(PETERS_NOTE.as_bytes()).unwrap();
    assert_eq!(note.to_string(), PETERS_NOTE);
    assert_eq!(names(&note, &[PETER.parse().unwrap()]).unwrap(), ["PeterNeumann"]);
}

#[test]
fn signed_notes_round_trip() {
    let note = signed("a\n\n— b\n\nc\n", &[("one", 1), ("two.example/路", 2)]);
    assert_eq!(SignedNote::parse(note.to_string().as_bytes()), Ok(note.clone()));
    assert_eq!(note.text(), "a\n\n— b\n\nc\n");
    assert_eq!(names(&note, &[key("two.example/路", 2), key("one", 1)]).unwrap(), ["one", "two.example/路"]);
    let line = &note.signatures()[1];
    assert_eq!(line.to_string().parse().as_ref(), Ok(line));
}

#[test]
fn unknown_keys_are_ignored() {
    let note = signed("text\n", &[("one", 1), ("one", 2), ("two", 1)]);
    assert_eq!(names(&note, &[key("one", 1)]).unwrap(), ["one"]);
    assert_eq!(names(&note, &[key("three", 3)]), Err(NoteFailed::NoneKnown));
    assert_eq!(names(&note, &[]), Err(NoteFailed::NoneKnown));
}

#[test]
fn a_known_signature_that_fails_refuses_the_note() {
    let mut note = signed("text\n", &[("one", 1)]);
    let false_line = SignatureLine::new(&key("two", 2), vec![7; 64]);
    note.append(false_line).unwrap();
    assert_eq!(names(&note, &[key("one", 1)]).unwrap(), ["one"]);
    let source = VerifyLineFailed::Signature(VerifySignatureFailed);
    let refused = Err(NoteFailed::Signature { name: "two".into(), source });
    assert_eq!(names(&note, &[key("one", 1), key("two", 2)]), refused);
}

#[test]
fn a_second_signature_of_the_same_key_must_verify_too() {
    let mut note = signed("text\n", &[("one", 1)]);
    note.append(SignatureLine::new(&key("one", 1), vec![7; 64])).unwrap();
    assert!(matches!(names(&note, &[key("one", 1)]), Err(NoteFailed::Signature { .. })));
}

#[test]
fn keys_of_unsupported_types_are_ignored() {
    let bytes = [&[6][..], &[7; 1312]].concat();
    let id = crate::digest::Digest::of_parts(&[b"later\n", &bytes]);
    let hex: String = id.as_bytes()[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    let later: VerifierKey = format!("later+{hex}+{}", b64::encode_std(&bytes)).parse().unwrap();
    let mut note = signed("text\n", &[("one", 1)]);
    note.append(SignatureLine::new(&later, vec![7; 2428])).unwrap();
    assert_eq!(names(&note, &[key("one", 1), later.clone()]).unwrap(), ["one"]);
    assert_eq!(names(&note, &[later]), Err(NoteFailed::NoneKnown));
}

fn check(note: &str, expected: &NoteFailed) {
    assert_eq!(SignedNote::parse(note.as_bytes()).as_ref(), Err(expected), "{note:?}");
}

#[test]
fn malformed_notes_are_refused() {
    check("", &NoteFailed::Form);
    check("text\n", &NoteFailed::Form);
    check("text\n\n", &NoteFailed::Form);
    check("text\n— a AQIDBAU=\n", &NoteFailed::Form);
    check("text\n\n— a AQIDBAU=", &NoteFailed::Form);
    check("text\n\n\n", &NoteFailed::Form);
    check("text\n\n— a AQIDBAU=\n\n", &NoteFailed::Form);
    check("text\n\n— a AQIDBAU=\n— b\n", &NoteFailed::Line(2));
    check("text\n\n- a AQIDBAU=\n", &NoteFailed::Line(1));
    check("text\n\n—  AQIDBAU=\n", &NoteFailed::Line(1));
    check("text\n\n—  a AQIDBAU=\n", &NoteFailed::Line(1));
    check("text\n\n— a+b AQIDBAU=\n", &NoteFailed::Line(1));
    check("text\n\n— a\u{3000}b AQIDBAU=\n", &NoteFailed::Line(1));
    check("text\n\n— a AQIDBAU= \n", &NoteFailed::Line(1));
    check("text\n\n— a AQIDBAU\n", &NoteFailed::Line(1));
    check("text\n\n— a AQIDBA==\n", &NoteFailed::Line(1));
    check("te\txt\n\n— a AQIDBAU=\n", &NoteFailed::Characters);
    check("text\r\n\n— a AQIDBAU=\n", &NoteFailed::Characters);
    assert_eq!(SignedNote::parse(b"\xff\n\n"), Err(NoteFailed::Characters));
    assert!(SignedNote::parse("text\n\n— a AQIDBAU=\n".as_bytes()).is_ok());
    assert!(SignedNote::parse("\n\n— a AQIDBAU=\n".as_bytes()).is_ok());
}

#[test]
fn sizes_are_limited() {
    let lines = |count| format!("text\n\n{}", "— a AQIDBAU=\n".repeat(count));
    assert_eq!(SignedNote::parse(lines(100).as_bytes()).unwrap().signatures().len(), 100);
    check(&lines(101), &NoteFailed::TooManyLines);
    let mut full = SignedNote::parse(lines(100).as_bytes()).unwrap();
    let line = full.signatures()[0].clone();
    assert_eq!(full.append(line), Err(NoteFailed::TooManyLines));
    let tail = "\n\n— a AQIDBAU=\n";
    let most = "x".repeat(NOTE_BYTES_MAX - tail.len()) + tail;
    assert!(SignedNote::parse(most.as_bytes()).is_ok());
    check(&format!("x{most}"), &NoteFailed::TooLong(NOTE_BYTES_MAX + 1));
}

#[test]
fn only_what_can_be_read_is_signed() {
    let sign = |text, name| sign_note(text, name, &signer(1)).err();
    assert_eq!(sign("text", "a"), Some(NoteFailed::Form));
    assert_eq!(sign("", "a"), Some(NoteFailed::Form));
    assert_eq!(sign("te\txt\n", "a"), Some(NoteFailed::Form));
    for name in ["", "a b", "a+b", "a\nb"] {
        assert_eq!(sign("text\n", name), Some(NoteFailed::Name(name.into())));
    }
}
