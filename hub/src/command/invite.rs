//! `invite` and `invitation`: one token for one institution, and what became of tokens.

use safeharbor_core::digest::Digest;
use safeharbor_core::directory::InstitutionType;
use safeharbor_core::institution::InstitutionCode;
use safeharbor_service::person::{Credentials, Person, Role};
use safeharbor_service::speech::moment;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::proposal::propose;
use super::{CommandFailed, Reply};
use crate::invitation::{self, Invited, Permitted, State};
use crate::office::Office;
use crate::proposal::Decision;
use crate::{re_enrolment, roster};

const DAY_MS: u64 = 24 * 3600 * 1000;
/// Nobody should hold a token for longer.
const DAYS_MAX: u16 = 30;
/// How much of an id names an invitation at least.
const ID_CHARS_MIN: usize = 6;

/// One token for one institution.
#[derive(Debug, Serialize, Deserialize)]
pub struct InviteCommand {
    /// Its code, or the id of its row of the roster.
    pub who: String,
    /// Its code, where the roster does not have it yet.
    pub code: Option<InstitutionCode>,
    /// For how many days.
    pub days: u16,
    /// Whether lost keys are to be replaced.
    pub re_enrol: bool,
    /// Who invites.
    pub by: Credentials,
}

/// What can be done with invitations.
#[derive(Debug, Serialize, Deserialize)]
pub enum InvitationCommand {
    /// Lists them.
    List,
    /// Takes one back that nobody took up.
    Withdraw {
        /// The beginning of its id.
        id: String,
        /// Who takes it back.
        by: Credentials,
    },
    /// Says that a person looked at its alarm.
    Seen {
        /// The beginning of its id.
        id: String,
        /// Who looked.
        by: Credentials,
    },
}

pub(super) async fn invite(
    office: &Office,
    command: InviteCommand,
    reply: &mut Reply,
) -> Result<(), CommandFailed> {
    let by = office.authorize(&command.by, &[Role::Administrator], "invite").await?;
    if !(1..=DAYS_MAX).contains(&command.days) {
        let days = DAYS_MAX;
        return Err(CommandFailed::said(
            format!("有效期为 1 至 {days} 天"),
            format!("an invitation holds for 1 to {days} days"),
        ));
    }
    let deciding = office.deciding().await;
    let whom = whom(office, &command)?;
    let permitted = if command.re_enrol {
        let Some(permitted) = re_enrolment::permitted(office, whom.code)? else {
            drop(deciding);
            return propose(office, Decision::ReEnrol { code: whom.code }, &command.by, reply).await;
        };
        Some(permitted)
    } else {
        verify_not_a_member(office, whom.code)?;
        None
    };
    make(office, (whom, permitted), (command.days, by), reply)
}

/// Whom a token is for.
struct Whom {
    code: InstitutionCode,
    name: String,
    kind: InstitutionType,
    /// The row that learns its code.
    row: Option<roster::RosterRow>,
}

fn whom(office: &Office, command: &InviteCommand) -> Result<Whom, CommandFailed> {
    let typed: Option<InstitutionCode> = command.who.parse().ok();
    let row = roster::find(office, &command.who)?;
    let known = row.as_ref().and_then(|row| row.code);
    let code = match (known, command.code.or(typed)) {
        (Some(known), Some(said)) if known != said => {
            return Err(CommandFailed::said(
                format!("名册中该单位的代码是 {known}"),
                format!("the roster says that its code is {known}"),
            ));
        }
        (Some(code), _) | (None, Some(code)) => code,
        (None, None) => {
            return Err(CommandFailed::said(
                "尚不知其统一社会信用代码：--code",
                "its 18-character code is not known yet: --code",
            ));
        }
    };
    if let Some(row) = row {
        return Ok(Whom { code, name: row.name().to_owned(), kind: row.kind, row: Some(row) });
    }
    // A member that was never on the roster, of an older hub.
    let directory = office.shared.directory();
    let member = directory.institution(&code).ok_or_else(|| {
        CommandFailed::said(
            format!("名册中没有 {0}；先列入：institution add --code {0} --name 名称", command.who),
            format!(
                "{0} is not on the roster; add it first: institution add --code {0} --name NAME",
                command.who
            ),
        )
    })?;
    Ok(Whom { code, name: member.name.clone(), kind: member.kind, row: None })
}

fn verify_not_a_member(office: &Office, code: InstitutionCode) -> Result<(), CommandFailed> {
    let directory = office.shared.directory();
    let has_keys = directory.institution(&code).is_some_and(|known| known.statement_keys().next().is_some());
    if !has_keys {
        return Ok(());
    }
    Err(CommandFailed::said(
        format!("{code} 已是参与单位；密钥丢失时重新登记：invite {code} --re-enrol"),
        format!("{code} is a member already; lost keys are replaced with: invite {code} --re-enrol"),
    ))
}

fn make(
    office: &Office,
    (whom, permitted): (Whom, Option<Permitted>),
    (days, by): (u16, Person),
    reply: &mut Reply,
) -> Result<(), CommandFailed> {
    let at_ms = office.clock.now_ms();
    let expires_ms = at_ms.saturating_add(DAY_MS.saturating_mul(u64::from(days)));
    let (replaces, re_enrolment) = permitted.map(|permitted| (permitted.key, permitted.deciders)).unzip();
    let (is_re_enrolment, state) = (replaces.is_some(), State::Open);
    let re_enrolment = re_enrolment.unwrap_or_default();
    let (code, name, kind) = (whom.code, whom.name.clone(), whom.kind);
    let invited =
        Invited { code, name, kind, by, at_ms, expires_ms, re_enrolment, replaces, state, alarm: None };
    let before = invitation::open_of(office, code)?.len();
    let detail = json!({ "expires_ms": expires_ms, "re_enrolment": is_re_enrolment, "withdraws": before });
    office.audit.append(Some(&invited.by), "invite", code.as_str(), detail)?;
    if let Some(row) = whom.row.filter(|row| row.code.is_none()) {
        let row = roster::RosterRow { code: Some(code), ..row };
        roster::drawer(office).keep(row.id.as_bytes(), &row)?;
    }
    let token = invitation::make(office, &invited)?;
    reply.data(&*token);
    if before > 0 {
        reply.note(reply.pick(
            "该单位此前未用的邀请已撤回，以此份为准；有人持旧邀请码前来时会报警",
            "the invitation that this institution had before is withdrawn; whoever comes with it raises an alarm",
        ));
    }
    let (name, until, address) = (&whom.name, moment(expires_ms), office.public_address());
    reply.note(reply.pick(
        format!("{code} {name} 的邀请码，{until} 前有效，仅用一次；节点将连接 {address}。请经可靠渠道送达，如同密码。"),
        format!("the invitation of {code} {name}, once, until {until}; its node will connect to {address}. Hand it over like a password."),
    ));
    Ok(())
}

pub(super) async fn carry_out(
    office: &Office,
    command: InvitationCommand,
    reply: &mut Reply,
) -> Result<(), CommandFailed> {
    match command {
        InvitationCommand::List => list(office, reply),
        InvitationCommand::Withdraw { id, by } => {
            let by = office.authorize(&by, &[Role::Administrator], "withdraw invitation").await?;
            withdraw(office, &id, by, reply).await
        }
        InvitationCommand::Seen { id, by } => {
            let by = office.authorize(&by, &[Role::Administrator], "see alarm").await?;
            see(office, &id, &by, reply).await
        }
    }
}

async fn withdraw(office: &Office, id: &str, by: Person, reply: &mut Reply) -> Result<(), CommandFailed> {
    let _deciding = office.deciding().await;
    let (id, invited) = find(office, id)?;
    match &invited.state {
        State::Open => {}
        State::Withdrawn { .. } => return Ok(()),
        State::Taken { .. } => {
            return Err(CommandFailed::said(
                "该邀请已被使用；如有疑问，暂停该单位并结束其密钥",
                "it was taken up already; in doubt, suspend the institution and end its key",
            ));
        }
    }
    office.audit.append(
        Some(&by),
        "withdraw invitation",
        invited.code.as_str(),
        json!({ "invitation": id }),
    )?;
    let state = State::Withdrawn { at_ms: office.clock.now_ms(), by };
    invitation::drawer(office).keep(id.as_bytes(), &Invited { state, ..invited })?;
    reply.note(reply.pick("邀请已撤回", "the invitation is withdrawn"));
    Ok(())
}

async fn see(office: &Office, id: &str, by: &Person, reply: &mut Reply) -> Result<(), CommandFailed> {
    let _deciding = office.deciding().await;
    let (id, invited) = find(office, id)?;
    let Some(alarm) = invited.alarm.clone().filter(|alarm| !alarm.seen) else {
        reply.note(reply.pick("没有待看的警报", "there is no alarm to look at"));
        return Ok(());
    };
    office.audit.append(Some(by), "see alarm", invited.code.as_str(), json!({ "invitation": id }))?;
    let alarm = Some(invitation::Alarm { seen: true, ..alarm });
    invitation::keep(office, &id, &Invited { alarm, ..invited })?;
    reply.note(reply.pick("警报已标为已看", "the alarm is marked as seen"));
    Ok(())
}

/// The invitation whose id begins so.
fn find(office: &Office, beginning: &str) -> Result<(Digest, Invited), CommandFailed> {
    let rows = named(office)?;
    let mut found = rows
        .into_iter()
        .filter(|(id, _)| beginning.len() >= ID_CHARS_MIN && id.to_string().starts_with(beginning));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(CommandFailed::said(
            "没有这个邀请；见 invitation list",
            "there is no such invitation; see invitation list",
        )),
        (Some(_), Some(_)) => {
            Err(CommandFailed::said("不止一个邀请以此开头", "several invitations begin like this"))
        }
    }
}

fn named(office: &Office) -> Result<Vec<(Digest, Invited)>, CommandFailed> {
    let rows = invitation::drawer(office).all()?;
    let id = |key: Vec<u8>| <[u8; 32]>::try_from(key).ok().map(Digest::from_bytes);
    let mut rows: Vec<_> = rows.into_iter().filter_map(|(key, row)| Some((id(key)?, row))).collect();
    rows.sort_by_key(|(_, row)| row.at_ms);
    Ok(rows)
}

fn list(office: &Office, reply: &mut Reply) -> Result<(), CommandFailed> {
    let (rows, now_ms) = (named(office)?, office.clock.now_ms());
    if reply.is_json() {
        let rows: Vec<_> = rows.iter().map(|(id, row)| json!({ "id": id, "invitation": row })).collect();
        reply.json(&rows.into());
        return Ok(());
    }
    for (id, row) in &rows {
        let state = state(row, now_ms, reply);
        let id: String = id.to_string().chars().take(10).collect();
        reply.data(format_args!("{id}  {}  {}  {state}", row.code, row.name));
        if let Some(alarm) = row.alarm.as_ref().filter(|alarm| !alarm.seen) {
            let (times, at, from) = (alarm.times, moment(alarm.at_ms), &alarm.from);
            reply.data(reply.pick(
                format!("  ！警报：{at} 起，{times} 次有人持此邀请码和其他密钥前来（最近来自 {from}）。核实后：invitation seen {id}"),
                format!("  ! alarm: since {at}, {times} times somebody came with this token and other keys (from {from}). Once looked into: invitation seen {id}"),
            ));
        }
    }
    Ok(())
}

fn state(row: &Invited, now_ms: u64, reply: &Reply) -> String {
    let kind =
        if row.re_enrolment.is_empty() { "" } else { reply.pick("（重新登记）", " (re-enrolment)") };
    let state = match &row.state {
        State::Open if row.is_open(now_ms) => {
            let until = moment(row.expires_ms);
            reply.pick(format!("未使用，{until} 前有效"), format!("open until {until}"))
        }
        State::Open => reply.pick("已过期", "expired").to_owned(),
        State::Taken { at_ms, .. } => {
            let at = moment(*at_ms);
            reply.pick(format!("{at} 已使用"), format!("taken up at {at}"))
        }
        State::Withdrawn { at_ms, by } => {
            let at = moment(*at_ms);
            reply.pick(format!("{} 于 {at} 撤回", by.name), format!("withdrawn by {} at {at}", by.name))
        }
    };
    state + kind
}
