//! The files of a registry, wherever they are.

use std::path::{Path, PathBuf};

use crate::input;
use crate::objection::{Fault, Objection};

/// The name of the file with the checkpoint.
pub const CHECKPOINT: &str = "checkpoint";

/// The files of a registry by their paths under its prefix.
pub trait LogFiles {
    /// Reads a file of at most `bytes_max` bytes; none where there is no such file.
    ///
    /// # Errors
    /// A file that is unreadable or larger.
    fn read(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, Objection>;
}

/// A folder with the files of a registry.
#[derive(Debug)]
pub struct LogFolder(PathBuf);

impl LogFolder {
    /// Names the folder; nothing is read yet.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }
}

impl LogFiles for LogFolder {
    fn read(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, Objection> {
        input::read_if_there(&self.0.join(path), bytes_max)
    }
}

/// Reads a file that must be there.
pub(super) fn read(files: &impl LogFiles, path: &str, bytes_max: usize) -> Result<Vec<u8>, Objection> {
    files.read(path, bytes_max)?.ok_or_else(|| Fault::Missing.in_file(path))
}

/// Reads a tile or bundle; where a partial one is gone, the full one that took its place, and says so.
pub(super) fn read_tile(
    files: &impl LogFiles,
    path: &str,
    bytes_max: usize,
) -> Result<(Vec<u8>, Width), Objection> {
    if let Some(bytes) = files.read(path, bytes_max)? {
        return Ok((bytes, Width::AsNamed));
    }
    let full = path.split_once(".p/").map(|(full, _width)| files.read(full, bytes_max)).transpose()?;
    match full.flatten() {
        Some(bytes) => Ok((bytes, Width::Full)),
        None => Err(Fault::Missing.in_file(path)),
    }
}

/// Whether a tile or bundle has the width in its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// It has.
    AsNamed,
    /// It is the full one that took a partial one's place.
    Full,
}
