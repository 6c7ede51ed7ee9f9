//! `backup`, `restore`, `checkpoint`: their words, and what of them needs no open node.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use safeharbor_service::backup::{self, BackupKey, Book, list_lines, verified_text};
use serde_json::json;

use super::{Desk, complain};
use crate::backup::{CONTENT, restore, state};
use crate::command::{BackupCommand, Command};
use crate::speech::{Exit, Format, chain_of};

/// What can be done with backups.
#[derive(Debug, Subcommand)]
pub enum BackupWords {
    /// 立即备份；运行中的节点每天自动备份 Make one now; a running node makes one every day by itself
    Now,
    /// 列出备份，并说明应处理的问题 List them, and say what should be put right
    List,
    /// 解密并逐一核对一份备份，不写出任何内容 Decrypt one and check every file in it, writing nothing
    Verify {
        /// 备份文件 The backup
        file: PathBuf,
        /// 密钥文件；默认为本节点的 The key; otherwise this node's own
        #[arg(long, value_name = "FILE")]
        identity: Option<PathBuf>,
    },
    /// 查看备份密钥的公钥；另存密钥，锁在别处 Show the key's public half, or save the key to lock it away elsewhere
    Key {
        /// 写出密钥的新文件 A file that does not exist, to write the key to
        #[arg(long, value_name = "FILE", requires = "person")]
        save: Option<PathBuf>,
        /// 取走密钥的管理员 The administrator who takes it
        #[arg(long, value_name = "NAME")]
        person: Option<String>,
    },
}

impl Desk {
    pub(super) fn backup(&self, words: BackupWords) -> Exit {
        match words {
            BackupWords::Now => self.deliver(Command::Backup(BackupCommand::Now)),
            BackupWords::List => self.list_backups(),
            BackupWords::Verify { file, identity } => self.verify_backup(&self.path(&file), identity),
            BackupWords::Key { save: Some(file), person: Some(person) } => {
                let file = self.path(&file);
                self.with_password(person, |by| Command::Backup(BackupCommand::SaveKey { file, by }))
            }
            BackupWords::Key { .. } => match self.key(None) {
                Ok(key) => self.answer(&json!({ "recipient": key.recipient() }), &key.recipient()),
                Err(exit) => exit,
            },
        }
    }

    fn list_backups(&self) -> Exit {
        let (book, state) = match (Book::load(self.layout.root()), state(&self.layout)) {
            (Ok(book), Ok(state)) => (book, state),
            (Err(failed), _) => return complain(&chain_of(&failed), Exit::Unavailable),
            (_, Err(failed)) => return complain(&chain_of(&*failed), Exit::Unavailable),
        };
        let warnings = state.warnings(self.seams.clock.now_ms());
        let json = json!({ "state": state, "made": book.made, "warnings": warnings });
        let exit = self.answer(&json, &list_lines(&book).join("\n"));
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
            Ok(manifest) => {
                let text = verified_text(file, &manifest, self.language);
                self.answer(&serde_json::to_value(&manifest).unwrap_or_default(), &text)
            }
            Err(failed) => complain(&chain_of(&failed), Exit::Refused),
        }
    }

    pub(super) fn restore(&self, file: &Path, identity: PathBuf) -> Exit {
        let key = match self.key(Some(identity)) {
            Ok(key) => key,
            Err(exit) => return exit,
        };
        match restore(file, &key, &self.layout, &self.seams) {
            Ok(restored) => {
                let (data, made) = (self.layout.root().display(), restored.manifest.created_at);
                let text = self.language.pick(
                    format!(
                        "已恢复到 {data}，备份作于 {made}。请确认原节点不再运行，然后启动 run：它会从枢纽取回此后已登记的声明。\
                         此后新增或修改的记录不在备份中，请重新导入。"
                    ),
                    format!(
                        "restored into {data} from a backup made {made}. Make sure that the former node runs no more, then start `run`: it fetches \
                         from the hub what was stated since. Records added or changed since are not in the backup: import them again."
                    ),
                );
                complain(&text, Exit::Done)
            }
            Err(failed) => {
                let head = self.language.pick("未恢复任何内容：", "nothing was restored: ");
                complain(&format!("{head}{}", chain_of(&failed)), Exit::Refused)
            }
        }
    }

    /// The key in a file that was named, or this node's own.
    fn key(&self, identity: Option<PathBuf>) -> Result<BackupKey, Exit> {
        let path = identity.map_or_else(|| BackupKey::path(self.layout.root()), |path| self.path(&path));
        BackupKey::load(&path).map_err(|failed| {
            let hint = self
                .language
                .pick("；第一次备份（backup now）时生成", "; the first backup makes it: `backup now`");
            let hint = if path.exists() { "" } else { hint };
            complain(&format!("{}{hint}", chain_of(&failed)), Exit::Refused)
        })
    }

    /// Data for a program or a person.
    fn answer(&self, json: &serde_json::Value, text: &str) -> Exit {
        let text = if self.format == Format::Json { format!("{json:#}") } else { text.to_owned() };
        let said = if text.is_empty() { Ok(()) } else { writeln!(io::stdout(), "{text}") };
        if said.is_ok() { Exit::Done } else { Exit::Unavailable }
    }
}
