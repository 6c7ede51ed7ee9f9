//! What was signed last: recorded by compare-and-set before the signature leaves the process.

use std::io;
use std::path::{Path, PathBuf};

use safeharbor_core::digest::Digest;
use safeharbor_service::durable_file::{WriteFailed, write_durably};

/// The largest (size, root) this hub ever set out to sign. It lives apart from tiles and backups: restoring a
/// backup must not roll it back.
#[derive(Debug)]
pub struct SigningState {
    path: PathBuf,
    last: Option<(u64, Digest)>,
}

/// The hub must not sign.
#[derive(Debug, thiserror::Error)]
pub enum SigningFailed {
    /// Signing this would contradict what was signed before.
    #[error("size {signed} was signed before with another root, or is larger than {asked}")]
    Inconsistent {
        /// The size signed before.
        signed: u64,
        /// The size that should be signed.
        asked: u64,
    },
    /// The record is unreadable: nothing is signed without it.
    #[error("the signing record {} is unreadable", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why, where the file system refused.
        #[source]
        source: Option<io::Error>,
    },
    /// The record is gone although checkpoints were published: signing could contradict them.
    #[error(
        "the signing record is missing although something was published: this folder is a copy or a backup; do not sign with it"
    )]
    Missing,
    /// The record is older than what is published.
    #[error(
        "the signing record is of {signed} entries, and a checkpoint of {published} is published: the record was rolled back or \
         is another folder's; put the newest one back"
    )]
    RolledBack {
        /// The size in the record.
        signed: u64,
        /// The size that is published.
        published: u64,
    },
    /// The record cannot be written.
    #[error("the signing record cannot be written")]
    Write(#[source] WriteFailed),
}

impl SigningState {
    /// Loads the record; where nothing was ever published it may be absent.
    ///
    /// # Errors
    /// The file is unreadable or malformed, or missing although `something_published`.
    pub fn load(path: &Path, something_published: bool) -> Result<Self, SigningFailed> {
        let unreadable = |source| SigningFailed::Unreadable { path: path.to_owned(), source };
        let last = match std::fs::read_to_string(path) {
            Ok(text) => Some(parse(&text).ok_or_else(|| unreadable(None))?),
            Err(source) if source.kind() == io::ErrorKind::NotFound && something_published => {
                return Err(SigningFailed::Missing);
            }
            Err(source) if source.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(unreadable(Some(source))),
        };
        Ok(Self { path: path.to_owned(), last })
    }

    /// The largest size recorded; 0 before the first.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.last.map_or(0, |(size, _)| size)
    }

    /// The root recorded for [`SigningState::size`].
    #[must_use]
    pub fn root(&self) -> Option<Digest> {
        self.last.map(|(_, root)| root)
    }

    /// Records that (size, root) is about to be signed; durable on return.
    ///
    /// # Errors
    /// A smaller size than recorded, or the same size with another root.
    pub fn record(&mut self, size: u64, root: Digest) -> Result<(), SigningFailed> {
        match self.last {
            Some(last) if last == (size, root) => return Ok(()),
            Some((signed, _)) if signed >= size => {
                return Err(SigningFailed::Inconsistent { signed, asked: size });
            }
            Some(_) | None => {}
        }
        write_durably(&self.path, format!("{size}\n{root}\n").as_bytes()).map_err(SigningFailed::Write)?;
        self.last = Some((size, root));
        Ok(())
    }
}

fn parse(text: &str) -> Option<(u64, Digest)> {
    let (size, root) = text.strip_suffix('\n')?.split_once('\n')?;
    Some((size.parse().ok()?, root.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_contradictory_is_ever_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signed");
        let mut state = SigningState::load(&path, false).unwrap();
        state.record(5, Digest::of(b"5")).unwrap();
        state.record(5, Digest::of(b"5")).unwrap();
        let mut again = SigningState::load(&path, true).unwrap();
        assert_eq!((again.size(), again.root()), (5, Some(Digest::of(b"5"))));
        assert!(again.record(5, Digest::of(b"other")).is_err());
        assert!(again.record(4, Digest::of(b"4")).is_err());
        again.record(6, Digest::of(b"6")).unwrap();
    }

    #[test]
    fn a_record_that_is_gone_forbids_signing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signed");
        assert!(matches!(SigningState::load(&path, true), Err(SigningFailed::Missing)));
    }

    #[test]
    fn an_unreadable_record_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signed");
        for bad in ["", "5\n", "x\ny\n"] {
            std::fs::write(&path, bad).unwrap();
            assert!(SigningState::load(&path, false).is_err(), "{bad:?}");
        }
    }
}
