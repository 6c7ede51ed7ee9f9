//! Tokens of the reference implementation of SD-JWT, with and without key binding.

use safeharbor_core::b64;
use safeharbor_core::key::PublicKey;
use safeharbor_core::sdjwt::{
    Expectations, Jws, KeyBinding, SdJwt, Verified, VerifySdJwtFailed, public_key_from_jwk,
};
use serde::Deserialize;
use serde_json::Value;

use crate::support;

/// Between the times at which the vectors were made and at which they expire.
const NOW: u64 = 1_700_000_000;

#[derive(Deserialize)]
struct VectorFile {
    issuer_jwk: Value,
    holder_jwk: Value,
    nonce: String,
    aud: String,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    alg: String,
    user_claims: Value,
    sd_jwt_payload: Value,
    issuance: String,
    presentation: String,
    key_binding: bool,
    verified: Value,
    verifier_error: Option<String>,
}

impl Vector {
    /// The type is what the verifier was asked for, so it is the vector's own.
    fn typ(&self) -> String {
        let header = Jws::parse(SdJwt::parse(&self.issuance).unwrap().jwt).unwrap().header;
        assert_eq!(header["alg"].as_str(), Some(self.alg.as_str()), "{}", self.name);
        header["typ"].as_str().unwrap().to_owned()
    }

    fn verify(
        &self,
        compact: &str,
        key: &PublicKey,
        key_binding: Option<KeyBinding<'_>>,
    ) -> Result<Verified, VerifySdJwtFailed> {
        let expected = Expectations { typ: &self.typ(), key, now: NOW, audience: None, key_binding };
        SdJwt::parse(compact)?.verify(expected)
    }
}

/// Hands every vector of every file to `check`, with the issuer's key.
fn for_each(check: impl Fn(&Vector, &PublicKey, &VectorFile)) {
    let Some(folder) = support::vectors("sdjwt") else { return };
    for (path, text) in support::json_files(&folder) {
        let file: VectorFile = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
        let key = public_key_from_jwk(&file.issuer_jwk).unwrap();
        assert!(!file.vectors.is_empty(), "{path}");
        for vector in &file.vectors {
            check(vector, &key, &file);
        }
    }
}

const fn binding(file: &VectorFile) -> KeyBinding<'_> {
    KeyBinding { audience: file.aud.as_str(), nonce: file.nonce.as_str() }
}

/// The token with one byte of the signature of its last JWS changed.
fn flip_signature(jws: &str, at: usize) -> String {
    let (signed, signature) = jws.rsplit_once('.').unwrap();
    let mut signature = b64::decode_url(signature).unwrap();
    signature[at] ^= 1 << (at % 8);
    format!("{signed}.{}", b64::encode_url(&signature))
}

#[test]
fn every_issuance_vector_verifies_with_all_its_claims() {
    for_each(|vector, key, _| {
        let name = &vector.name;
        let jwt = SdJwt::parse(&vector.issuance).unwrap().jwt;
        assert_eq!(Value::Object(Jws::parse(jwt).unwrap().payload), vector.sd_jwt_payload, "{name}");
        let verified = vector.verify(&vector.issuance, key, None).unwrap();
        for (claim, value) in vector.user_claims.as_object().unwrap() {
            assert_eq!(verified.claims.get(claim), Some(value), "{name}: {claim}");
        }
    });
}

#[test]
fn every_presentation_vector_yields_exactly_the_stated_claims() {
    for_each(|vector, key, file| {
        let key_binding = vector.key_binding.then(|| binding(file));
        let answer = vector.verify(&vector.presentation, key, key_binding);
        let name = &vector.name;
        assert_eq!(answer.is_err(), vector.verifier_error.is_some(), "{name}: {answer:?}");
        if let Ok(verified) = answer {
            assert_eq!(Value::Object(verified.claims), vector.verified, "{name}");
        }
        let parsed = SdJwt::parse(&vector.presentation).unwrap();
        assert_eq!(parsed.key_binding.is_some(), vector.key_binding, "{name}");
    });
}

#[test]
fn a_vector_shown_to_somebody_else_is_refused() {
    for_each(|vector, key, file| {
        if !vector.key_binding {
            let refused = vector.verify(&vector.presentation, key, Some(binding(file)));
            assert_eq!(refused, Err(VerifySdJwtFailed::KeyBindingMissing), "{}", vector.name);
            return;
        }
        let check = |compact: &str, key_binding, expected| {
            let answer = vector.verify(compact, key, Some(key_binding));
            assert_eq!(answer.map(drop), Err(expected), "{}", vector.name);
        };
        let (whole, sound) = (vector.presentation.as_str(), binding(file));
        let claim = VerifySdJwtFailed::KeyBindingClaim;
        check(whole, KeyBinding { nonce: "another nonce", ..sound }, claim("nonce"));
        check(whole, KeyBinding { audience: "https://elsewhere.example", ..sound }, claim("aud"));
        let (unbound, kb_jwt) = whole.rsplit_once('~').unwrap();
        check(&format!("{unbound}~"), sound, VerifySdJwtFailed::KeyBindingMissing);
        let (fewer, _) = unbound.rsplit_once('~').unwrap();
        check(&format!("{fewer}~{kb_jwt}"), sound, claim("sd_hash"));
        let bound_key = vector.verified["cnf"]["jwk"].clone();
        assert_eq!(public_key_from_jwk(&bound_key), public_key_from_jwk(&file.holder_jwk));
    });
}

#[test]
fn every_flipped_byte_of_a_vectors_signatures_is_refused() {
    for_each(|vector, key, file| {
        let parsed = SdJwt::parse(&vector.presentation).unwrap();
        let (jwt, rest) = vector.presentation.split_at(parsed.jwt.len());
        for at in 0..64 {
            let flipped = format!("{}{rest}", flip_signature(jwt, at));
            assert!(vector.verify(&flipped, key, None).is_err(), "{} byte {at}", vector.name);
            if let Some(kb_jwt) = parsed.key_binding {
                let unbound = vector.presentation.strip_suffix(kb_jwt).unwrap();
                let flipped = format!("{unbound}{}", flip_signature(kb_jwt, at));
                let answer = vector.verify(&flipped, key, Some(binding(file)));
                assert!(matches!(answer, Err(VerifySdJwtFailed::KeyBindingToken(_))), "{answer:?}");
            }
        }
    });
}
