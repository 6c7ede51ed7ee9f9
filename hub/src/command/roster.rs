//! The roster: one institution by hand, or the official list as a whole.

use std::path::PathBuf;

use safeharbor_core::directory::InstitutionType;
use safeharbor_core::institution::InstitutionCode;
use safeharbor_service::person::{Credentials, Role};
use safeharbor_service::speech::chain_of;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{CommandFailed, Reply};
use crate::office::Office;
use crate::roster::import::{RosterImported, import_official};
use crate::roster::{RosterRow, all, drawer, find, is_id};

/// The most characters a name may have, as in the directory.
const NAME_CHARS_MAX: usize = safeharbor_core::directory::NAME_CHARS_MAX;

/// What is said of one institution; what is not said stays as it is.
#[derive(Debug, Serialize, Deserialize)]
pub struct AddCommand {
    /// Its id; the code or a number of its own if none is given.
    pub id: Option<String>,
    /// Its names, the official one first.
    pub names: Vec<String>,
    /// What people call it, too.
    pub aliases: Vec<String>,
    /// What it is.
    pub kind: Option<InstitutionType>,
    /// Whether it is in the district.
    pub in_district: Option<bool>,
    /// Whether it counts for G1.
    pub counts_for_g1: Option<bool>,
    /// Its code.
    pub code: Option<InstitutionCode>,
    /// Who says so.
    pub by: Credentials,
}

/// The official list.
#[derive(Debug, Serialize, Deserialize)]
pub struct ImportCommand {
    /// The file as published.
    pub file: PathBuf,
    /// Who imports it.
    pub by: Credentials,
}

pub(super) async fn add(
    office: &Office,
    command: AddCommand,
    reply: &mut Reply,
) -> Result<(), CommandFailed> {
    let by = office.authorize(&command.by, &[Role::Administrator], "add institution").await?;
    let _deciding = office.deciding().await;
    let (before, after) = changed(office, command)?;
    if before.as_ref() == Some(&after) {
        reply.note(reply.pick(format!("{}：没有变化", after.id), format!("{}: nothing changed", after.id)));
        return Ok(());
    }
    let detail = json!({ "before": before, "after": after });
    office.audit.append(Some(&by), "add institution", &after.id, detail)?;
    drawer(office).keep(after.id.as_bytes(), &after)?;
    reply.data(&after.id);
    let (id, name) = (&after.id, after.name());
    reply.note(if before.is_some() {
        reply.pick(format!("{id} {name}：已更改"), format!("{id} {name}: changed"))
    } else {
        reply.pick(format!("{id} {name}：已列入名册"), format!("{id} {name}: on the roster"))
    });
    Ok(())
}

/// The row before and after, if what is said of it can be.
fn changed(office: &Office, command: AddCommand) -> Result<(Option<RosterRow>, RosterRow), CommandFailed> {
    let AddCommand { id, names, aliases, kind, in_district, counts_for_g1, code, .. } = command;
    let id = match (id, code) {
        (Some(id), _) => id,
        (None, Some(code)) => code.to_string(),
        (None, None) => next_id(office)?,
    };
    let is_name = |name: &String| {
        (1..=NAME_CHARS_MAX).contains(&name.chars().count())
            && !name.trim().is_empty()
            && !name.chars().any(char::is_control)
    };
    if !is_id(&id) || !names.iter().chain(&aliases).all(is_name) {
        return Err(CommandFailed::said(
            "名称须为 1 至 200 个字符，编号只用字母、数字和 - _ .",
            "names have 1 to 200 characters; an id has letters, digits and - _ . only",
        ));
    }
    let before = find(office, &id)?;
    let id = before.as_ref().map_or(id, |row| row.id.clone());
    let same_code = |row: &&RosterRow| row.id != id && code.is_some() && row.code == code;
    if let Some(other) = all(office)?.iter().find(same_code) {
        return Err(CommandFailed::said(
            format!("该代码已属于 {} {}", other.id, other.name()),
            format!("that code is the one of {} {}", other.id, other.name()),
        ));
    }
    let base = before.clone();
    let names =
        if names.is_empty() { base.as_ref().map(|row| row.names.clone()).unwrap_or_default() } else { names };
    if names.is_empty() {
        return Err(CommandFailed::said(
            "新列入的单位须有名称：--name",
            "an institution needs a name: --name",
        ));
    }
    let after = RosterRow {
        names,
        aliases: if aliases.is_empty() {
            base.as_ref().map(|row| row.aliases.clone()).unwrap_or_default()
        } else {
            aliases
        },
        kind: kind.or(base.as_ref().map(|row| row.kind)).unwrap_or(InstitutionType::University),
        in_district: in_district.or(base.as_ref().and_then(|row| row.in_district)),
        counts_for_g1: counts_for_g1.or(base.as_ref().map(|row| row.counts_for_g1)).unwrap_or(false),
        code: code.or(base.and_then(|row| row.code)),
        id,
    };
    Ok((before, after))
}

/// Rows by hand are numbered H1, H2, …; none is ever removed.
fn next_id(office: &Office) -> Result<String, CommandFailed> {
    let numbers = all(office)?;
    let numbers = numbers.iter().filter_map(|row| row.id.strip_prefix('H')?.parse::<u32>().ok());
    Ok(format!("H{}", numbers.max().unwrap_or(0).saturating_add(1)))
}

pub(super) async fn import(
    office: &Office,
    command: ImportCommand,
    reply: &mut Reply,
) -> Result<(), CommandFailed> {
    let by = office.authorize(&command.by, &[Role::Administrator], "import institutions").await?;
    let _deciding = office.deciding().await;
    let (desk, file) = (office.desk().clone(), command.file.clone());
    let imported = tokio::task::spawn_blocking(move || import_official(&desk, &file)).await;
    let imported = imported.map_err(|_ended| CommandFailed::said("枢纽正在停止", "the hub is stopping"))?;
    let RosterImported { report, changed } =
        imported.map_err(|failed| CommandFailed::File { path: command.file, reason: chain_of(&failed) })?;
    let (new, unchanged) = (report.new, report.unchanged);
    let detail = json!({ "new": new, "changed": changed.len(), "unchanged": unchanged, "problems": report.problems_total });
    office.audit.append(Some(&by), "import institutions", &report.file, detail)?;
    if reply.is_json() {
        let changed: Vec<_> =
            changed.iter().map(|[id, was, is]| json!({ "id": id, "was": was, "is": is })).collect();
        let problems = report.problems_total;
        reply.json(&json!({ "new": new, "unchanged": unchanged, "changed": changed, "problems": problems }));
        return Ok(());
    }
    for [id, was, is] in &changed {
        reply.data(reply.pick(format!("{id} 更名：{was} → {is}"), format!("{id} renamed: {was} → {is}")));
    }
    let (changed, problems) = (changed.len(), report.problems_total);
    reply.data(reply.pick(
        format!("新增 {new}，更改 {changed}，未变 {unchanged}，有问题的行 {problems}"),
        format!("{new} new, {changed} changed, {unchanged} unchanged, {problems} rows with problems"),
    ));
    Ok(())
}
