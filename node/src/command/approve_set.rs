//! `approve --kind`: a named person lets fields of many records leave, after seeing how many values of which fields would.

use std::collections::BTreeSet;

use safeharbor_rules::Kind;
use safeharbor_service::person::Role;
use serde_json::json;

use super::credentials::authenticate;
use super::marks::Marks;
use super::person::named;
use super::record::{find_kind, shown_key};
use super::{CommandFailed, Credentials, Words};
use crate::approval::{self, FieldCount, SetPreview, SetSeen};
use crate::context::Context;
use crate::disclosure;
use crate::selection::Filter;
use crate::speech::{CatalogueLanguage as _, Exit, Format, Language, Speech, padded};

/// Keys shown of a set.
const SAMPLE: usize = 10;

/// The filter that a person's words make.
pub(super) fn parse_filter(context: &Context, words: Words) -> Result<Filter, CommandFailed> {
    let Words { kind, conditions, among } = words;
    Ok(Filter { kind: find_kind(context, &kind)?, conditions, among })
}

/// Says what would leave and answers with what was seen, as JSON; nothing is changed.
pub(super) fn preview(
    context: &Context,
    words: Words,
    fields: Vec<String>,
    person: &str,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let person = named(context, person)?;
    let filter = parse_filter(context, words)?;
    let catalogue = context.catalogue();
    let kind = disclosure::find_kind(&catalogue, &filter.kind)
        .ok_or_else(|| CommandFailed::NoKind(filter.kind.to_string()))?;
    let (mut marks, mut sample) = (Marks::default(), Vec::new());
    let fields: BTreeSet<String> = fields.into_iter().collect();
    let preview = approval::preview_set(context, &filter, &fields, &person, &mut |stored, fields| {
        marks.add(kind, stored, fields);
        if sample.len() < SAMPLE {
            sample.push(shown_key(&stored.revision.key));
        }
    })?;
    for line in lines(kind, &preview, &sample, speech.language) {
        speech.note(line)?;
    }
    if preview.seen.pinned.records == 0 {
        return Err(approval::ApproveFailed::NoneFits.into());
    }
    for line in marks.lines(kind, speech.language) {
        speech.note(line)?;
    }
    speech.json(&json!({
        "seen": preview.seen, "summary": preview.summary, "sample": sample, "marks": marks.json(),
    }))?;
    Ok(Exit::Done)
}

fn lines(kind: &Kind, preview: &SetPreview, sample: &[String], language: Language) -> Vec<String> {
    let SetPreview { seen, summary } = preview;
    let (title, records) = (kind.title(language.lang()), seen.pinned.records);
    let mut lines = vec![match language {
        Language::Zh => format!(
            "批准后，{title} {} 的 {records} 条记录将作出声明（其中 {} 条为再次声明）；各字段的值：",
            kind.id(),
            summary.stated_again
        ),
        Language::En => format!(
            "Once approved, {records} records of {} {title} are stated ({} of them once more); values by field:",
            kind.id(),
            summary.stated_again
        ),
    }];
    let (opened, closed): (Vec<_>, Vec<_>) =
        summary.fields.iter().partition(|(_, count)| count.approved > 0 || count.before > 0);
    lines.extend(opened.iter().map(|(name, count)| field_line(kind, name, count, language)));
    lines.extend(closed_lines(kind, &closed, language));
    if !sample.is_empty() {
        let head = language.pick("  例如：", "  for example: ");
        lines.push(format!("{head}{}", sample.join(language.pick("、", ", "))));
    }
    for (count, zh, en) in [
        (
            summary.unchanged,
            "条符合条件但无可增加（无值、超出上限或已公开）",
            "fit, and nothing would be added (no value, above the ceiling, or revealed already)",
        ),
        (
            summary.held,
            "条符合条件但已驳回、撤回或留置，不在其中",
            "fit but were rejected, withdrawn or held; they are left out",
        ),
    ] {
        if count > 0 {
            lines.push(language.pick(format!("  另有 {count} {zh}"), format!("  {count} more {en}")));
        }
    }
    lines
}

fn field_line(kind: &Kind, name: &str, count: &FieldCount, language: Language) -> String {
    let title = kind.field(name).map_or(name, |field| field.title(language.lang()));
    let label = padded(&format!("{title} {name}"), 40);
    let FieldCount { approved, before, digest, above_ceiling, .. } = count;
    let free = kind.field(name).is_some_and(safeharbor_rules::Field::is_free_text);
    let note = if free && *approved > 0 {
        language.pick("（自由文本，请逐条核对）", " (free text: read it)")
    } else {
        ""
    };
    match language {
        Language::Zh => format!(
            "  {label} 公开 {approved} 个值（此次批准）；此前或依政策公开 {before}；仅摘要 {digest}（超出上限 {above_ceiling}）{note}"
        ),
        Language::En => format!(
            "  {label} {approved} revealed by this approval; {before} revealed before or by the policy; {digest} as digests ({above_ceiling} above the ceiling){note}"
        ),
    }
}

/// The fields of which no value leaves, the ones nobody can approve apart.
fn closed_lines(kind: &Kind, closed: &[(&String, &FieldCount)], language: Language) -> Vec<String> {
    let title = |name: &str| {
        kind.field(name).map_or_else(|| name.to_owned(), |field| field.title(language.lang()).to_owned())
    };
    let (digests, stays): (Vec<_>, Vec<_>) = closed.iter().partition(|(_, count)| count.digest > 0);
    let mut lines = Vec::new();
    for (names, head) in [
        (digests, language.pick("  值留在本地，仅传加盐摘要：", "  values stay, salted digests only: ")),
        (stays, language.pick("  完全留在本地：", "  stay here altogether: ")),
    ] {
        if !names.is_empty() {
            let names: Vec<String> = names.iter().map(|(name, _)| title(name)).collect();
            lines.push(format!("{head}{}", names.join(language.pick("、", ", "))));
        }
    }
    lines
}

pub(super) fn approve(
    context: &Context,
    seen: &SetSeen,
    by: &Credentials,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let person = authenticate(context, by, &[Role::Approver, Role::Administrator], "approve set")?;
    let set = approval::approve_set(context, seen, &person)?;
    if speech.format == Format::Json {
        speech.json(&serde_json::to_value(&set)?)?;
        return Ok(Exit::Done);
    }
    let names = set.fields.iter().cloned().collect::<Vec<_>>();
    speech.data(match speech.language {
        Language::Zh => format!(
            "已批准（编号 {}）：{} {} 条记录的 {} 将公开给枢纽。批准只能增加公开内容；其余字段的值仍留在本地。",
            set.id,
            set.kind,
            set.records,
            names.join("、")
        ),
        Language::En => format!(
            "approved ({}): {} of {} records of {} will be revealed to the hub. An approval only adds; all other values stay here.",
            set.id,
            names.join(", "),
            set.records,
            set.kind
        ),
    })?;
    Ok(Exit::Done)
}
