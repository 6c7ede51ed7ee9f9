//! A watched folder (监视目录): files that have come to rest are taken from it one after the other.
//!
//! Looked at again and again rather than waited for: shared folders of campus networks send no events. Only plain files
//! directly in the folder are taken, never through a link; a file is copied before it is read, and moved to `imported/` or
//! `failed/` beside it afterwards. A name that holds an identity number is replaced wherever the node writes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use safeharbor_interchange::import::{FILE_BYTES_MAX, shown_file_name};

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

/// What a folder held at one look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// Name → size and time of the last change.
    files: BTreeMap<String, (u64, Option<SystemTime>)>,
    /// Files that were dealt with and could not be moved away; they wait until they change.
    stuck: BTreeSet<String>,
}

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
        Ok(Self { files, stuck: BTreeSet::new() })
    }

    /// Files that are as they were at the look before.
    pub(super) fn at_rest<'l>(&'l self, before: &'l Self) -> impl Iterator<Item = &'l str> {
        self.files
            .keys()
            .filter(|name| self.is_as(before, name) && !before.stuck.contains(*name))
            .map(String::as_str)
    }

    /// Remembers which of the files that were `tried` are still there, and those that stuck before.
    pub(super) fn note_stuck(&mut self, before: &Self, folder: &Path, tried: Vec<String>) {
        let still = before.stuck.iter().filter(|name| self.is_as(before, name)).cloned();
        let left = tried.into_iter().filter(|name| fs::symlink_metadata(folder.join(name)).is_ok());
        self.stuck = still.chain(left).collect();
    }

    fn is_as(&self, before: &Self, name: &str) -> bool {
        self.files.get(name).is_some_and(|about| before.files.get(name) == Some(about))
    }
}

/// What programs call files they are still writing, and locks of office programs.
fn is_unfinished(name: &str) -> bool {
    let lower = name.to_lowercase();
    let endings =
        [".tmp", ".temp", ".part", ".partial", ".crdownload", ".filepart", ".download", ".swp", "~"];
    lower.starts_with('.') || lower.starts_with("~$") || endings.iter().any(|ending| lower.ends_with(ending))
}

/// The name under which the node writes of a file: its own, unless that holds an identity number.
pub(super) fn neutral_name(name: &str) -> String {
    if shown_file_name(Path::new(name)) == name {
        return name.to_owned();
    }
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    let extension = extension.filter(|extension| shown_file_name(Path::new(extension)) == *extension);
    format!("file.{}", extension.unwrap_or("csv"))
}

/// A copy of a file of the folder, to which nobody else writes.
#[derive(Debug)]
pub(super) struct Taken {
    /// Where the copy is.
    pub(super) copy: PathBuf,
    /// Size and time of the last change when it was copied.
    about: (u64, Option<SystemTime>),
}

impl Taken {
    /// Whether the file in the folder is still the one that was copied.
    pub(super) fn is_still_in(&self, folder: &Path, name: &str) -> bool {
        let now = fs::symlink_metadata(folder.join(name));
        now.is_ok_and(|now| now.is_file() && (now.len(), now.modified().ok()) == self.about)
    }
}

/// Copies a file of the folder into `to`, without following a link.
pub(super) fn take(folder: &Path, name: &str, to: &Path) -> Result<Taken, WatchFailed> {
    let path = folder.join(neutral_name(name));
    let failed = |source| WatchFailed::Take { path: path.clone(), source };
    let input = OpenOptions::new().read(true).custom_flags(NO_FOLLOW).open(folder.join(name));
    let input = input.map_err(failed)?;
    let about = input.metadata().map_err(failed)?;
    if !about.is_file() {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file")));
    }
    let copy = to.join(neutral_name(name));
    let mut output =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&copy).map_err(failed)?;
    let is_long = about.len() > FILE_BYTES_MAX || {
        // The file may grow while it is copied.
        let mut input = input.take(FILE_BYTES_MAX.saturating_add(1));
        io::copy(&mut input, &mut output).map_err(failed)? > FILE_BYTES_MAX
    };
    let about = (about.len(), about.modified().ok());
    if is_long { Err(WatchFailed::TooLarge { path }) } else { Ok(Taken { copy, about }) }
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
    let name_shown = neutral_name(name);
    let to = shelved(folder, &name_shown, shelf, job);
    let moved = make_shelf(folder, shelf).and_then(|()| fs::rename(folder.join(name), &to));
    moved.map_err(|source| WatchFailed::Move { from: folder.join(name_shown), to: to.clone(), source })?;
    Ok(to)
}

/// The name that a file had in the folder before the job put it on a shelf.
pub(super) fn name_before(shelved: &Path) -> Option<&str> {
    Some(shelved.file_name()?.to_str()?.split_once('-')?.1)
}

/// A job later than `job` that put a file of that name on the shelf of imported ones.
pub(super) fn imported_later(folder: &Path, name: &str, job: u64) -> Option<u64> {
    let entries = fs::read_dir(folder.join(Shelf::Imported.name())).ok()?;
    let names = entries.filter_map(Result::ok).filter_map(|entry| entry.file_name().into_string().ok());
    let numbers = names.filter_map(|shelved| {
        let (number, of) = shelved.split_once('-')?;
        (of == name).then(|| number.parse::<u64>().ok()).flatten()
    });
    numbers.filter(|number| *number > job).max()
}

/// Copies what an import left, such as rejected rows, beside the file it belongs to.
pub(super) fn leave_beside(folder: &Path, file: &Path, shelf: Shelf, job: u64) -> Result<(), WatchFailed> {
    let Some(name) = file.file_name().and_then(|name| name.to_str()) else { return Ok(()) };
    let free = [name.to_owned(), format!("2-{name}")].map(|name| shelved(folder, &name, shelf, job));
    // A file of corrected rows has the name that its rejected rows would get.
    let [first, second] = free;
    let to = if first.exists() { second } else { first };
    let failed = |source| WatchFailed::Move { from: file.to_owned(), to: to.clone(), source };
    make_shelf(folder, shelf).map_err(failed)?;
    let mut input = fs::File::open(file).map_err(failed)?;
    let mut output = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&to).map_err(failed)?;
    io::copy(&mut input, &mut output).map(drop).map_err(failed)
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
    fn a_file_that_was_replaced_after_it_was_taken_is_another_one() {
        let (folder, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = folder.path().join("a.csv");
        fs::write(&path, "x").unwrap();
        let taken = take(folder.path(), "a.csv", to.path()).unwrap();
        assert!(taken.is_still_in(folder.path(), "a.csv"));
        fs::write(&path, "longer").unwrap();
        assert!(!taken.is_still_in(folder.path(), "a.csv"));
        fs::remove_file(&path).unwrap();
        assert!(!taken.is_still_in(folder.path(), "a.csv"));
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
        assert_eq!(fs::read(&taken.copy).unwrap(), b"abc");
        let shelved = shelve(folder.path(), "成果.csv", Shelf::Failed, 12).unwrap();
        assert_eq!(shelved, folder.path().join("failed/00000012-成果.csv"));
    }
}
