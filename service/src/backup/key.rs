//! The key that opens backups: an identity of `age`, made at the first backup, kept beside the other keys.

use std::fmt;
use std::path::Path;

use age::secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use crate::durable_file::{WriteFailed, create_folders_durably};
use crate::secret_file::{self, LoadSecretFailed};

/// Where the key is in a data folder.
const PATH: &str = "keys/backup-identity";
const PREFIX: &str = "AGE-SECRET-KEY-1";

/// The identity that opens a server's backups. Whoever has it can read them all.
pub struct BackupKey(age::x25519::Identity);

/// There is no key to make or open a backup with.
#[derive(Debug, thiserror::Error)]
pub enum KeyFailed {
    /// The file cannot be had.
    #[error("the backup key cannot be loaded")]
    Load(#[from] LoadSecretFailed),
    /// The file holds no identity.
    #[error("{} does not hold an identity of age (a line AGE-SECRET-KEY-1…)", path.display())]
    NotAnIdentity {
        /// Which file.
        path: std::path::PathBuf,
    },
    /// The file cannot be written; it is left alone if it exists.
    #[error("the backup key cannot be written")]
    Write(#[from] WriteFailed),
    /// The folder of keys cannot be made.
    #[error("the folder of keys cannot be made")]
    Folder(#[source] std::io::Error),
}

impl BackupKey {
    /// Where the key of the data folder `data` is.
    #[must_use]
    pub fn path(data: &Path) -> std::path::PathBuf {
        data.join(PATH)
    }

    /// The key of a data folder; made, mode 0600, where there is none.
    ///
    /// # Errors
    /// It cannot be loaded or written.
    pub fn load_or_create(data: &Path) -> Result<Self, KeyFailed> {
        let path = Self::path(data);
        if secret_file::exists(&path) {
            return Self::load(&path);
        }
        create_folders_durably(path.parent().unwrap_or(data)).map_err(KeyFailed::Folder)?;
        let key = Self(age::x25519::Identity::generate());
        key.save(&path)?;
        Ok(key)
    }

    /// Loads a key from a file that only its owner can read.
    ///
    /// # Errors
    /// The file is unreadable, open to others, or holds no identity.
    pub fn load(path: &Path) -> Result<Self, KeyFailed> {
        let bytes = secret_file::load(path)?;
        parse(&bytes).map(Self).ok_or_else(|| KeyFailed::NotAnIdentity { path: path.to_owned() })
    }

    /// Writes the key to a file that does not exist, mode 0600, as the program `age` takes it.
    ///
    /// # Errors
    /// The file exists or cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), KeyFailed> {
        let secret = self.0.to_string();
        let text = Zeroizing::new(format!(
            "# Safe Harbour Gateway backup key (备份密钥): opens every backup; keep a copy elsewhere, under lock\n\
             # public key: {}\n{}\n",
            self.recipient(),
            secret.expose_secret()
        ));
        Ok(secret_file::create(path, text.as_bytes())?)
    }

    /// The public half, to which backups are encrypted: `age1…`.
    #[must_use]
    pub fn recipient(&self) -> String {
        self.0.to_public().to_string()
    }

    pub(super) fn public(&self) -> age::x25519::Recipient {
        self.0.to_public()
    }

    pub(super) const fn identity(&self) -> &age::x25519::Identity {
        &self.0
    }
}

/// The first identity in the lines of a file; lines with `#` are comments.
fn parse(bytes: &[u8]) -> Option<age::x25519::Identity> {
    let text = std::str::from_utf8(bytes).ok()?;
    text.lines().map(str::trim).find(|line| line.starts_with(PREFIX))?.parse().ok()
}

impl fmt::Debug for BackupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BackupKey({}, secret withheld)", self.recipient())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_saved_elsewhere() {
        let data = tempfile::tempdir().unwrap();
        let made = BackupKey::load_or_create(data.path()).unwrap();
        assert_eq!(BackupKey::load_or_create(data.path()).unwrap().recipient(), made.recipient());
        let mode = std::fs::metadata(BackupKey::path(data.path())).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let copy = data.path().join("copy");
        made.save(&copy).unwrap();
        assert_eq!(BackupKey::load(&copy).unwrap().recipient(), made.recipient());
        assert!(made.save(&copy).is_err(), "nothing is overwritten");
    }

    #[test]
    fn debug_shows_the_public_half_alone() {
        let data = tempfile::tempdir().unwrap();
        let key = BackupKey::load_or_create(data.path()).unwrap();
        let shown = format!("{key:?}");
        assert!(shown.contains(&key.recipient()) && !shown.contains(PREFIX), "{shown}");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), tail in "[ -~]{0,80}") {
            parse(&bytes);
            parse(format!("{PREFIX}{tail}").as_bytes());
        }
    }
}
