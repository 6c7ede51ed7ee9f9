//! Ed25519 against RFC 8032 vectors.

use safeharbor_core::key::PublicKey;
use serde::Deserialize;

use crate::support;

#[derive(Deserialize)]
struct Vector {
    pk: String,
    msg: String,
    sig: String,
    valid: bool,
    comment: String,
}

fn hex(text: &str) -> Vec<u8> {
    assert_eq!(text.len() % 2, 0, "{text}");
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    text.as_bytes().chunks(2).map(byte).collect()
}

fn verifies(vector: &Vector) -> bool {
    let key = PublicKey::from_bytes(&hex(&vector.pk));
    key.is_ok_and(|key| key.verify(&hex(&vector.msg), &hex(&vector.sig)).is_ok())
}

#[test]
fn ed25519_vectors_are_answered_as_a_strict_verifier_must() {
    let Some(folder) = support::vectors("ed25519") else { return };
    for (file, text) in support::json_files(&folder) {
        let vectors: Vec<Vector> = serde_json::from_str(&text).unwrap();
        assert!(!vectors.is_empty(), "{file}");
        for (at, vector) in vectors.iter().enumerate() {
            assert_eq!(verifies(vector), vector.valid, "{file}, vector {at}: {}", vector.comment);
        }
    }
}
