//! `backup` and `restore`: their words, and what of them needs no open hub.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use safeharbor_service::backup::{self, BackupKey, Book, list_lines, verified_text};
use safeharbor_service::speech::{Exit, Format, chain_of};
use serde_json::{Value, json};

use super::{Desk, answer, complain};
use crate::backup::{CONTENT, RestoredHub, restore, state};
use crate::command::{BackupCommand, Command};
use crate::folder::Paths;

/// No signed note with 15 cosignatures is longer.
const NOTE_BYTES_MAX: u64 = 64 * 1024;

/// What can be done with backups.
#[derive(Debug, Clone, Subcommand)]
pub enum BackupWords {
    /// Make one now; a running hub makes one every day by itself (立即备份)
    Now,
    /// List them, and say what should be put right (列出)
    List,
    /// Decrypt one and check every file in it, writing nothing (核对)
    Verify {
        /// The backup
        file: PathBuf,
        /// The key; otherwise this hub's own
        #[arg(long, value_name = "FILE")]
        identity: Option<PathBuf>,
    },
    /// Show the key's public half, or save the key to lock it away elsewhere (备份密钥)
    Key {
        /// A file that does not exist, to write the key to
        #[arg(long, value_name = "FILE", requires = "person")]
        save: Option<PathBuf>,
        /// The administrator who takes it; their password is asked for
        #[arg(long, value_name = "NAME")]
        person: Option<String>,
    },
}

impl Desk<'_> {
    pub(super) fn backup(&self, words: BackupWords) -> Exit {
        match words {
            BackupWords::Now => self.deliver(Command::Backup(BackupCommand::Now)),
            BackupWords::List => self.list_backups(),
            BackupWords::Verify { file, identity } => self.verify_backup(&self.path(&file), identity),
            BackupWords::Key { save: Some(file), person: Some(person) } => self.ask_and_deliver(|| {
                let file = self.path(&file);
                Ok(Command::Backup(BackupCommand::SaveKey { file, by: self.ask(person)? }))
            }),
            BackupWords::Key { .. } => match self.key(None) {
                Ok(key) => self.tell(&json!({ "recipient": key.recipient() }), &key.recipient()),
                Err(exit) => exit,
            },
        }
    }

    fn list_backups(&self) -> Exit {
        let (book, state) = match (Book::load(&self.data), state(&Paths::new(&self.data))) {
            (Ok(book), Ok(state)) => (book, state),
            (Err(failed), _) => return complain(&chain_of(&failed), Exit::Unavailable),
            (_, Err(failed)) => return complain(&chain_of(&*failed), Exit::Unavailable),
        };
        let warnings = state.warnings(self.surroundings.clock.now_ms());
        let json = json!({ "state": state, "made": book.made, "warnings": warnings });
        let exit = self.tell(&json, &list_lines(&book).join("\n"));
        for warning in warnings {
            complain(warning.text(self.language), exit);
        }
        exit
    }

    fn verify_backup(&self, file: &Path, identity: Option<PathBuf>) -> Exit {
        let key = match self.key(identity) {
            Ok(key) => key,
            Err(exit) => return exit,
        };
        match backup::verify(file, &key, &CONTENT) {
            Ok(manifest) => self.tell(&json!(manifest), &verified_text(file, &manifest, self.language)),
            Err(failed) => complain(&chain_of(&failed), Exit::Refused),
        }
    }

    pub(super) fn restore(&self, file: &Path, identity: PathBuf, checkpoint: Option<PathBuf>) -> Exit {
        let Some(checkpoint) = checkpoint else {
            let text = self.language.pick(
                "恢复枢纽须给出 --checkpoint：目前在外部所见最新的检查点（公开登记簿的 checkpoint 文件，或任一节点上 \
                 safeharbor-node checkpoint 的输出）。备份不含枢纽最后签了什么；缺了它，枢纽可能签出分叉。",
                "restoring a hub takes --checkpoint: the newest checkpoint seen outside (the public registry's file `checkpoint`, or what \
                 `safeharbor-node checkpoint` prints at any node). No backup knows what the hub signed last; without that it could sign a fork.",
            );
            return complain(text, Exit::Usage);
        };
        let (key, note) = match (self.key(Some(identity)), read_note(&self.path(&checkpoint))) {
            (Ok(key), Ok(note)) => (key, note),
            (Err(exit), _) => return exit,
            (_, Err(failed)) => {
                return complain(&format!("{}: {failed}", checkpoint.display()), Exit::Refused);
            }
        };
        match restore(file, &key, &self.data, &note, &self.surroundings.clock) {
            Ok(hub) => self.tell_restored(hub),
            Err(failed) => {
                let head = self.language.pick("未恢复任何内容：", "nothing was restored: ");
                complain(&format!("{head}{}", chain_of(&failed)), Exit::Refused)
            }
        }
    }

    /// A hub that knows less than it signed stays closed, and the person should not learn that from `run`.
    fn tell_restored(&self, RestoredHub { entries, signed }: RestoredHub) -> Exit {
        let data = self.data.display();
        match signed.checked_sub(entries).filter(|missing| *missing > 0) {
            None => {
                let text = self.language.pick(
                    format!("已恢复到 {data}：日志账本有 {entries} 条，检查点有 {signed} 条。可以启动 run；索引和登记簿文件会重新生成。"),
                    format!("restored into {data}: the journal holds {entries} entries, the checkpoint {signed}. Start `run`; index and registry files are made again."),
                );
                complain(&text, Exit::Done)
            }
            Some(missing) => {
                let text = self.language.pick(
                    format!(
                        "已恢复到 {data}，但日志账本只有 {entries} 条，而检查点表明已签 {signed} 条，缺 {missing} 条。补齐之前枢纽拒绝打开，\
                         不会签出分叉。从镜像和节点补齐的功能尚未实现：请改用更新的备份。"
                    ),
                    format!(
                        "restored into {data}, but the journal holds {entries} entries and the checkpoint says that {signed} were signed: {missing} are missing. \
                         Until they are found the hub refuses to open, so that it signs no fork. Refilling from mirrors and nodes is not there yet: \
                         use a later backup."
                    ),
                );
                complain(&text, Exit::Refused)
            }
        }
    }

    /// The key in a file that was named, or this hub's own.
    fn key(&self, identity: Option<PathBuf>) -> Result<BackupKey, Exit> {
        let path = identity.map_or_else(|| BackupKey::path(&self.data), |path| self.path(&path));
        BackupKey::load(&path).map_err(|failed| {
            let hint = self
                .language
                .pick("；第一次备份（backup now）时生成", "; the first backup makes it: `backup now`");
            let hint = if path.exists() { "" } else { hint };
            complain(&format!("{}{hint}", chain_of(&failed)), Exit::Refused)
        })
    }

    /// Data for a program or a person.
    fn tell(&self, json: &Value, text: &str) -> Exit {
        match (self.format, text) {
            (Format::Json, _) => answer(&format!("{json:#}\n")),
            (Format::Table, "") => Exit::Done,
            (Format::Table, text) => answer(&format!("{text}\n")),
        }
    }
}

fn read_note(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut note = String::new();
    std::fs::File::open(path)?.take(NOTE_BYTES_MAX).read_to_string(&mut note)?;
    Ok(note)
}
