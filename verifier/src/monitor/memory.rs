//! What a monitor remembers besides the audit: when it last saw the registry alive.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::input;
use crate::objection::{Fault, Objection};
use crate::output;

const FILE: &str = "seen.json";
const BYTES_MAX: usize = 4096;

/// Moments in seconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    /// When the registry last answered.
    pub(super) reached_at: u64,
    /// When witnesses, or else the server, say that the checkpoint was made; none where nobody says.
    pub(super) alive_at: Option<u64>,
}

impl Memory {
    pub(super) fn load(folder: &Path, now: u64) -> Result<Self, Objection> {
        let path = folder.join(FILE);
        match input::read_if_there(&path, BYTES_MAX)? {
            None => Ok(Self { reached_at: now, alive_at: None }),
            Some(bytes) => serde_json::from_slice(&bytes)
                .map_err(|failed| Fault::MemoryRefused(failed).in_file(path.display())),
        }
    }

    pub(super) fn store(&self, folder: &Path) -> Result<(), Objection> {
        let path = folder.join(FILE);
        let text = serde_json::to_vec(self)
            .map_err(|failed| Fault::MemoryRefused(failed).in_file(path.display()))?;
        output::write_durably(&path, &text)
    }
}
