//! `export`: the institution's own records and receipts as files.

mod layout;
mod records;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use safeharbor_core::entry::Entry;
use safeharbor_core::statement::Statement;
use safeharbor_interchange::import::shown_file_name;
use safeharbor_service::durable_file::{Access, Existing, write};
use serde_json::json;

use super::CommandFailed;
use crate::chain::{Chain, ChainFailed, Stated};
use crate::context::Context;
use crate::speech::{Exit, Language, Speech};
use crate::trust::{KeptReceipt, visit_receipts};
pub use layout::LayoutOrder;
pub(super) use layout::layout;
pub use records::ExportForm;
pub(super) use records::{Order, records};

/// For each receipt `<code>-<seq>.tlog-proof`, `.entry` (the log's bytes) and `.statement` (as sent).
pub(super) fn receipts(
    context: &Context,
    folder: &Path,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    fs::create_dir_all(folder)?;
    let chain = Chain::new(Arc::clone(&context.store));
    let (mut count, mut outcome) = (0_u64, Ok(()));
    visit_receipts(&*context.store, 1, &mut |receipt| {
        if outcome.is_ok() {
            outcome = export_receipt(context, &chain, folder, &receipt);
            count = count.saturating_add(1);
        }
    })?;
    outcome?;
    context.audit.append(None, "export receipts", &name_of(folder), json!({ "receipts": count }))?;
    let path = folder.display();
    speech.note(match speech.language {
        Language::Zh => format!("已写出 {count} 份回执到 {path}"),
        Language::En => format!("{count} receipts written to {path}"),
    })?;
    Ok(Exit::Done)
}

/// The name by which the audit log calls a file: it may have been named after a person.
fn name_of(path: &Path) -> String {
    shown_file_name(path)
}

fn export_receipt(
    context: &Context,
    chain: &Chain,
    folder: &Path,
    receipt: &KeptReceipt,
) -> Result<(), CommandFailed> {
    let damaged = || ChainFailed::damaged(format!("statement {}", receipt.seq));
    let stated = chain.statement(receipt.seq)?.ok_or_else(damaged)?;
    let statement = Statement::parse(&stated.jwt).ok().ok_or_else(damaged)?;
    let entry = Entry::of(&statement).encode();
    let name = format!("{}-{}", context.institution, receipt.seq);
    let put = |extension: &str, bytes: &[u8]| {
        let path = folder.join(format!("{name}.{extension}"));
        write(&path, bytes, Access::OwnerOnly, Existing::Replace)
    };
    put("tlog-proof", receipt.proof.as_bytes())?;
    put("entry", &entry)?;
    Ok(put("statement", sd_jwt(&stated).as_bytes())?)
}

/// The token and what was revealed with it (RFC 9901 section 4).
fn sd_jwt(stated: &Stated) -> String {
    let submission = stated.submission();
    let parts = [submission.jwt].into_iter().chain(submission.disclosures);
    parts.fold(String::new(), |text, part| text + &part + "~")
}
