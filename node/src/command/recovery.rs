//! `recovery`: which records of the adopted chain are not linked, and taking back those that cannot be.

use std::collections::BTreeSet;

use safeharbor_service::person::Role;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::credentials::authenticate;
use super::record::{find_kind, shown_key};
use super::{CommandFailed, Credentials};
use crate::context::Context;
use crate::recovery::{self, Unlinked, Which};
use crate::speech::{CatalogueLanguage as _, Exit, Format, Language, Speech, moment};

/// Characters of a handle that people are shown; so many tell the records of an institution apart.
const HANDLE_SHOWN: usize = 10;
/// How many records are listed one by one before a withdrawal.
const LISTED_MAX: usize = 20;

/// Something about records that are not linked.
#[derive(Debug, Serialize, Deserialize)]
pub enum RecoveryCommand {
    /// What is not linked.
    List,
    /// What would be taken back; answers with the handles.
    Preview(RecoveryChoice),
    /// Takes back.
    Withdraw {
        /// The handles of what the person saw.
        seen: Vec<String>,
        /// Why.
        reason: String,
        /// Who withdraws.
        by: Credentials,
    },
}

/// Which of them, in a person's words.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum RecoveryChoice {
    /// All.
    All,
    /// Those of a kind.
    Kind(String),
    /// Handles, or how they begin.
    Records(Vec<String>),
}

pub(super) fn carry_out(
    context: &Context,
    command: RecoveryCommand,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    match command {
        RecoveryCommand::List => list(context, speech),
        RecoveryCommand::Preview(choice) => preview(context, &choice, speech),
        RecoveryCommand::Withdraw { seen, reason, by } => withdraw(context, &seen, &reason, &by, speech),
    }
}

fn list(context: &Context, speech: &mut Speech<'_>) -> Result<Exit, CommandFailed> {
    let unlinked = recovery::list(&*context.store)?;
    if speech.format == Format::Json {
        speech.json(&json!({ "unlinked": unlinked.len(), "records": unlinked }))?;
        return Ok(Exit::Done);
    }
    if unlinked.is_empty() {
        speech.data(speech.pick(
            "没有待关联的记录：本节点不在恢复中。",
            "nothing waits to be linked: this node is not in recovery.",
        ))?;
        return Ok(Exit::Done);
    }
    let (linkable, others): (Vec<_>, Vec<_>) = unlinked.iter().partition(|one| one.is_linkable());
    speech.data(match speech.language {
        Language::Zh => format!("恢复中：{} 条记录曾作过声明，本节点没有。", unlinked.len()),
        Language::En => format!("in recovery: {} records were stated once and are not here.", unlinked.len()),
    })?;
    let again = speech.pick(
        "重新导入即自动关联（同类别、同编号）：",
        "Importing them again links them (same kind, same number):",
    );
    say(context, again, &linkable, speech)?;
    let never = speech.pick(
        "无法关联，因为未曾透露编号；重新导入后按新记录处理，原记录请用 recovery withdraw 撤回：",
        "Cannot be linked, since no number was revealed; import them as new records, and take these back with `recovery withdraw`:",
    );
    say(context, never, &others, speech)?;
    Ok(Exit::Done)
}

fn say(
    context: &Context,
    head: &str,
    records: &[&Unlinked],
    speech: &mut Speech<'_>,
) -> Result<(), CommandFailed> {
    if records.is_empty() {
        return Ok(());
    }
    speech.data(head)?;
    for one in records {
        speech.data(format_args!("  {}", line(context, one, speech.language)))?;
    }
    Ok(())
}

/// Kind, handle, what is known of the number, and since when.
fn line(context: &Context, one: &Unlinked, language: Language) -> String {
    let catalogue = context.catalogue();
    let kind = catalogue.kind(&one.kind);
    let title = kind.map_or("", |kind| kind.title(language.lang()));
    let identifiers: Vec<String> = match &one.key {
        Some(key) => vec![shown_key(key)],
        None => {
            let name = |name: &str| {
                kind.and_then(|kind| kind.field(name))
                    .map_or(name.to_owned(), |f| f.title(language.lang()).to_owned())
            };
            one.identifiers.iter().map(|(field, value)| format!("{}={value}", name(field))).collect()
        }
    };
    let identifiers = if identifiers.is_empty() { "-".to_owned() } else { identifiers.join("  ") };
    let handle: String = one.rec.to_string().chars().take(HANDLE_SHOWN).collect();
    let (rev, since) = (one.rev, moment(one.since_ms));
    match language {
        Language::Zh => format!("{} {title}  {handle}  {identifiers}  第 {rev} 版，自 {since}", one.kind),
        Language::En => {
            format!("{} {title}  {handle}  {identifiers}  revision {rev}, since {since}", one.kind)
        }
    }
}

fn preview(
    context: &Context,
    choice: &RecoveryChoice,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let unlinked = recovery::list(&*context.store)?;
    let which = which(context, choice, &unlinked)?;
    let chosen: Vec<&Unlinked> = unlinked.iter().filter(|one| which.includes(one)).collect();
    speech.note(match speech.language {
        Language::Zh => format!("将撤回 {} 条本节点没有的记录：枢纽删除其值，不再计入。", chosen.len()),
        Language::En => format!(
            "{} records that are not here will be withdrawn: the hub erases their values and counts them no more.",
            chosen.len()
        ),
    })?;
    for one in chosen.iter().take(LISTED_MAX) {
        speech.note(format_args!("  {}", line(context, one, speech.language)))?;
    }
    if chosen.iter().any(|one| one.is_linkable()) {
        speech.note(speech.pick(
            "  注意：其中有重新导入即可关联的；撤回后再导入的，留在本地，须由人批准才外传。",
            "  Mind: some would be linked by importing them; imported after this they stay here until somebody approves them.",
        ))?;
    }
    let seen: Vec<String> = chosen.iter().map(|one| one.rec.to_string()).collect();
    speech.json(&json!({ "seen": seen }))?;
    Ok(Exit::Done)
}

fn which(context: &Context, choice: &RecoveryChoice, unlinked: &[Unlinked]) -> Result<Which, CommandFailed> {
    match choice {
        RecoveryChoice::All => Ok(Which::All),
        RecoveryChoice::Kind(kind) => Ok(Which::Kind(find_kind(context, kind)?)),
        RecoveryChoice::Records(typed) => {
            let mut recs = BTreeSet::new();
            for typed in typed {
                let mut found = unlinked.iter().filter(|one| one.rec.to_string().starts_with(typed.trim()));
                match (found.next(), found.next()) {
                    (Some(one), None) => drop(recs.insert(one.rec)),
                    _ => return Err(CommandFailed::NoRecord(typed.clone())),
                }
            }
            Ok(Which::Records(recs))
        }
    }
}

fn withdraw(
    context: &Context,
    seen: &[String],
    reason: &str,
    by: &Credentials,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let person = authenticate(context, by, &[Role::Approver, Role::Administrator], "recovery withdraw")?;
    let recs = seen.iter().map(|rec| rec.parse().or(Err(CommandFailed::NoRecord(rec.clone()))));
    let recs: BTreeSet<_> = recs.collect::<Result<_, _>>()?;
    let withdrawn = recovery::withdraw(context, &Which::Records(recs), &person, reason)?;
    let left = recovery::count(&*context.store)?;
    if speech.format == Format::Json {
        speech.json(&json!({ "withdrawn": withdrawn.len(), "unlinked": left }))?;
        return Ok(Exit::Done);
    }
    speech.data(match speech.language {
        Language::Zh => format!("已撤回 {} 条；撤回声明已进入待发。尚有 {left} 条待关联。", withdrawn.len()),
        Language::En => format!(
            "withdrawn {}; the withdrawals wait to be sent. {left} records are still to be linked.",
            withdrawn.len()
        ),
    })?;
    Ok(Exit::Done)
}
