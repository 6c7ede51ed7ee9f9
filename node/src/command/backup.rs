//! `backup`: making one now, saving its key elsewhere.

use std::path::{Path, PathBuf};

use safeharbor_service::backup::{
    BackupKey, Book, BookFailed, KeyFailed, MakeFailed, Saved, made_text, make,
};
use safeharbor_service::person::Role;
use safeharbor_service::settings::LoadSettingsFailed;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::credentials::authenticate;
use super::{CommandFailed, Credentials};
use crate::backup::{settings, state};
use crate::context::Context;
use crate::speech::{Exit, Format, Speech};
use crate::trust::LastCheckpoint;

/// What can be asked about backups of an open node.
#[derive(Debug, Serialize, Deserialize)]
pub enum BackupCommand {
    /// Makes one.
    Now,
    /// Writes the key to a file.
    SaveKey {
        /// The file, which must not exist.
        file: PathBuf,
        /// Which administrator takes it away.
        by: Credentials,
    },
}

/// Something about backups was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum BackupFailed {
    /// None was made.
    #[error("no backup was made")]
    Make(#[from] MakeFailed),
    /// The key cannot be had or written.
    #[error("the key was not saved")]
    Key(#[from] KeyFailed),
    /// What is known about backups cannot be read or written.
    #[error(transparent)]
    Book(#[from] BookFailed),
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] LoadSettingsFailed),
    /// No checkpoint was verified yet.
    #[error("this node has verified no checkpoint yet")]
    NoCheckpoint,
}

pub(super) fn carry_out(
    context: &Context,
    command: BackupCommand,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    match command {
        BackupCommand::Now => now(context, speech),
        BackupCommand::SaveKey { file, by } => save_key(context, &file, &by, speech),
    }
}

fn now(context: &Context, speech: &mut Speech<'_>) -> Result<Exit, CommandFailed> {
    let settings = settings(&context.layout).map_err(BackupFailed::from)?;
    let made = make(context, &settings, &*context.clock).map_err(BackupFailed::from)?;
    match speech.format {
        Format::Json => speech.json(&serde_json::to_value(&made)?)?,
        Format::Table => speech.data(made_text(&made, speech.language))?,
    }
    for warning in
        state(&context.layout).map(|state| state.warnings(context.clock.now_ms())).unwrap_or_default()
    {
        speech.note(warning.text(speech.language))?;
    }
    Ok(Exit::Done)
}

fn save_key(
    context: &Context,
    file: &Path,
    by: &Credentials,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let person = authenticate(context, by, &[Role::Administrator], "backup key")?;
    let key = BackupKey::load_or_create(context.layout.root()).map_err(BackupFailed::from)?;
    let recipient = key.recipient();
    // Before the secret lies anywhere else: whoever took it is known.
    context.audit.append(Some(&person), "save the backup key", &recipient, json!({ "file": file }))?;
    key.save(file).map_err(BackupFailed::from)?;
    let saved = Saved { at_ms: context.clock.now_ms(), recipient };
    Book::note_saved(context.layout.root(), saved).map_err(BackupFailed::from)?;
    let path = file.display();
    speech.note(speech.pick(
        format!("备份密钥已写到 {path}。谁有它，谁就能打开所有备份：移到别处锁好，不要与备份放在一起。"),
        format!("the backup key was written to {path}. Whoever has it can open every backup: lock it away elsewhere, apart from the backups."),
    ))?;
    Ok(Exit::Done)
}

/// The newest checkpoint this node has verified, for whoever restores the hub.
pub(super) fn checkpoint(context: &Context, speech: &mut Speech<'_>) -> Result<Exit, CommandFailed> {
    let last = LastCheckpoint::load(&*context.store)?.ok_or(BackupFailed::NoCheckpoint)?;
    speech.out.write_all(last.note.as_bytes())?;
    Ok(Exit::Done)
}
