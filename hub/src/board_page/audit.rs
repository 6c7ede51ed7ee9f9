//! The page of the audit log: its last entries, and all of them as a table for spreadsheets.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use safeharbor_service::audit::{AuditFailed, Entry, Last, Selection, csv_head, csv_line, read};
use safeharbor_service::caller;
use safeharbor_service::person::{Person, note_refusals};
use safeharbor_service::speech::{Language, chain_of};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::visitor::Visitor;
use super::{AdminState, Parameters, answer};
use crate::office::Desk;

/// How many entries the page shows.
const SHOWN: usize = 200;
/// Bytes of one part of the download.
const PART_BYTES: usize = 64 * 1024;

#[derive(Debug, Template)]
#[template(path = "people/audit.html")]
struct AuditPage {
    language: Language,
    place: &'static str,
    visitor: Visitor,
    person: String,
    action: String,
    query: String,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    n: u64,
    at: String,
    who: String,
    action: String,
    subject: String,
    detail: String,
}

pub(super) async fn show(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    parameters: Parameters,
) -> Response {
    let (selection, language) = (selection(&parameters), visitor.language);
    let (desk, wanted, person) = (Arc::clone(&state.0), selection.clone(), visitor.person.clone());
    let read = caller::spawn_blocking(move || {
        note(&desk, &person, "show audit log", &wanted)?;
        let mut last = Last::new(SHOWN);
        read(desk.audit.path(), &mut |entry| {
            if wanted.takes(&entry) {
                last.push(entry);
            }
        })?;
        let row = |entry| row(&desk, entry, language);
        Ok::<_, AuditFailed>(last.into_entries().into_iter().rev().map(row).collect())
    });
    match read.await {
        Ok(Ok(rows)) => {
            let (person, action) =
                (selection.person.unwrap_or_default(), selection.action.unwrap_or_default());
            let query = format!("person={}&action={}", escaped(&person), escaped(&action));
            let page = AuditPage { language, place: "/audit", visitor, person, action, query, rows };
            answer(StatusCode::OK, &page)
        }
        Ok(Err(failed)) => {
            tracing::error!(error = chain_of(&failed), "the audit log cannot be shown");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn row(desk: &Desk, entry: Entry, language: Language) -> Row {
    let who = entry.who(language, |id| desk.persons.name_of(id).ok().flatten());
    let detail = if entry.detail.is_null() { String::new() } else { entry.detail.to_string() };
    let Entry { n, at, action, subject, .. } = entry;
    Row { n, at, who, action, subject, detail }
}

pub(super) async fn download(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    parameters: Parameters,
) -> Response {
    let (desk, selection) = (Arc::clone(&state.0), selection(&parameters));
    let (sender, receiver) = mpsc::channel::<Result<String, AuditFailed>>(2);
    caller::spawn_blocking(move || {
        let sent = note(&desk, &visitor.person, "export audit log", &selection).and_then(|()| {
            let mut part = csv_head().to_owned();
            read(desk.audit.path(), &mut |entry| {
                if selection.takes(&entry) {
                    part.push_str(&csv_line(&entry));
                }
                if part.len() >= PART_BYTES {
                    // Nobody listens any more: the rest is read for nothing.
                    sender.blocking_send(Ok(std::mem::take(&mut part))).ok();
                }
            })?;
            sender.blocking_send(Ok(part)).ok();
            Ok(())
        });
        if let Err(failed) = sent {
            // The download breaks off, which a browser shows.
            sender.blocking_send(Err(failed)).ok();
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"audit.csv\""),
    ];
    (headers, Body::from_stream(ReceiverStream::new(receiver))).into_response()
}

fn note(desk: &Desk, person: &Person, action: &str, selection: &Selection) -> Result<(), AuditFailed> {
    let narrowed = selection.person.is_some() || selection.action.is_some();
    let detail = json!({ "by": selection.person, "action": selection.action });
    let detail = if narrowed { detail } else { serde_json::Value::Null };
    note_refusals((&desk.persons, &desk.audit))?;
    desk.audit.append(Some(person), action, "audit log", detail).map(drop)
}

fn selection(Query(parameters): &Parameters) -> Selection {
    let wanted = |name: &str| {
        let found = parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim());
        found.filter(|value| !value.is_empty()).map(|value| value.chars().take(64).collect())
    };
    Selection { person: wanted("person"), action: wanted("action"), ..Selection::default() }
}

/// A value as it stands in a query.
fn escaped(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
