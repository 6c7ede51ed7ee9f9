//! Files that only their owner may read: private keys of every form.
//!
//! A secret whose file is missing is taken from the credential of the file's name that systemd hands to the service
//! (`LoadCredential=` or `LoadCredentialEncrypted=`, systemd.exec(5)): `statement.key`, `statements.key`, `log.key`,
//! `tls.key`, `authority.key.pem`, `backup-identity` and the like. A file goes before a credential, because keys are renewed and
//! credentials are not.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::durable_file::{self, Access, Existing, WriteFailed, sync_folder};

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

/// Gives the secret at `from` the name `path` and wipes what had that name. After a crash `path` holds either.
///
/// # Errors
/// The file cannot be renamed, or the older secret not be overwritten: it has no name then.
pub fn take_place(from: &Path, path: &Path) -> Result<(), WriteFailed> {
    let failed = |step| move |source| WriteFailed { path: path.to_owned(), step, source };
    // Reached by no name after the rename.
    let older = match OpenOptions::new().write(true).open(path) {
        Ok(older) => Some(older),
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(failed("opening the older secret")(source)),
    };
    std::fs::rename(from, path).map_err(failed("naming the file"))?;
    sync_folder(path.parent().unwrap_or(Path::new("."))).map_err(failed("flushing the folder"))?;
    match older {
        Some(older) => overwrite(older).map_err(failed("wiping the older secret")),
        None => Ok(()),
    }
}

/// Overwrites a secret and removes it; one that is gone is no error. A disk that moves what is written may keep a copy all the same.
///
/// # Errors
/// It cannot be overwritten or removed.
pub fn wipe(path: &Path) -> Result<(), WriteFailed> {
    let failed = |step| move |source| WriteFailed { path: path.to_owned(), step, source };
    match OpenOptions::new().write(true).open(path) {
        Ok(file) => overwrite(file).map_err(failed("wiping the secret"))?,
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(failed("opening the secret")(source)),
    }
    std::fs::remove_file(path).map_err(failed("removing the file"))?;
    sync_folder(path.parent().unwrap_or(Path::new("."))).map_err(failed("flushing the folder"))
}

fn overwrite(mut file: File) -> io::Result<()> {
    let length = file.metadata()?.len().min(SECRET_BYTES_MAX);
    io::copy(&mut io::repeat(0).take(length), &mut file)?;
    file.sync_all()
}

/// Loads a secret that nobody but the owner can read, from its file or else from systemd; wiped on drop.
///
/// # Errors
/// The file is unreadable, open to others, or longer than 64 KiB.
pub fn load(path: &Path) -> Result<Zeroizing<Vec<u8>>, LoadSecretFailed> {
    load_from(path, credentials_folder().as_deref())
}

/// Whether there is such a secret, in a file or from systemd.
#[must_use]
pub fn exists(path: &Path) -> bool {
    path.exists() || credential_of(path, credentials_folder().as_deref()).is_some_and(|path| path.exists())
}

/// Whether others are kept out of some folder that leads to `path`; if not, only the file's own mode protects it.
#[must_use]
pub fn is_sheltered(path: &Path) -> bool {
    let mode = |folder: &Path| std::fs::metadata(folder).map(|metadata| metadata.permissions().mode());
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.ancestors().skip(1).any(|folder| mode(folder).is_ok_and(|mode| mode & 0o077 == 0))
}

/// Where systemd puts what it hands to this service.
#[expect(
    clippy::disallowed_methods,
    reason = "systemd tells the folder of a service's credentials in no other way"
)]
fn credentials_folder() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

fn credential_of(path: &Path, credentials: Option<&Path>) -> Option<PathBuf> {
    Some(credentials?.join(path.file_name()?))
}

fn load_from(path: &Path, credentials: Option<&Path>) -> Result<Zeroizing<Vec<u8>>, LoadSecretFailed> {
    match read(path, 0o077) {
        Err(LoadSecretFailed::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            let missing = || LoadSecretFailed::Read { path: path.to_owned(), source };
            match credential_of(path, credentials).filter(|credential| credential.exists()) {
                // Where access lists let the service's user in, the group's bits show their mask: only others count.
                Some(credential) => read(&credential, 0o007),
                None => Err(missing()),
            }
        }
        found => {
            if found.is_ok() && !is_sheltered(path) {
                tracing::warn!(path = %path.display(), "no folder above this secret is closed to others; run chmod 700 on one");
            }
            found
        }
    }
}

/// Reads a secret that none of `others` may read.
fn read(path: &Path, others: u32) -> Result<Zeroizing<Vec<u8>>, LoadSecretFailed> {
    let failed = |source| LoadSecretFailed::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & others != 0 {
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
    fn a_secret_without_a_file_comes_from_systemd_and_a_file_goes_first() {
        let (folder, credentials) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = folder.path().join("keys").join("tls.key");
        std::fs::create_dir(folder.path().join("keys")).unwrap();
        let credential = credentials.path().join("tls.key");
        let load = || load_from(&path, Some(credentials.path()));
        assert!(matches!(load(), Err(LoadSecretFailed::Read { path: named, .. }) if named == path));
        create(&credential, b"handed over").unwrap();
        std::fs::set_permissions(&credential, std::fs::Permissions::from_mode(0o440)).unwrap();
        assert_eq!(load().unwrap().as_slice(), b"handed over");
        std::fs::set_permissions(&credential, std::fs::Permissions::from_mode(0o404)).unwrap();
        assert!(matches!(load(), Err(LoadSecretFailed::OpenToOthers { .. })));
        create(&path, b"renewed").unwrap();
        assert_eq!(load().unwrap().as_slice(), b"renewed");
        // A file that is there and refused is not passed over.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(load(), Err(LoadSecretFailed::OpenToOthers { mode: 0o644, .. })));
    }

    #[test]
    fn a_closed_folder_above_shelters_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        std::fs::create_dir(&keys).unwrap();
        let check = |above: u32, mode: u32, sheltered: bool| {
            for (folder, mode) in [(folder.path(), above), (&keys, mode)] {
                std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).unwrap();
            }
            assert_eq!(is_sheltered(&keys.join("tls.key")), sheltered, "{above:o} {mode:o}");
        };
        check(0o700, 0o755, true);
        check(0o755, 0o700, true);
        check(0o755, 0o750, false);
    }

    #[test]
    fn a_file_longer_than_any_secret_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tls.key");
        create(&path, &[b'x'; 70_000]).unwrap();
        assert!(matches!(load(&path), Err(LoadSecretFailed::TooLong { .. })));
    }

    #[test]
    fn a_secret_takes_the_place_of_another_which_is_wiped() {
        let folder = tempfile::tempdir().unwrap();
        let [path, next, kept] = ["key", "key-next", "kept"].map(|name| folder.path().join(name));
        create(&path, b"before").unwrap();
        create(&next, b"after").unwrap();
        // Another name of the same file shows what becomes of it.
        std::fs::hard_link(&path, &kept).unwrap();
        take_place(&next, &path).unwrap();
        assert_eq!(load(&path).unwrap().as_slice(), b"after");
        assert!(!next.exists());
        assert_eq!(std::fs::read(&kept).unwrap(), [0; 6]);
        assert!(take_place(&next, &path).is_err(), "there is no next one any more");
        assert_eq!(load(&path).unwrap().as_slice(), b"after");
    }

    #[test]
    fn a_wiped_secret_is_gone_with_its_content_and_wiping_again_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let [path, kept] = ["key", "kept"].map(|name| folder.path().join(name));
        create(&path, b"secret").unwrap();
        std::fs::hard_link(&path, &kept).unwrap();
        wipe(&path).unwrap();
        wipe(&path).unwrap();
        assert!(!path.exists());
        assert_eq!(std::fs::read(&kept).unwrap(), [0; 6]);
    }
}
