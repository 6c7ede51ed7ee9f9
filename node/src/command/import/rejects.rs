//! The file of rejected rows: named when there are any, never in the place of another, readable by its owner alone.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use safeharbor_service::durable_file::{Access, DurableFile, Existing, WriteFailed};

use super::Rejects;
use crate::command::CommandFailed;

/// What the name of the file adds to that of the imported one.
const MARK: &str = "-rejected";

/// The file in the making.
pub(super) struct RejectFile {
    target: Option<PathBuf>,
    made: Mutex<Option<Made>>,
}

/// A file without a name, which is gone when it is dropped.
struct Made {
    file: DurableFile,
    holds_rows: bool,
}

impl RejectFile {
    /// Settles where rejected rows of the file `name` go, and that they can be written there: an import that ended for want of it
    /// would be half done.
    ///
    /// # Errors
    /// The file that was named is there already, or its folder cannot be written.
    pub(super) fn new(rejects: &Rejects, name: &str, dry_run: bool) -> Result<Self, CommandFailed> {
        let target = match rejects {
            Rejects::Into(path) if path.exists() => return Err(CommandFailed::RejectsExist(path.clone())),
            Rejects::Into(path) => Some(path.clone()),
            Rejects::In(folder) if !dry_run => Some(free_name(folder, name)),
            Rejects::In(_) | Rejects::None => None,
        };
        let made = target.as_deref().map(make).transpose()?;
        Ok(Self { target, made: Mutex::new(made) })
    }

    pub(super) const fn is_wanted(&self) -> bool {
        self.target.is_some()
    }

    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.as_mut().map_or(Ok(()), |made| {
            made.holds_rows = true;
            made.file.write_all(bytes)
        })
    }

    /// Names the file, if there was anything to write.
    ///
    /// # Errors
    /// The file cannot be written, or another one took its name meanwhile.
    pub(super) fn finish(self) -> Result<Option<PathBuf>, WriteFailed> {
        let made = self.made.into_inner().unwrap_or_else(PoisonError::into_inner);
        match (made.filter(|made| made.holds_rows), self.target) {
            (Some(made), Some(target)) => {
                made.file.finish(&target, Existing::Refuse)?;
                Ok(Some(target))
            }
            _ => Ok(None),
        }
    }
}

fn make(target: &Path) -> Result<Made, WriteFailed> {
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    let file = DurableFile::create(folder.unwrap_or(Path::new(".")), Access::OwnerOnly)?;
    Ok(Made { file, holds_rows: false })
}

/// `成果.xlsx` and `成果-rejected.csv` both lead to `成果-rejected.csv`, or with the next number that is free.
fn free_name(folder: &Path, name: &str) -> PathBuf {
    let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy();
    let unnumbered = stem.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-');
    let stem = unnumbered.strip_suffix(MARK).or_else(|| stem.strip_suffix(MARK)).unwrap_or(&stem);
    let extension = if is_table(name) { "csv" } else { "jsonl" };
    let named = |number: u64| match number {
        1 => folder.join(format!("{stem}{MARK}.{extension}")),
        _ => folder.join(format!("{stem}{MARK}-{number}.{extension}")),
    };
    (1_u64..).map(named).find(|path| !path.exists()).unwrap_or_else(|| named(1))
}

/// Rows of other files come back as JSON Lines.
fn is_table(name: &str) -> bool {
    let extension = Path::new(name).extension().map(|extension| extension.to_string_lossy().to_lowercase());
    !extension.is_some_and(|extension| ["jsonl", "ndjson", "json", "xml"].contains(&extension.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_written_ends_the_import_before_it_begins() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = Rejects::In(folder.path().join("nowhere"));
        assert!(matches!(RejectFile::new(&nowhere, "a.csv", false), Err(CommandFailed::Write(_))));
        let unused = RejectFile::new(&Rejects::In(folder.path().to_owned()), "a.csv", false).unwrap();
        assert_eq!(unused.finish().unwrap(), None);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_name_follows_the_file_and_never_that_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let name =
            |file: &str| free_name(folder.path(), file).file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(name("成果.xlsx"), "成果-rejected.csv");
        assert_eq!(name("成果-2024.csv"), "成果-2024-rejected.csv");
        assert_eq!(name("records.JSONL"), "records-rejected.jsonl");
        std::fs::write(folder.path().join("成果-rejected.csv"), "").unwrap();
        for file in ["成果.csv", "成果-rejected.csv", "成果-rejected-7.csv"] {
            assert_eq!(name(file), "成果-rejected-2.csv", "{file}");
        }
    }
}
