//! `person`: who may approve, erase and accept policies here.

use std::str::FromStr as _;

use safeharbor_service::person::{Person, Role};
use serde_json::json;

use super::credentials::authenticate;
use super::{CommandFailed, Credentials, Password};
use crate::context::Context;
use crate::speech::{Exit, Format, Language, Speech, padded};

/// How many persons there are, for the command line that asks whose password it needs.
pub(super) fn count(context: &Context, speech: &mut Speech<'_>) -> Result<Exit, CommandFailed> {
    speech.data(context.persons.list()?.len())?;
    Ok(Exit::Done)
}

/// The person that a name or number means.
pub(super) fn named(context: &Context, typed: &str) -> Result<Person, CommandFailed> {
    let wanted = typed.trim();
    let found = context
        .persons
        .list()?
        .into_iter()
        .find(|found| found.name == wanted || found.id.to_string() == wanted);
    found.ok_or_else(|| CommandFailed::NoPerson(wanted.to_owned()))
}

pub(super) fn add(
    context: &Context,
    name: &str,
    role: &str,
    password: &Password,
    by: Option<&Credentials>,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let role = Role::from_str(role)?;
    let first = context.persons.list()?.is_empty();
    let by = match by {
        _ if first && role != Role::Administrator => return Err(CommandFailed::FirstPerson),
        _ if first => None,
        Some(by) => Some(authenticate(context, by, &[Role::Administrator], "add person")?),
        None => return Err(CommandFailed::NeedsAdministrator),
    };
    let id = context.persons.add(name, role, password.secret())?;
    let detail = json!({ "name": name, "role": role });
    context.audit.append(by.as_ref(), "add person", &format!("person {id}"), detail)?;
    speech.note(match speech.language {
        Language::Zh => format!("已添加人员 {id}：{name}，角色：{}", role.title_zh()),
        Language::En => format!("added person {id}: {name}, {role}"),
    })?;
    Ok(Exit::Done)
}

pub(super) fn list(context: &Context, speech: &mut Speech<'_>) -> Result<Exit, CommandFailed> {
    let persons = context.persons.list()?;
    if speech.format == Format::Json {
        speech.json(&serde_json::to_value(&persons)?)?;
        return Ok(Exit::Done);
    }
    for person in persons {
        let role = speech.pick(person.role.title_zh(), person.role.as_str());
        speech.data(format_args!(
            "{}  {}  {role}",
            padded(&person.id.to_string(), 4),
            padded(&person.name, 20)
        ))?;
    }
    Ok(Exit::Done)
}
