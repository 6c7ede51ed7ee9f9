//! `withdraw`: takes back at the hub what left of a record, and says plainly what that can and cannot recall.

use std::collections::BTreeSet;

use safeharbor_service::person::Role;

use super::credentials::authenticate;
use super::record::{find, shown_key};
use super::{CommandFailed, Credentials};
use crate::chain::Chain;
use crate::context::Context;
use crate::erasure::EraseFailed;
use crate::speech::{CatalogueLanguage as _, Exit, Format, Language, Speech};
use crate::withdrawal::{self, Withdrawn};

/// Says what withdrawing would do; nothing is changed.
pub(super) fn preview(
    context: &Context,
    typed: &str,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let rec = find(context, typed)?;
    let Some(stored) = context.records.last(rec)? else {
        return Err(EraseFailed::ErasedBefore(rec).into());
    };
    let revealed = Chain::new(std::sync::Arc::clone(&context.store)).revealed_of(rec)?;
    let catalogue = context.catalogue();
    let kind = catalogue.kind(&stored.revision.kind);
    let title = |name: String| {
        let field = kind.and_then(|kind| kind.field(&name));
        field.map_or(name.clone(), |field| field.title(speech.language.lang()).to_owned())
    };
    let revealed: Vec<String> = revealed.into_iter().map(title).collect();
    let key = shown_key(&stored.revision.key);
    speech.note(match speech.language {
        Language::Zh => format!("将撤回 {} {key}（{rec}）；记录仍保存在本节点。", stored.revision.kind),
        Language::En => {
            format!("{} {key} ({rec}) will be withdrawn; the record stays here.", stored.revision.kind)
        }
    })?;
    for line in consequences(&revealed, speech.language) {
        speech.note(format_args!("  {line}"))?;
    }
    Ok(Exit::Done)
}

fn consequences(revealed: &[String], language: Language) -> Vec<String> {
    let names = revealed.join(language.pick("、", ", "));
    let mut lines = Vec::new();
    if revealed.is_empty() {
        lines.push(
            language.pick("此记录没有任何值离开过本节点。", "No value of this record has left.").to_owned(),
        );
    } else {
        lines.push(language.pick(
            format!("可以收回：枢纽收到撤回声明后删除这些值：{names}。"),
            format!("What is taken back: on the withdrawal the hub erases {names}."),
        ));
        lines.push(language.pick(
            format!("无法收回：枢纽已向他人出示或已计入汇总的值：{names}；看过的人已经看过。"),
            format!(
                "What cannot be recalled: what the hub has shown to others or counted meanwhile: {names}; who saw it has seen it."
            ),
        ));
    }
    lines.push(
        language
            .pick(
                "登记簿中的声明编号与摘要保留，但不含内容。待发的声明一并撤下。",
                "Numbers and digests stay in the registry, without content. What waits is taken out, too.",
            )
            .to_owned(),
    );
    lines.push(
        language
            .pick(
                "此后无论政策或导入如何变化，此记录都不再外传，直到有人重新批准（approve）。",
                "From here on nothing of it leaves, whatever policy or import comes, until somebody approves it anew.",
            )
            .to_owned(),
    );
    lines
}

pub(super) fn withdraw(
    context: &Context,
    typed: &str,
    reason: &str,
    by: &Credentials,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let person = authenticate(context, by, &[Role::Approver, Role::Administrator], "withdraw")?;
    let rec = find(context, typed)?;
    let withdrawn = withdrawal::withdraw(context, &BTreeSet::from([rec]), &person, reason)?;
    if speech.format == Format::Json {
        speech.json(&serde_json::to_value(&withdrawn)?)?;
        return Ok(Exit::Done);
    }
    for Withdrawn { kind, rec, decision, stopped, taken_back, .. } in withdrawn {
        speech.data(match (taken_back, speech.language) {
            (true, Language::Zh) => {
                format!("已撤回 {kind} {rec}（编号 {decision}）；撤回声明已进入待发，撤下 {stopped} 份待发声明。")
            }
            (true, Language::En) => format!(
                "withdrawn {kind} {rec} ({decision}); the withdrawal waits to be sent, {stopped} waiting statements were taken out."
            ),
            (false, Language::Zh) => {
                format!("{kind} {rec} 留在本地（编号 {decision}）：没有需要收回的声明，撤下 {stopped} 份待发声明。")
            }
            (false, Language::En) => format!(
                "{kind} {rec} stays here ({decision}): there was no statement to take back, {stopped} waiting ones were taken out."
            ),
        })?;
    }
    Ok(Exit::Done)
}
