//! Data folders: one server's role, format number and exclusive use.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use crate::durable_file::write_durably;
use crate::durable_file::{WriteFailed, sync_folder};

/// The number of the layout this program writes and reads.
pub const FORMAT: u32 = 1;

const FORMAT_FILE: &str = "format";
const LOCK_FILE: &str = "lock";

/// Which server a folder belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A university's node.
    Node,
    /// The district hub.
    Hub,
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Node => "node",
            Self::Hub => "hub",
        })
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Format {
    role: Role,
    format: u32,
}

/// A data folder could not be taken into use.
#[derive(Debug, thiserror::Error)]
pub enum OpenFolderFailed {
    /// There is no such folder, or none that was set up.
    #[error("{} is not a data folder: it has no file \"{FORMAT_FILE}\"", path.display())]
    NotADataFolder {
        /// Which folder.
        path: PathBuf,
    },
    /// Something else is in the folder.
    #[error("{} is not empty and not a data folder; name an empty or a missing folder", path.display())]
    NotEmpty {
        /// Which folder.
        path: PathBuf,
    },
    /// The folder was set up before.
    #[error("{} is set up already", path.display())]
    SetUpAlready {
        /// Which folder.
        path: PathBuf,
    },
    /// The folder belongs to the other server.
    #[error("{} is the data folder of a {found}, not of a {wanted}", path.display())]
    OtherRole {
        /// Which folder.
        path: PathBuf,
        /// The role in its format file.
        found: Role,
        /// The role of this program.
        wanted: Role,
    },
    /// A later version of the program wrote it.
    #[error("{} has format {found}; this program knows formats up to {FORMAT}: use a newer one", path.display())]
    NewerFormat {
        /// Which folder.
        path: PathBuf,
        /// The number in its format file.
        found: u32,
    },
    /// The format file says nothing.
    #[error("{} cannot be understood", path.display())]
    BadFormatFile {
        /// Which file.
        path: PathBuf,
        /// Where it stops making sense.
        #[source]
        source: serde_json::Error,
    },
    /// Others than the owner have access.
    #[error("{} is open to others (mode {mode:03o}); run: chmod 700 {}", path.display(), path.display())]
    OpenToOthers {
        /// Which folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Another process uses the folder.
    #[error("{} is in use by {holder}", path.display())]
    InUse {
        /// Which folder.
        path: PathBuf,
        /// What the holder wrote about itself: `process <pid>`.
        holder: String,
    },
    /// The operating system refused.
    #[error("cannot {step} {}", path.display())]
    Io {
        /// What was being done.
        step: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The format file could not be written.
    #[error("the folder cannot be set up")]
    Write(#[source] WriteFailed),
}

/// A data folder that this process holds alone; let go when dropped or when the process ends.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    role: Role,
    _lock: File,
}

impl DataFolder {
    /// Sets up a missing or empty folder (mode 0700) and takes it into use.
    ///
    /// # Errors
    /// The folder is set up already, holds something else, or cannot be written.
    pub fn create(path: &Path, role: Role) -> Result<Self, OpenFolderFailed> {
        let failed = |step| move |source| OpenFolderFailed::Io { step, path: path.to_owned(), source };
        if path.join(FORMAT_FILE).exists() {
            return Err(OpenFolderFailed::SetUpAlready { path: path.to_owned() });
        }
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed("create"))?;
        refuse_foreign_content(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).map_err(failed("protect"))?;
        let lock = take_lock(path)?;
        write_format(path, role)?;
        if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
            sync_folder(above).map_err(failed("make durable the name of"))?;
        }
        Ok(Self { path: path.to_owned(), role, _lock: lock })
    }

    /// Takes a folder that was set up for `role` into use.
    ///
    /// # Errors
    /// It is not a data folder, belongs to the other role, has a later format, is open to others or in use.
    pub fn open(path: &Path, role: Role) -> Result<Self, OpenFolderFailed> {
        verify_format(path, role)?;
        verify_mode(path)?;
        let lock = take_lock(path)?;
        Ok(Self { path: path.to_owned(), role, _lock: lock })
    }

    /// [`DataFolder::open`] for a folder that is set up, [`DataFolder::create`] for any other.
    ///
    /// # Errors
    /// As those.
    pub fn open_or_create(path: &Path, role: Role) -> Result<Self, OpenFolderFailed> {
        if is_set_up(path) { Self::open(path, role) } else { Self::create(path, role) }
    }

    /// Where the folder is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whose folder it is.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The path of something in the folder.
    #[must_use]
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }
}

/// Whether `path` was set up as a data folder, by either server.
#[must_use]
pub fn is_set_up(path: &Path) -> bool {
    path.join(FORMAT_FILE).exists()
}

/// A `lock` file alone is what an interrupted set-up leaves; `settings.toml` may be put there beforehand.
fn refuse_foreign_content(path: &Path) -> Result<(), OpenFolderFailed> {
    let failed = |source| OpenFolderFailed::Io { step: "list", path: path.to_owned(), source };
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let ours = name == LOCK_FILE || name == "settings.toml" || crate::durable_file::is_unfinished(&name);
        if !ours {
            return Err(OpenFolderFailed::NotEmpty { path: path.to_owned() });
        }
    }
    Ok(())
}

fn write_format(path: &Path, role: Role) -> Result<(), OpenFolderFailed> {
    let file = path.join(FORMAT_FILE);
    let mut bytes = serde_json::to_vec(&Format { role, format: FORMAT })
        .map_err(|source| OpenFolderFailed::BadFormatFile { path: file.clone(), source })?;
    bytes.push(b'\n');
    write_durably(&file, &bytes).map_err(OpenFolderFailed::Write)
}

fn verify_format(path: &Path, wanted: Role) -> Result<(), OpenFolderFailed> {
    let file = path.join(FORMAT_FILE);
    let bytes = std::fs::read(&file).map_err(|source| {
        if source.kind() == io::ErrorKind::NotFound {
            OpenFolderFailed::NotADataFolder { path: path.to_owned() }
        } else {
            OpenFolderFailed::Io { step: "read", path: file.clone(), source }
        }
    })?;
    let found: Format = serde_json::from_slice(&bytes)
        .map_err(|source| OpenFolderFailed::BadFormatFile { path: file, source })?;
    if found.role != wanted {
        return Err(OpenFolderFailed::OtherRole { path: path.to_owned(), found: found.role, wanted });
    }
    if found.format > FORMAT {
        return Err(OpenFolderFailed::NewerFormat { path: path.to_owned(), found: found.format });
    }
    Ok(())
}

fn verify_mode(path: &Path) -> Result<(), OpenFolderFailed> {
    let metadata = std::fs::metadata(path).map_err(|source| OpenFolderFailed::Io {
        step: "inspect",
        path: path.to_owned(),
        source,
    })?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(OpenFolderFailed::OpenToOthers { path: path.to_owned(), mode })
    }
}

fn take_lock(path: &Path) -> Result<File, OpenFolderFailed> {
    let file = path.join(LOCK_FILE);
    let failed = |step| {
        let path = file.clone();
        move |source| OpenFolderFailed::Io { step, path, source }
    };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let mut lock = options.open(&file).map_err(failed("open"))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let holder = read_holder(&mut lock);
            return Err(OpenFolderFailed::InUse { path: path.to_owned(), holder });
        }
        Err(TryLockError::Error(source)) => return Err(failed("lock")(source)),
    }
    lock.set_len(0).map_err(failed("write"))?;
    writeln!(lock, "process {}", std::process::id()).map_err(failed("write"))?;
    Ok(lock)
}

/// The holder writes its line just after it locked; until then nothing is known of it.
fn read_holder(lock: &mut File) -> String {
    let mut line = String::new();
    match lock.take(64).read_to_string(&mut line) {
        Ok(read) if read > 0 => line.trim_end().to_owned(),
        Ok(_) | Err(_) => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_opens_again_for_the_same_role_only() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("data");
        drop(DataFolder::create(&path, Role::Node).unwrap());
        drop(DataFolder::open(&path, Role::Node).unwrap());
        let refused = DataFolder::open(&path, Role::Hub).unwrap_err();
        assert!(refused.to_string().ends_with("is the data folder of a node, not of a hub"), "{refused}");
        assert!(matches!(DataFolder::create(&path, Role::Node), Err(OpenFolderFailed::SetUpAlready { .. })));
    }

    #[test]
    fn the_second_holder_is_told_who_the_first_is() {
        let base = tempfile::tempdir().unwrap();
        let _held = DataFolder::open_or_create(base.path(), Role::Hub).unwrap();
        let refused = DataFolder::open_or_create(base.path(), Role::Hub).unwrap_err();
        let expected = format!("is in use by process {}", std::process::id());
        assert!(refused.to_string().ends_with(&expected), "{refused}");
    }

    #[test]
    fn a_folder_of_a_later_format_is_refused() {
        let base = tempfile::tempdir().unwrap();
        drop(DataFolder::create(base.path(), Role::Hub).unwrap());
        std::fs::write(base.path().join("format"), r#"{"role":"hub","format":2}"#).unwrap();
        let refused = DataFolder::open(base.path(), Role::Hub);
        assert!(matches!(refused, Err(OpenFolderFailed::NewerFormat { found: 2, .. })));
    }

    #[test]
    fn a_folder_with_something_else_in_it_is_left_alone() {
        let base = tempfile::tempdir().unwrap();
        std::fs::write(base.path().join("thesis.docx"), "").unwrap();
        let refused = DataFolder::create(base.path(), Role::Node);
        assert!(matches!(refused, Err(OpenFolderFailed::NotEmpty { .. })));
        assert!(matches!(
            DataFolder::open(base.path(), Role::Node),
            Err(OpenFolderFailed::NotADataFolder { .. })
        ));
    }

    #[test]
    fn a_folder_is_closed_to_others() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("data");
        drop(DataFolder::create(&path, Role::Node).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let refused = DataFolder::open(&path, Role::Node);
        assert!(matches!(refused, Err(OpenFolderFailed::OpenToOthers { mode: 0o755, .. })));
    }
}
