//! Tokens for the tests of SD-JWT and statements, sound and otherwise.

use safeharbor_core::b64;
use safeharbor_core::digest::Digest;
use safeharbor_core::json::Object;
use safeharbor_core::key::{MemorySigner, PublicKey, Signer as _};
use safeharbor_core::record::RecordHandle;
use safeharbor_core::sdjwt::{
    Algorithm, Disclosure, Expectations, SdJwt, Verified, VerifySdJwtFailed, conceal,
};
use safeharbor_core::statement::{Draft, Envelope};
use serde_json::Value;

use crate::tree;

pub(crate) const TYPE: &str = "test+sd-jwt";
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) fn issuer() -> MemorySigner {
    tree::signer(40)
}

pub(crate) fn issuer_key() -> PublicKey {
    issuer().public_key()
}

/// Signs header and payload exactly as written.
pub(crate) fn sign_text(header: &str, payload: &str) -> String {
    let input = format!("{}.{}", b64::encode_url(header.as_bytes()), b64::encode_url(payload.as_bytes()));
    let signature = issuer().sign(input.as_bytes()).unwrap();
    format!("{input}.{}", b64::encode_url(&signature))
}

/// A sound header around a payload exactly as written.
pub(crate) fn sign_payload(payload: &str) -> String {
    sign_text(&format!(r#"{{"alg":"EdDSA","typ":"{TYPE}"}}"#), payload)
}

pub(crate) fn compact(jwt: &str, disclosures: &[&str]) -> String {
    let mut text = format!("{jwt}~");
    for disclosure in disclosures {
        text.push_str(disclosure);
        text.push('~');
    }
    text
}

pub(crate) fn expectations(key: &PublicKey) -> Expectations<'_> {
    Expectations { typ: TYPE, key, now: NOW, audience: None, key_binding: None }
}

pub(crate) fn verify(compact: &str) -> Result<Verified, VerifySdJwtFailed> {
    SdJwt::parse(compact)?.verify(expectations(&issuer_key()))
}

/// A statement of these claims among decoys, and the disclosures that open it.
pub(crate) fn state(claims: &Object, decoys: usize) -> (String, Vec<Disclosure>) {
    let entropy: Vec<[u8; 16]> = (0..claims.len() + decoys)
        .map(|n| Digest::of(&n.to_be_bytes()).as_bytes()[..16].try_into().unwrap())
        .collect();
    let concealed = conceal(claims.iter().map(|(name, value)| (name.as_str(), value)), &entropy).unwrap();
    let envelope = Envelope {
        iss: "urn:uscc:12100000400002259P".parse().unwrap(),
        iat: NOW,
        seq: 7,
        prev: Digest::of(b"6"),
        vct: "urn:safeharbor:disclosure:ACH:1".parse().unwrap(),
        rec: Some(RecordHandle::from_bytes([3; 16])),
        rev: Some(1),
        cat: Some(Digest::of(b"catalogue")),
    };
    let draft = Draft { envelope, digests: concealed.digests, claims: Object::new() };
    (draft.sign(Algorithm::EdDsa, &issuer()).unwrap(), concealed.disclosures)
}

/// The claims of an object written as a literal.
pub(crate) fn object(value: &Value) -> Object {
    value.as_object().unwrap().clone()
}
