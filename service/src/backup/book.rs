//! What is known about the backups of a data folder: those that were made and read back, the last failure, whether the key is safe.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::durable_file::{WriteFailed, write_durably};

const PATH: &str = "backups.json";

/// What is known about the backups of one data folder. It lies beside them and in none of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    /// When the key was saved elsewhere, if ever.
    pub saved: Option<Saved>,
    /// The backups made here that are kept, the oldest first.
    #[serde(default)]
    pub made: Vec<Made>,
    /// When the last good one was made; it stays when the file is gone.
    pub last_good_ms: Option<u64>,
    /// The last attempt that failed after it.
    pub last_failure: Option<Failure>,
}

/// A person saved the key elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// In milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// The public half of the key that was saved.
    pub recipient: String,
}

/// A backup that was read back after it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The file.
    pub path: PathBuf,
    /// When it was begun, in milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// How many files are in it.
    pub files: usize,
}

/// An attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// In milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// Why.
    pub why: String,
}

/// The book cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum BookFailed {
    /// The file system refused.
    #[error("what is known about the backups, {}, cannot be read", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The file cannot be understood; without it, backups are made and none is deleted.
    #[error("what is known about the backups, {}, cannot be understood; move it away", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Where it stops making sense.
        #[source]
        source: serde_json::Error,
    },
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] WriteFailed),
}

impl Book {
    /// The book of the data folder `data`; empty where there is none.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn load(data: &Path) -> Result<Self, BookFailed> {
        let path = data.join(PATH);
        match std::fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|source| BookFailed::Malformed { path, source })
            }
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(BookFailed::Read { path, source }),
        }
    }

    /// Keeps the book.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn store(&self, data: &Path) -> Result<(), BookFailed> {
        let mut bytes = serde_json::to_vec_pretty(self)
            .map_err(|source| BookFailed::Malformed { path: data.join(PATH), source })?;
        bytes.push(b'\n');
        Ok(write_durably(&data.join(PATH), &bytes)?)
    }

    /// Notes that the key was saved elsewhere.
    ///
    /// # Errors
    /// The book cannot be read or written.
    pub fn note_saved(data: &Path, saved: Saved) -> Result<(), BookFailed> {
        let _alone = hold(data)?;
        let mut book = Self::load(data)?;
        book.saved = Some(saved);
        book.store(data)
    }
}

/// Whoever makes a backup or changes the book does it alone; let go when dropped.
pub(super) fn hold(data: &Path) -> Result<File, BookFailed> {
    let failed = |source| BookFailed::Read { path: data.to_owned(), source };
    let folder = File::open(data).map_err(failed)?;
    folder.lock().map_err(failed)?;
    Ok(folder)
}
