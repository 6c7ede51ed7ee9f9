//! The file of rejected rows: made when there is the first, never in the place of another, readable by its owner alone.

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
    file: Mutex<Option<DurableFile>>,
}

impl RejectFile {
    /// Settles where rejected rows of the file `name` go.
    ///
    /// # Errors
    /// The file that was named is there already.
    pub(super) fn new(rejects: &Rejects, name: &str, dry_run: bool) -> Result<Self, CommandFailed> {
        let target = match rejects {
            Rejects::Into(path) if path.exists() => return Err(CommandFailed::RejectsExist(path.clone())),
            Rejects::Into(path) => Some(path.clone()),
            Rejects::In(folder) if !dry_run => Some(free_name(folder, name)),
            Rejects::In(_) | Rejects::None => None,
        };
        Ok(Self { target, file: Mutex::new(None) })
    }

    pub(super) const fn is_wanted(&self) -> bool {
        self.target.is_some()
    }

    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let Some(target) = &self.target else { return Ok(()) };
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_none() {
            let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
            let created = DurableFile::create(folder.unwrap_or(Path::new(".")), Access::OwnerOnly);
            *file = Some(created.map_err(|failed| failed.source)?);
        }
        file.as_mut().map_or(Ok(()), |file| file.write_all(bytes))
    }

    /// Names the file, if there was anything to write.
    ///
    /// # Errors
    /// The file cannot be written, or another one took its name meanwhile.
    pub(super) fn finish(self) -> Result<Option<PathBuf>, WriteFailed> {
        let file = self.file.into_inner().unwrap_or_else(PoisonError::into_inner);
        match (file, self.target) {
            (Some(file), Some(target)) => {
                file.finish(&target, Existing::Refuse)?;
                Ok(Some(target))
            }
            _ => Ok(None),
        }
    }
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
