//! `doctor`, the part that needs an open hub: its findings as JSON, for the command line to add to its own.

use std::time::Duration;

use serde_json::json;

use super::{CommandFailed, Reply};
use crate::doctor::{examine_desk, examine_reach};
use crate::office::Office;
use crate::running::RunFailed;

const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn doctor(office: &Office, running: bool, reply: &mut Reply) -> Result<(), CommandFailed> {
    let desk = office.desk().clone();
    let examined = safeharbor_service::caller::spawn_blocking(move || examine_desk(&desk, running)).await;
    let mut findings = examined.or(Err(RunFailed::Ended))?;
    findings.extend(examine_reach(office.desk(), running, PATIENCE).await);
    reply.json(&json!(findings));
    Ok(())
}
