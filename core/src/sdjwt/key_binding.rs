//! Key binding: who shows a token, to whom and when (RFC 9901 section 4.3).

use serde_json::Value;

use super::jws::{Algorithm, Jws, JwsFailed, sign_with_header};
use super::token::VerifySdJwtFailed;
use crate::digest::Digest;
use crate::json::Object;
use crate::key::{PublicKey, SignFailed, Signer};

/// What a verifier that requires key binding expects of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyBinding<'a> {
    /// The verifier's own name.
    pub audience: &'a str,
    /// The nonce the verifier handed out.
    pub nonce: &'a str,
}

pub(super) fn verify_key_binding(
    presented: &str,
    binding_jwt: &str,
    key: &PublicKey,
    expected: KeyBinding<'_>,
) -> Result<(), VerifySdJwtFailed> {
    let jws = Jws::parse(binding_jwt).map_err(VerifySdJwtFailed::KeyBindingToken)?;
    jws.expect_type("kb+jwt").map_err(VerifySdJwtFailed::KeyBindingToken)?;
    jws.verify(key).map_err(VerifySdJwtFailed::KeyBindingToken)?;
    let text = |claim: &str| jws.payload.get(claim).and_then(Value::as_str);
    let hash = Digest::of(presented.as_bytes()).to_string();
    let checks = [
        ("iat", jws.payload.get("iat").is_some_and(Value::is_u64)),
        ("aud", text("aud") == Some(expected.audience)),
        ("nonce", text("nonce") == Some(expected.nonce)),
        ("sd_hash", text("sd_hash") == Some(hash.as_str())),
    ];
    match checks.into_iter().find(|(_, holds)| !holds) {
        Some((claim, _)) => Err(VerifySdJwtFailed::KeyBindingClaim(claim)),
        None => Ok(()),
    }
}

/// Appends a key-binding JWT to `presented`, an SD-JWT that ends in `~`.
///
/// `iat` is in seconds since 1970 UTC.
///
/// # Errors
/// The signer could not sign.
pub fn bind_key(
    presented: &str,
    expected: KeyBinding<'_>,
    iat: u64,
    signer: &dyn Signer,
) -> Result<String, SignFailed> {
    let mut payload = Object::new();
    payload.insert("iat".to_owned(), iat.into());
    payload.insert("aud".to_owned(), expected.audience.into());
    payload.insert("nonce".to_owned(), expected.nonce.into());
    payload.insert("sd_hash".to_owned(), Digest::of(presented.as_bytes()).to_string().into());
    let header = serde_json::json!({"alg": Algorithm::EdDsa.as_str(), "typ": "kb+jwt"});
    Ok(format!("{presented}{}", sign_with_header(&header, &payload, signer)?))
}

/// A key-binding token is a JWS as well; its failures are told apart by where they occur.
impl From<JwsFailed> for VerifySdJwtFailed {
    fn from(source: JwsFailed) -> Self {
        Self::Token(source)
    }
}
