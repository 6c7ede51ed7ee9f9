//! `export records`: the records of one kind as a file for people or programs, or all records as JSON Lines.

use std::io::{BufWriter, Write as _};
use std::ops::ControlFlow;
use std::path::Path;

use safeharbor_core::record::KindId;
use safeharbor_interchange::export::{Form, RecordWriter};
use safeharbor_service::durable_file::{Access, DurableFile, Existing, WriteFailed};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{CommandFailed, name_of};
use crate::command::record::find_kind;
use crate::context::Context;
use crate::records::Stored;
use crate::speech::{Exit, Language, Speech};

/// Bytes that are written at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// A form in which records are exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExportForm {
    /// CSV for spreadsheets.
    Csv,
    /// A workbook.
    Xlsx,
    /// JSON Lines.
    JsonLines,
}

impl ExportForm {
    /// The form that a file's name asks for.
    #[must_use]
    pub fn of_name(file: &Path) -> Option<Self> {
        match file.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "xlsx" => Some(Self::Xlsx),
            "jsonl" | "ndjson" | "json" => Some(Self::JsonLines),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Xlsx => "XLSX",
            Self::JsonLines => "JSON Lines",
        }
    }
}

/// What to export, and where to.
#[derive(Debug)]
pub(in crate::command) struct Order<'o> {
    pub(in crate::command) file: &'o Path,
    pub(in crate::command) kind: Option<&'o str>,
    pub(in crate::command) form: Option<ExportForm>,
    pub(in crate::command) replace: bool,
}

/// Every record with all it holds, so only its owner may read the file, and no file is replaced unasked.
pub(in crate::command) fn records(
    context: &Context,
    order: &Order<'_>,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let existing = if order.replace { Existing::Replace } else { Existing::Refuse };
    if !order.replace && order.file.exists() {
        return Err(CommandFailed::Exists(order.file.to_owned()));
    }
    let target = DurableFile::create(folder_of(order.file), Access::OwnerOnly)?;
    let form = order.form.or_else(|| ExportForm::of_name(order.file));
    let (kind, form, count, target) = match (order.kind, form) {
        (Some(kind), Some(form)) => {
            let kind = find_kind(context, kind)?;
            let (count, target) = of_kind(context, &kind, form, target, order.file)?;
            (Some(kind), form, count, target)
        }
        (Some(_), None) => return Err(CommandFailed::NoForm),
        (None, Some(ExportForm::Csv | ExportForm::Xlsx)) => return Err(CommandFailed::NeedsKind),
        (None, Some(ExportForm::JsonLines) | None) => {
            let (count, target) = all(context, target, order.file)?;
            (None, ExportForm::JsonLines, count, target)
        }
    };
    let detail = json!({ "records": count, "kind": kind.as_ref().map(KindId::as_str), "form": form.name() });
    context.audit.append(None, "export records", &name_of(order.file), detail)?;
    target.finish(order.file, existing)?;
    let path = order.file.display();
    speech.note(match speech.language {
        Language::Zh => format!("已写出 {count} 条记录到 {path}；其中含不得外传的内容，请妥善保管"),
        Language::En => {
            format!("{count} records written to {path}; they hold what must not leave, keep them safe")
        }
    })?;
    Ok(Exit::Done)
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The records of one kind in its own layout, sorted by key.
fn of_kind(
    context: &Context,
    id: &KindId,
    form: ExportForm,
    target: DurableFile,
    file: &Path,
) -> Result<(u64, DurableFile), CommandFailed> {
    let kind = context.catalogue.kind(id).ok_or_else(|| CommandFailed::NoKind(id.to_string()))?;
    let form = match form {
        ExportForm::Csv => Form::Csv,
        ExportForm::Xlsx => Form::Xlsx,
        ExportForm::JsonLines => Form::JsonLines,
    };
    let target = BufWriter::with_capacity(CHUNK_BYTES, target);
    let mut writer = RecordWriter::create(form, kind, target, folder_of(file))?;
    let mut count = 0_u64;
    visit(context, Some(id), &mut |stored| {
        count = count.saturating_add(1);
        Ok(writer.write(&stored.revision.record)?)
    })?;
    let target = writer.finish()?.into_inner().map_err(|failed| failed.into_error())?;
    Ok((count, target))
}

/// All records as JSON Lines, sorted by kind and key; every line holds one record and which one it is.
fn all(context: &Context, target: DurableFile, file: &Path) -> Result<(u64, DurableFile), CommandFailed> {
    let failed = |source| WriteFailed { path: file.to_owned(), step: "writing records", source };
    let (mut target, mut count) = (BufWriter::with_capacity(CHUNK_BYTES, target), 0_u64);
    visit(context, None, &mut |stored| {
        let line = json!({
            "kind": stored.revision.kind.as_str(), "key": stored.revision.key, "rec": stored.rec.to_string(),
            "rev": stored.rev, "record": stored.revision.record,
        });
        count = count.saturating_add(1);
        serde_json::to_writer(&mut target, &line)?;
        Ok(target.write_all(b"\n").map_err(failed)?)
    })?;
    let target = target.into_inner().map_err(|error| failed(error.into_error()))?;
    Ok((count, target))
}

/// Shows `visitor` every record as it stands.
pub(in crate::command) fn visit(
    context: &Context,
    kind: Option<&KindId>,
    visitor: &mut dyn FnMut(&Stored) -> Result<(), CommandFailed>,
) -> Result<(), CommandFailed> {
    context.records.visit(kind, &mut |current| {
        if let Some(stored) = context.records.last(current.rec)? {
            visitor(&stored)?;
        }
        Ok(ControlFlow::Continue(()))
    })
}
