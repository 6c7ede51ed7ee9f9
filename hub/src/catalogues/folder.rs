//! Folders of catalogue files that people edit: read within the limits of a catalogue, and written out again.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use safeharbor_rules::{CATALOGUE_FILE_BYTES_MAX, FileSet, FilesRefused};
use safeharbor_service::durable_file::{WriteFailed, create_folders_durably, write_durably};

/// A folder cannot be read as a catalogue, or written as one.
#[derive(Debug, thiserror::Error)]
pub enum ReadFolderFailed {
    /// A folder or file cannot be read or made.
    #[error("{} cannot be read or made", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Something that is neither a file nor a folder, such as a link that leads elsewhere.
    #[error("{} is neither a file nor a folder: take it away", .0.display())]
    NeitherFileNorFolder(PathBuf),
    /// What is there is no catalogue's.
    #[error("{} does not hold the files of a catalogue", folder.display())]
    Files {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: FilesRefused,
    },
    /// The folder that is to be written is there.
    #[error("{} is there already: name another folder", .0.display())]
    Exists(PathBuf),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteFailed),
}

/// Reads all files of a folder but those whose name begins with a dot.
///
/// # Errors
/// A link, an unreadable file, or files that are none of a catalogue's.
pub fn read_folder(folder: &Path) -> Result<FileSet, ReadFolderFailed> {
    let mut files = FileSet::new();
    add_folder(folder, "", &mut files).map_err(|failed| match failed {
        AddFailed::Read(failed) => failed,
        AddFailed::Refused(source) => ReadFolderFailed::Files { folder: folder.to_owned(), source },
    })?;
    Ok(files)
}

enum AddFailed {
    Read(ReadFolderFailed),
    Refused(FilesRefused),
}

/// Paths have few parts, so that a deep folder ends in a refusal.
fn add_folder(folder: &Path, prefix: &str, files: &mut FileSet) -> Result<(), AddFailed> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| AddFailed::Read(ReadFolderFailed::Io { path, source })
    };
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let entry = entry.map_err(failed(folder))?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        let inner = format!("{prefix}{name}");
        let kind = entry.file_type().map_err(failed(&path))?;
        if kind.is_dir() {
            files.verify_path(&inner).map_err(AddFailed::Refused)?;
            add_folder(&path, &format!("{inner}/"), files)?;
        } else if kind.is_file() {
            let bytes = read_file(&path).map_err(failed(&path))?;
            files.add(inner, bytes).map_err(AddFailed::Refused)?;
        } else {
            return Err(AddFailed::Read(ReadFolderFailed::NeitherFileNorFolder(path)));
        }
    }
    Ok(())
}

/// One byte more than a file may have, so that a larger one is refused.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(CATALOGUE_FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes the files of a version to a folder that is not there yet.
///
/// # Errors
/// The folder is there, or something cannot be written.
pub fn write_folder(files: &FileSet, folder: &Path) -> Result<(), ReadFolderFailed> {
    if folder.exists() {
        return Err(ReadFolderFailed::Exists(folder.to_owned()));
    }
    for (path, bytes) in files.files() {
        let target = folder.join(path);
        if let Some(parent) = target.parent() {
            create_folders_durably(parent)
                .map_err(|source| ReadFolderFailed::Io { path: parent.to_owned(), source })?;
        }
        write_durably(&target, bytes)?;
    }
    Ok(())
}
