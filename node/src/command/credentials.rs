//! Names and passwords on their way from the person to the node; never printed, never logged.

use std::fmt;

use safeharbor_service::person::{Person, Role};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::CommandFailed;
use crate::context::Context;

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

    pub(super) const fn secret(&self) -> &SecretString {
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

/// Who `credentials` are, if they are who they say and have one of `roles`. A wrong password is logged and counted.
pub(super) fn authenticate(
    context: &Context,
    credentials: &Credentials,
    roles: &[Role],
    action: &'static str,
) -> Result<Person, CommandFailed> {
    let person = match context.persons.authenticate(&credentials.name, credentials.password.secret()) {
        Ok(person) => person,
        Err(failed) => {
            let detail =
                serde_json::json!({ "name": shortened(&credentials.name), "why": failed.to_string() });
            context.audit.append(None, "authentication failed", action, detail)?;
            return Err(failed.into());
        }
    };
    if roles.contains(&person.role) {
        return Ok(person);
    }
    context.audit.append(Some(&person), "not permitted", action, serde_json::Value::Null)?;
    Err(CommandFailed::Role { role: person.role, wanted: roles.to_vec() })
}

fn shortened(name: &str) -> String {
    name.chars().take(64).collect()
}
