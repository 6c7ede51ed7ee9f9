//! `list`: which records there are and how far each is.

use std::ops::ControlFlow;

use serde_json::{Value, json};

use super::CommandFailed;
use super::record::{find_kind, shown_key};
use super::show::{standing_text, standing_word};
use super::view::{Standing, standing_of};
use crate::context::Context;
use crate::records::Stored;
use crate::situation::Situation;
use crate::speech::{Exit, Format, Speech, padded};

pub(super) fn list(
    context: &Context,
    kind: Option<&str>,
    limit: usize,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let kind = kind.map(|kind| find_kind(context, kind)).transpose()?;
    let mut rows = Vec::new();
    let mut more = false;
    context.records.visit(kind.as_ref(), &mut |current| {
        if rows.len() >= limit {
            more = true;
            return Ok(ControlFlow::Break(()));
        }
        if let Some(stored) = context.records.last(current.rec)? {
            rows.push((standing_of(&Situation::of(context, current, &stored)?), stored));
        }
        Ok::<_, CommandFailed>(ControlFlow::Continue(()))
    })?;
    match speech.format {
        Format::Json => speech.json(&rows.iter().map(row_json).collect::<Vec<Value>>().into())?,
        Format::Table => print(&rows, speech)?,
    }
    if more {
        let text = speech.pick("还有更多记录；用 --limit 调整数量", "there are more; see --limit");
        speech.note(text)?;
    }
    Ok(Exit::Done)
}

fn print(rows: &[(Standing, Stored)], speech: &mut Speech<'_>) -> Result<(), CommandFailed> {
    let heads = speech.pick(
        ["记录柄", "类别", "版本", "去向", "主键"],
        ["Handle", "Kind", "Revision", "On its way", "Key"],
    );
    let [rec, kind, rev, way, key] = heads;
    let line = |rec: &str, kind: &str, rev: &str, way: &str, key: &str| {
        format!("{}  {}  {}  {}  {key}", padded(rec, 22), padded(kind, 8), padded(rev, 8), padded(way, 22))
    };
    speech.data(line(rec, kind, rev, way, key))?;
    for (standing, stored) in rows {
        let (rec, rev) = (stored.rec.to_string(), stored.rev.to_string());
        let key = shown_key(&stored.revision.key);
        speech.data(line(
            &rec,
            stored.revision.kind.as_str(),
            &rev,
            standing_text(*standing, speech.language),
            &key,
        ))?;
    }
    Ok(())
}

fn row_json((standing, stored): &(Standing, Stored)) -> Value {
    json!({
        "rec": stored.rec.to_string(), "kind": stored.revision.kind.as_str(), "rev": stored.rev,
        "key": shown_key(&stored.revision.key), "standing": standing_word(*standing),
    })
}
