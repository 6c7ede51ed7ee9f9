//! The folder of catalogue versions in a node's data folder: the files of each, and which one is in use.

use std::io;
use std::path::PathBuf;

use safeharbor_core::digest::Digest;
use safeharbor_rules::{FileSet, FilesRefused};
use safeharbor_service::durable_file::{WriteFailed, create_folders_durably, write_durably};
use safeharbor_service::person::Person;
use serde::{Deserialize, Serialize};

use crate::layout::Layout;

/// Which version is used, and on whose word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// The version.
    pub cat: Digest,
    /// Who accepted it; nobody where it came with the program that was installed.
    pub person: Option<Person>,
    /// When, in milliseconds since 1970 UTC.
    pub at: u64,
}

/// Versions cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum ShelfFailed {
    /// A file cannot be read.
    #[error("{} cannot be read; restore the data folder from a backup", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteFailed),
    /// The folder cannot be made.
    #[error("{} cannot be made", folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is not what was written.
    #[error("{} is damaged; restore the data folder from a backup", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
    },
    /// A file does not hold the files of a catalogue.
    #[error("{} does not hold a catalogue version; restore the data folder from a backup", path.display())]
    Files {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: FilesRefused,
    },
}

/// The folder `catalogue/`.
#[derive(Debug, Clone)]
pub struct Shelf(PathBuf);

impl Shelf {
    /// The shelf of a data folder.
    #[must_use]
    pub fn of(layout: &Layout) -> Self {
        Self(layout.catalogues())
    }

    /// Keeps the files of a version. Durable on return.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put(&self, files: &FileSet) -> Result<(), ShelfFailed> {
        self.make_folder()?;
        Ok(write_durably(&self.path(files.digest()), &files.encode())?)
    }

    /// The files of a version, if it is there.
    ///
    /// # Errors
    /// The file cannot be read, or holds another version.
    pub fn get(&self, cat: Digest) -> Result<Option<FileSet>, ShelfFailed> {
        let path = self.path(cat);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(ShelfFailed::Read { path, source }),
        };
        match FileSet::decode(&bytes) {
            Ok(files) if files.digest() == cat => Ok(Some(files)),
            Ok(_) => Err(ShelfFailed::Damaged { path }),
            Err(source) => Err(ShelfFailed::Files { path, source }),
        }
    }

    /// The versions there are, in no order that means anything.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&self) -> Result<Vec<Digest>, ShelfFailed> {
        let failed = |source| ShelfFailed::Read { path: self.0.clone(), source };
        let entries = match std::fs::read_dir(&self.0) {
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut cats = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            let name = name.to_str().and_then(|name| name.strip_suffix(".json"));
            cats.extend(name.and_then(|name| name.parse::<Digest>().ok()));
        }
        cats.sort_unstable();
        Ok(cats)
    }

    /// Which version is in use; none before a node was opened for the first time.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn in_use(&self) -> Result<Option<Acceptance>, ShelfFailed> {
        let path = self.in_use_path();
        match std::fs::read(&path) {
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ShelfFailed::Read { path, source }),
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).or(Err(ShelfFailed::Damaged { path })),
        }
    }

    /// Takes a version into use, whose files are there. Durable on return.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn use_it(&self, acceptance: &Acceptance) -> Result<(), ShelfFailed> {
        self.make_folder()?;
        let bytes =
            serde_json::to_vec(acceptance).or(Err(ShelfFailed::Damaged { path: self.in_use_path() }))?;
        Ok(write_durably(&self.in_use_path(), &bytes)?)
    }

    fn make_folder(&self) -> Result<(), ShelfFailed> {
        create_folders_durably(&self.0)
            .map_err(|source| ShelfFailed::Folder { folder: self.0.clone(), source })
    }

    fn path(&self, cat: Digest) -> PathBuf {
        self.0.join(format!("{cat}.json"))
    }

    fn in_use_path(&self) -> PathBuf {
        self.0.join("in-use")
    }
}

#[cfg(test)]
mod tests {
    use safeharbor_rules::Catalogue;

    use super::*;

    #[test]
    fn a_version_reads_back_and_a_damaged_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::of(&Layout::at(folder.path()));
        assert_eq!((shelf.list().unwrap(), shelf.in_use().unwrap()), (Vec::new(), None));
        let catalogue = Catalogue::embedded().unwrap();
        let cat = catalogue.digest();
        assert!(shelf.get(cat).unwrap().is_none());
        shelf.put(catalogue.file_set()).unwrap();
        shelf.use_it(&Acceptance { cat, person: None, at: 1 }).unwrap();
        assert_eq!(shelf.get(cat).unwrap().unwrap().digest(), cat);
        assert_eq!((shelf.list().unwrap(), shelf.in_use().unwrap().unwrap().cat), (vec![cat], cat));
        let path = folder.path().join(format!("catalogue/{cat}.json"));
        let text = std::fs::read_to_string(&path).unwrap().replacen("C3", "C0", 1);
        std::fs::write(&path, text).unwrap();
        assert!(matches!(shelf.get(cat), Err(ShelfFailed::Damaged { .. })));
        std::fs::write(&path, "[]").unwrap();
        assert!(matches!(shelf.get(cat), Err(ShelfFailed::Files { .. })));
    }
}
