//! Ed25519 private keys in files: one key, one use, one owner.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use safeharbor_core::b64;
use safeharbor_core::key::MemorySigner;
use zeroize::Zeroizing;

use crate::durable_file::WriteFailed;
use crate::random::{Random, RandomFailed};
use crate::secret_file::{self, LoadSecretFailed};

const HEADER: &str = "# Safe Harbour Gateway private key (Ed25519), use: ";

/// What a key signs; a key for one use is refused for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// Statements of an institution or of the hub.
    Statement,
    /// Cosignatures of checkpoints.
    Witness,
    /// Presentations of certificates (`cnf`).
    Presentation,
    /// Checkpoints of the registry.
    Log,
    /// The status list.
    StatusList,
}

impl KeyUse {
    /// The word in the file's first line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Statement => "statement",
            Self::Witness => "witness",
            Self::Presentation => "presentation",
            Self::Log => "log",
            Self::StatusList => "status-list",
        }
    }
}

impl fmt::Display for KeyUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A key could not be created.
#[derive(Debug, thiserror::Error)]
pub enum CreateKeyFailed {
    /// No randomness for a key.
    #[error("a {0} key needs random bytes")]
    Random(KeyUse, #[source] RandomFailed),
    /// The file is there already or cannot be written.
    #[error("the {0} key cannot be kept")]
    Write(KeyUse, #[source] WriteFailed),
}

/// A key could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadKeyFailed {
    /// The file cannot be had.
    #[error("the {0} key cannot be loaded")]
    Read(KeyUse, #[source] LoadSecretFailed),
    /// The file does not hold a key for this use.
    #[error("{} does not hold a {wanted} key", path.display())]
    NotThisKey {
        /// Which file.
        path: PathBuf,
        /// The use that was asked for.
        wanted: KeyUse,
    },
}

/// Makes a key, keeps it in a file of mode 0600 that did not exist, and hands it out.
///
/// # Errors
/// No randomness, the file exists (it is left alone), or it cannot be written.
pub fn create(path: &Path, key_use: KeyUse, random: &dyn Random) -> Result<MemorySigner, CreateKeyFailed> {
    let mut seed = Zeroizing::new([0_u8; 32]);
    random.fill(seed.as_mut_slice()).map_err(|source| CreateKeyFailed::Random(key_use, source))?;
    let encoded = Zeroizing::new(b64::encode_std(seed.as_slice()));
    let text = Zeroizing::new(format!("{HEADER}{key_use}\n{}\n", *encoded));
    secret_file::create(path, text.as_bytes()).map_err(|source| CreateKeyFailed::Write(key_use, source))?;
    Ok(MemorySigner::from_seed(&seed))
}

/// Loads a key that was made for `key_use`.
///
/// # Errors
/// The file is unreadable, open to others, not a key file, or a key for another use.
pub fn load(path: &Path, key_use: KeyUse) -> Result<MemorySigner, LoadKeyFailed> {
    let bytes = secret_file::load(path).map_err(|source| LoadKeyFailed::Read(key_use, source))?;
    let seed = decode(&bytes, key_use)
        .ok_or_else(|| LoadKeyFailed::NotThisKey { path: path.to_owned(), wanted: key_use })?;
    Ok(MemorySigner::from_seed(&seed))
}

/// Whether a file says of itself that it holds a key for `key_use`; its secret is not read.
#[must_use]
pub fn is_for(path: &Path, key_use: KeyUse) -> bool {
    let expected = format!("{HEADER}{key_use}\n");
    let mut found = vec![0; expected.len()];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut found));
    read.is_ok() && found == expected.as_bytes()
}

fn decode(bytes: &[u8], key_use: KeyUse) -> Option<Zeroizing<[u8; 32]>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let rest = text.strip_prefix(HEADER)?.strip_prefix(key_use.as_str())?.strip_prefix('\n')?;
    let decoded = Zeroizing::new(b64::decode_std(rest.strip_suffix('\n')?).ok()?);
    Some(Zeroizing::new(decoded.as_slice().try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use safeharbor_core::key::Signer as _;

    use super::*;
    use crate::random::SeededRandom;

    #[test]
    fn a_key_is_loaded_as_it_was_created() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("statement.key");
        let created = create(&path, KeyUse::Statement, &SeededRandom::from_seed(1)).unwrap();
        let loaded = load(&path, KeyUse::Statement).unwrap();
        assert_eq!(created.public_key(), loaded.public_key());
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# ") && text.lines().count() == 2, "one header and one line of base64");
    }

    #[test]
    fn a_key_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.key");
        let kept = create(&path, KeyUse::Log, &SeededRandom::from_seed(1)).unwrap();
        let refused = create(&path, KeyUse::Log, &SeededRandom::from_seed(2)).unwrap_err();
        assert!(matches!(refused, CreateKeyFailed::Write(KeyUse::Log, write) if write.already_exists()));
        assert_eq!(load(&path, KeyUse::Log).unwrap().public_key(), kept.public_key());
    }

    #[test]
    fn a_key_for_one_use_is_refused_for_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("witness.key");
        create(&path, KeyUse::Witness, &SeededRandom::from_seed(1)).unwrap();
        let refused = load(&path, KeyUse::Statement).unwrap_err();
        assert!(refused.to_string().ends_with("witness.key does not hold a statement key"), "{refused}");
    }

    #[test]
    fn a_file_says_what_its_key_is_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("witness.key");
        create(&path, KeyUse::Witness, &SeededRandom::from_seed(1)).unwrap();
        assert!(is_for(&path, KeyUse::Witness) && !is_for(&path, KeyUse::Statement));
        assert!(!is_for(&folder.path().join("none"), KeyUse::Witness));
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(decode(&bytes, KeyUse::Log).is_none());
        }
    }
}
