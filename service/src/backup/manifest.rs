//! The first member of a backup: whose it is, when it was made, and every file with its length and SHA-256.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::container::MEMBERS_MAX;
use super::content::Content;
use super::failure::ReadFailed;
use crate::folder::{self, Role};

/// The name of the first member.
pub const MANIFEST: &str = "manifest.json";
/// The number of the container's format.
pub(super) const FORMAT: u32 = 1;
/// Bytes of a manifest with as many files as there may be.
pub(super) const MANIFEST_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The container's format.
    pub format: u32,
    /// Which server's data folder it was made of.
    pub role: Role,
    /// The format of that data folder.
    pub folder_format: u32,
    /// Name and version of the program that made it.
    pub program: String,
    /// The institution's code, or the hub's name.
    pub owner: String,
    /// When it was begun, RFC 3339 in UTC.
    pub created_at: String,
    /// How much of what is in it, such as `rows` of the store.
    pub counts: BTreeMap<String, u64>,
    /// The members that follow, in their order.
    pub files: Vec<Item>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its name below the data folder.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal, as `sha256sum` prints it.
    pub sha256: String,
}

impl Manifest {
    /// Bytes of all files together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, item| sum.saturating_add(item.bytes))
    }

    /// Reads a manifest of a backup that a server may restore.
    ///
    /// # Errors
    /// It is malformed, of a later format, of the other server, or names what does not belong into a backup.
    pub(super) fn parse(bytes: &[u8], content: &Content) -> Result<Self, ReadFailed> {
        #[derive(Deserialize)]
        struct Numbers {
            format: u32,
        }
        let Numbers { format } = serde_json::from_slice(bytes).map_err(ReadFailed::Manifest)?;
        if format > FORMAT {
            return Err(ReadFailed::Newer { found: format, known: FORMAT });
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(ReadFailed::Manifest)?;
        if manifest.role != content.role {
            return Err(ReadFailed::OtherRole { found: manifest.role, wanted: content.role });
        }
        if manifest.folder_format > folder::FORMAT {
            return Err(ReadFailed::Newer { found: manifest.folder_format, known: folder::FORMAT });
        }
        let mut names = BTreeSet::new();
        for item in &manifest.files {
            content.verify_name(&item.name)?;
            if !names.insert(item.name.as_str()) {
                return Err(ReadFailed::Member { name: item.name.clone(), reason: "it is named twice" });
            }
        }
        if names.len() > MEMBERS_MAX {
            return Err(ReadFailed::Member { name: MANIFEST.to_owned(), reason: "it names too many files" });
        }
        Ok(manifest)
    }
}
