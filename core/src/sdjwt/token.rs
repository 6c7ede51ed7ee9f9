//! The compact form of an SD-JWT and its verification (RFC 9901 sections 4 and 7).

use serde_json::Value;

use super::disclosure::{Disclosure, ParseDisclosureFailed};
use super::jws::{Jws, JwsFailed};
use super::key_binding::{KeyBinding, verify_key_binding};
use super::process::{ProcessFailed, process};
use crate::b64;
use crate::json::Object;
use crate::key::PublicKey;

/// Claims on which a token's validity depends, so no holder may withhold them.
const NEVER_DISCLOSED: [&str; 7] = ["iss", "nbf", "exp", "aud", "cnf", "vct", "status"];

/// The parts of `<JWS>~<D1>~…~<Dn>~[<KB-JWT>]`, none of them verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdJwt<'a> {
    /// The issuer-signed JWT.
    pub jwt: &'a str,
    /// The disclosures as sent.
    pub disclosures: Vec<&'a str>,
    /// The key-binding JWT, where there is one.
    pub key_binding: Option<&'a str>,
    presented: &'a str,
}

/// What the verifier was asked to verify; nothing of it is taken from the token.
#[derive(Debug, Clone, Copy)]
pub struct Expectations<'a> {
    /// The `typ` header.
    pub typ: &'a str,
    /// The issuer's key.
    pub key: &'a PublicKey,
    /// Now, in seconds since 1970 UTC, for `nbf` and `exp`.
    pub now: u64,
    /// The `aud` claim; a token that has one is refused where none is expected.
    pub audience: Option<&'a str>,
    /// The key binding, where the verifier's policy requires one.
    pub key_binding: Option<KeyBinding<'a>>,
}

/// A verified token.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// The protected header.
    pub header: Object,
    /// The claims, revealed ones in their places.
    pub claims: Object,
}

/// A token that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifySdJwtFailed {
    /// No `~` at all (a bare JWS), or an empty disclosure.
    #[error("not an SD-JWT: every part ends in ~")]
    Shape,
    /// The issuer-signed JWT is refused.
    #[error("the issuer-signed token is refused")]
    Token(#[source] JwsFailed),
    /// A disclosure is refused.
    #[error("disclosure {number} is refused")]
    Disclosure {
        /// Its place, counted from 1.
        number: usize,
        /// Why.
        #[source]
        source: ParseDisclosureFailed,
    },
    /// Payload and disclosures do not fit together.
    #[error("the disclosures do not fit the token")]
    Process(#[source] ProcessFailed),
    /// A claim that a holder could leave out although the token's validity depends on it.
    #[error("the claim {0} must stand in the clear")]
    Concealed(&'static str),
    /// `nbf`, `exp` or `aud` does not hold.
    #[error("the claim {0} does not hold")]
    Claim(&'static str),
    /// The verifier's policy requires a key binding and there is none.
    #[error("a key binding is required and missing")]
    KeyBindingMissing,
    /// The token names no Ed25519 key in `cnf.jwk`.
    #[error("the token binds no Ed25519 key (cnf.jwk)")]
    KeyBindingKey,
    /// The key-binding JWT is refused.
    #[error("the key binding is refused")]
    KeyBindingToken(#[source] JwsFailed),
    /// A claim of the key-binding JWT is missing or wrong.
    #[error("the claim {0} of the key binding does not hold")]
    KeyBindingClaim(&'static str),
}

impl<'a> SdJwt<'a> {
    /// Splits the compact form.
    ///
    /// # Errors
    /// A bare JWS, or an empty part between two `~`.
    pub fn parse(compact: &'a str) -> Result<Self, VerifySdJwtFailed> {
        let (before, last) = compact.rsplit_once('~').ok_or(VerifySdJwtFailed::Shape)?;
        let presented = compact.strip_suffix(last).unwrap_or(compact);
        let mut parts = before.split('~');
        let jwt = parts.next().filter(|jwt| !jwt.is_empty()).ok_or(VerifySdJwtFailed::Shape)?;
        let disclosures: Vec<_> = parts.collect();
        if disclosures.iter().any(|disclosure| disclosure.is_empty()) {
            return Err(VerifySdJwtFailed::Shape);
        }
        Ok(Self { jwt, disclosures, key_binding: (!last.is_empty()).then_some(last), presented })
    }

    /// Parses every disclosure.
    ///
    /// # Errors
    /// The first disclosure that is refused, with its number.
    pub fn parse_disclosures(&self) -> Result<Vec<Disclosure>, VerifySdJwtFailed> {
        let parse = |(index, encoded): (usize, &&str)| {
            Disclosure::parse(encoded)
                .map_err(|source| VerifySdJwtFailed::Disclosure { number: index.saturating_add(1), source })
        };
        self.disclosures.iter().enumerate().map(parse).collect()
    }

    /// Verifies signature, disclosures, times, audience and, where expected, the key binding.
    ///
    /// # Errors
    /// Any of [`VerifySdJwtFailed`].
    pub fn verify(&self, expected: Expectations<'_>) -> Result<Verified, VerifySdJwtFailed> {
        let jws = Jws::parse(self.jwt)?;
        jws.expect_type(expected.typ)?;
        jws.verify(expected.key)?;
        let Jws { header, payload, .. } = jws;
        let disclosures = self.parse_disclosures()?;
        let plain = NEVER_DISCLOSED.map(|name| payload.contains_key(name));
        let claims = process(payload, &disclosures).map_err(VerifySdJwtFailed::Process)?;
        let mut revealed = NEVER_DISCLOSED.into_iter().zip(plain).filter(|(_, plain)| !plain);
        if let Some((name, _)) = revealed.find(|(name, _)| claims.contains_key(*name)) {
            return Err(VerifySdJwtFailed::Concealed(name));
        }
        check_claims(&claims, expected)?;
        match (expected.key_binding, self.key_binding) {
            // Not asked for, so not checked and nothing concluded from it.
            (None, _) => {}
            (Some(_), None) => return Err(VerifySdJwtFailed::KeyBindingMissing),
            (Some(binding), Some(token)) => {
                let jwk = claims.get("cnf").and_then(|cnf| cnf.get("jwk"));
                let key = jwk.and_then(public_key_from_jwk).ok_or(VerifySdJwtFailed::KeyBindingKey)?;
                verify_key_binding(self.presented, token, &key, binding)?;
            }
        }
        Ok(Verified { header, claims })
    }
}

fn check_claims(claims: &Object, expected: Expectations<'_>) -> Result<(), VerifySdJwtFailed> {
    let time = |name: &'static str| match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or(VerifySdJwtFailed::Claim(name)),
    };
    if time("nbf")?.is_some_and(|nbf| expected.now < nbf) {
        return Err(VerifySdJwtFailed::Claim("nbf"));
    }
    if time("exp")?.is_some_and(|exp| expected.now >= exp) {
        return Err(VerifySdJwtFailed::Claim("exp"));
    }
    // A token for somebody else is refused by whoever expects none as well (RFC 7519 section 4.1.3).
    if claims.get("aud") == expected.audience.map(Value::from).as_ref() {
        Ok(())
    } else {
        Err(VerifySdJwtFailed::Claim("aud"))
    }
}

/// Reads an RFC 8037 JWK; `None` for any other key type or a refused key.
#[must_use]
pub fn public_key_from_jwk(jwk: &Value) -> Option<PublicKey> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let ed25519 = text("kty") == Some("OKP") && text("crv") == Some("Ed25519");
    let bytes = text("x").filter(|_| ed25519).and_then(|x| b64::decode_url(x).ok())?;
    PublicKey::from_bytes(&bytes).ok()
}

/// Writes an RFC 8037 JWK.
#[must_use]
pub fn public_key_to_jwk(key: &PublicKey) -> Value {
    serde_json::json!({"kty": "OKP", "crv": "Ed25519", "x": b64::encode_url(key.as_bytes())})
}
