//! `export records`: the records of one kind as a file for people or programs, or all records as JSON Lines.

use std::io::{BufWriter, Write as _};
use std::ops::ControlFlow;
use std::path::Path;

use safeharbor_core::record::KindId;
use safeharbor_interchange::cerif::{self, CerifWriter, LeftOut, Omission};
use safeharbor_interchange::export::{Form, RecordWriter};
use safeharbor_rules::Kind;
use safeharbor_service::durable_file::{Access, DurableFile, Existing, WriteFailed};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{CommandFailed, name_of};
use crate::command::record::find_kind;
use crate::context::Context;
use crate::hold;
use crate::records::Stored;
use crate::speech::{CatalogueLanguage as _, Exit, Language, Speech};

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
    /// CERIF-XML for other systems: what is public alone.
    Cerif,
}

impl ExportForm {
    /// The form that a file's name asks for.
    #[must_use]
    pub fn of_name(file: &Path) -> Option<Self> {
        match file.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "xlsx" => Some(Self::Xlsx),
            "jsonl" | "ndjson" | "json" => Some(Self::JsonLines),
            "xml" => Some(Self::Cerif),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Xlsx => "XLSX",
            Self::JsonLines => "JSON Lines",
            Self::Cerif => "CERIF-XML",
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
    let mut left_out = None;
    let (kind, form, count, target) = match (order.kind, form) {
        (Some(kind), Some(ExportForm::Cerif)) => {
            let kind = find_kind(context, kind)?;
            let (count, target, omissions) = cerif(context, &kind, target)?;
            left_out = Some(omissions);
            (Some(kind), ExportForm::Cerif, count, target)
        }
        (Some(kind), Some(form)) => {
            let kind = find_kind(context, kind)?;
            let (count, target) = of_kind(context, &kind, form, target, order.file)?;
            (Some(kind), form, count, target)
        }
        (Some(_), None) => return Err(CommandFailed::NoForm),
        (None, Some(ExportForm::Csv | ExportForm::Xlsx | ExportForm::Cerif)) => {
            return Err(CommandFailed::NeedsKind);
        }
        (None, Some(ExportForm::JsonLines) | None) => {
            let (count, target) = all(context, target, order.file)?;
            (None, ExportForm::JsonLines, count, target)
        }
    };
    let detail = json!({ "records": count, "kind": kind.as_ref().map(KindId::as_str), "form": form.name() });
    context.audit.append(None, "export records", &name_of(order.file), detail)?;
    target.finish(order.file, existing)?;
    let catalogue = context.catalogue();
    let kind = kind.as_ref().and_then(|kind| catalogue.kind(kind));
    tell(order.file, count, left_out.as_ref(), kind, speech)?;
    Ok(Exit::Done)
}

/// What was written, and for a file for others what was left out and why.
fn tell(
    file: &Path,
    count: u64,
    left_out: Option<&LeftOut>,
    kind: Option<&Kind>,
    speech: &mut Speech<'_>,
) -> Result<(), CommandFailed> {
    let path = file.display();
    let Some(left_out) = left_out else {
        return Ok(speech.note(match speech.language {
            Language::Zh => format!("已写出 {count} 条记录到 {path}；其中含不得外传的内容，请妥善保管"),
            Language::En => {
                format!("{count} records written to {path}; they hold what must not leave, keep them safe")
            }
        })?);
    };
    speech.note(match speech.language {
        Language::Zh => {
            format!("已写出 {count} 条已公开的记录到 {path}（CERIF-XML，OpenAIRE 1.2），只含 C0/C1 字段")
        }
        Language::En => format!(
            "{count} published records written to {path} (CERIF-XML, OpenAIRE 1.2), C0 and C1 fields alone"
        ),
    })?;
    for Omission { field, why, count } in left_out.omissions() {
        let title = |name: &String| {
            let field = kind.and_then(|kind| kind.field(name));
            field.map_or_else(|| name.clone(), |field| field.title(speech.language.lang()).to_owned())
        };
        let what = field.as_ref().map_or_else(|| speech.pick("整条记录", "whole records").to_owned(), title);
        let why = why.text(speech.language.lang());
        speech.note(match speech.language {
            Language::Zh => format!("  未写出：{what}（{count} 条记录）：{why}"),
            Language::En => format!("  left out: {what} ({count} records): {why}"),
        })?;
    }
    Ok(())
}

/// The published records of one kind as CERIF, without those that are held back.
fn cerif(
    context: &Context,
    id: &KindId,
    target: DurableFile,
) -> Result<(u64, DurableFile, LeftOut), CommandFailed> {
    let catalogue = context.catalogue();
    let kind = catalogue.kind(id).ok_or_else(|| CommandFailed::NoKind(id.to_string()))?;
    if !cerif::KINDS.contains(&id.as_str()) {
        return Err(CommandFailed::NoCerif(id.clone()));
    }
    let target = BufWriter::with_capacity(CHUNK_BYTES, target);
    let mut writer = CerifWriter::create(target, kind, context.clock.today())?;
    visit(context, Some(id), &mut |stored| {
        if hold::active(&*context.store, stored.rec, &stored.revision.record)?.is_some() {
            writer.hold_back();
            return Ok(());
        }
        Ok(writer.write(&stored.revision.record)?)
    })?;
    let (target, count, left_out) = writer.finish()?;
    Ok((count, target.into_inner().map_err(|failed| failed.into_error())?, left_out))
}

pub(super) fn folder_of(file: &Path) -> &Path {
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
    let catalogue = context.catalogue();
    let kind = catalogue.kind(id).ok_or_else(|| CommandFailed::NoKind(id.to_string()))?;
    let form = match form {
        ExportForm::Csv => Form::Csv,
        ExportForm::Xlsx => Form::Xlsx,
        ExportForm::JsonLines | ExportForm::Cerif => Form::JsonLines,
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
