//! Evidence is explained when it proves something, and refused when it does not.

use safeharbor_core::checkpoint::{Checkpoint, sign_checkpoint};
use safeharbor_core::digest::Digest;
use safeharbor_core::fork::Fork;
use safeharbor_verifier::evidence::{EvidenceReport, verify_fork, verify_statements};
use safeharbor_verifier::keys::KeyFile;
use safeharbor_verifier::language::Language;
use safeharbor_verifier::objection::Fault;
use safeharbor_verifier::report::{Format, render};

use crate::registry::*;

fn note(size: u64, root: &[u8]) -> String {
    let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size, root: Digest::of(root) };
    sign_checkpoint(&checkpoint, &signer(LOG_KEY)).unwrap().to_string()
}

fn fork(first: String, second: String) -> Result<EvidenceReport, Fault> {
    verify_fork(&Fork { first, second, hashes: Vec::new() }, &[vkey()])
}

#[test]
fn two_roots_of_one_size_are_explained_in_both_languages() {
    let report = fork(note(7, b"a"), note(7, b"b")).unwrap();
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!((&json["proven"], &json["first_size"]), (&"registry-forked".into(), &7.into()));
    let outcome = Ok(report);
    let text = render(&outcome, Format::Text, Language::English);
    assert!(text.contains("signed two histories") && text.contains("By hand:"), "{text}");
    let text = render(&outcome, Format::Text, Language::Chinese);
    assert!(text.contains("两套历史") && text.contains("手工核对"), "{text}");
}

#[test]
fn notes_that_accuse_nobody_are_refused() {
    assert!(matches!(fork(note(7, b"a"), note(7, b"a")), Err(Fault::NotProven(_))));
    assert!(matches!(fork(note(7, b"a"), note(8, b"b")), Err(Fault::SizesDiffer { first: 7, second: 8 })));
    let other = note(7, b"b").replace("\n7\n", "\n8\n");
    assert!(matches!(fork(note(7, b"a"), other), Err(Fault::NotProven(_))));
}

#[test]
fn two_statements_of_one_number_are_their_signers_own() {
    let registry = Registry::begin();
    let one = registry.draft(PEKING, PEKING_KEY);
    let mut longer = Registry::begin();
    longer.disclose(TSINGHUA, TSINGHUA_KEY);
    let other = longer.draft(PEKING, PEKING_KEY);
    let keys = KeyFile::parse(jwks(&[PEKING_KEY]).to_string().as_bytes()).unwrap();
    let check = |first: &str, second: &str| verify_statements([first.as_bytes(), second.as_bytes()], &keys);
    let report = check(&one.jwt, &other.revealing(1)).unwrap();
    assert_eq!(serde_json::to_value(&report).unwrap()["seq"], 1);
    let text = render(&Ok(report), Format::Text, Language::English);
    assert!(text.contains("two different statements for the same number"), "{text}");
    assert!(matches!(check(&one.jwt, &one.revealing(2)), Err(Fault::NoContradiction)));
    let foreign = registry.draft(TSINGHUA, TSINGHUA_KEY);
    assert!(matches!(check(&one.jwt, &foreign.jwt), Err(Fault::KeyMissing(_))));
    let mut forged = other.jwt.clone().into_bytes();
    let last = forged.len() - 3;
    forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
    assert!(check(&one.jwt, &String::from_utf8(forged).unwrap()).is_err());
}
