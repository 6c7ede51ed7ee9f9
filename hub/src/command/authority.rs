//! `authority`: replacing the hub's certificate authority, step by step.

use safeharbor_certs::authority::{fingerprint, validity_s};
use safeharbor_service::person::{Credentials, Role};
use safeharbor_service::speech::moment;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{CommandFailed, Reply};
use crate::authority::{Authorities, AuthoritiesFailed, RotateFailed, Stage, begin, retire, switch};
use crate::office::{Desk, Office};

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// The next authority is made, trusted and handed out.
    Begin,
    /// The next one issues.
    Switch {
        /// Even if institutions are cut off until they join anew.
        force: bool,
    },
    /// The former one is trusted no more.
    Retire,
}

/// What can be done with the authorities.
#[derive(Debug, Serialize, Deserialize)]
pub enum AuthorityCommand {
    /// Shows which there are, and what comes next.
    Show,
    /// Takes a step.
    Take {
        /// Which.
        step: Step,
        /// Who decides.
        by: Credentials,
    },
}

pub(super) async fn carry_out(
    office: &Office,
    command: AuthorityCommand,
    reply: &mut Reply,
) -> Result<(), CommandFailed> {
    let AuthorityCommand::Take { step, by } = command else { return show(office, reply) };
    let action = match step {
        Step::Begin => "begin authority",
        Step::Switch { .. } => "switch authority",
        Step::Retire => "retire authority",
    };
    let by = office.authorize(&by, &[Role::Administrator], action).await?;
    let _deciding = office.deciding().await;
    let desk = office.desk().clone();
    let taken = tokio::task::spawn_blocking(move || take(&desk, step)).await;
    let taken = taken.map_err(|_ended| CommandFailed::said("枢纽正在停止", "the hub is stopping"))?;
    let detail = match &taken {
        Ok(now) => json!({ "stage": now.stage, "step": step }),
        Err(refused) => json!({ "refused": refused.to_string(), "step": step }),
    };
    office.audit.append(Some(&by), action, "authority", detail)?;
    taken?;
    show(office, reply)
}

fn take(desk: &Desk, step: Step) -> Result<Authorities, RotateFailed> {
    match step {
        Step::Begin => begin(desk),
        Step::Switch { force } => switch(desk, force),
        Step::Retire => retire(desk),
    }
}

fn show(office: &Office, reply: &mut Reply) -> Result<(), CommandFailed> {
    let authorities = Authorities::load(office)?;
    let issuing = authorities.issuing_pem(office)?;
    let other = authorities.other_pem(office)?;
    let fingerprint = |pem: &str| fingerprint(pem).map_err(AuthoritiesFailed::from);
    if reply.is_json() {
        let other = other.as_deref().map(fingerprint).transpose()?;
        let (issuing, stage) = (fingerprint(&issuing)?, authorities.stage);
        reply.json(
            &json!({ "stage": stage, "issuing": issuing, "other": other, "since_ms": authorities.since_ms }),
        );
        return Ok(());
    }
    let until = |pem: &str| validity_s(pem).map_or(0, |validity| validity.end).saturating_mul(1000);
    let (print, end) = (fingerprint(&issuing)?, moment(until(&issuing)));
    reply.data(reply.pick(format!("签发：{print}，有效至 {end}"), format!("issuing: {print}, until {end}")));
    if let Some(pem) = other {
        let (print, end) = (fingerprint(&pem)?, moment(until(&pem)));
        reply.data(
            reply.pick(format!("并行：{print}，有效至 {end}"), format!("beside it: {print}, until {end}")),
        );
    }
    reply.note(match authorities.stage {
        Stage::Steady => reply.pick("更换时：authority begin", "to replace it: authority begin"),
        Stage::Begun => reply.pick(
            "各节点会自行更新证书，随后：authority switch",
            "nodes renew by themselves; then: authority switch",
        ),
        Stage::Switched => reply.pick(
            "旧机构签发的证书都到期或更新后：authority retire",
            "once no certificate of the former one holds: authority retire",
        ),
    });
    Ok(())
}
