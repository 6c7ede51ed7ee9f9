//! `edit` and `history`: a record changed by hand, and every revision of one.

use std::collections::BTreeMap;

use safeharbor_rules::{Kind, Record};
use safeharbor_service::person::Role;
use serde_json::{Value, json};

use super::credentials::authenticate;
use super::failure::no_record;
use super::record::{find, shown_key};
use super::show::{source_text, value_text};
use super::{CommandFailed, Credentials};
use crate::context::Context;
use crate::records::{self, Stored, differing};
use crate::speech::{CatalogueLanguage as _, Exit, Format, Language, Speech, moment};

/// Gives fields of a record other values.
pub(super) fn edit(
    context: &Context,
    typed: &str,
    changes: &[String],
    by: &Credentials,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let values = parse_changes(changes)?;
    let person = authenticate(context, by, &[Role::Clerk, Role::Approver, Role::Administrator], "edit")?;
    let rec = find(context, typed)?;
    let edited = records::edit(context, rec, &values, &person)?;
    if speech.format == Format::Json {
        let told = json!({ "rec": edited.rec.to_string(), "rev": edited.rev, "fields": edited.fields });
        speech.json(&told)?;
        return Ok(Exit::Done);
    }
    let (rec, rev) = (edited.rec, edited.rev);
    speech.data(match speech.language {
        Language::Zh => format!("已修改 {rec}：{}；现为第 {rev} 版。", edited.fields.join("、")),
        Language::En => format!("edited {rec}: {}; this is revision {rev}.", edited.fields.join(", ")),
    })?;
    Ok(Exit::Done)
}

/// `field=value`, with either form of the sign.
fn parse_changes(changes: &[String]) -> Result<BTreeMap<String, String>, CommandFailed> {
    let parse = |change: &String| {
        let (field, value) = change.split_once(['=', '＝'])?;
        Some((field.trim().to_owned(), value.to_owned()))
    };
    let parsed =
        changes.iter().map(|change| parse(change).ok_or_else(|| CommandFailed::Change(change.clone())));
    parsed.collect()
}

/// Shows when each revision of a record was made, from what, and what it changed.
pub(super) fn history(
    context: &Context,
    typed: &str,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let rec = find(context, typed)?;
    let revisions = context.records.revisions(rec)?;
    let last = revisions.last().ok_or_else(|| no_record(rec))?;
    let catalogue = context.catalogue();
    let kind = catalogue.kind(&last.revision.kind);
    let empty = Record::new();
    let befores = std::iter::once(&empty).chain(revisions.iter().map(|stored| &stored.revision.record));
    let steps: Vec<Step<'_>> =
        befores.zip(&revisions).map(|(before, stored)| Step { before, stored, kind }).collect();
    if speech.format == Format::Json {
        let told: Vec<Value> = steps.iter().map(|step| step.to_json(speech.language)).collect();
        let key = shown_key(&last.revision.key);
        speech.json(&json!({
            "rec": rec.to_string(), "kind": last.revision.kind.as_str(), "key": key, "revisions": told,
        }))?;
        return Ok(Exit::Done);
    }
    speech.data(format_args!("{} {}  {rec}", last.revision.kind, shown_key(&last.revision.key)))?;
    for step in &steps {
        for line in step.lines(speech.language) {
            speech.data(line)?;
        }
    }
    Ok(Exit::Done)
}

/// One revision and the content of the one before it.
struct Step<'s> {
    before: &'s Record,
    stored: &'s Stored,
    kind: Option<&'s Kind>,
}

impl Step<'_> {
    fn lines(&self, language: Language) -> Vec<String> {
        let Stored { rev, revision, .. } = self.stored;
        let source = source_text(&revision.source, language);
        let at = moment(revision.at);
        let mut lines = vec![match language {
            Language::Zh => format!("第 {rev} 版  {at}  {source}"),
            Language::En => format!("revision {rev}  {at}  {source}"),
        }];
        for name in differing(self.before, &revision.record) {
            let field = self.kind.and_then(|kind| kind.field(&name));
            let title = field.map_or(name.as_str(), |field| field.title(language.lang()));
            let shown = |record: &Record| record.get(&name).map(|value| value_text(field, value, language));
            let nothing = language.pick("（空）", "(empty)");
            let text = match (shown(self.before), shown(&revision.record)) {
                (Some(before), after) => format!("{before} → {}", after.as_deref().unwrap_or(nothing)),
                (None, Some(after)) if *rev == 1 => after,
                (None, after) => format!("{nothing} → {}", after.as_deref().unwrap_or(nothing)),
            };
            lines.push(format!("    {title} {name}：{text}"));
        }
        lines
    }

    fn to_json(&self, language: Language) -> Value {
        let Stored { rev, revision, .. } = self.stored;
        let change = |name: String| {
            let field = self.kind.and_then(|kind| kind.field(&name));
            json!({
                "field": name, "title": field.map(|field| field.title(language.lang())),
                "before": self.before.get(&name), "after": revision.record.get(&name),
            })
        };
        let changes: Vec<Value> = differing(self.before, &revision.record).into_iter().map(change).collect();
        json!({
            "rev": rev, "at": revision.at, "source": revision.source, "raw": revision.raw, "changes": changes,
        })
    }
}
