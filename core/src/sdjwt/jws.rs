//! Compact JWS (RFC 7515) signed with Ed25519 (RFC 8037, RFC 9864).

use serde_json::Value;

use crate::b64;
use crate::json::{self, Object};
use crate::key::{PublicKey, SignFailed, Signer};

/// How the one signature algorithm is named in the header; both names mean Ed25519.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// `EdDSA` (RFC 8037), which most deployed verifiers know.
    #[default]
    EdDsa,
    /// `Ed25519` (RFC 9864).
    Ed25519,
}

impl Algorithm {
    /// The `alg` header value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Ed25519 => "Ed25519",
        }
    }
}

/// A parsed compact JWS, signature not yet verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Jws<'a> {
    /// The protected header.
    pub header: Object,
    /// The payload, a JSON object.
    pub payload: Object,
    signing_input: &'a str,
    signature: Vec<u8>,
}

/// A string that is no JWS we accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwsFailed {
    /// Not three parts of base64url between two dots.
    #[error("not a compact JWS of three base64url parts")]
    Shape,
    /// Header or payload is not a strict JSON object.
    #[error("the {part} of the JWS is refused")]
    Json {
        /// `header` or `payload`.
        part: &'static str,
        /// Why.
        #[source]
        source: json::ParseJsonFailed,
    },
    /// `alg` is neither `EdDSA` nor `Ed25519`.
    #[error("the algorithm must be EdDSA or Ed25519, found {0}")]
    Algorithm(String),
    /// The header asks for an extension (`crit`), none of which exists here.
    #[error("the header asks for extensions (crit)")]
    Critical,
    /// The `typ` header is not the expected one.
    #[error("the token's type must be {expected:?}, found {found}")]
    Type {
        /// What the verifier was asked to verify.
        expected: String,
        /// What the header says.
        found: String,
    },
    /// The signature does not verify.
    #[error("the signature does not verify")]
    Signature,
}

impl<'a> Jws<'a> {
    /// Parses the compact form and checks `alg`; the caller verifies the signature.
    ///
    /// # Errors
    /// Everything but a well-formed JWS with `alg` `EdDSA` or `Ed25519` and without `crit`.
    pub fn parse(compact: &'a str) -> Result<Self, JwsFailed> {
        let (signing_input, signature) = compact.rsplit_once('.').ok_or(JwsFailed::Shape)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwsFailed::Shape)?;
        let decode = |text: &str| b64::decode_url(text).or(Err(JwsFailed::Shape));
        let object = |part, text| {
            json::parse_object(&decode(text)?).map_err(|source| JwsFailed::Json { part, source })
        };
        let header = object("header", header)?;
        match header.get("alg").and_then(Value::as_str) {
            Some("EdDSA" | "Ed25519") => {}
            other => return Err(JwsFailed::Algorithm(other.unwrap_or("none").to_owned())),
        }
        if header.contains_key("crit") {
            return Err(JwsFailed::Critical);
        }
        Ok(Self {
            payload: object("payload", payload)?,
            signature: decode(signature)?,
            header,
            signing_input,
        })
    }

    /// Checks the `typ` header.
    ///
    /// # Errors
    /// Any other type than `expected`.
    pub fn expect_type(&self, expected: &str) -> Result<(), JwsFailed> {
        match self.header.get("typ").and_then(Value::as_str) {
            Some(found) if found == expected => Ok(()),
            found => Err(JwsFailed::Type {
                expected: expected.to_owned(),
                found: found.unwrap_or("none").to_owned(),
            }),
        }
    }

    /// The `kid` header where it is a string.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.header.get("kid").and_then(Value::as_str)
    }

    /// Verifies the signature over the exact bytes that were sent.
    ///
    /// # Errors
    /// The signature does not verify strictly.
    pub fn verify(&self, key: &PublicKey) -> Result<(), JwsFailed> {
        key.verify(self.signing_input.as_bytes(), &self.signature).or(Err(JwsFailed::Signature))
    }
}

/// Signs `payload` as a compact JWS with `typ` and the signer's thumbprint as `kid`.
///
/// # Errors
/// The signer could not sign.
pub fn sign_jws(
    algorithm: Algorithm,
    typ: &str,
    payload: &Object,
    signer: &dyn Signer,
) -> Result<String, SignFailed> {
    let header = serde_json::json!({
        "alg": algorithm.as_str(), "kid": signer.public_key().thumbprint().to_string(), "typ": typ,
    });
    sign_with_header(&header, payload, signer)
}

pub(super) fn sign_with_header(
    header: &Value,
    payload: &Object,
    signer: &dyn Signer,
) -> Result<String, SignFailed> {
    let header = b64::encode_url(header.to_string().as_bytes());
    // A map of JSON values always serialises.
    let payload = serde_json::to_string(payload).unwrap_or_default();
    let mut compact = format!("{header}.{}", b64::encode_url(payload.as_bytes()));
    let signature = signer.sign(compact.as_bytes())?;
    compact.push('.');
    compact.push_str(&b64::encode_url(&signature));
    Ok(compact)
}
