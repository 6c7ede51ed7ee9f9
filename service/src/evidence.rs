//! The evidence folder: files named by the SHA-256 of their content.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use safeharbor_core::digest::Digest;
use sha2::{Digest as _, Sha256};

use crate::durable_file::{Access, DurableFile, Existing, WriteFailed, create_folders_durably};

/// Evidence could not be kept or had.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceFailed {
    /// The file is larger than is kept.
    #[error("a piece of evidence has at most {max} bytes")]
    TooLong {
        /// The limit of this folder.
        max: u64,
    },
    /// Nothing of that digest is kept.
    #[error("there is no evidence {digest}")]
    Missing {
        /// What was asked for.
        digest: Digest,
    },
    /// The file is not what it was.
    #[error("the evidence {digest} was changed on disk: its content has digest {found}")]
    Changed {
        /// What was asked for.
        digest: Digest,
        /// What is there.
        found: Digest,
    },
    /// What was to be kept, or what is kept, cannot be read.
    #[error("cannot read evidence")]
    Read(#[source] io::Error),
    /// The folder cannot be written.
    #[error("cannot keep evidence")]
    Write(#[source] WriteFailed),
    /// The folder cannot be made.
    #[error("cannot make the folder {}", path.display())]
    Folder {
        /// Which folder.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

/// A folder of files that are found by their content's SHA-256: `ab/abcd…` in hexadecimal.
#[derive(Debug)]
pub struct Evidence {
    folder: PathBuf,
    bytes_max: u64,
}

impl Evidence {
    /// The evidence in `folder`, which is made if missing; nothing longer than `bytes_max` is kept.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn open(folder: &Path, bytes_max: u64) -> Result<Self, EvidenceFailed> {
        let evidence = Self { folder: folder.to_owned(), bytes_max };
        evidence.make(folder)?;
        Ok(evidence)
    }

    /// Keeps whatever `content` yields; durable on return. The same content is kept once.
    ///
    /// # Errors
    /// It is too long, or cannot be read or written; nothing is kept then.
    pub fn put(&self, content: impl Read) -> Result<Digest, EvidenceFailed> {
        let mut file = DurableFile::create(&self.folder, Access::OwnerOnly).map_err(EvidenceFailed::Write)?;
        let digest = self.copy(content, &mut |chunk| file.write_all(chunk))?;
        let path = self.path(digest);
        self.make(path.parent().unwrap_or(&self.folder))?;
        // Replacing heals a file that was changed on disk.
        file.finish(&path, Existing::Replace).map_err(EvidenceFailed::Write)?;
        Ok(digest)
    }

    /// Loads a piece of evidence, with its digest computed anew.
    ///
    /// # Errors
    /// It is not there, cannot be read, or is not what it was.
    pub fn load(&self, digest: Digest) -> Result<Vec<u8>, EvidenceFailed> {
        let file = File::open(self.path(digest)).map_err(|failed| {
            if failed.kind() == io::ErrorKind::NotFound {
                EvidenceFailed::Missing { digest }
            } else {
                EvidenceFailed::Read(failed)
            }
        })?;
        let mut content = Vec::new();
        let found = self.copy(file, &mut |chunk| {
            content.extend_from_slice(chunk);
            Ok(())
        })?;
        if found == digest { Ok(content) } else { Err(EvidenceFailed::Changed { digest, found }) }
    }

    /// Whether something of that digest is kept; its content is not looked at.
    #[must_use]
    pub fn holds(&self, digest: Digest) -> bool {
        self.path(digest).is_file()
    }

    /// Where a piece of evidence is or would be.
    #[must_use]
    pub fn path(&self, digest: Digest) -> PathBuf {
        let hex: String = digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let first_two: String = hex.chars().take(2).collect();
        self.folder.join(first_two).join(hex)
    }

    fn make(&self, folder: &Path) -> Result<(), EvidenceFailed> {
        create_folders_durably(folder)
            .map_err(|source| EvidenceFailed::Folder { path: folder.to_owned(), source })
    }

    fn copy(
        &self,
        content: impl Read,
        write: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<Digest, EvidenceFailed> {
        let mut content = content.take(self.bytes_max.saturating_add(1));
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 64 * 1024];
        let mut total = 0_u64;
        loop {
            let read = match content.read(&mut buffer) {
                Ok(0) => return Ok(Digest::from_bytes(hasher.finalize().into())),
                Ok(read) => read,
                Err(failed) if failed.kind() == io::ErrorKind::Interrupted => continue,
                Err(failed) => return Err(EvidenceFailed::Read(failed)),
            };
            total = total.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            if total > self.bytes_max {
                return Err(EvidenceFailed::TooLong { max: self.bytes_max });
            }
            let chunk = buffer.get(..read).unwrap_or_default();
            hasher.update(chunk);
            write(chunk).map_err(EvidenceFailed::Read)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence() -> (tempfile::TempDir, Evidence) {
        let folder = tempfile::tempdir().unwrap();
        let evidence = Evidence::open(&folder.path().join("evidence"), 100_000).unwrap();
        (folder, evidence)
    }

    #[test]
    fn evidence_is_found_by_its_digest() {
        let (_folder, evidence) = evidence();
        let content = vec![7; 100_000];
        let digest = evidence.put(content.as_slice()).unwrap();
        assert_eq!(digest, Digest::of(&content));
        assert_eq!(evidence.put(content.as_slice()).unwrap(), digest);
        assert!(evidence.holds(digest));
        assert_eq!(evidence.load(digest).unwrap(), content);
        let absent = evidence.load(Digest::of(b"absent"));
        assert!(matches!(absent, Err(EvidenceFailed::Missing { .. })));
    }

    #[test]
    fn evidence_changed_on_disk_is_refused_and_healed_by_putting_it_again() {
        let (_folder, evidence) = evidence();
        let digest = evidence.put(&b"appraisal"[..]).unwrap();
        std::fs::write(evidence.path(digest), b"appraisel").unwrap();
        assert!(matches!(evidence.load(digest), Err(EvidenceFailed::Changed { .. })));
        evidence.put(&b"appraisal"[..]).unwrap();
        assert_eq!(evidence.load(digest).unwrap(), b"appraisal");
    }

    #[test]
    fn too_long_evidence_leaves_nothing_behind() {
        let (folder, evidence) = evidence();
        let refused = evidence.put(vec![0; 100_001].as_slice());
        assert!(matches!(refused, Err(EvidenceFailed::TooLong { max: 100_000 })));
        assert_eq!(std::fs::read_dir(folder.path().join("evidence")).unwrap().count(), 0);
    }
}
