//! The section `[backup]` of both servers' settings.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Where and how often backups are made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The folder they are written to, below the data folder unless absolute.
    pub folder: PathBuf,
    /// Hours between two of them; 0 makes none by itself.
    pub every_h: u64,
    /// How many are kept.
    pub keep: usize,
}

impl Settings {
    /// Where the backups of the data folder `data` are.
    #[must_use]
    pub fn folder_of(&self, data: &Path) -> PathBuf {
        data.join(&self.folder)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { folder: PathBuf::from("backups"), every_h: 24, keep: 14 }
    }
}
