//! A statement is verified under its issuer's key, where that key was valid, with the claims it reveals.

use safeharbor_core::directory::{Announcement, KeyGround};
use safeharbor_core::json::Object;
use safeharbor_core::sdjwt::{Algorithm, Disclosure};
use safeharbor_core::statement::{Draft, Statement};
use safeharbor_verifier::disclosure::{verify_by_keys, verify_by_log};
use safeharbor_verifier::keys::KeyFile;
use safeharbor_verifier::objection::{Fault, Objection};
use safeharbor_verifier::report::Verdict;
use safeharbor_verifier::token::Token;
use safeharbor_verifier::trust::LogTrust;
use serde_json::{Value, json};

use crate::registry::*;

fn by_keys(compact: &str, keys: &Value) -> Result<Value, Fault> {
    let keys = KeyFile::parse(keys.to_string().as_bytes()).map_err(Fault::Trust)?;
    let report = verify_by_keys(&Token::parse(compact.as_bytes())?, &keys)?;
    Ok(serde_json::to_value(report).unwrap())
}

fn by_log(compact: &str, registry: &Registry) -> Result<Value, Objection> {
    let trust = LogTrust::by_policy(policy(&policy_text()));
    let report = verify_by_log(&Token::parse(compact.as_bytes())?, &registry.files(), &trust)?;
    Ok(serde_json::to_value(report).unwrap())
}

#[test]
fn revealed_claims_are_shown_and_others_are_not() {
    let (_, made) = Registry::with_disclosures(2);
    let all = jwks(&[99, PEKING_KEY]);
    assert_eq!(by_keys(&made[0].revealing(0), &all).unwrap()["claims"], json!({}));
    let two = by_keys(&made[0].revealing(2), &all).unwrap();
    assert_eq!(two["claims"], json!({"name": "高温超导限流器 6", "type": "02"}));
    assert_eq!((&two["digests"], &two["revealed"]), (&16.into(), &2.into()));
    let four = by_keys(&made[0].revealing(4), &all).unwrap();
    assert_eq!(four["claims"]["fields"], json!(["01", "07"]));
    let single = all["keys"][1].clone();
    assert_eq!(by_keys(&made[0].revealing(2), &single).unwrap(), two);
}

#[test]
fn without_the_key_nobody_can_tell() {
    let (_, made) = Registry::with_disclosures(1);
    let outcome = by_keys(&made[0].revealing(1), &jwks(&[TSINGHUA_KEY]));
    assert_eq!(outcome.unwrap_err().verdict(), Verdict::CouldNotTell);
    for keys in [json!({}), json!({"keys": []}), json!({"kty": "RSA"})] {
        assert_eq!(by_keys(&made[0].revealing(1), &keys).unwrap_err().verdict(), Verdict::CouldNotTell);
    }
}

#[test]
fn any_flipped_bit_of_a_statement_is_refused() {
    let (_, made) = Registry::with_disclosures(1);
    let compact = made[0].revealing(3).into_bytes();
    let keys = KeyFile::parse(jwks(&[PEKING_KEY]).to_string().as_bytes()).unwrap();
    for at in 0..compact.len() {
        let mut flipped = compact.clone();
        flipped[at] ^= 1 << (at % 7);
        let outcome = Token::parse(&flipped).and_then(|token| verify_by_keys(&token, &keys));
        assert!(outcome.is_err(), "byte {at}");
    }
}

#[test]
fn foreign_disclosures_are_refused() {
    let (_, made) = Registry::with_disclosures(2);
    let keys = jwks(&[PEKING_KEY]);
    let foreign = format!("{}{}~", made[0].revealing(1), made[1].disclosures[0].encoded());
    assert!(matches!(by_keys(&foreign, &keys), Err(Fault::Token(_))));
    let twice = format!("{}{}~", made[0].revealing(1), made[0].disclosures[0].encoded());
    assert!(matches!(by_keys(&twice, &keys), Err(Fault::Token(_))));
    assert!(matches!(by_keys(&made[0].jwt, &keys), Err(Fault::Token(_))), "a bare JWS is no SD-JWT");
}

#[test]
fn a_disclosure_cannot_pose_as_the_envelope() {
    let (registry, made) = Registry::with_disclosures(1);
    let disclosure = Disclosure::of_claim([1; 16], "exp", &json!(1));
    let envelope = Statement::parse(&made[0].jwt).unwrap().envelope;
    let draft = Draft { envelope, digests: vec![disclosure.digest()], claims: Object::new() };
    let jwt = draft.sign(Algorithm::EdDsa, &signer(PEKING_KEY)).unwrap();
    let compact = format!("{jwt}~{}~", disclosure.encoded());
    assert!(matches!(by_keys(&compact, &jwks(&[PEKING_KEY])), Err(Fault::ReservedClaim(_))));
    assert_eq!(registry.size(), 7);
}

#[test]
fn the_log_says_whose_key_it_is_and_where_the_statement_stands() {
    let (registry, made) = Registry::with_disclosures(20);
    let report = by_log(&made[9].revealing(1), &registry).unwrap();
    let log = &report["log"];
    assert_eq!((&log["index"], &log["size"]), (&made[9].index.into(), &26.into()));
    assert_eq!((&log["institution"], &log["hub_key_source"]), (&"北京大学".into(), &"policy".into()));
}

#[test]
fn a_statement_that_is_not_logged_is_neither_verified_nor_refuted() {
    let (registry, _) = Registry::with_disclosures(3);
    let later = registry.draft(PEKING, PEKING_KEY);
    let objection = by_log(&later.revealing(1), &registry).unwrap_err();
    assert!(matches!(*objection.fault, Fault::NotLogged { seq: 3, size: 9, .. }), "{objection:?}");
    assert_eq!(objection.verdict(), Verdict::CouldNotTell);
    let mut forged = later.revealing(0);
    let at = forged.len() - 40;
    let other = if forged.as_bytes()[at] == b'A' { "B" } else { "A" };
    forged.replace_range(at..=at, other);
    assert_eq!(by_log(&forged, &registry).unwrap_err().verdict(), Verdict::Refuted);
}

#[test]
fn another_statement_under_the_same_number_is_refuted() {
    let (registry, made) = Registry::with_disclosures(3);
    let mut envelope = Statement::parse(&made[1].jwt).unwrap().envelope;
    envelope.iat += 1;
    let draft = Draft { envelope, digests: Vec::new(), claims: Object::new() };
    let fork = draft.sign(Algorithm::EdDsa, &signer(PEKING_KEY)).unwrap();
    let objection = by_log(&format!("{fork}~"), &registry).unwrap_err();
    assert!(matches!(*objection.fault, Fault::OtherLogged { seq: 2, .. }), "{objection:?}");
    assert_eq!((objection.verdict(), objection.index), (Verdict::Refuted, Some(7)));
}

#[test]
fn keys_are_valid_for_their_log_positions_only() {
    let (mut registry, made) = Registry::with_disclosures(1);
    let code = PEKING.parse().unwrap();
    registry.announce(&Announcement::KeyEnds { code, key: public_key(PEKING_KEY) });
    registry.announce(&key_begins(code, public_key(50), KeyGround::ReEnrolment));
    let late = registry.disclose(PEKING, PEKING_KEY);
    let renewed = registry.disclose(PEKING, 50);
    assert!(by_log(&made[0].revealing(1), &registry).is_ok());
    assert!(by_log(&renewed.revealing(1), &registry).is_ok());
    let objection = by_log(&late.revealing(1), &registry).unwrap_err();
    assert!(matches!(*objection.fault, Fault::KeyNotValid { index: 9, .. }), "{objection:?}");
}

#[test]
fn a_statement_of_the_hub_is_verified_under_its_logged_key() {
    let (registry, _) = Registry::with_disclosures(1);
    let entry = safeharbor_core::entry::Entry::decode(&registry.entries[2]).unwrap();
    let report = by_log(&format!("{}~", entry.public.unwrap()), &registry).unwrap();
    assert_eq!((&report["claims"]["name"], &report["type"]), (&"北京大学".into(), &"institution".into()));
}
