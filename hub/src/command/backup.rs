//! `backup`: making one now, saving its key elsewhere.

use std::path::{Path, PathBuf};

use safeharbor_service::backup::{
    BackupKey, Book, BookFailed, KeyFailed, MakeFailed, Saved, made_text, make,
};
use safeharbor_service::caller;
use safeharbor_service::person::{Credentials, Person, Role};
use safeharbor_service::settings::LoadSettingsFailed;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{CommandFailed, Reply};
use crate::backup::{settings, state};
use crate::office::{Desk, Office};
use crate::running::RunFailed;

/// What can be asked about backups of an open hub.
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
    /// What is known about backups cannot be written.
    #[error(transparent)]
    Book(#[from] BookFailed),
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] LoadSettingsFailed),
}

pub(super) async fn carry_out(
    office: &Office,
    command: BackupCommand,
    reply: &mut Reply,
) -> Result<(), CommandFailed> {
    match command {
        BackupCommand::Now => now(office.desk().clone(), reply).await,
        BackupCommand::SaveKey { file, by } => {
            let person = office.authorize(&by, &[Role::Administrator], "backup key").await?;
            save_key(office, &file, &person)?;
            let path = file.display();
            reply.note(reply.pick(
                format!("备份密钥已写到 {path}。谁有它，谁就能打开所有备份：移到别处锁好，不要与备份放在一起。"),
                format!("the backup key was written to {path}. Whoever has it can open every backup: lock it away elsewhere, apart from the backups."),
            ));
            Ok(())
        }
    }
}

async fn now(desk: Desk, reply: &mut Reply) -> Result<(), CommandFailed> {
    let work = move || {
        let settings = settings(&desk.paths)?;
        let made = make(&desk, &settings, &*desk.clock)?;
        let warnings =
            state(&desk.paths).map(|state| state.warnings(desk.clock.now_ms())).unwrap_or_default();
        Ok::<_, BackupFailed>((made, warnings))
    };
    let (made, warnings) = caller::spawn_blocking(work).await.or(Err(RunFailed::Ended))??;
    if reply.is_json() {
        reply.json(&json!(made));
    } else {
        reply.data(made_text(&made, reply.language()));
    }
    for warning in warnings {
        reply.note(warning.text(reply.language()));
    }
    Ok(())
}

fn save_key(office: &Office, file: &Path, person: &Person) -> Result<(), CommandFailed> {
    let key = BackupKey::load_or_create(office.paths.folder()).map_err(BackupFailed::from)?;
    let recipient = key.recipient();
    // Before the secret lies anywhere else: whoever took it is known.
    office.audit.append(Some(person), "save the backup key", &recipient, json!({ "file": file }))?;
    key.save(file).map_err(BackupFailed::from)?;
    let saved = Saved { at_ms: office.clock.now_ms(), recipient };
    Ok(Book::note_saved(office.paths.folder(), saved).map_err(BackupFailed::from)?)
}
