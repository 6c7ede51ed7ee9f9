//! Why a backup was not made, is not believed, or was not restored.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use super::book::BookFailed;
use super::content::NameRefused;
use super::key::KeyFailed;
use crate::audit::AuditFailed;
use crate::durable_file::WriteFailed;
use crate::folder::{OpenFolderFailed, Role};
use crate::store::StoreFailed;

/// A backup was not made; those made before stay.
#[derive(Debug, thiserror::Error)]
pub enum MakeFailed {
    /// The key cannot be had.
    #[error("the backup has no key")]
    Key(#[from] KeyFailed),
    /// The store cannot be copied.
    #[error("the store cannot be copied")]
    Store(#[from] StoreFailed),
    /// A file or folder cannot be read or written.
    #[error("cannot {step} {}", path.display())]
    Io {
        /// What was being done.
        step: &'static str,
        /// To what.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A file has a name that cannot be in a backup; give it another one, without `:` or `\` and of at most 100 bytes.
    #[error("a file cannot be kept under its name; rename it")]
    Name(#[from] NameRefused),
    /// A file kept changing.
    #[error("{name} changed while it was copied")]
    Changed {
        /// Which.
        name: String,
    },
    /// The server was told to end; the next backup begins anew.
    #[error("the server is ending; no backup was made")]
    Ending,
    /// There is one of that name.
    #[error("{} exists already", path.display())]
    Exists {
        /// Which.
        path: PathBuf,
    },
    /// The server cannot say how far its files go.
    #[error("what is to be copied cannot be told")]
    Bounds(#[source] Box<dyn Error + Send + Sync>),
    /// It cannot be encrypted.
    #[error("the backup cannot be encrypted")]
    Encrypt(#[source] age::EncryptError),
    /// The manifest cannot be written.
    #[error("the manifest cannot be written")]
    Manifest(#[source] serde_json::Error),
    /// What was written is not what is read back; the file was removed.
    #[error("the backup was written and does not read back; look at the disk it is on")]
    ReadBack(#[source] ReadFailed),
    /// What was made cannot be noted.
    #[error(transparent)]
    Book(#[from] BookFailed),
    /// The backup was made, and the audit log does not say so.
    #[error("the backup was made, and cannot be noted in the audit log")]
    Audit(#[from] AuditFailed),
}

/// A file is no whole backup, or not for this key.
#[derive(Debug, thiserror::Error)]
pub enum ReadFailed {
    /// It cannot be read to the end, or what is read is not what was encrypted: it is cut short or changed.
    #[error("the backup cannot be read to its end: it is damaged, cut short, or the disk fails")]
    Io(#[source] io::Error),
    /// It does not begin as an encrypted file.
    #[error("this is not a backup: it does not begin as a file encrypted with age")]
    NotEncrypted,
    /// The key does not open it.
    #[error("the key does not open the backup: it was made with another key, or was changed")]
    Decrypt(#[source] age::DecryptError),
    /// It does not begin with a manifest.
    #[error("the backup does not begin with a manifest that can be understood")]
    Manifest(#[source] serde_json::Error),
    /// A later version of the program made it.
    #[error("the backup has format {found}; this program reads formats up to {known}: use a newer one")]
    Newer {
        /// Its number.
        found: u32,
        /// The last number known here.
        known: u32,
    },
    /// It is the other server's.
    #[error("this is a backup of a {found}, not of a {wanted}")]
    OtherRole {
        /// Whose it is.
        found: Role,
        /// Whose it should be.
        wanted: Role,
    },
    /// It holds what no backup of this server holds.
    #[error(transparent)]
    Name(#[from] NameRefused),
    /// A member is not the file that the manifest has in its place.
    #[error("{name} in the backup is not what its manifest says: {reason}")]
    Member {
        /// Which.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// What was read cannot be put where it should go.
    #[error("{name} cannot be taken out of the backup")]
    Take {
        /// Which.
        name: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Nothing was restored; the folder is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreFailed {
    /// The backup is not believed.
    #[error(transparent)]
    Read(#[from] ReadFailed),
    /// The folder is in use or holds something.
    #[error("{} is not empty: a backup is restored into an empty or a missing folder only", path.display())]
    NotEmpty {
        /// Which.
        path: PathBuf,
    },
    /// The folder is where another disk begins, so that nothing can take its place in one step.
    #[error("{} is a mount point: name a folder below it", path.display())]
    MountPoint {
        /// Which.
        path: PathBuf,
    },
    /// The folder cannot be set up.
    #[error("the folder cannot be set up")]
    Folder(#[from] OpenFolderFailed),
    /// A file or folder cannot be written.
    #[error("cannot {step} {}", path.display())]
    Io {
        /// What was being done.
        step: &'static str,
        /// To what.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteFailed),
    /// What is known about backups cannot be written.
    #[error(transparent)]
    Book(#[from] BookFailed),
    /// The store cannot be filled.
    #[error("the store cannot be filled")]
    Store(#[from] StoreFailed),
    /// The restored folder cannot be told what it must know.
    #[error("the backup is whole, and still cannot be put to use")]
    Finish(#[source] Box<dyn Error + Send + Sync>),
}
