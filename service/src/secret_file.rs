//! Files that only their owner may read: private keys of every form.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::durable_file::{self, Access, Existing, WriteFailed};

/// No private key in any format we write is longer.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// A secret could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadSecretFailed {
    /// The file is missing or unreadable.
    #[error("cannot read the secret file {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Others than the owner have access.
    #[error("{} is open to others (mode {mode:03o}); run: chmod 600 {}", path.display(), path.display())]
    OpenToOthers {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is longer than any secret.
    #[error("{} is longer than {SECRET_BYTES_MAX} bytes", path.display())]
    TooLong {
        /// Which file.
        path: PathBuf,
    },
}

/// Writes a secret under a name that is not taken; mode 0600.
///
/// # Errors
/// The file exists (it is left alone) or cannot be written.
pub fn create(path: &Path, secret: &[u8]) -> Result<(), WriteFailed> {
    durable_file::write(path, secret, Access::OwnerOnly, Existing::Refuse)
}

/// Writes a secret in place of an older one; mode 0600.
///
/// # Errors
/// The file cannot be written; the older secret then stays.
pub fn replace(path: &Path, secret: &[u8]) -> Result<(), WriteFailed> {
    durable_file::write(path, secret, Access::OwnerOnly, Existing::Replace)
}

/// Loads a secret that nobody but the owner can read; wiped on drop.
///
/// # Errors
/// The file is unreadable, open to others, or longer than 64 KiB.
pub fn load(path: &Path) -> Result<Zeroizing<Vec<u8>>, LoadSecretFailed> {
    let failed = |source| LoadSecretFailed::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(LoadSecretFailed::OpenToOthers { path: path.to_owned(), mode });
    }
    // Room for all of it at once: a growing vector would leave copies of the secret behind.
    let mut secret =
        Zeroizing::new(Vec::with_capacity(usize::try_from(SECRET_BYTES_MAX).unwrap_or_default() + 1));
    let read = file.take(SECRET_BYTES_MAX + 1).read_to_end(&mut secret).map_err(failed)?;
    if u64::try_from(read).unwrap_or(u64::MAX) > SECRET_BYTES_MAX {
        return Err(LoadSecretFailed::TooLong { path: path.to_owned() });
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_round_trips_and_can_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tls.key");
        create(&path, b"one").unwrap();
        assert_eq!(load(&path).unwrap().as_slice(), b"one");
        assert!(create(&path, b"two").unwrap_err().already_exists());
        replace(&path, b"two").unwrap();
        assert_eq!(load(&path).unwrap().as_slice(), b"two");
    }

    #[test]
    fn a_secret_open_to_others_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tls.key");
        create(&path, b"one").unwrap();
        for mode in [0o640, 0o604, 0o660] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(load(&path), Err(LoadSecretFailed::OpenToOthers { .. })), "{mode:o}");
        }
    }

    #[test]
    fn a_file_longer_than_any_secret_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tls.key");
        create(&path, &[b'x'; 70_000]).unwrap();
        assert!(matches!(load(&path), Err(LoadSecretFailed::TooLong { .. })));
    }
}
