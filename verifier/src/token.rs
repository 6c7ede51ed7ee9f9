//! Statements as they stand in files: a JWT, or a compact SD-JWT with the disclosures revealed beside it.

use safeharbor_core::key::PublicKey;
use safeharbor_core::sdjwt::{Disclosure, Expectations, SdJwt, VerifySdJwtFailed};
use safeharbor_core::statement::{STATEMENT_TYPE, SUBMISSION_BYTES_MAX, Statement};
use serde_json::{Map, Value};

use crate::input;
use crate::objection::Fault;

/// The most bytes a file with a statement may have: the submission, its separators and a line end.
pub const TOKEN_BYTES_MAX: usize = SUBMISSION_BYTES_MAX + 8192;

/// The claims of the envelope, and those that a token may only hold in the clear.
const NEVER_DISCLOSED: [&str; 13] =
    ["iss", "iat", "seq", "prev", "vct", "rec", "rev", "cat", "status", "nbf", "exp", "aud", "cnf"];
const ENVELOPE: [&str; 8] = ["iss", "iat", "seq", "prev", "vct", "rec", "rev", "cat"];

/// A statement with what is revealed of it; signature not verified.
#[derive(Debug)]
pub struct Token<'a> {
    /// The statement.
    pub statement: Statement<'a>,
    sd_jwt: SdJwt<'a>,
}

/// Splits a compact SD-JWT of a statement.
///
/// # Errors
/// A bare JWS, an empty part, or a key binding: nobody binds statements, so nothing may follow the last `~`.
pub fn split(compact: &str) -> Result<SdJwt<'_>, Fault> {
    let sd_jwt = SdJwt::parse(compact).map_err(Fault::Token)?;
    if sd_jwt.key_binding.is_some() { Err(Fault::Bound) } else { Ok(sd_jwt) }
}

/// The claims of a statement that its issuer vouches for.
pub type Claims = Map<String, Value>;

impl<'a> Token<'a> {
    /// Reads a compact SD-JWT of a statement.
    ///
    /// # Errors
    /// A bare JWS, a malformed statement, or a disclosure that poses as a claim of the envelope.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Fault> {
        let sd_jwt = split(input::parse_line(bytes)?)?;
        let statement = Statement::parse(sd_jwt.jwt).map_err(Fault::Statement)?;
        let disclosures = sd_jwt.parse_disclosures().map_err(Fault::Token)?;
        let mut names = disclosures.iter().filter_map(Disclosure::name);
        match names.find(|name| NEVER_DISCLOSED.contains(name)) {
            Some(name) => Err(Fault::ReservedClaim(name.to_owned())),
            None => Ok(Self { statement, sd_jwt }),
        }
    }

    /// The thumbprint of the key that the token says it is signed with.
    ///
    /// # Errors
    /// The token does not say.
    pub fn key_id(&self) -> Result<&str, Fault> {
        self.statement.key_id().ok_or(Fault::KeyUnnamed)
    }

    /// How many disclosures are revealed.
    #[must_use]
    pub fn revealed(&self) -> usize {
        self.sd_jwt.disclosures.len()
    }

    /// Verifies signature and disclosures, and returns the claims beyond the envelope.
    ///
    /// # Errors
    /// A signature that does not verify, or disclosures that do not belong.
    pub fn verify(&self, key: &PublicKey) -> Result<Claims, Fault> {
        let refused = |source| Fault::Token(VerifySdJwtFailed::Token(source));
        self.statement.verify(key).map_err(refused)?;
        // Statements are about what was true when they were made, so that is when `nbf` and `exp` must hold.
        let now = self.statement.envelope.iat;
        let expected = Expectations { typ: STATEMENT_TYPE, key, now, audience: None, key_binding: None };
        let mut claims = self.sd_jwt.verify(expected).map_err(Fault::Token)?.claims;
        claims.retain(|name, _| !ENVELOPE.contains(&name.as_str()));
        Ok(claims)
    }
}
