//! The log of one job: lines with their time, bounded, open to its owner alone.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use safeharbor_service::clock::Clock;

use crate::speech::moment;

/// The longest log, in bytes. What comes behind is counted by the report and left out here.
const BYTES_MAX: usize = 1024 * 1024;

/// Takes lines, and whatever a command says on standard error.
#[derive(Debug)]
pub struct LogFile {
    file: File,
    clock: Arc<dyn Clock>,
    bytes: usize,
    at_line_start: bool,
}

impl LogFile {
    pub(super) fn create(path: &Path, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Self { file, clock, bytes: 0, at_line_start: true })
    }

    /// Writes one line. A log that cannot be written is no reason to lose what came.
    pub fn line(&mut self, text: &str) {
        if let Err(error) = writeln!(self, "{text}") {
            tracing::warn!(%error, "a line of a job's log is lost");
        }
    }
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.bytes >= BYTES_MAX {
                break;
            }
            if self.at_line_start {
                write!(self.file, "{}  ", moment(self.clock.now_ms()))?;
            }
            self.at_line_start = piece.ends_with(b"\n");
            self.bytes = self.bytes.saturating_add(piece.len());
            self.file.write_all(piece)?;
            if self.bytes >= BYTES_MAX {
                self.file.write_all("……\n".as_bytes())?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
