//! `approve`: a named person lets fields of one record leave, after seeing what would.

use std::collections::BTreeSet;

use safeharbor_rules::Fate;
use safeharbor_service::person::Role;

use super::credentials::authenticate;
use super::marks::Marks;
use super::person::named;
use super::record::{find, shown_key};
use super::show::value_text;
use super::{CommandFailed, Credentials};
use crate::approval::{self, Preview, Seen};
use crate::context::Context;
use crate::disclosure::{Planned, find_kind};
use crate::outbox::Authority;
use crate::speech::{CatalogueLanguage as _, Exit, Format, Language, Speech, padded};

/// Says what would leave and answers with what was seen, as JSON for whoever asks for the password; nothing is changed.
pub(super) fn preview(
    context: &Context,
    typed: &str,
    fields: Vec<String>,
    person: &str,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let person = named(context, person)?;
    let rec = find(context, typed)?;
    let fields: BTreeSet<String> = fields.into_iter().collect();
    let preview = approval::preview(context, rec, &fields, &person)?;
    for line in preview_lines(context, &preview, speech.language) {
        speech.note(line)?;
    }
    if let Some(kind) = find_kind(&context.catalogue(), &preview.stored.revision.kind) {
        let mut marks = Marks::default();
        marks.add(kind, &preview.stored, &fields);
        for line in marks.lines(kind, speech.language) {
            speech.note(line)?;
        }
    }
    speech.json(&serde_json::to_value(preview.seen)?)?;
    Ok(Exit::Done)
}

fn preview_lines(context: &Context, preview: &Preview, language: Language) -> Vec<String> {
    let Preview { seen, rev, stored, fields } = preview;
    let (kind_id, key) = (&stored.revision.kind, shown_key(&stored.revision.key));
    let (seen, rec) = (seen.rev, seen.rec);
    let mut lines = vec![match language {
        Language::Zh => {
            format!("批准后，{kind_id} {key}（{rec}）第 {seen} 版的内容将作为第 {rev} 版声明，公开给枢纽：")
        }
        Language::En => format!(
            "Once approved, {kind_id} {key} ({rec}), as revision {seen} has it, is stated as revision {rev}; revealed to the hub:"
        ),
    }];
    let catalogue = context.catalogue();
    let kind = find_kind(&catalogue, kind_id);
    for Planned { field, authority } in fields {
        let Some(authority) = authority else { continue };
        let described = kind.and_then(|kind| kind.field(&field.name));
        let title = described.map_or("", |described| described.title(language.lang()));
        let value = stored.revision.record.get(&field.name).cloned().unwrap_or_default();
        let name = padded(&format!("{title} {}", field.name), 40);
        let why = why(authority, language);
        lines.push(format!("  {name} {}  {}  {why}", field.class, value_text(described, &value, language)));
    }
    let digests = fields.iter().filter(|planned| matches!(planned.field.fate, Fate::DigestOnly { .. }));
    let digests: Vec<_> = digests.map(|planned| planned.field.name.as_str()).collect();
    if !digests.is_empty() {
        let head = language.pick("  仅传加盐摘要：", "  salted digests only: ");
        lines.push(format!("{head}{}", digests.join(language.pick("、", ", "))));
    }
    lines
}

/// The approval that is about to be given has no number.
fn why(authority: &Authority, language: Language) -> &'static str {
    match authority {
        Authority::Approval { id, .. } if id.is_empty() => language.pick("← 此次批准", "<- by this approval"),
        Authority::Approval { .. } => language.pick("（此前已批准）", "(approved before)"),
        Authority::Policy { .. } => language.pick("（依据披露政策）", "(by the policy)"),
    }
}

pub(super) fn approve(
    context: &Context,
    seen: &Seen,
    fields: Vec<String>,
    by: &Credentials,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let person = authenticate(context, by, &[Role::Approver, Role::Administrator], "approve")?;
    let fields: BTreeSet<String> = fields.into_iter().collect();
    let approval = approval::approve(context, seen, &fields, &person)?;
    if speech.format == Format::Json {
        speech.json(&serde_json::to_value(&approval)?)?;
        return Ok(Exit::Done);
    }
    let names = approval.fields.iter().cloned().collect::<Vec<_>>();
    speech.data(match speech.language {
        Language::Zh => format!(
            "已批准（编号 {}）：{} 将公开给枢纽。批准只能增加公开内容；此前已公开的保持公开。",
            approval.id,
            names.join("、")
        ),
        Language::En => format!(
            "approved ({}): {} will be revealed to the hub. An approval only adds; what was revealed stays revealed.",
            approval.id,
            names.join(", ")
        ),
    })?;
    Ok(Exit::Done)
}
