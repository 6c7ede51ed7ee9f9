//! `reject`: a named person keeps a record, or those of a kind that fit, from leaving as they are.

use safeharbor_service::person::Role;
use serde_json::json;

use super::approve_set::parse_filter;
use super::credentials::authenticate;
use super::person::named;
use super::record::{find, shown_key};
use super::{Choice, CommandFailed, Credentials};
use crate::context::Context;
use crate::rejection::{self, RejectSeen, Rejected, Target};
use crate::speech::{CatalogueLanguage as _, Exit, Format, Language, Speech};

/// Says what would be rejected and answers with what was seen, as JSON; nothing is changed.
pub(super) fn preview(
    context: &Context,
    choice: Choice,
    person: &str,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    named(context, person)?;
    let target = match choice {
        Choice::Record(typed) => Target::One(find(context, &typed)?),
        Choice::Set(words) => Target::Set(parse_filter(context, words)?),
    };
    let (seen, rejected) = rejection::preview(context, &target)?;
    let what = described(context, &target, speech.language)?;
    let Rejected { records, stopped, left, .. } = rejected;
    speech.note(match speech.language {
        Language::Zh => format!(
            "将驳回 {what}（{records} 条）：现有内容不外传，{stopped} 份待发声明撤下；内容变更后仍留在本地，须由人再次决定。"
        ),
        Language::En => format!(
            "{what} ({records} records) will be rejected: as they are they do not leave, {stopped} waiting statements are taken out; once changed they stay all the same and await a decision again."
        ),
    })?;
    if left > 0 {
        speech.note(match speech.language {
            Language::Zh => format!("  另有 {left} 条的现有内容已离开本节点，驳回无法收回，须用 withdraw。"),
            Language::En => {
                format!("  {left} more have left as they are; a rejection does not take them back, `withdraw` does.")
            }
        })?;
    }
    speech.note(speech.pick(
        "  此前各版已离开的内容不受影响；驳回的理由只保存在本节点。",
        "  What left of earlier revisions is not touched; the reason is kept here only.",
    ))?;
    speech.json(&json!({ "seen": seen, "rejected": rejected }))?;
    Ok(Exit::Done)
}

fn described(context: &Context, target: &Target, language: Language) -> Result<String, CommandFailed> {
    Ok(match target {
        Target::One(rec) => match context.records.last(*rec)? {
            Some(stored) => format!("{} {}", stored.revision.kind, shown_key(&stored.revision.key)),
            None => rec.to_string(),
        },
        Target::Set(filter) => {
            let catalogue = context.catalogue();
            let kind = catalogue.kind(&filter.kind);
            let title = kind.map_or("", |kind| kind.title(language.lang()));
            format!("{} {title}", filter.kind)
        }
    })
}

pub(super) fn reject(
    context: &Context,
    seen: &RejectSeen,
    reason: &str,
    by: &Credentials,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let person = authenticate(context, by, &[Role::Approver, Role::Administrator], "reject")?;
    let rejected = rejection::reject(context, seen, &person, reason)?;
    if speech.format == Format::Json {
        speech.json(&serde_json::to_value(&rejected)?)?;
        return Ok(Exit::Done);
    }
    let Rejected { decision, records, stopped, .. } = rejected;
    speech.data(match speech.language {
        Language::Zh => {
            format!("已驳回（编号 {decision}）：{records} 条记录留在本地，撤下 {stopped} 份待发声明。")
        }
        Language::En => format!(
            "rejected ({decision}): {records} records stay here, {stopped} waiting statements were taken out."
        ),
    })?;
    Ok(Exit::Done)
}
