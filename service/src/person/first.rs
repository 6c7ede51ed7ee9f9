//! The one-time code by which a founding administrator comes to be.

use std::fmt;

use safeharbor_core::b64;
use safeharbor_core::digest::Digest;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::{AddPersonFailed, PersonsFailed};

/// How long a code can be used.
pub const FIRST_CODE_S: u64 = 72 * 3600;
const SECRET_BYTES: usize = 16;

/// A one-time code: 128 random bits. Its `Debug` withholds them.
#[derive(Clone)]
pub struct FirstCode(Zeroizing<String>);

/// What is kept of a code.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Pending {
    /// SHA-256 of the code's text.
    pub(super) hash: String,
    pub(super) expires_s: u64,
}

/// No administrator can be made by a one-time code.
#[derive(Debug, thiserror::Error)]
pub enum TakeFirstFailed {
    /// The same answer for a code that was used, has ended, was replaced or never was.
    #[error(
        "the one-time code is not valid: it was used, has expired, was replaced by a later one, or was mistyped; `person first-code` at the server makes another"
    )]
    Code,
    /// There were two administrators, who add whoever comes next.
    #[error("there are administrators already, who add further persons")]
    Administrators,
    /// The account cannot be made; the code stays good.
    #[error(transparent)]
    Add(#[from] AddPersonFailed),
}

impl From<PersonsFailed> for TakeFirstFailed {
    fn from(failed: PersonsFailed) -> Self {
        Self::Add(failed.into())
    }
}

impl FirstCode {
    pub(super) fn of(secret: &Zeroizing<[u8; SECRET_BYTES]>) -> Self {
        Self(Zeroizing::new(b64::encode_url(secret.as_slice())))
    }

    /// Takes what was typed; white space around it is let pass.
    #[must_use]
    pub fn typed(text: &str) -> Self {
        Self(Zeroizing::new(text.trim().to_owned()))
    }

    /// The code, to be handed to whoever will be administrator.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn hash(&self) -> String {
        Digest::of(self.0.as_bytes()).to_string()
    }
}

impl fmt::Debug for FirstCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FirstCode(withheld)")
    }
}

impl Serialize for FirstCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for FirstCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

/// Who is about to be a founding administrator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FirstPerson {
    /// The code they were handed.
    pub code: FirstCode,
    /// Their name.
    pub name: String,
    /// The password they chose.
    pub password: super::Password,
}

impl FirstPerson {
    pub(super) const fn secret(&self) -> &SecretString {
        self.password.secret()
    }
}
