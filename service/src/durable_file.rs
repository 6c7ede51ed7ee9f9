//! Files that are there whole or not at all, also after a power loss.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A file could not be written durably.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {step}", path.display())]
pub struct WriteFailed {
    /// The file that was to come into being.
    pub path: PathBuf,
    /// What was being done.
    pub step: &'static str,
    /// What the operating system said.
    #[source]
    pub source: io::Error,
}

impl WriteFailed {
    /// Whether the reason is that the file exists and must not be replaced.
    #[must_use]
    pub fn already_exists(&self) -> bool {
        self.source.kind() == io::ErrorKind::AlreadyExists
    }
}

/// Who may read the file besides its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever the process's umask allows.
    Ordinary,
    /// Nobody (mode 0600).
    OwnerOnly,
}

/// What becomes of a file that is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It is replaced in one step.
    Replace,
    /// It stays, and the writer gets an error.
    Refuse,
}

/// Bytes under a temporary name that get their real name only when all of them are on disk.
///
/// Dropping it before [`DurableFile::finish`] removes the temporary file.
#[derive(Debug)]
pub struct DurableFile {
    file: File,
    temporary: PathBuf,
}

impl DurableFile {
    /// Starts a file in `folder`, which must exist.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn create(folder: &Path, access: Access) -> Result<Self, WriteFailed> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let temporary = folder.join(format!(".tmp-{}-{number}", std::process::id()));
        let mode = match access {
            Access::Ordinary => 0o666,
            Access::OwnerOnly => 0o600,
        };
        // A process that died may have left a file of this very name; its content is worth nothing.
        let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&temporary);
        match opened {
            Ok(file) => Ok(Self { file, temporary }),
            Err(source) => Err(WriteFailed { path: temporary, step: "creating the temporary file", source }),
        }
    }

    /// Makes the bytes durable, gives them the name `path` and makes the name durable.
    ///
    /// # Errors
    /// Any step fails, or `path` exists and `existing` says to refuse. Before the last step (flushing the
    /// folder) nothing is visible under `path`; after it failed the file is visible but may vanish in a power loss.
    pub fn finish(self, path: &Path, existing: Existing) -> Result<(), WriteFailed> {
        let failed = |step| move |source| WriteFailed { path: path.to_owned(), step, source };
        self.file.sync_all().map_err(failed("flushing the bytes"))?;
        match existing {
            Existing::Replace => std::fs::rename(&self.temporary, path).map_err(failed("naming the file"))?,
            // A hard link is refused where a rename would replace; dropping `self` removes the other name.
            Existing::Refuse => {
                std::fs::hard_link(&self.temporary, path).map_err(failed("naming the file"))?
            }
        }
        sync_folder(parent(path)).map_err(failed("flushing the folder"))
    }
}

impl Write for DurableFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for DurableFile {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove; a leftover is overwritten or ignored later.
        drop(std::fs::remove_file(&self.temporary));
    }
}

/// Writes `bytes` to `path`, replacing what was there: temporary file, fsync, rename, fsync of the folder.
///
/// # Errors
/// Any step fails; the file is then as it was before, except when flushing the folder failed.
pub fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), WriteFailed> {
    write(path, bytes, Access::Ordinary, Existing::Replace)
}

/// Like [`write_durably`], with a choice of access and of what becomes of an existing file.
///
/// # Errors
/// As [`DurableFile::finish`].
pub fn write(path: &Path, bytes: &[u8], access: Access, existing: Existing) -> Result<(), WriteFailed> {
    let mut file = DurableFile::create(parent(path), access)?;
    file.write_all(bytes).map_err(|source| WriteFailed {
        path: path.to_owned(),
        step: "writing the bytes",
        source,
    })?;
    file.finish(path, existing)
}

/// Creates `folder` and whatever of its parents is missing, each made durable in its parent.
///
/// # Errors
/// What the operating system says.
pub fn create_folders_durably(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let above = parent(folder);
    create_folders_durably(above)?;
    match std::fs::create_dir(folder) {
        Err(failed) if failed.kind() != io::ErrorKind::AlreadyExists => return Err(failed),
        Ok(()) | Err(_) => {}
    }
    sync_folder(above)
}

/// Makes the names in `folder` durable.
///
/// # Errors
/// What the operating system says.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The folder that holds `path`; `.` for a bare name.
fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether `name` is one of the names that unfinished files have.
#[must_use]
pub fn is_unfinished(name: &OsString) -> bool {
    name.to_string_lossy().starts_with(".tmp-")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_written_file_replaces_the_old_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tile");
        write_durably(&path, b"one").unwrap();
        write_durably(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["tile"]);
    }

    #[test]
    fn an_existing_file_is_kept_when_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write(&path, b"one", Access::OwnerOnly, Existing::Refuse).unwrap();
        let refused = write(&path, b"two", Access::OwnerOnly, Existing::Refuse).unwrap_err();
        assert!(refused.already_exists(), "{refused}");
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(names(folder.path()), ["key"]);
    }

    #[test]
    fn an_unfinished_file_vanishes() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = DurableFile::create(folder.path(), Access::Ordinary).unwrap();
        file.write_all(b"half").unwrap();
        assert!(names(folder.path()).iter().all(|name| is_unfinished(&name.into())));
        drop(file);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn missing_folders_are_made() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("tile/0/x001");
        create_folders_durably(&deep).unwrap();
        create_folders_durably(&deep).unwrap();
        assert!(deep.is_dir());
    }
}
