//! The hub's certificate authorities: the one that issues and, while one takes over from another, both.
//!
//! *Steady*: one. *Begun*: a second one is made, trusted and handed out, and the first still issues. *Switched*: the second
//! issues, the first is still trusted. *Retired*: steady again. The stage is one row of the office, so that a crash leaves
//! one stage or the other; the key files of an authority that no row names are of no use to anybody.

mod rotation;

use std::path::PathBuf;

use safeharbor_certs::authority::{Authority, AuthorityFailed};
use safeharbor_core::digest::Digest;
use safeharbor_service::durable_file::WriteFailed;
use safeharbor_service::random::RandomFailed;
use safeharbor_service::secret_file::{self, LoadSecretFailed};
use serde::{Deserialize, Serialize};

use crate::key_register::ClaimFailed;
use crate::office::Desk;
use crate::office::drawer::{Drawer, DrawerFailed};
use crate::office::tables::META;

pub use rotation::{RotateFailed, begin, retire, switch};

const ROW: &[u8] = b"authorities";

/// How far a change of authority is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// There is one.
    Steady,
    /// The other one is handed out and does not issue yet.
    Begun,
    /// The other one does not issue any more.
    Switched,
}

/// Which authorities there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorities {
    /// The name of the files of the one that issues.
    issuing: String,
    /// That of the other, while there is one.
    other: Option<String>,
    /// How far the change is.
    pub stage: Stage,
    /// Since when, in Unix milliseconds.
    pub since_ms: u64,
}

/// The authorities cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum AuthoritiesFailed {
    /// The office.
    #[error(transparent)]
    Drawer(#[from] DrawerFailed),
    /// A certificate cannot be read.
    #[error("the authority's certificate {} cannot be read", path.display())]
    Read {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The key cannot be loaded.
    #[error("the authority's key cannot be loaded")]
    Secret(#[from] LoadSecretFailed),
    /// The two do not make an authority.
    #[error("the authority cannot be used")]
    Authority(#[from] AuthorityFailed),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteFailed),
    /// No random bytes for a name.
    #[error(transparent)]
    Random(#[from] RandomFailed),
    /// Its key is in use.
    #[error(transparent)]
    Claim(#[from] ClaimFailed),
}

impl Authorities {
    /// Reads which authorities there are.
    ///
    /// # Errors
    /// The office's store.
    pub fn load(desk: &Desk) -> Result<Self, AuthoritiesFailed> {
        let first =
            || Self { issuing: "authority".to_owned(), other: None, stage: Stage::Steady, since_ms: 0 };
        Ok(row(desk).find(ROW)?.unwrap_or_else(first))
    }

    /// The one that issues.
    ///
    /// # Errors
    /// Its files cannot be used.
    pub fn issuing(&self, desk: &Desk) -> Result<Authority, AuthoritiesFailed> {
        let (certificate, key) = files(desk, &self.issuing);
        let key = secret_file::load(&key)?;
        Ok(Authority::load(&read(certificate)?, std::str::from_utf8(&key).unwrap_or_default())?)
    }

    /// The certificate (PEM) of the one that issues.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn issuing_pem(&self, desk: &Desk) -> Result<String, AuthoritiesFailed> {
        read(files(desk, &self.issuing).0)
    }

    /// The certificate (PEM) of the other, while there is one.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn other_pem(&self, desk: &Desk) -> Result<Option<String>, AuthoritiesFailed> {
        self.other.as_ref().map(|other| read(files(desk, other).0)).transpose()
    }

    /// The certificates (PEM) of all, the one that issues first: what a node should trust.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn all_pem(&self, desk: &Desk) -> Result<String, AuthoritiesFailed> {
        Ok(self.issuing_pem(desk)? + &self.other_pem(desk)?.unwrap_or_default())
    }
}

/// SHA-256 of the certificates (PEM) that a node should trust: what the situation tells it.
///
/// # Errors
/// They cannot be read.
pub fn digest(desk: &Desk) -> Result<Digest, AuthoritiesFailed> {
    Ok(Digest::of(Authorities::load(desk)?.all_pem(desk)?.as_bytes()))
}

fn row(desk: &Desk) -> Drawer<'_, Authorities> {
    Drawer::new(&*desk.store, META)
}

/// Certificate and key of the authority of that name.
fn files(desk: &Desk, name: &str) -> (PathBuf, PathBuf) {
    let keys = desk.paths.keys();
    (keys.join(format!("{name}.pem")), keys.join(format!("{name}.key.pem")))
}

fn read(path: PathBuf) -> Result<String, AuthoritiesFailed> {
    std::fs::read_to_string(&path).map_err(|source| AuthoritiesFailed::Read { path, source })
}
