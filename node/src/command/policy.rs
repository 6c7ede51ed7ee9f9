//! `policy`: which disclosure policy is in force, and accepting another one.

use safeharbor_rules::{Catalogue, Kind, Lang, Mode};
use safeharbor_service::doctor::Words;
use safeharbor_service::person::Role;
use serde_json::{Value, json};

use super::credentials::authenticate;
use super::person::named;
use super::{CommandFailed, Credentials};
use crate::context::Context;
use crate::policy::{Accepted, Change, Changes, InForce, mode_of, modes};
use crate::speech::{CatalogueLanguage as _, Exit, Format, Language, Speech, moment, padded};

pub(super) fn show(context: &Context, speech: &mut Speech<'_>) -> Result<Exit, CommandFailed> {
    if let Some(awaited) = context.awaited_policy()? {
        speech.note(awaited_text(context, &awaited).pick(speech.language))?;
    }
    let policy = context.policy()?;
    if speech.format == Format::Json {
        speech.json(&policy_json(context, policy.as_ref()))?;
        return Ok(Exit::Done);
    }
    speech.data(match (&policy, speech.language) {
        (None, Language::Zh) => "尚未接受任何披露政策：所有记录都留在本地，未经审批不外传。".to_owned(),
        (None, Language::En) => {
            "no disclosure policy is accepted: all records stay here, nothing leaves without an approval."
                .to_owned()
        }
        (Some(InForce { accepted, .. }), Language::Zh) => format!(
            "披露政策第 {} 版，{}（{}）于 {} 接受，SHA-256 {}",
            accepted.version,
            accepted.person.name,
            accepted.person.role.title_zh(),
            moment(accepted.at),
            accepted.sha256
        ),
        (Some(InForce { accepted, .. }), Language::En) => format!(
            "disclosure policy version {}, accepted by {} ({}) on {}, SHA-256 {}",
            accepted.version,
            accepted.person.name,
            accepted.person.role,
            moment(accepted.at),
            accepted.sha256
        ),
    })?;
    for kind in context.catalogue().kinds() {
        let mode = mode_text(mode_of(policy.as_ref(), kind.id()), speech.language);
        speech.data(format_args!("  {} {mode}", padded(&kind_text(kind, speech.language.lang()), 32)))?;
    }
    Ok(Exit::Done)
}

/// What a person is told of a policy that came with a backup.
pub(crate) fn awaited_text(context: &Context, accepted: &Accepted) -> Words {
    let (version, file) = (accepted.version, context.evidence.path(accepted.sha256));
    let file = file.display();
    Words::new(
        format!(
            "本节点由备份恢复：第 {version} 版披露政策在有人重新接受之前不生效，未经审批不外传。核对备份之后是否接受过更严的版本，再用 policy accept 接受现行版本；备份里的文本是 {file}"
        ),
        format!(
            "this node was restored: policy version {version} is not in force until a named person accepts it again; nothing leaves without an approval. See whether a stricter one was accepted since the backup, then `policy accept` the one that holds; the text of the backup is {file}"
        ),
    )
}

fn policy_json(context: &Context, policy: Option<&InForce>) -> Value {
    let Some(InForce { accepted, policy }) = policy else { return Value::Null };
    json!({
        "version": accepted.version, "sha256": accepted.sha256.to_string(), "person": accepted.person,
        "at": accepted.at, "kinds": modes(policy, context),
    })
}

/// Reads a policy and says in plain words what it means for each kind; nothing is changed.
pub(super) fn check(context: &Context, text: &str, speech: &mut Speech<'_>) -> Result<Exit, CommandFailed> {
    let policy = context.check_policy(text)?;
    if speech.format == Format::Json {
        speech.json(&json!({ "version": policy.version(), "kinds": modes(&policy, context) }))?;
        return Ok(Exit::Done);
    }
    speech.data(match speech.language {
        Language::Zh => format!("这是一份披露政策，第 {} 版。各类别：", policy.version()),
        Language::En => format!("this is a disclosure policy, version {}. By kind:", policy.version()),
    })?;
    for kind in context.catalogue().kinds() {
        let mode = mode_text(policy.mode(kind.id()), speech.language);
        speech.data(format_args!("  {} {mode}", padded(&kind_text(kind, speech.language.lang()), 32)))?;
    }
    speech.data(speech.pick(
        "无论哪种方式：C2/C3 字段的值未经具名人员逐条或批量审批不外传；超出上限的字段任何人都不能批准。",
        "Under every mode: the value of a C2 or C3 field leaves only by a named person's approval, and nobody can approve what is above its ceiling.",
    ))?;
    Ok(Exit::Done)
}

/// Says what a policy would change against the one in force; nothing is changed.
pub(super) fn diff(context: &Context, text: &str, speech: &mut Speech<'_>) -> Result<Exit, CommandFailed> {
    let changes = context.diff_policy(text)?;
    if speech.format == Format::Json {
        speech.json(&changes.iter().map(change_json).collect::<serde_json::Map<_, _>>().into())?;
        return Ok(Exit::Done);
    }
    speech.data(speech.pick("与现行政策相比：", "Against the policy in force:"))?;
    for line in change_lines(&context.catalogue(), &changes, speech.language) {
        speech.data(line)?;
    }
    Ok(Exit::Done)
}

/// Who accepted which policy, and when.
pub(super) fn history(context: &Context, speech: &mut Speech<'_>) -> Result<Exit, CommandFailed> {
    let accepted = context.policy_history()?;
    if speech.format == Format::Json {
        let row = |a: &Accepted| json!({ "version": a.version, "sha256": a.sha256.to_string(), "person": a.person, "at": a.at });
        speech.json(&accepted.iter().map(row).collect::<Vec<_>>().into())?;
        return Ok(Exit::Done);
    }
    if accepted.is_empty() {
        speech.data(speech.pick("尚未接受过任何披露政策。", "no policy was ever accepted."))?;
    }
    for accepted in accepted {
        let (at, version, name) = (moment(accepted.at), accepted.version, &accepted.person.name);
        speech.data(match speech.language {
            Language::Zh => format!(
                "{at}  第 {version} 版  {name}（{}）接受  SHA-256 {}",
                accepted.person.role.title_zh(),
                accepted.sha256
            ),
            Language::En => format!(
                "{at}  version {version}  accepted by {name} ({})  SHA-256 {}",
                accepted.person.role, accepted.sha256
            ),
        })?;
    }
    Ok(Exit::Done)
}

/// Says what accepting `text` would change; nothing is changed.
pub(super) fn preview(
    context: &Context,
    text: &str,
    person: &str,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let changes = context.preview_policy(text, &named(context, person)?)?;
    speech.note(speech.pick("接受这份披露政策后：", "Accepting this policy means:"))?;
    for line in change_lines(&context.catalogue(), &changes, speech.language) {
        speech.note(line)?;
    }
    Ok(Exit::Done)
}

pub(super) fn accept(
    context: &Context,
    text: &str,
    by: &Credentials,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let person = authenticate(context, by, &[Role::Approver, Role::Administrator], "accept policy")?;
    let changes = context.accept_policy(text, &person)?;
    if speech.format == Format::Json {
        speech.json(&changes.iter().map(change_json).collect::<serde_json::Map<_, _>>().into())?;
        return Ok(Exit::Done);
    }
    let to_send: u64 = changes.values().fold(0, |sum, change| sum.saturating_add(change.to_send));
    speech.data(match speech.language {
        Language::Zh => format!("披露政策已接受；{to_send} 条记录进入待发。用 policy show 查看。"),
        Language::En => {
            format!("the policy is accepted; {to_send} records wait to be sent. See `policy show`.")
        }
    })?;
    Ok(Exit::Done)
}

fn change_json((kind, change): (&safeharbor_core::record::KindId, &Change)) -> (String, Value) {
    let value = json!({
        "before": change.before.as_str(), "after": change.after.as_str(), "records": change.records,
        "to_send": change.to_send, "to_stop": change.to_stop, "revealed": change.revealed,
    });
    (kind.to_string(), value)
}

pub(super) fn change_lines(catalogue: &Catalogue, changes: &Changes, language: Language) -> Vec<String> {
    let mut lines = Vec::new();
    for kind in catalogue.kinds() {
        let Some(change) = changes.get(kind.id()) else { continue };
        let title = kind_text(kind, language.lang());
        let (before, after) = (mode_text(change.before, language), mode_text(change.after, language));
        lines.push(if change.before == change.after {
            format!("  {title}{}{after}", language.pick("：不变，", ": unchanged, "))
        } else {
            format!("  {title}{}{before} → {after}", language.pick("：", ": "))
        });
        lines.extend(consequence(change, language).map(|line| format!("    {line}")));
        let revealed: Vec<_> =
            change.revealed.iter().map(|(name, count)| field_text(kind, name, *count, language)).collect();
        if !revealed.is_empty() {
            let head = language.pick("公开的字段：", "fields revealed: ");
            lines.push(format!("    {head}{}", revealed.join(language.pick("、", ", "))));
        }
    }
    lines
}

fn consequence(change: &Change, language: Language) -> Option<String> {
    let Change { records, to_send, to_stop, .. } = change;
    if *to_send == 0 && *to_stop == 0 {
        return None;
    }
    Some(match language {
        Language::Zh => format!(
            "现有 {records} 条记录中，{to_send} 条将发送，{to_stop} 条待发的不再发送。已发送的无法由政策收回。"
        ),
        Language::En => format!(
            "of {records} records, {to_send} will be sent and {to_stop} that wait will not. A policy cannot take back what was sent."
        ),
    })
}

fn field_text(kind: &Kind, name: &str, count: u64, language: Language) -> String {
    let title = kind.field(name).map_or(name, |field| field.title(language.lang()));
    match language {
        Language::Zh => format!("{title}（{count} 条）"),
        Language::En => format!("{title} ({count})"),
    }
}

fn kind_text(kind: &Kind, lang: Lang) -> String {
    format!("{} {}", kind.title(lang), kind.id())
}

/// A mode in plain words.
pub(super) fn mode_text(mode: Mode, language: Language) -> &'static str {
    match mode {
        Mode::Off => language.pick("未经审批不外传（off）", "nothing leaves without an approval (off)"),
        Mode::Commit => language.pick(
            "只传加盐摘要，不公开任何字段（commit）",
            "salted digests only, no field revealed (commit)",
        ),
        Mode::Reveal => language.pick(
            "自动公开 C0/C1 字段，其余只传加盐摘要（reveal）",
            "C0 and C1 fields revealed, salted digests of the others (reveal)",
        ),
    }
}
