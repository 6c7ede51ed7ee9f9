//! SD-JWT against the crate `sd-jwt-payload`, in both directions.
//!
//! The crate restores claims and leaves signatures to its caller. It grew up with the drafts; where it is laxer than
//! RFC 9901 or leaves placeholders behind, the difference is pinned below.

use proptest::prelude::*;
use safeharbor_core::digest::Digest;
use safeharbor_core::json::Object;
use safeharbor_core::sdjwt::{
    Algorithm, Disclosure, Expectations, Jws, SdJwt, conceal, public_key_from_jwk, sign_jws,
};
use sd_jwt_payload::{SdJwt as TheirSdJwt, Sha256Hasher};
use serde_json::{Value, json};

use crate::support;
use crate::tokens::{self, NOW, TYPE, compact, sign_payload, sign_text, verify};

fn theirs(compact: &str) -> Result<Value, String> {
    let parsed = TheirSdJwt::parse(compact).map_err(|error| error.to_string())?;
    parsed.into_disclosed_object(&Sha256Hasher::new()).map(Value::Object).map_err(|error| error.to_string())
}

/// Takes out what the crate leaves of objects and arrays of which nothing is revealed.
fn without_placeholders(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let kept = object.into_iter().filter(|(name, _)| name != "_sd");
            Value::Object(kept.map(|(name, value)| (name, without_placeholders(value))).collect())
        }
        Value::Array(array) => {
            let kept = array.into_iter().filter(|element| element.get("...").is_none());
            Value::Array(kept.map(without_placeholders).collect())
        }
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => plain,
    }
}

#[test]
fn both_read_the_same_claims_out_of_every_vector() {
    let Some(folder) = support::vectors("sdjwt") else { return };
    for (path, text) in support::json_files(&folder) {
        let file: Value = serde_json::from_str(&text).unwrap();
        let key = public_key_from_jwk(&file["issuer_jwk"]).unwrap();
        for vector in file["vectors"].as_array().unwrap() {
            for form in ["issuance", "presentation"] {
                let compact = vector[form].as_str().unwrap();
                let parsed = SdJwt::parse(compact).unwrap();
                let header = Jws::parse(parsed.jwt).unwrap().header;
                let typ = header["typ"].as_str().unwrap();
                let expected =
                    Expectations { typ, key: &key, now: 1_700_000_000, audience: None, key_binding: None };
                let ours = Value::Object(parsed.verify(expected).unwrap().claims);
                let theirs = without_placeholders(theirs(compact).unwrap());
                assert_eq!(theirs, ours, "{path}: {} {form}", vector["name"]);
            }
        }
    }
}

/// Values without empty objects, which the crate drops out of arrays.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,6}", inner, 1..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_we_conceal_they_open(
        claims in prop::collection::btree_map("f_[a-z]{1,8}", value(), 0..8),
        revealed in prop::collection::vec(any::<bool>(), 8),
        decoys in 0..4_usize,
    ) {
        let entropy: Vec<[u8; 16]> = (0..claims.len() + decoys)
            .map(|n| Digest::of(&n.to_be_bytes()).as_bytes()[..16].try_into().unwrap())
            .collect();
        let named = claims.iter().map(|(name, value)| (name.as_str(), value));
        let concealed = conceal(named, &entropy).unwrap();
        let digests: Vec<String> = concealed.digests.iter().map(Digest::to_string).collect();
        let payload = json!({"iss": "https://hub", "iat": NOW, "_sd": digests, "_sd_alg": "sha-256"});
        let jwt =
            sign_jws(Algorithm::EdDsa, TYPE, &tokens::object(&payload), &tokens::issuer()).unwrap();
        let chosen = concealed.disclosures.iter().zip(&revealed).filter(|(_, chosen)| **chosen);
        let sent: Vec<&str> = chosen.map(|(disclosure, _)| disclosure.encoded()).collect();
        let mut expected: Object = claims
            .into_iter()
            .zip(&revealed)
            .filter(|(_, chosen)| **chosen)
            .map(|(claim, _)| claim)
            .collect();
        expected.insert("iss".to_owned(), json!("https://hub"));
        expected.insert("iat".to_owned(), json!(NOW));
        let token = compact(&jwt, &sent);
        prop_assert_eq!(&verify(&token).unwrap().claims, &expected);
        prop_assert_eq!(theirs(&token), Ok(Value::Object(expected)));
    }
}

fn claim(name: &str) -> (String, String) {
    let disclosure = Disclosure::of_claim([1; 16], name, &json!(1));
    (disclosure.encoded().to_owned(), disclosure.digest().to_string())
}

#[test]
fn both_refuse_what_the_drafts_refused() {
    let (a, digest) = claim("a");
    let (b, _) = claim("b");
    let sign = |payload: Value| sign_payload(&payload.to_string());
    for token in [
        sign(json!({"_sd": [digest]})),
        compact(&sign(json!({"_sd": [digest], "a": 2})), &[&a]),
        compact(&sign(json!({"_sd": [digest]})), &[&a, &b]),
        compact(&sign(json!({"_sd": [digest, digest]})), &[&a]),
        compact(&sign(json!({"x": [{"...": digest}]})), &[&a]),
        compact(&sign(json!({})), &["WyJzIl0"]),
    ] {
        assert!(verify(&token).is_err(), "{token}");
        assert!(theirs(&token).is_err(), "{token}");
    }
}

#[test]
fn the_crate_accepts_what_rfc_9901_refuses() {
    let (a, digest) = claim("a");
    let (dots, reserved) = claim("...");
    let (alg, hash) = claim("_sd_alg");
    let sign = |payload: Value| sign_payload(&payload.to_string());
    let none = format!(r#"{{"alg":"none","typ":"{TYPE}"}}"#);
    for (difference, token) in [
        ("a digest that occurs twice, unrevealed", compact(&sign(json!({"_sd": [digest, digest]})), &[])),
        ("a disclosure sent twice", compact(&sign(json!({"_sd": [digest]})), &[&a, &a])),
        ("a reserved name", compact(&sign(json!({"_sd": [reserved]})), &[&dots])),
        ("a disclosure that names the hash", compact(&sign(json!({"_sd": [hash]})), &[&alg])),
        ("another hash", compact(&sign(json!({"_sd": [digest], "_sd_alg": "md5"})), &[&a])),
        ("a duplicate key", compact(&sign_payload(r#"{"x":{"a":1,"a":2}}"#), &[])),
        ("no signature", compact(&sign_text(&none, "{}"), &[])),
        ("an expired token", compact(&sign(json!({"exp": 1})), &[])),
    ] {
        assert!(verify(&token).is_err(), "we accept {difference}");
        assert!(theirs(&token).is_ok(), "they refuse {difference}: {:?}", theirs(&token));
    }
}

#[test]
fn the_crate_leaves_placeholders_of_unrevealed_objects() {
    let hidden = Digest::of(b"hidden").to_string();
    let token = compact(&sign_payload(&json!({"x": {"_sd": [hidden]}}).to_string()), &[]);
    assert_eq!(verify(&token).unwrap().claims, tokens::object(&json!({"x": {}})));
    assert_eq!(theirs(&token), Ok(json!({"x": {"_sd": [hidden]}})));
}
