//! What makes a statement and what does not.

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::*;
use crate::key::{MemorySigner, Signer};
use crate::sdjwt::{Algorithm, conceal, sign_jws};

fn signer(seed: u8) -> MemorySigner {
    MemorySigner::from_seed(&Zeroizing::new([seed; 32]))
}

fn draft() -> (Draft, Vec<Disclosure>) {
    let name = Value::from("高温超导限流器");
    let entropy: Vec<[u8; 16]> = (0..16_u8).map(|n| [n; 16]).collect();
    let concealed = conceal([("name", &name)].into_iter(), &entropy).unwrap();
    let envelope = Envelope {
        iss: "urn:uscc:12100000400002259P".parse().unwrap(),
        iat: 1_700_000_000,
        seq: 1,
        prev: Digest::of(b"admission"),
        vct: "urn:safeharbor:disclosure:ACH:1".parse().unwrap(),
        rec: Some(crate::record::RecordHandle::from_bytes([3; 16])),
        rev: Some(1),
        cat: Some(Digest::of(b"catalogue")),
    };
    (Draft { envelope, digests: concealed.digests, claims: Object::new() }, concealed.disclosures)
}

#[test]
fn a_signed_draft_parses_verifies_and_opens() {
    let (draft, disclosures) = draft();
    let jwt = draft.sign(Algorithm::EdDsa, &signer(1)).unwrap();
    let statement = Statement::parse(&jwt).unwrap();
    assert_eq!(statement.envelope, draft.envelope);
    assert_eq!(statement.digests.len(), 16);
    statement.verify(&signer(1).public_key()).unwrap();
    assert_eq!(statement.verify(&signer(2).public_key()), Err(JwsFailed::Signature));
    let opened = open(&statement.digests, disclosures.iter().map(Disclosure::encoded)).unwrap();
    assert_eq!(opened, disclosures);
}

#[test]
fn a_statement_names_the_key_that_signed_it() {
    let (draft, _) = draft();
    let mut payload = Object::new();
    draft.envelope.put_into(&mut payload);
    let payload = crate::b64::encode_url(&serde_json::to_vec(&payload).unwrap());
    let check = |kid: Value| {
        let header = json!({"alg": "EdDSA", "typ": STATEMENT_TYPE, "kid": kid}).to_string();
        let signed = format!("{}.{payload}", crate::b64::encode_url(header.as_bytes()));
        let signature = crate::b64::encode_url(&signer(1).sign(signed.as_bytes()).unwrap());
        let jwt = format!("{signed}.{signature}");
        Statement::parse(&jwt).unwrap().verify(&signer(1).public_key())
    };
    let thumbprint = |seed| signer(seed).public_key().thumbprint().to_string();
    assert_eq!(check(thumbprint(1).into()), Ok(()));
    for other in
        [thumbprint(2).into(), format!("{} ", thumbprint(1)).into(), json!(""), json!(null), json!(1)]
    {
        assert_eq!(check(other), Err(JwsFailed::Signature));
    }
}

#[test]
fn foreign_and_repeated_disclosures_are_refused() {
    let (draft, disclosures) = draft();
    let sent = disclosures[0].encoded();
    assert_eq!(open(&draft.digests, [sent, sent].into_iter()), Err(OpenFailed::Repeated { number: 2 }));
    let foreign = Disclosure::of_claim([99; 16], "name", &Value::from("x"));
    let answer = open(&draft.digests, [sent, foreign.encoded()].into_iter());
    assert_eq!(answer, Err(OpenFailed::Foreign { number: 2 }));
}

#[test]
fn a_disclosure_cannot_pose_as_a_claim_of_the_envelope() {
    for name in ["iss", "seq", "rec", "exp", "status", "_sd_alg"] {
        let posing = Disclosure::of_claim([9; 16], name, &Value::from(1));
        let answer = open(&[posing.digest()], std::iter::once(posing.encoded()));
        assert_eq!(answer, Err(OpenFailed::Envelope { number: 1 }), "{name}");
    }
}

#[test]
fn public_statements_conceal_nothing() {
    let check = |claims: Value| {
        let mut payload = json!({
            "iss": "https://hub.example.org", "iat": 1, "seq": 1, "prev": Digest::of(b"origin").to_string(),
            "vct": "urn:safeharbor:policy:NONE:1",
        });
        payload.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        let jwt =
            sign_jws(Algorithm::EdDsa, STATEMENT_TYPE, payload.as_object().unwrap(), &signer(1)).unwrap();
        Statement::parse(&jwt).map(|_| ())
    };
    assert_eq!(check(json!({"text": "x", "list": [{"a": 1}]})), Ok(()));
    let failed = Err(ParseStatementFailed::Envelope(ReadEnvelopeFailed::Claim("_sd")));
    let digest = Digest::of(b"hidden").to_string();
    assert_eq!(check(json!({"_sd": [], "_sd_alg": "sha-256"})), failed);
    assert_eq!(check(json!({"_sd": [digest], "_sd_alg": "sha-256"})), failed);
    assert_eq!(check(json!({"x": {"_sd": [digest]}})), failed);
    assert_eq!(check(json!({"x": [{"...": digest}]})), failed);
    let rev = Err(ParseStatementFailed::Envelope(ReadEnvelopeFailed::Claim("rev")));
    assert_eq!(check(json!({"rev": 0})), rev, "a revision counts from 1, of whatever it may be");
    let fits = |length: usize| check(json!({"text": "x".repeat(length)}));
    assert_eq!(fits(48_000), Ok(()));
    assert!(matches!(fits(48_600), Err(ParseStatementFailed::PublicTooLarge(_))));
}

#[test]
fn envelopes_that_do_not_hold_are_refused() {
    let check = |change: &dyn Fn(&mut Object)| {
        let (draft, _) = draft();
        let mut payload = Object::new();
        draft.envelope.put_into(&mut payload);
        let texts: Vec<_> = draft.digests.iter().map(Digest::to_string).collect();
        payload.insert("_sd".into(), texts.into());
        payload.insert("_sd_alg".into(), "sha-256".into());
        change(&mut payload);
        let jwt = sign_jws(Algorithm::EdDsa, STATEMENT_TYPE, &payload, &signer(1)).unwrap();
        Statement::parse(&jwt).map(|_| ())
    };
    let set = |name: &'static str, value: Value| {
        move |payload: &mut Object| {
            payload.insert(name.into(), value.clone());
        }
    };
    assert_eq!(check(&|_| ()), Ok(()));
    assert!(check(&set("seq", json!(0))).is_err());
    assert!(check(&set("seq", json!(-1))).is_err());
    assert!(check(&set("seq", json!(1.0))).is_err());
    assert!(check(&set("rev", json!(0))).is_err());
    assert!(check(&set("iss", json!("https://hub"))).is_err(), "a hub discloses no records");
    assert!(check(&set("vct", json!("urn:safeharbor:key:NONE:1"))).is_err(), "an institution states no keys");
    assert!(check(&set("name", json!("in the clear"))).is_err());
    assert!(check(&set("_sd", json!([Digest::of(b"b").to_string(), Digest::of(b"b").to_string()]))).is_err());
    assert!(check(&set("_sd_alg", json!("sha-512"))).is_err());
    assert!(check(&|payload| drop(payload.remove("prev"))).is_err());
    assert!(check(&|payload| drop(payload.remove("rec"))).is_err());
}

#[test]
fn too_large_is_refused_before_parsing() {
    let long = "a".repeat(STATEMENT_BYTES_MAX + 1);
    assert_eq!(Statement::parse(&long), Err(ParseStatementFailed::TooLarge(STATEMENT_BYTES_MAX + 1)));
}
