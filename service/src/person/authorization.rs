//! Whether somebody is who they say and may do what they ask for; who may not is noted.

use serde_json::{Value, json};

use super::{AuthenticateFailed, Credentials, Person, Persons, PersonsFailed, Role};
use crate::audit::{AuditFailed, AuditLog};

/// The longest part of a typed name that the audit log keeps.
const NAME_CHARACTERS_MAX: usize = 64;

/// Somebody may not do what they asked for.
#[derive(Debug, thiserror::Error)]
pub enum AuthorizeFailed {
    /// They did not show who they are.
    #[error("not authenticated")]
    Authenticate(#[from] AuthenticateFailed),
    /// Their role does not suffice.
    #[error("{role} may not do this; it takes one of: {}", words(wanted))]
    Role {
        /// What they are.
        role: Role,
        /// What is wanted.
        wanted: Vec<Role>,
    },
    /// It cannot be noted.
    #[error("the audit log cannot be written")]
    Audit(#[from] AuditFailed),
    /// The process ends.
    #[error("the server is stopping")]
    Stopping,
}

fn words(roles: &[Role]) -> String {
    roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ")
}

impl From<PersonsFailed> for AuthorizeFailed {
    fn from(failed: PersonsFailed) -> Self {
        Self::Authenticate(failed.into())
    }
}

/// Who `credentials` are, if they are who they say and have one of `roles`, themself or as a deputy. Blocks for the hashing.
///
/// # Errors
/// Any of [`AuthorizeFailed`]; a wrong password is counted, and both refusals are in the audit log.
pub fn authorize(
    (persons, audit): (&Persons, &AuditLog),
    credentials: &Credentials,
    roles: &[Role],
    action: &str,
) -> Result<Person, AuthorizeFailed> {
    let person = match persons.authenticate(&credentials.name, credentials.password.secret()) {
        Ok(person) => person,
        Err(failed) => {
            let name: String = credentials.name.chars().take(NAME_CHARACTERS_MAX).collect();
            let detail = json!({ "name": name, "why": failed.to_string() });
            audit.append(None, "authentication failed", action, detail)?;
            return Err(failed.into());
        }
    };
    permit((persons, audit), &person, roles, action)
}

/// The person, if they have one of `roles`, themself or as somebody's deputy today.
///
/// # Errors
/// They have not; the store or the audit log.
pub fn permit(
    (persons, audit): (&Persons, &AuditLog),
    person: &Person,
    roles: &[Role],
    action: &str,
) -> Result<Person, AuthorizeFailed> {
    let role = person.role;
    match persons.in_role(person, roles)? {
        Some(acting) => Ok(acting),
        None => {
            audit.append(Some(person), "not permitted", action, Value::Null)?;
            Err(AuthorizeFailed::Role { role, wanted: roles.to_vec() })
        }
    }
}
