//! Names and passwords on their way from the person to the server; never printed, never logged.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A password, wiped on drop.
#[derive(Clone)]
pub struct Password(SecretString);

/// Who somebody says they are, and what shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Credentials {
    /// Name or number.
    pub name: String,
    /// The password.
    pub password: Password,
}

impl Password {
    /// Takes what was typed.
    #[must_use]
    pub fn new(typed: String) -> Self {
        Self(SecretString::from(typed))
    }

    /// What was typed, for checking.
    #[must_use]
    pub const fn secret(&self) -> &SecretString {
        &self.0
    }

    /// Whether both are the same.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(withheld)")
    }
}

impl Serialize for Password {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}
