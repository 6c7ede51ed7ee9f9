//! `export layout`: a statutory form as a workbook, filled in from stored records.

use std::io::BufWriter;
use std::path::{Path, PathBuf};

use safeharbor_interchange::form::{Filling, RECORDS_MAX, StatutoryForm, Unfilled};
use safeharbor_rules::Kind;
use safeharbor_service::durable_file::{Access, DurableFile, Existing};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::records::{folder_of, visit};
use super::{CommandFailed, name_of};
use crate::command::record;
use crate::context::Context;
use crate::speech::{CatalogueLanguage as _, Exit, Language, Speech};

/// Lines about what is not filled in that are shown; the workbook lists all of them.
const SHOWN: usize = 40;

/// Which form to fill in, from what, and where to.
#[derive(Debug, Serialize, Deserialize)]
pub struct LayoutOrder {
    /// `R`, `Y`, or the name of another layout of the catalogue.
    pub name: String,
    /// A layout that takes its place: the text of the file.
    pub text: Option<String>,
    /// The year of the report, where the form asks for one.
    pub year: Option<i16>,
    /// The records that get a sheet each; all of them where none is named.
    pub records: Vec<String>,
    /// The file to write.
    pub file: PathBuf,
    /// Whether a file of that name is replaced.
    pub replace: bool,
}

/// Fills the form in and says what could not be.
pub(in crate::command) fn layout(
    context: &Context,
    order: &LayoutOrder,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    if !order.replace && order.file.exists() {
        return Err(CommandFailed::Exists(order.file.clone()));
    }
    let shipped = || {
        let catalogue = context.catalogue();
        let files = catalogue.files();
        let bytes = files.get(&format!("layouts/{}.toml", order.name.to_ascii_uppercase()));
        bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    };
    let text = order.text.clone().or_else(shipped);
    let text = text.ok_or_else(|| CommandFailed::NoLayout(order.name.clone()))?;
    let catalogue = context.catalogue();
    let form = StatutoryForm::parse(&text, &catalogue)?;
    if form.wants_year() && order.year.is_none() {
        return Err(CommandFailed::NeedsYear);
    }
    let (unfilled, sheets) = fill(context, &form, order)?;
    tell(&order.file, sheets, &unfilled, speech)?;
    Ok(Exit::Done)
}

fn fill(
    context: &Context,
    form: &StatutoryForm<'_>,
    order: &LayoutOrder,
) -> Result<(Vec<Unfilled>, usize), CommandFailed> {
    let mut filling = Filling::new(form, &context.name, order.year);
    let mut sheets = 0_usize;
    if let Some(kind) = form.per_record() {
        sheets = add_records(context, kind, order, &mut filling)?;
    }
    for id in form.kinds() {
        let catalogue = context.catalogue();
        let Some(kind) = catalogue.kind(&id) else { continue };
        visit(context, Some(&id), &mut |stored| {
            filling.take(kind, &stored.revision.record);
            Ok(())
        })?;
    }
    let mut target = BufWriter::new(DurableFile::create(folder_of(&order.file), Access::OwnerOnly)?);
    let unfilled = filling.finish(&mut target)?;
    let target = target.into_inner().map_err(|failed| failed.into_error())?;
    let detail =
        json!({ "layout": order.name, "year": order.year, "records": sheets, "unfilled": unfilled.len() });
    context.audit.append(None, "export layout", &name_of(&order.file), detail)?;
    target.finish(&order.file, if order.replace { Existing::Replace } else { Existing::Refuse })?;
    Ok((unfilled, sheets))
}

/// A sheet for each named record, or for all of the kind.
fn add_records(
    context: &Context,
    kind: &Kind,
    order: &LayoutOrder,
    filling: &mut Filling<'_, '_>,
) -> Result<usize, CommandFailed> {
    let mut sheets = 0_usize;
    for typed in &order.records {
        let rec = record::find(context, typed)?;
        let stored = context.records.last(rec)?.filter(|stored| stored.revision.kind == *kind.id());
        let stored = stored.ok_or_else(|| CommandFailed::NoRecord(typed.clone()))?;
        filling.add(kind, &stored.revision.record);
        sheets = sheets.saturating_add(1);
    }
    if order.records.is_empty() {
        visit(context, Some(kind.id()), &mut |stored| {
            sheets = sheets.saturating_add(1);
            if sheets > RECORDS_MAX {
                return Err(CommandFailed::TooManySheets);
            }
            filling.add(kind, &stored.revision.record);
            Ok(())
        })?;
    }
    if sheets == 0 { Err(CommandFailed::NoRecord(kind.id().to_string())) } else { Ok(sheets) }
}

fn tell(
    file: &Path,
    sheets: usize,
    unfilled: &[Unfilled],
    speech: &mut Speech<'_>,
) -> Result<(), CommandFailed> {
    let (path, count) = (file.display(), unfilled.len());
    let of = if sheets == 0 { String::new() } else { format!("（{sheets}）") };
    speech.note(match speech.language {
        Language::Zh => format!("已写出 {path}{of}：非官方表样，其中含不得外传的内容；{count} 处未能填写："),
        Language::En => format!(
            "{path} written{of}: not the official form, with what must not leave; {count} entries are not filled in:"
        ),
    })?;
    for Unfilled { sheet, label, why } in unfilled.iter().take(SHOWN) {
        speech.note(format_args!("  {sheet} · {label}：{}", why.text(speech.language.lang())))?;
    }
    if count > SHOWN {
        speech.note(speech.pick("  其余见工作表“未能填写”", "  the others stand in the sheet 未能填写"))?;
    }
    Ok(())
}
