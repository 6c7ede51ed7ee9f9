//! How the backups of a data folder stand, and what a person should be told.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::book::{Book, BookFailed, Failure};
use super::key::BackupKey;
use super::settings::Settings;

/// How old the last good backup may be before people are warned.
const AGE_MAX_MS: u64 = 7 * 24 * 3600 * 1000;

/// How the backups of a data folder stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct State {
    /// Where they are written.
    pub folder: PathBuf,
    /// When the last one was made that read back whole, in milliseconds since 1970 UTC.
    pub last_good_ms: Option<u64>,
    /// How many are kept there.
    pub kept: usize,
    /// The attempt that failed after it.
    pub last_failure: Option<Failure>,
    /// Whether there is a key.
    pub has_key: bool,
    /// When the key was saved elsewhere, if it is the one in use.
    pub key_saved_ms: Option<u64>,
    /// Whether the backups lie on the same file system as the data.
    pub same_file_system: bool,
}

/// Something about the backups that a person should put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Warning {
    /// None was ever made.
    NeverMade,
    /// The last good one is older than 7 days.
    Old,
    /// The last attempt failed.
    Failing,
    /// The key was never saved elsewhere: with this disk, the backups are lost, too.
    KeyNotSaved,
    /// The backups are on the disk whose loss they are for.
    SameFileSystem,
}

impl State {
    /// What should be put right, the worst first.
    #[must_use]
    pub fn warnings(&self, now_ms: u64) -> Vec<Warning> {
        let age = match self.last_good_ms {
            None => Some(Warning::NeverMade),
            Some(at) if now_ms.saturating_sub(at) > AGE_MAX_MS => Some(Warning::Old),
            Some(_) => None,
        };
        let failing = self.last_failure.is_some().then_some(Warning::Failing);
        let key = self.key_saved_ms.is_none().then_some(Warning::KeyNotSaved);
        let disk = self.same_file_system.then_some(Warning::SameFileSystem);
        [age, failing, key, disk].into_iter().flatten().collect()
    }
}

/// Tells how the backups of the data folder `data` stand, also while a server has it open.
///
/// # Errors
/// What is known about them cannot be read.
pub fn state(data: &Path, settings: &Settings) -> Result<State, BookFailed> {
    let book = Book::load(data)?;
    let folder = settings.folder_of(data);
    let key = BackupKey::load(&BackupKey::path(data)).ok().map(|key| key.recipient());
    let saved = book.saved.filter(|saved| key.as_ref() == Some(&saved.recipient));
    let kept =
        book.made.iter().filter(|made| made.path.parent() == Some(&folder) && made.path.exists()).count();
    Ok(State {
        last_good_ms: book.last_good_ms,
        kept,
        last_failure: book.last_failure,
        has_key: key.is_some(),
        key_saved_ms: saved.map(|saved| saved.at_ms),
        same_file_system: is_same_file_system(data, &folder),
        folder,
    })
}

/// The folder of the backups may not exist yet: then its nearest parent counts.
fn is_same_file_system(data: &Path, folder: &Path) -> bool {
    let device = |path: &Path| std::fs::metadata(path).ok().map(|metadata| metadata.dev());
    let there = folder.ancestors().find_map(device);
    there.is_some() && there == device(data)
}
