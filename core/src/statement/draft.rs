//! Making a statement: envelope and digests (or public claims), signed.

use serde_json::Value;

use super::{Envelope, STATEMENT_TYPE};
use crate::digest::Digest;
use crate::json::Object;
use crate::key::{SignFailed, Signer};
use crate::sdjwt::{Algorithm, sign_jws};

/// A statement that is not signed yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The plain claims.
    pub envelope: Envelope,
    /// The salted digests; empty for the hub's public statements.
    pub digests: Vec<Digest>,
    /// Further plain claims; empty for all but the hub's public statements.
    pub claims: Object,
}

impl Draft {
    /// Signs and returns the JWT.
    ///
    /// # Errors
    /// The signer could not sign.
    pub fn sign(&self, algorithm: Algorithm, signer: &dyn Signer) -> Result<String, SignFailed> {
        let mut payload = self.claims.clone();
        self.envelope.put_into(&mut payload);
        if !self.digests.is_empty() {
            let mut texts: Vec<_> = self.digests.iter().map(Digest::to_string).collect();
            texts.sort_unstable();
            payload.insert("_sd".to_owned(), texts.into());
            payload.insert("_sd_alg".to_owned(), Value::from("sha-256"));
        }
        sign_jws(algorithm, STATEMENT_TYPE, &payload, signer)
    }
}
