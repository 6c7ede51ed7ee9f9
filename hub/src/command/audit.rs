//! `audit`: who did what here.

use safeharbor_service::audit::{AuditCommand, Reader};
use safeharbor_service::caller;
use safeharbor_service::person::AuthorizeFailed;

use super::{CommandFailed, Reply};
use crate::office::Office;

pub(super) async fn carry_out(
    office: &Office,
    command: AuditCommand,
    reply: &mut Reply,
) -> Result<(), CommandFailed> {
    let (desk, language, json) = (office.desk().clone(), reply.language(), reply.is_json());
    let carried_out = caller::spawn_blocking(move || {
        Reader { persons: &desk.persons, audit: &desk.audit, language, json }.carry_out(command)
    });
    let said = carried_out.await.unwrap_or_else(|_ended| Err(AuthorizeFailed::Stopping.into()))?;
    reply.out.push_str(&said.data);
    if !said.note.is_empty() {
        reply.note(said.note);
    }
    Ok(())
}
