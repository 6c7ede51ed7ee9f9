//! The file that fetched records go to before they are imported: JSON Lines, open to its owner alone.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use safeharbor_interchange::import::FILE_BYTES_MAX;
use serde_json::{Map, Value};

/// Fetched records could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum SpoolFailed {
    /// The disk.
    #[error("fetched records cannot be written to {}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// More than an import takes.
    #[error(
        "the source holds more than {FILE_BYTES_MAX} bytes; fetch a part of it at a time (a set, a condition)"
    )]
    TooLarge,
}

/// A file being filled.
#[derive(Debug)]
pub(super) struct Spool {
    path: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
    rows: u64,
}

impl Spool {
    pub(super) fn create(path: &Path) -> Result<Self, SpoolFailed> {
        let failed = |source| SpoolFailed::Write { path: path.to_owned(), source };
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file), bytes: 0, rows: 0 })
    }

    pub(super) fn write(&mut self, row: Map<String, Value>) -> Result<(), SpoolFailed> {
        let mut line = Value::Object(row).to_string();
        line.push('\n');
        self.bytes = self.bytes.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
        if self.bytes > FILE_BYTES_MAX {
            return Err(SpoolFailed::TooLarge);
        }
        self.rows = self.rows.saturating_add(1);
        let written = self.file.write_all(line.as_bytes());
        written.map_err(|source| self.failed(source))
    }

    /// Forgets what was written.
    pub(super) fn restart(&mut self) -> Result<(), SpoolFailed> {
        (self.bytes, self.rows) = (0, 0);
        let emptied = self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.get_ref().set_len(0));
        emptied.map_err(|source| self.failed(source))
    }

    /// How many rows there are in the file, which is complete.
    pub(super) fn finish(mut self) -> Result<u64, SpoolFailed> {
        let flushed = self.file.flush();
        flushed.map_err(|source| self.failed(source))?;
        Ok(self.rows)
    }

    fn failed(&self, source: io::Error) -> SpoolFailed {
        SpoolFailed::Write { path: self.path.clone(), source }
    }
}
