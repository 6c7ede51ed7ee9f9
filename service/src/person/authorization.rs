//! Whether somebody is who they say and may do what they ask for; who may not is noted.

use serde_json::Value;

use super::refusals::{About, Line};
use super::{AuthenticateFailed, Credentials, Door, Person, Persons, PersonsFailed, Role};
use crate::audit::{AuditFailed, AuditLog};

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

/// Who `credentials` are, at the server's shell, if they are who they say and have one of `roles`, themself or as a deputy.
/// Blocks for the hashing.
///
/// # Errors
/// Any of [`AuthorizeFailed`]; a wrong password is counted, and refusals are in the audit log.
pub fn authorize(
    (persons, audit): (&Persons, &AuditLog),
    credentials: &Credentials,
    roles: &[Role],
    action: &str,
) -> Result<Person, AuthorizeFailed> {
    authorize_at(Door::Shell, (persons, audit), credentials, roles, action)
}

/// As [`authorize`], at any door.
///
/// # Errors
/// As [`authorize`].
pub fn authorize_at(
    door: Door,
    (persons, audit): (&Persons, &AuditLog),
    credentials: &Credentials,
    roles: &[Role],
    action: &str,
) -> Result<Person, AuthorizeFailed> {
    match persons.authenticate(door, &credentials.name, credentials.password.secret()) {
        Ok(person) => {
            note_refusals((persons, audit))?;
            permit((persons, audit), &person, roles, action)
        }
        Err(failed) => {
            let known = persons.named(&credentials.name).ok();
            let about = known.map_or(About::UnknownName, |known| About::Account(known.id));
            let lines = persons.count_refusal((about, door), (action, failed.to_string()));
            note_lines((persons, audit), lines)?;
            Err(failed.into())
        }
    }
}

/// Notes refused attempts that were counted only.
///
/// # Errors
/// The audit log.
pub fn note_refusals((persons, audit): (&Persons, &AuditLog)) -> Result<(), AuditFailed> {
    note_lines((persons, audit), persons.unsaid_refusals())
}

/// Notes lines about refused attempts. A name that nobody has is not among them.
pub(super) fn note_lines(
    (persons, audit): (&Persons, &AuditLog),
    lines: Vec<Line>,
) -> Result<(), AuditFailed> {
    for Line { about, action, mut detail } in lines {
        let (noted, subject) = match about {
            About::Account(id) => {
                if let (Some(detail), Ok(Some(name))) = (detail.as_object_mut(), persons.name_of(id)) {
                    detail.insert("name".to_owned(), name.into());
                }
                ("authentication failed", format!("{action}: person {id}"))
            }
            About::UnknownName => ("authentication failed", format!("{action}: unknown name")),
            About::Code => ("one-time code refused", action),
        };
        audit.append(None, noted, &subject, detail)?;
    }
    Ok(())
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
