//! Statements (声明): what is signed and logged, as SD-JWT with a fixed envelope.

mod draft;
mod envelope;
mod types;

use crate::digest::Digest;
use crate::json::Object;
use crate::key::PublicKey;
use crate::sdjwt::{Disclosure, Jws, JwsFailed, ParseDisclosureFailed};

pub use draft::Draft;
pub use envelope::{Envelope, ReadEnvelopeFailed};
pub use types::{ParseVctFailed, StatementType, Vct};

/// The `typ` header of statements.
pub const STATEMENT_TYPE: &str = "safeharbor+sd-jwt";
/// The most bytes a statement's JWT may have.
pub const STATEMENT_BYTES_MAX: usize = 65_535;
/// The most bytes the JWT of a public statement may have: the registry entry's own lines stand before it.
pub const PUBLIC_STATEMENT_BYTES_MAX: usize = STATEMENT_BYTES_MAX - 512;
/// The most bytes a statement and its revealed disclosures may have together.
pub const SUBMISSION_BYTES_MAX: usize = 1 << 20;

/// A well-formed statement; its signature is verified by [`Statement::verify`].
#[derive(Debug, Clone, PartialEq)]
pub struct Statement<'a> {
    /// The issuer-signed JWT as sent.
    pub jwt: &'a str,
    /// The plain claims every statement has.
    pub envelope: Envelope,
    /// The salted digests, sorted, decoys among them.
    pub digests: Vec<Digest>,
    /// The other plain claims; only the hub's public statements have any.
    pub claims: Object,
    /// SHA-256 of the JWT followed by `~`: what the registry entry and the next `prev` say.
    pub digest: Digest,
    jws: Jws<'a>,
}

/// A string that is not a statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseStatementFailed {
    /// Longer than a registry entry can be.
    #[error("a statement has at most {STATEMENT_BYTES_MAX} bytes, this has {0}")]
    TooLarge(usize),
    /// Longer than fits a registry entry that holds it in full.
    #[error("a public statement has at most {PUBLIC_STATEMENT_BYTES_MAX} bytes, this has {0}")]
    PublicTooLarge(usize),
    /// Not a JWS we accept.
    #[error("the signed token is refused")]
    Token(#[from] JwsFailed),
    /// The envelope is incomplete or malformed.
    #[error("the envelope is refused")]
    Envelope(#[from] ReadEnvelopeFailed),
}

/// The digest of a statement: SHA-256 over the issuer-signed JWT followed by `~`.
#[must_use]
pub fn statement_digest(jwt: &str) -> Digest {
    Digest::of_parts(&[jwt.as_bytes(), b"~"])
}

impl<'a> Statement<'a> {
    /// Parses a statement's JWT; size is checked first, the signature is not checked here.
    ///
    /// # Errors
    /// Any of [`ParseStatementFailed`].
    pub fn parse(jwt: &'a str) -> Result<Self, ParseStatementFailed> {
        if jwt.len() > STATEMENT_BYTES_MAX {
            return Err(ParseStatementFailed::TooLarge(jwt.len()));
        }
        let mut jws = Jws::parse(jwt)?;
        jws.expect_type(STATEMENT_TYPE)?;
        let mut claims = std::mem::take(&mut jws.payload);
        let envelope = Envelope::take_from(&mut claims)?;
        let digests = envelope::take_digests(&mut claims)?;
        let is_public = envelope.vct.statement.is_public();
        if is_public && jwt.len() > PUBLIC_STATEMENT_BYTES_MAX {
            return Err(ParseStatementFailed::PublicTooLarge(jwt.len()));
        }
        if is_public && (digests.is_some() || claims.values().any(envelope::conceals)) {
            return Err(ReadEnvelopeFailed::Claim("_sd").into());
        }
        if !is_public && let Some(name) = claims.keys().next() {
            return Err(ReadEnvelopeFailed::Unexpected(name.clone()).into());
        }
        let digests = digests.unwrap_or_default();
        Ok(Self { jwt, envelope, digests, claims, digest: statement_digest(jwt), jws })
    }

    /// The thumbprint of the key that claims to have signed.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.jws.key_id()
    }

    /// Verifies the signature strictly, and that `kid` names this key.
    ///
    /// # Errors
    /// The signature does not verify under `key`, or the header names another one.
    pub fn verify(&self, key: &PublicKey) -> Result<(), JwsFailed> {
        if self.key_id().and_then(|kid| kid.parse().ok()) != Some(key.thumbprint()) {
            return Err(JwsFailed::Signature);
        }
        self.jws.verify(key)
    }
}

/// Disclosures that do not belong to a statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenFailed {
    /// A disclosure is malformed.
    #[error("disclosure {number} is refused")]
    Malformed {
        /// Its place, counted from 1.
        number: usize,
        /// Why.
        #[source]
        source: ParseDisclosureFailed,
    },
    /// A disclosure poses as a claim of the envelope, which every statement makes in the clear.
    #[error("disclosure {number} poses as a claim of the envelope")]
    Envelope {
        /// Its place, counted from 1.
        number: usize,
    },
    /// A disclosure's digest is not in the statement, or it is an array element.
    #[error("disclosure {number} does not belong to the statement")]
    Foreign {
        /// Its place, counted from 1.
        number: usize,
    },
    /// Two disclosures have the same digest or reveal the same claim.
    #[error("disclosure {number} repeats an earlier one")]
    Repeated {
        /// Its place, counted from 1.
        number: usize,
    },
}

/// Checks revealed disclosures against the statement's digests and returns them parsed, in the order sent.
///
/// # Errors
/// The first disclosure that does not belong, with its number.
pub fn open<'d>(
    digests: &[Digest],
    encoded: impl Iterator<Item = &'d str>,
) -> Result<Vec<Disclosure>, OpenFailed> {
    let mut opened: Vec<Disclosure> = Vec::new();
    for (index, text) in encoded.enumerate() {
        let number = index.saturating_add(1);
        let disclosure =
            Disclosure::parse(text).map_err(|source| OpenFailed::Malformed { number, source })?;
        if disclosure.name().is_none() || !digests.contains(&disclosure.digest()) {
            return Err(OpenFailed::Foreign { number });
        }
        if disclosure.name().is_some_and(envelope::is_in_the_clear) {
            return Err(OpenFailed::Envelope { number });
        }
        if opened.iter().any(|earlier| earlier.name() == disclosure.name()) {
            return Err(OpenFailed::Repeated { number });
        }
        opened.push(disclosure);
    }
    Ok(opened)
}

#[cfg(test)]
mod tests;
