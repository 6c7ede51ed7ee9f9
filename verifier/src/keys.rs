//! Key files: a JWK set or a single JWK (RFC 7517), of which the Ed25519 keys count (RFC 8037).

use std::path::Path;

use safeharbor_core::json;
use safeharbor_core::key::PublicKey;
use safeharbor_core::sdjwt::public_key_from_jwk;
use serde_json::Value;

use crate::input;
use crate::objection::{Fault, Objection};
use crate::trust::TrustFailed;

/// The most bytes a key file may have.
pub const KEYS_BYTES_MAX: usize = 1 << 20;

/// The keys of a file.
#[derive(Debug)]
pub struct KeyFile(Vec<PublicKey>);

impl KeyFile {
    /// Loads a key file.
    ///
    /// # Errors
    /// A file that is missing, unreadable, too large, malformed or without any usable key.
    pub fn load(path: &Path) -> Result<Self, Objection> {
        let bytes = input::read_file(path, KEYS_BYTES_MAX)?;
        Self::parse(&bytes).map_err(|failed| Fault::Trust(failed).in_file(path.display()))
    }

    /// Reads a JWK set or a single JWK; keys of other types are passed over.
    ///
    /// # Errors
    /// Anything but a JSON object with at least one usable key.
    pub fn parse(bytes: &[u8]) -> Result<Self, TrustFailed> {
        let file = Value::Object(json::parse_object(bytes).map_err(TrustFailed::Json)?);
        let keys: Vec<PublicKey> = match file.get("keys").and_then(Value::as_array) {
            Some(keys) => keys.iter().filter_map(public_key_from_jwk).collect(),
            None => public_key_from_jwk(&file).into_iter().collect(),
        };
        if keys.is_empty() { Err(TrustFailed::NoKey) } else { Ok(Self(keys)) }
    }

    /// The key with this thumbprint (RFC 7638).
    #[must_use]
    pub fn find(&self, thumbprint: &str) -> Option<&PublicKey> {
        self.0.iter().find(|key| key.thumbprint().to_string() == thumbprint)
    }
}
