//! `audit`: who did what here.

use safeharbor_service::audit::{AuditCommand, Reader};

use super::CommandFailed;
use crate::context::Context;
use crate::speech::{Exit, Format, Speech};

pub(super) fn carry_out(
    context: &Context,
    command: AuditCommand,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let (persons, audit, language) = (&context.persons, &context.audit, speech.language);
    let reader = Reader { persons, audit, language, json: speech.format == Format::Json };
    let said = reader.carry_out(command)?;
    speech.out.write_all(said.data.as_bytes())?;
    if !said.note.is_empty() {
        speech.note(said.note)?;
    }
    Ok(Exit::Done)
}
