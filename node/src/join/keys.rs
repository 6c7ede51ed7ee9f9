//! The keys a node joins with: each in a file of its own, made once.

use std::fs;
use std::path::Path;

use safeharbor_certs::proof::NodeKeys;
use safeharbor_certs::request::create_request_of;
use safeharbor_core::key::{MemorySigner, Signer as _};
use safeharbor_service::durable_file::{Access, Existing, write};
use safeharbor_service::key_file::{self, KeyUse};
use safeharbor_service::random::Random;
use safeharbor_service::secret_file;

use super::JoinFailed;
use crate::layout::Layout;

/// The subject of a request whose institution only the hub knows; the authority writes its own.
const SUBJECT: &str = "safeharbor-node";

/// The keys of one node besides that of its certificate, and the request for that.
pub struct Keys {
    /// Signs statements.
    pub statements: MemorySigner,
    /// Cosigns checkpoints.
    pub witness: MemorySigner,
    /// Presents certificates.
    pub presentation: MemorySigner,
    /// The request for the certificate (PEM).
    pub csr_pem: String,
}

impl Keys {
    /// The keys in the folder; those that are missing are made.
    ///
    /// # Errors
    /// A key is for another use, cannot be read, or cannot be made.
    pub fn load_or_create(layout: &Layout, random: &dyn Random) -> Result<Self, JoinFailed> {
        let key = |path: &Path, usage| {
            if secret_file::exists(path) {
                key_file::load(path, usage).map_err(JoinFailed::from)
            } else {
                key_file::create(path, usage, random).map_err(JoinFailed::from)
            }
        };
        Ok(Self {
            statements: key(&layout.statement_key(), KeyUse::Statement)?,
            witness: key(&layout.witness_key(), KeyUse::Witness)?,
            presentation: key(&layout.presentation_key(), KeyUse::Presentation)?,
            csr_pem: request(layout)?,
        })
    }

    /// The public ones.
    #[must_use]
    pub fn public(&self) -> NodeKeys {
        NodeKeys {
            statements: self.statements.public_key(),
            witness: self.witness.public_key(),
            presentation: self.presentation.public_key(),
        }
    }
}

/// The request is written after its key, so a key without a request is what an interruption leaves.
fn request(layout: &Layout) -> Result<String, JoinFailed> {
    let path = layout.tls_request();
    if path.exists() {
        return fs::read_to_string(&path).map_err(|source| JoinFailed::read(&path, source));
    }
    let made = create_request_of(SUBJECT)?;
    secret_file::replace(&layout.tls_key(), made.key_pem.as_bytes())?;
    write(&path, made.csr_pem.as_bytes(), Access::OwnerOnly, Existing::Replace)?;
    Ok(made.csr_pem)
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(withheld)")
    }
}
