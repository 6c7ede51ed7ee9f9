//! `person`: who may approve, erase and accept policies here.

use safeharbor_service::person::{Counter, Person, PersonCommand};

use super::CommandFailed;
use crate::context::Context;
use crate::speech::{Exit, Format, Speech};

/// The person that a name or number means.
pub(super) fn named(context: &Context, typed: &str) -> Result<Person, CommandFailed> {
    Ok(context.persons.named(typed)?)
}

pub(super) fn carry_out(
    context: &Context,
    command: PersonCommand,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let (persons, audit, language) = (&context.persons, &context.audit, speech.language);
    let counter = Counter { persons, audit, language, json: speech.format == Format::Json, link: "" };
    let said = counter.carry_out(command)?;
    speech.out.write_all(said.data.as_bytes())?;
    if !said.note.is_empty() {
        speech.note(said.note)?;
    }
    Ok(Exit::Done)
}
