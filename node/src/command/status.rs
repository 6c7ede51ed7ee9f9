//! `status`: how things stand, in one word and in numbers; `resume`: going on after a person decided.

use safeharbor_certs::authority::validity_s;
use safeharbor_certs::words::KeyWords;
use safeharbor_service::person::Role;
use serde_json::{Value, json};

use super::catalogue::status_lines;
use super::credentials::authenticate;
use super::policy::awaited_text;
use super::{CommandFailed, Credentials};
use crate::backup::{self, RestoredMark};
use crate::context::Context;
use crate::hold;
use crate::membership::Membership;
use crate::recovery;
use crate::renewal::renewal_s;
use crate::speech::{Exit, Format, Language, Speech, chain_of, moment, padded};
use crate::sync::{Standing, SyncState, Told, state};
use crate::trust::{load_stop, resume as lift_stop};

/// The numbers of one node.
struct Numbers {
    records: u64,
    waiting: u64,
    /// Records of which nothing leaves, because a row for them may not be stored.
    barred: usize,
    /// Records that were stated and are not linked.
    unlinked: u64,
    state: SyncState,
}

pub(super) fn status(context: &Context, speech: &mut Speech<'_>) -> Result<Exit, CommandFailed> {
    let state = state(context)?;
    let (records, waiting) = (context.records.count()?, context.outbox.len()?);
    let (barred, unlinked) = (hold::barred(&*context.store)?.len(), recovery::count(&*context.store)?);
    let numbers = Numbers { records, waiting, barred, unlinked, state };
    match speech.format {
        Format::Json => speech.json(&to_json(context, &numbers)?)?,
        Format::Table => print(context, &numbers, speech)?,
    }
    Ok(Exit::Done)
}

fn to_json(context: &Context, numbers: &Numbers) -> Result<Value, CommandFailed> {
    let Numbers { records, waiting, barred, unlinked, state } = numbers;
    let policy = context.policy()?.map(|policy| policy.accepted.version);
    let restored = RestoredMark::load(&*context.store)?;
    let backup = backup::state(&context.layout).ok();
    Ok(json!({
        "restored": restored, "policy_awaited": context.awaited_policy()?.map(|awaited| awaited.version), "backup": backup,
        "institution": context.institution.as_str(), "name": context.name, "policy": policy,
        "enrolled": context.layout.membership().exists(), "certificate": certificate(context),
        "catalogue": {"in_use": context.catalogue().digest(), "offered": context.offered_catalogue()?},
        "records": records, "waiting": waiting, "barred": barred, "unlinked": unlinked, "stated": state.stated, "acknowledged": state.acknowledged,
        "receipts": state.receipted, "sync": serde_json::to_value(state)?,
    }))
}

fn print(context: &Context, numbers: &Numbers, speech: &mut Speech<'_>) -> Result<(), CommandFailed> {
    let language = speech.language;
    let Numbers { records, waiting, barred, unlinked, state } = numbers;
    speech.data(format_args!("{} {}", context.name, context.institution))?;
    let awaited = context.awaited_policy()?;
    let policy = match (context.policy()?, language) {
        (None, Language::Zh) if awaited.is_some() => "恢复后待重新接受：未经审批不外传".to_owned(),
        (None, Language::En) if awaited.is_some() => {
            "to be accepted again after the restore: nothing leaves without an approval".to_owned()
        }
        (None, _) => language
            .pick("未接受：未经审批不外传", "none accepted: nothing leaves without an approval")
            .to_owned(),
        (Some(policy), Language::Zh) => format!("第 {} 版", policy.accepted.version),
        (Some(policy), Language::En) => format!("version {}", policy.accepted.version),
    };
    let contact = state.contact_ms.map_or_else(|| language.pick("从未", "never").to_owned(), moment);
    let labels = speech.pick(
        [
            "状态",
            "记录",
            "披露政策",
            "待编号",
            "已作声明",
            "枢纽已确认",
            "已有回执",
            "登记簿规模",
            "上次联系",
        ],
        [
            "State",
            "Records",
            "Policy",
            "Waiting",
            "Stated",
            "Acknowledged",
            "Receipts",
            "Registry size",
            "Last contact",
        ],
    );
    let texts = [
        standing_text(context, state, language),
        records.to_string(),
        policy,
        waiting.to_string(),
        state.stated.to_string(),
        state.acknowledged.to_string(),
        state.receipted.to_string(),
        state.registry_size.to_string(),
        contact,
    ];
    for (label, text) in labels.into_iter().zip(texts) {
        speech.data(format_args!("  {} {text}", padded(label, 14)))?;
    }
    if let Some(awaited) = &awaited {
        speech.note(awaited_text(context, awaited).pick(language))?;
    }
    print_certificate(context, speech)?;
    print_told(context, state, speech)?;
    print_backup(context, speech)?;
    print_barred(*barred, speech)?;
    print_unlinked(*unlinked, speech)?;
    for line in status_lines(context, state, language)? {
        speech.data(format_args!("  {line}"))?;
    }
    print_refused(state, speech)?;
    print_alarms(state, speech)
}

/// Until when the certificate is valid, and from when on it renews itself.
fn print_certificate(context: &Context, speech: &mut Speech<'_>) -> Result<(), CommandFailed> {
    let Some(member) = Membership::load(&context.layout).ok().flatten() else { return Ok(()) };
    let (Some(valid), Some(renewed_s)) =
        (validity_s(&member.certificate_pem), renewal_s(&member.certificate_pem))
    else {
        return Ok(());
    };
    let at = |unix_s: u64| moment(unix_s.saturating_mul(1000));
    let (label, until, from) = (padded(speech.pick("证书", "Certificate"), 14), at(valid.end), at(renewed_s));
    speech.data(match speech.language {
        Language::Zh => format!("  {label} 有效至 {until}，{from} 起自动续期"),
        Language::En => format!("  {label} valid until {until}, renews itself from {from} on"),
    })?;
    Ok(())
}

/// When the last good backup was made, what to put right about it, and from which one this node was restored.
fn print_backup(context: &Context, speech: &mut Speech<'_>) -> Result<(), CommandFailed> {
    let label = padded(speech.pick("最近备份", "Last backup"), 14);
    match backup::state(&context.layout) {
        Ok(state) => {
            let never = || speech.pick("从未", "never").to_owned();
            let last = state.last_good_ms.map_or_else(never, moment);
            let why =
                state.last_failure.as_ref().map(|failure| format!("  ({})", failure.why)).unwrap_or_default();
            speech.data(format_args!("  {label} {last}{why}"))?;
            for warning in state.warnings(context.clock.now_ms()) {
                speech.note(warning.text(speech.language))?;
            }
        }
        Err(failed) => speech.data(format_args!("  {label} {}", chain_of(&*failed)))?,
    }
    let Some(mark) = RestoredMark::load(&*context.store)? else { return Ok(()) };
    let (label, at) = (padded(speech.pick("恢复", "Restored"), 14), moment(mark.restored_ms));
    speech.data(match speech.language {
        Language::Zh => format!("  {label} {at}，取自作于 {} 的备份；此后录入的记录须重新导入", mark.made_at),
        Language::En => {
            format!(
                "  {label} {at} from a backup made {}; import again what was recorded since",
                mark.made_at
            )
        }
    })?;
    Ok(())
}

/// Nothing is said where there are none.
fn print_barred(barred: usize, speech: &mut Speech<'_>) -> Result<(), CommandFailed> {
    if barred > 0 {
        let label = padded(speech.pick("留置", "Held"), 14);
        speech.data(match speech.language {
            Language::Zh => format!("  {label} {barred}（后来的同一行不得保存，其内容不外传；涉密的请用 erase 删除）"),
            Language::En => {
                format!("  {label} {barred} (a later row for them may not be stored; nothing of them leaves; erase what is secret)")
            }
        })?;
    }
    Ok(())
}

/// Nothing is said outside recovery.
fn print_unlinked(unlinked: u64, speech: &mut Speech<'_>) -> Result<(), CommandFailed> {
    if unlinked > 0 {
        let label = padded(speech.pick("恢复中", "In recovery"), 14);
        speech.data(match speech.language {
            Language::Zh => format!("  {label} {unlinked} 条记录待重新关联（重新导入；其余见 recovery）"),
            Language::En => {
                format!(
                    "  {label} {unlinked} records to link again (import them; for the rest see `recovery`)"
                )
            }
        })?;
    }
    Ok(())
}

/// Until when the certificate is valid and from when on it is renewed, in seconds since 1970 UTC.
fn certificate(context: &Context) -> Value {
    let member = Membership::load(&context.layout).ok().flatten();
    let valid = member.as_ref().and_then(|member| validity_s(&member.certificate_pem));
    let renewed = member.as_ref().and_then(|member| renewal_s(&member.certificate_pem));
    json!({ "until_s": valid.map(|valid| valid.end), "renewed_from_s": renewed })
}

fn standing_text(context: &Context, state: &SyncState, language: Language) -> String {
    if !context.layout.membership().exists() {
        return language.pick("尚未入网（join）", "not a member yet (join)").to_owned();
    }
    let since = |ms: u64| moment(ms);
    match (&state.standing, language) {
        (Standing::InStep, _) => language.pick("已同步", "in step").to_owned(),
        (Standing::Waiting { statements, since_ms }, Language::Zh) => {
            format!("等待中：{statements} 份声明，自 {}", since_ms.map_or_else(|| "刚才".to_owned(), since))
        }
        (Standing::Waiting { statements, since_ms }, Language::En) => {
            format!(
                "{statements} statements waiting since {}",
                since_ms.map_or_else(|| "just now".to_owned(), since)
            )
        }
        (Standing::Refused { code, text, since_ms, statements }, Language::Zh) => {
            format!("被枢纽拒绝（{code}，自 {}），{statements} 份声明等待：{text}", since(*since_ms))
        }
        (Standing::Refused { code, text, since_ms, statements }, Language::En) => {
            format!(
                "refused by the hub ({code}, since {}), {statements} statements wait: {text}",
                since(*since_ms)
            )
        }
        (Standing::Held { statements, .. }, language) => held_text(state, *statements, language),
        (Standing::Stopped { alarm, since_ms }, Language::Zh) => {
            format!("已停止，须由管理员决定（resume），自 {}：{alarm}", since(*since_ms))
        }
        (Standing::Stopped { alarm, since_ms }, Language::En) => {
            format!("stopped until an administrator decides (resume), since {}: {alarm}", since(*since_ms))
        }
    }
}

fn held_text(state: &SyncState, statements: u64, language: Language) -> String {
    let cause = state.told.as_ref().and_then(Told::held_cause);
    let cause = cause.as_ref().map_or("", |cause| cause.pick(language));
    match language {
        Language::Zh => format!("{cause}；{statements} 份声明等待"),
        Language::En => format!("{cause}; {statements} statements wait"),
    }
}

/// What the hub last said: what to do about the standing, and whether the six words were confirmed.
fn print_told(context: &Context, state: &SyncState, speech: &mut Speech<'_>) -> Result<(), CommandFailed> {
    let Some(told) = &state.told else { return Ok(()) };
    if let Some(remedy) = told.held_remedy() {
        speech.note(remedy.pick(speech.language))?;
    }
    let label = padded(speech.pick("六词指纹", "Six words"), 14);
    speech.data(format_args!("  {label} {}", told.words_seen().pick(speech.language)))?;
    if !told.confirmed {
        let words = KeyWords::of(&context.signer.public_key());
        speech.note(Told::words_remedy(&words).pick(speech.language))?;
    }
    Ok(())
}

fn print_refused(state: &SyncState, speech: &mut Speech<'_>) -> Result<(), CommandFailed> {
    if state.content_refused.is_empty() {
        return Ok(());
    }
    speech.data(speech.pick(
        "内容被枢纽退回的声明（修改记录后会再次声明）：",
        "Statements whose content the hub refused (correct the record; it is stated again):",
    ))?;
    for refused in &state.content_refused {
        let seq = refused.seq.map_or_else(|| "?".to_owned(), |seq| seq.to_string());
        let rec = refused.rec.as_deref().unwrap_or("?");
        speech.data(format_args!("  {seq}  {rec}  {}  {}", refused.code, refused.text))?;
    }
    Ok(())
}

fn print_alarms(state: &SyncState, speech: &mut Speech<'_>) -> Result<(), CommandFailed> {
    if !state.alarms.is_empty() {
        speech.data(speech.pick("警报：", "Alarms:"))?;
    }
    for raised in &state.alarms {
        speech.data(format_args!("  {}  ×{}  {}", moment(raised.last_ms), raised.count, raised.alarm))?;
    }
    Ok(())
}

/// Lets the node go on after a fork or an inconsistent registry.
pub(super) fn resume(
    context: &Context,
    by: &Credentials,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let person = authenticate(context, by, &[Role::Administrator], "resume")?;
    let Some(stopped) = load_stop(&*context.store)? else {
        speech.note(
            speech.pick("节点没有停止，无需恢复。", "the node is not stopped; there is nothing to resume."),
        )?;
        return Ok(Exit::Done);
    };
    let detail = serde_json::to_value(&stopped)?;
    context.audit.append(Some(&person), "resume", "the stream to the hub", detail)?;
    lift_stop(&*context.store)?;
    // A running node waits for this.
    context.outbox.announce();
    speech.data(speech.pick(
        "已恢复；运行中的节点随即继续同步，未运行的请启动 run。",
        "resumed; a running node goes on at once, otherwise start `run`.",
    ))?;
    Ok(Exit::Done)
}
