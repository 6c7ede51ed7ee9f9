//! Who somebody is, by name and password, and whether they may do what they ask for.

use safeharbor_service::person::{Credentials, Person, Role, authorize};

use super::CommandFailed;
use crate::context::Context;

/// Who `credentials` are, if they are who they say and have one of `roles`. A wrong password is logged and counted.
pub(super) fn authenticate(
    context: &Context,
    credentials: &Credentials,
    roles: &[Role],
    action: &'static str,
) -> Result<Person, CommandFailed> {
    Ok(authorize((&context.persons, &context.audit), credentials, roles, action)?)
}
