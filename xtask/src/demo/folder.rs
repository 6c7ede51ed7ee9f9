//! The folder a demonstration leaves: what lies where, and that nothing else is overwritten.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use safeharbor_core::institution::InstitutionCode;

use crate::failure::Failure;

/// All that a demonstration makes in its folder.
const OWN: [&str; 7] = ["report.json", "registry", "hub", "nodes", "receipts", "fourth.invitation", "split"];

/// The folder of one demonstration; locked for as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    // Dropping the handle gives the lock back.
    _lock: File,
}

impl Folder {
    /// Empties the folder of an earlier demonstration, or makes it.
    ///
    /// # Errors
    /// It holds something that no demonstration made, or another demonstration runs in it.
    pub(super) fn prepare(root: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(root).map_err(Failure::file("make", root))?;
        let root = root.canonicalize().map_err(Failure::file("find", root))?;
        let lock = File::open(&root).map_err(Failure::file("open", &root))?;
        if lock.try_lock().is_err() {
            return Err(Failure::Usage(format!("another demonstration runs in {}", root.display())));
        }
        let found = entries(&root)?;
        if let Some(foreign) = found.iter().find(|path| !OWN.iter().any(|own| path.ends_with(own))) {
            let why = "holds something that no demonstration made; give an empty folder to --out";
            return Err(Failure::Usage(format!("{} {why}: {}", root.display(), foreign.display())));
        }
        for path in found {
            remove(&path)?;
        }
        let folder = Self { root, _lock: lock };
        for path in [folder.nodes(), folder.receipts()] {
            fs::create_dir(&path).map_err(Failure::file("make", &path))?;
        }
        Ok(folder)
    }

    /// The hub's data folder.
    pub(super) fn hub(&self) -> PathBuf {
        self.root.join("hub")
    }

    /// The data folder of one node.
    pub(super) fn node(&self, code: InstitutionCode) -> PathBuf {
        self.nodes().join(code.as_str())
    }

    /// An invitation for one more university.
    pub(super) fn invitation(&self) -> PathBuf {
        self.root.join("fourth.invitation")
    }

    /// The pieces of a file that was split by institution.
    pub(super) fn split(&self) -> PathBuf {
        self.root.join("split")
    }

    /// All receipts, each with its entry and statement.
    pub(super) fn receipts(&self) -> PathBuf {
        self.root.join("receipts")
    }

    /// The copy of the static log.
    pub(super) fn registry(&self) -> PathBuf {
        self.root.join("registry")
    }

    /// The numbers of the run.
    pub(super) fn report(&self) -> PathBuf {
        self.root.join("report.json")
    }

    /// The data folders of nodes.
    pub(super) fn nodes(&self) -> PathBuf {
        self.root.join("nodes")
    }

    /// Copies the hub's static log to where readers look for it.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub(super) fn publish_registry(&self) -> Result<(), Failure> {
        copy(&self.hub().join("registry"), &self.registry())
    }

    /// Removes what only the run itself needed.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub(super) fn tidy(&self) -> Result<(), Failure> {
        for path in [self.invitation(), self.split()] {
            if path.exists() {
                remove(&path)?;
            }
        }
        Ok(())
    }
}

/// The entries of a folder, sorted by name.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let read = fs::read_dir(folder).map_err(Failure::file("list", folder))?;
    let mut paths = Vec::new();
    for entry in read {
        paths.push(entry.map_err(Failure::file("list", folder))?.path());
    }
    paths.sort();
    Ok(paths)
}

fn remove(path: &Path) -> Result<(), Failure> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.map_err(Failure::file("remove", path))
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    if !from.is_dir() {
        return fs::copy(from, to).map(drop).map_err(Failure::file("copy", from));
    }
    fs::create_dir_all(to).map_err(Failure::file("make", to))?;
    for entry in entries(from)? {
        copy(&entry, &to.join(entry.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_an_earlier_run_is_emptied() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("report.json"), "{}").unwrap();
        fs::create_dir_all(root.path().join("hub/registry")).unwrap();
        let folder = Folder::prepare(root.path()).unwrap();
        assert!(!folder.report().exists() && !folder.hub().exists());
    }

    #[test]
    fn foreign_files_are_left_alone() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("thesis.tex"), "years of work").unwrap();
        let refused = Folder::prepare(root.path()).unwrap_err().to_string();
        assert!(refused.ends_with("thesis.tex"), "{refused}");
        assert!(root.path().join("thesis.tex").exists());
    }

    #[test]
    fn two_runs_do_not_share_a_folder() {
        let root = tempfile::tempdir().unwrap();
        let _first = Folder::prepare(root.path()).unwrap();
        let second = Folder::prepare(root.path()).unwrap_err().to_string();
        assert!(second.starts_with("another demonstration runs in"), "{second}");
    }

    #[test]
    fn the_registry_is_copied_whole() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::prepare(root.path()).unwrap();
        let tiles = folder.hub().join("registry/tile/0");
        fs::create_dir_all(&tiles).unwrap();
        fs::write(tiles.join("000"), "tile").unwrap();
        folder.publish_registry().unwrap();
        assert_eq!(fs::read_to_string(folder.registry().join("tile/0/000")).unwrap(), "tile");
    }
}
