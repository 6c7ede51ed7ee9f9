//! A file that holds disk space to give away when the disk is full.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// Space that is used up by a file nobody needs.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    bytes: u64,
}

impl Reserve {
    pub(super) fn new(path: PathBuf, bytes: u64) -> Self {
        Self { path, bytes }
    }

    /// Where the file is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the file as long as it should be; a short one is removed when there is no space for the rest.
    pub(super) fn hold(&self) -> io::Result<()> {
        if std::fs::metadata(&self.path).is_ok_and(|metadata| metadata.len() == self.bytes) {
            return Ok(());
        }
        self.write_zeros().inspect_err(|_| drop(std::fs::remove_file(&self.path)))
    }

    /// Gives the space back; says whether there was any.
    pub(super) fn release(&self) -> io::Result<bool> {
        match std::fs::remove_file(&self.path) {
            Ok(()) => Ok(true),
            Err(failed) if failed.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(failed) => Err(failed),
        }
    }

    /// Written out, not set to a length: a hole would hold no space.
    fn write_zeros(&self) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&self.path)?;
        let mut left = self.bytes;
        while left > 0 {
            let chunk = ZEROS.get(..usize::try_from(left).unwrap_or(usize::MAX)).unwrap_or(&ZEROS);
            file.write_all(chunk)?;
            left = left.saturating_sub(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        }
        file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn the_space_is_really_held_and_given_back_once() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = Reserve::new(folder.path().join("reserve"), 200_000);
        reserve.hold().unwrap();
        let metadata = std::fs::metadata(reserve.path()).unwrap();
        assert_eq!(metadata.len(), 200_000);
        assert!(metadata.blocks() * 512 >= 200_000, "the file has holes");
        assert!(reserve.release().unwrap());
        assert!(!reserve.release().unwrap());
    }
}
