//! `person`: who may observe, review and administer here.

use safeharbor_service::caller;
use safeharbor_service::person::{AuthorizeFailed, Counter, PersonCommand};

use super::{CommandFailed, Reply};
use crate::office::Office;

pub(super) async fn carry_out(
    office: &Office,
    command: PersonCommand,
    reply: &mut Reply,
) -> Result<(), CommandFailed> {
    let (desk, language, json) = (office.desk().clone(), reply.language(), reply.is_json());
    let carried_out = caller::spawn_blocking(move || {
        let (persons, audit, link) = (&*desk.persons, &*desk.audit, desk.first_link());
        Counter { persons, audit, language, json, link: &link }.carry_out(command)
    });
    let said = carried_out.await.unwrap_or_else(|_ended| Err(AuthorizeFailed::Stopping.into()))?;
    reply.out.push_str(&said.data);
    if !said.note.is_empty() {
        reply.note(said.note);
    }
    Ok(())
}
