//! Who somebody is, by name and password, and whether they may do what they ask for.

use safeharbor_service::person::{Credentials, Person, Role};

use super::CommandFailed;
use crate::context::Context;

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
