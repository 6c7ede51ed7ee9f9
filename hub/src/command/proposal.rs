//! `proposal`: what one person proposed, for a second one to decide.

use safeharbor_service::clock::to_rfc3339;
use safeharbor_service::person::{Credentials, Person, Role};
use serde::{Deserialize, Serialize};

use super::{CommandFailed, Reply};
use crate::office::Office;
use crate::proposal::{self, Proposal, Wanted, who_may_decide};

/// What can be done with proposals.
#[derive(Debug, Serialize, Deserialize)]
pub enum ProposalCommand {
    /// Lists them.
    List,
    /// Approves one as the second person.
    Approve {
        /// Its number.
        number: u32,
        /// Who approves.
        by: Credentials,
    },
    /// Decides against one.
    Decline {
        /// Its number.
        number: u32,
        /// Why.
        reason: String,
        /// Who declines.
        by: Credentials,
    },
    /// Takes one back.
    Withdraw {
        /// Its number.
        number: u32,
        /// Who withdraws.
        by: Credentials,
    },
}

pub(super) async fn carry_out(
    office: &Office,
    command: ProposalCommand,
    reply: &mut Reply,
) -> Result<(), CommandFailed> {
    match command {
        ProposalCommand::List => list(office, reply),
        ProposalCommand::Approve { number, by } => {
            let by = office.authorize(&by, &[Role::Administrator], "approve proposal").await?;
            let done = proposal::decide(office, number, by).await?;
            let what = done.what.text(reply.language());
            reply.note(reply.pick(
                format!("提议 {number} 已批准并执行：{what}"),
                format!("proposal {number} is approved and carried out: {what}"),
            ));
            Ok(())
        }
        ProposalCommand::Decline { number, reason, by } => {
            let by = office.authorize(&by, &[Role::Administrator], "decline proposal").await?;
            proposal::decline(office, number, (by, &reason)).await?;
            reply.note(reply.pick(format!("提议 {number} 已否决"), format!("proposal {number} is declined")));
            Ok(())
        }
        ProposalCommand::Withdraw { number, by } => {
            let by = office.authorize(&by, &[Role::Administrator], "withdraw proposal").await?;
            proposal::withdraw(office, number, by).await?;
            reply
                .note(reply.pick(format!("提议 {number} 已撤回"), format!("proposal {number} is withdrawn")));
            Ok(())
        }
    }
}

/// Proposes what takes two persons, and says who may be the second.
pub(super) async fn propose(
    office: &Office,
    wanted: impl Into<Wanted>,
    by: &Credentials,
    reply: &mut Reply,
) -> Result<(), CommandFailed> {
    let wanted = wanted.into();
    let by = office.authorize(by, &[Role::Administrator], wanted.what.action()).await?;
    put(office, wanted, by, reply).await
}

/// Puts a decision of a person who has shown who they are to a second one.
pub(super) async fn put(
    office: &Office,
    wanted: impl Into<Wanted>,
    by: Person,
    reply: &mut Reply,
) -> Result<(), CommandFailed> {
    let made = proposal::propose(office, wanted, by).await?;
    let (number, until) = (made.number, to_rfc3339(made.expires_ms));
    let what = made.what.text(reply.language());
    let who = who(office, &made, reply)?;
    if reply.is_json() {
        reply.json(&serde_json::to_value(&made).unwrap_or_default());
    } else {
        reply.data(number);
    }
    reply.note(reply.pick(
        format!(
            "已提出 {number}：{what}。须由第二位管理员在 {until} 前批准：proposal approve {number} --person 姓名。可以批准的人：{who}"
        ),
        format!(
            "proposed as {number}: {what}. A second administrator approves it before {until}: proposal approve {number} --person NAME. Who may: {who}"
        ),
    ));
    Ok(())
}

fn list(office: &Office, reply: &mut Reply) -> Result<(), CommandFailed> {
    let proposals = proposal::list(office)?;
    if reply.is_json() {
        reply.json(&serde_json::to_value(&proposals).unwrap_or_default());
        return Ok(());
    }
    let now_ms = office.clock.now_ms();
    let name_of = |id| office.persons.name_of(id).ok().flatten();
    for there in &proposals {
        let what = there.what.text(reply.language());
        let by = there.by.title(reply.language(), name_of);
        let mut state = there.outcome(reply.language(), now_ms, name_of);
        if there.is_open(now_ms) {
            let who = who(office, there, reply)?;
            state += &reply.pick(format!("；可以批准的人：{who}"), format!("; may be approved by: {who}"));
        }
        if !there.reason.is_empty() {
            state += &reply.pick(format!("；理由：{}", there.reason), format!("; why: {}", there.reason));
        }
        reply.data(format_args!("{:>4}  {what}  [{by}]  {state}", there.number));
    }
    Ok(())
}

fn who(office: &Office, proposal: &Proposal, reply: &Reply) -> Result<String, CommandFailed> {
    let who = who_may_decide(&office.persons, &proposal.by)?;
    if who.is_empty() {
        return Ok(reply.pick("目前无人", "nobody at the moment").to_owned());
    }
    let name_of = |id| office.persons.name_of(id).ok().flatten();
    let names: Vec<String> = who.iter().map(|person| person.title(reply.language(), name_of)).collect();
    Ok(names.join(reply.pick("、", ", ")))
}
