//! A watched folder (监视目录): files that have come to rest are taken from it one after the other.
//!
//! Looked at again and again rather than waited for: shared folders of campus networks send no events. Only plain files
//! directly in the folder are taken, never through a link; a file is copied before it is read, and moved to `imported/` or
//! `failed/` beside it afterwards.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use safeharbor_core::digest::Digest;
use safeharbor_interchange::import::FILE_BYTES_MAX;
use sha2::{Digest as _, Sha256};

/// Files looked at in one folder; what is beyond waits.
const FILES_MAX: usize = 10_000;
/// `O_NOFOLLOW` of Linux: opening a link fails.
const NO_FOLLOW: i32 = 0o400_000;

/// A watched folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WatchFailed {
    /// The folder cannot be looked into.
    #[error("the watched folder {} cannot be read", path.display())]
    Look {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A file cannot be copied.
    #[error("{} cannot be taken from the watched folder", path.display())]
    Take {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// More than an import takes.
    #[error("{} is longer than {FILE_BYTES_MAX} bytes", path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
    },
    /// The file cannot be moved away.
    #[error("{} was dealt with but cannot be moved to {}; move it yourself", from.display(), to.display())]
    Move {
        /// Where it is.
        from: PathBuf,
        /// Where it should go.
        to: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

/// What a folder held at one look: name → size and time of the last change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Look(BTreeMap<String, (u64, Option<SystemTime>)>);

impl Look {
    /// Looks into `folder`.
    pub(super) fn into(folder: &Path) -> Result<Self, WatchFailed> {
        let failed = |source| WatchFailed::Look { path: folder.to_owned(), source };
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(folder).map_err(failed)?.take(FILES_MAX) {
            let entry = entry.map_err(failed)?;
            // A name that is no text could not be shown to anybody.
            let Ok(name) = entry.file_name().into_string() else { continue };
            // A file may vanish between two calls; it is not there then.
            let Ok(about) = fs::symlink_metadata(entry.path()) else { continue };
            if about.is_file() && !is_unfinished(&name) {
                files.insert(name, (about.len(), about.modified().ok()));
            }
        }
        Ok(Self(files))
    }

    /// Files that are as they were at the look before.
    pub(super) fn at_rest<'l>(&'l self, before: &'l Self) -> impl Iterator<Item = &'l str> {
        self.0
            .iter()
            .filter(|(name, about)| before.0.get(*name) == Some(*about))
            .map(|(name, _)| name.as_str())
    }
}

/// What programs call files they are still writing, and locks of office programs.
fn is_unfinished(name: &str) -> bool {
    let lower = name.to_lowercase();
    let endings =
        [".tmp", ".temp", ".part", ".partial", ".crdownload", ".filepart", ".download", ".swp", "~"];
    lower.starts_with('.') || lower.starts_with("~$") || endings.iter().any(|ending| lower.ends_with(ending))
}

/// A file that was taken: a copy that nobody else writes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) copy: PathBuf,
    pub(super) digest: Digest,
}

/// Copies a file of the folder into `to`, without following a link.
pub(super) fn take(folder: &Path, name: &str, to: &Path) -> Result<Taken, WatchFailed> {
    let path = folder.join(name);
    let failed = |source| WatchFailed::Take { path: path.clone(), source };
    let mut input = OpenOptions::new().read(true).custom_flags(NO_FOLLOW).open(&path).map_err(failed)?;
    if !input.metadata().map_err(failed)?.is_file() {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file")));
    }
    let copy = to.join(name);
    let mut output =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&copy).map_err(failed)?;
    let digest = copy_hashing(&mut input, &mut output).map_err(failed)?;
    match digest {
        Some(digest) => Ok(Taken { copy, digest }),
        None => {
            fs::remove_file(&copy).map_err(failed)?;
            Err(WatchFailed::TooLarge { path })
        }
    }
}

/// None for a file that is too long.
fn copy_hashing(input: &mut File, output: &mut File) -> io::Result<Option<Digest>> {
    let (mut hasher, mut piece, mut total) = (Sha256::new(), vec![0; 64 * 1024], 0_u64);
    loop {
        let length = input.read(&mut piece)?;
        let read = piece.get(..length).unwrap_or_default();
        if read.is_empty() {
            return Ok(Some(Digest::from_bytes(hasher.finalize().into())));
        }
        total = total.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        if total > FILE_BYTES_MAX {
            return Ok(None);
        }
        hasher.update(read);
        output.write_all(read)?;
    }
}

/// Where a file goes when it was dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shelf {
    Imported,
    Failed,
}

impl Shelf {
    const fn name(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Failed => "failed",
        }
    }
}

/// Moves a file of the folder to a shelf beside it, under a name with the job's number in front; answers where it is.
pub(super) fn shelve(folder: &Path, name: &str, shelf: Shelf, job: u64) -> Result<PathBuf, WatchFailed> {
    let (from, to) = (folder.join(name), shelved(folder, name, shelf, job));
    let moved = make_shelf(folder, shelf).and_then(|()| fs::rename(&from, &to));
    moved.map_err(|source| WatchFailed::Move { from, to: to.clone(), source })?;
    Ok(to)
}

/// Copies what an import left, such as rejected rows, beside the file it belongs to.
pub(super) fn leave_beside(folder: &Path, file: &Path, shelf: Shelf, job: u64) -> Result<(), WatchFailed> {
    let Some(name) = file.file_name().and_then(|name| name.to_str()) else { return Ok(()) };
    let to = shelved(folder, name, shelf, job);
    let failed = |source| WatchFailed::Move { from: file.to_owned(), to: to.clone(), source };
    make_shelf(folder, shelf).map_err(failed)?;
    let bytes = fs::read(file).map_err(failed)?;
    let mut output = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&to).map_err(failed)?;
    output.write_all(&bytes).map_err(failed)
}

fn shelved(folder: &Path, name: &str, shelf: Shelf, job: u64) -> PathBuf {
    folder.join(shelf.name()).join(format!("{job:08}-{name}"))
}

/// A link in the place of a shelf is refused: files would end somewhere else.
fn make_shelf(folder: &Path, shelf: Shelf) -> io::Result<()> {
    let path = folder.join(shelf.name());
    match fs::symlink_metadata(&path) {
        Ok(about) if about.is_dir() => Ok(()),
        Ok(_) => Err(io::Error::new(io::ErrorKind::NotADirectory, "it is no folder")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => DirBuilder::new().mode(0o700).create(&path),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_rest(before: &Look, folder: &Path) -> Vec<String> {
        Look::into(folder).unwrap().at_rest(before).map(str::to_owned).collect()
    }

    #[test]
    fn only_files_that_no_longer_change_are_at_rest() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        for name in ["a.csv", "b.csv", ".hidden", "~$b.xlsx", "c.csv.part", "d.TMP", "e.csv~"] {
            write(name, "x");
        }
        fs::create_dir(folder.path().join("imported")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link.csv")).unwrap();
        let first = Look::into(folder.path()).unwrap();
        assert!(at_rest(&Look::default(), folder.path()).is_empty(), "nothing is known after one look");
        write("b.csv", "xy");
        write("new.csv", "x");
        assert_eq!(at_rest(&first, folder.path()), ["a.csv"]);
    }

    #[test]
    fn a_link_is_never_followed() {
        let folder = tempfile::tempdir().unwrap();
        let to = tempfile::tempdir().unwrap();
        let secret = to.path().join("secret");
        fs::write(&secret, "x").unwrap();
        std::os::unix::fs::symlink(&secret, folder.path().join("a.csv")).unwrap();
        assert!(matches!(take(folder.path(), "a.csv", to.path()), Err(WatchFailed::Take { .. })));
        fs::write(folder.path().join("b.csv"), "x").unwrap();
        std::os::unix::fs::symlink(to.path(), folder.path().join("imported")).unwrap();
        assert!(shelve(folder.path(), "b.csv", Shelf::Imported, 1).is_err());
        assert!(folder.path().join("b.csv").exists());
    }

    #[test]
    fn a_file_is_copied_and_shelved_under_the_jobs_number() {
        let folder = tempfile::tempdir().unwrap();
        let to = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("成果.csv"), "abc").unwrap();
        let taken = take(folder.path(), "成果.csv", to.path()).unwrap();
        assert_eq!(taken.digest, Digest::of(b"abc"));
        assert_eq!(fs::read(&taken.copy).unwrap(), b"abc");
        let shelved = shelve(folder.path(), "成果.csv", Shelf::Failed, 12).unwrap();
        assert_eq!(shelved, folder.path().join("failed/00000012-成果.csv"));
    }
}
