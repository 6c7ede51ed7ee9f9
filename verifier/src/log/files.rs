//! The files of a registry, wherever they are.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use safeharbor_core::digest::Digest;
use safeharbor_core::tile::TileId;

use crate::input;
use crate::objection::{Fault, Objection};

/// The name of the file with the checkpoint.
pub const CHECKPOINT: &str = "checkpoint";
/// 256 hashes.
const TILE_BYTES: usize = 256 * 32;

/// The files of a registry by their paths under its prefix.
pub trait LogFiles: Sync {
    /// Reads a file of at most `bytes_max` bytes; none where there is no such file.
    ///
    /// # Errors
    /// A file that is unreadable or larger.
    fn read(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, Objection>;

    /// When the file was last written, in seconds since 1970 UTC, where whoever keeps it says so.
    ///
    /// # Errors
    /// The keeper cannot be asked.
    fn written_at(&self, _path: &str) -> Result<Option<u64>, Objection> {
        Ok(None)
    }

    /// How many files are best read at the same time.
    fn readers(&self) -> usize {
        1
    }
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

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl LogFiles for LogFolder {
    fn read(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, Objection> {
        input::read_if_there(&self.0.join(path), bytes_max)
    }

    fn written_at(&self, path: &str) -> Result<Option<u64>, Objection> {
        let written = std::fs::metadata(self.0.join(path)).and_then(|metadata| metadata.modified());
        let since_1970 = written.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Ok(since_1970.map(|time| time.as_secs()))
    }

    fn readers(&self) -> usize {
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    }
}

/// Reads a file that must be there.
pub(super) fn read(files: &dyn LogFiles, path: &str, bytes_max: usize) -> Result<Vec<u8>, Objection> {
    files.read(path, bytes_max)?.ok_or_else(|| Fault::Missing.in_file(path))
}

/// Reads a tile or bundle; where a partial one is gone, the full one that took its place, and says so.
pub(crate) fn read_tile(
    files: &dyn LogFiles,
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

/// Reads the hashes of a tile as they are stored, as many as the tile has in the tree.
pub(crate) fn read_hashes(files: &dyn LogFiles, tile: &TileId) -> Result<Vec<Digest>, Objection> {
    let path = tile.to_string();
    let (mut bytes, width) = read_tile(files, &path, TILE_BYTES)?;
    let expected = usize::from(tile.width()).saturating_mul(32);
    if width == Width::Full && bytes.len() == TILE_BYTES {
        bytes.truncate(expected);
    }
    if bytes.len() != expected {
        return Err(Fault::TileLength { expected, found: bytes.len() }.in_file(path));
    }
    let (hashes, _) = bytes.as_chunks::<32>();
    Ok(hashes.iter().copied().map(Digest::from_bytes).collect())
}

/// Whether a tile or bundle has the width in its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    /// It has.
    AsNamed,
    /// It is the full one that took a partial one's place.
    Full,
}
