//! What people are told about backups, in both languages.

use std::path::Path;

use super::book::{Book, Made};
use super::manifest::Manifest;
use super::state::Warning;
use crate::speech::{Language, moment};

/// That a backup was made.
#[must_use]
pub fn made_text(made: &Made, language: Language) -> String {
    let (path, bytes, files) = (made.path.display(), made.bytes, made.files);
    language.pick(
        format!("备份已写成并读回核对：{path}（{files} 个文件，{bytes} 字节）"),
        format!("the backup was written and read back: {path} ({files} files, {bytes} bytes)"),
    )
}

/// That a backup is whole, and what is in it.
#[must_use]
pub fn verified_text(file: &Path, manifest: &Manifest, language: Language) -> String {
    let (path, owner, at) = (file.display(), &manifest.owner, &manifest.created_at);
    let (files, bytes) = (manifest.files.len(), manifest.bytes());
    language.pick(
        format!("备份完整：{path}，{owner}，作于 {at}，{files} 个文件，解密后 {bytes} 字节"),
        format!("the backup is whole: {path}, of {owner}, made {at}, {files} files, {bytes} bytes decrypted"),
    )
}

/// A line for every backup that is kept, the latest first.
#[must_use]
pub fn list_lines(book: &Book) -> Vec<String> {
    let line = |made: &Made| {
        let gone = if made.path.exists() { "" } else { "  （文件不在 not there）" };
        format!("{}  {:>12}  {}{gone}", moment(made.at_ms), made.bytes, made.path.display())
    };
    book.made.iter().rev().map(line).collect()
}

impl Warning {
    /// What is wrong and what to do, for people.
    #[must_use]
    pub const fn text(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::NeverMade, Language::Zh) => "从未做过备份：运行 backup now",
            (Self::NeverMade, Language::En) => "no backup was ever made: run `backup now`",
            (Self::Old, Language::Zh) => "最近一次完好的备份已超过 7 天：运行 backup now，并查看日志",
            (Self::Old, Language::En) => {
                "the last good backup is older than 7 days: run `backup now`, and look at the log"
            }
            (Self::Failing, Language::Zh) => "最近一次备份失败：原因见 status 和日志",
            (Self::Failing, Language::En) => "the last backup failed: `status` and the log say why",
            (Self::KeyNotSaved, Language::Zh) => {
                "备份密钥从未另存：磁盘损坏时备份也无法打开；运行 backup key --save，把文件锁在别处"
            }
            (Self::KeyNotSaved, Language::En) => {
                "the backup key was never saved elsewhere: with this disk the backups are lost, too; run `backup key --save` and lock the file away"
            }
            (Self::SameFileSystem, Language::Zh) => {
                "备份与数据在同一磁盘：在 settings.toml 的 [backup] 中把 folder 指向另一块磁盘或共享目录"
            }
            (Self::SameFileSystem, Language::En) => {
                "the backups are on the disk of the data: point `folder` under [backup] in settings.toml to another disk or share"
            }
        }
    }
}
