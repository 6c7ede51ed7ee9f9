//! Where a registry is read from, and what it is believed on: the arguments of all commands that read one.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};

use super::{LogFiles, LogFolder, LogSite};
use crate::objection::Objection;
use crate::trust::LogTrust;

/// A registry and what it is believed on.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("trust").args(["vkey", "policy"]).required(true).multiple(true))]
pub struct SourceArguments {
    /// The registry as static files (checkpoint, tile/…: C2SP tlog-tiles): a folder, or an address http(s)://….
    #[arg(value_name = "SOURCE")]
    source: String,
    /// The key of the registry.
    #[arg(long, value_name = "FILE")]
    vkey: Option<PathBuf>,
    /// The trust policy that the checkpoint must meet; it also names the key of the hub's statements.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// With an address https://…: the certificate authorities to believe (PEM), instead of this system's.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

/// A registry in a folder or on a web server.
#[derive(Debug)]
pub enum LogSource {
    /// In a folder.
    Folder(LogFolder),
    /// On a web server.
    Site(LogSite),
}

impl SourceArguments {
    /// What was typed.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.source
    }

    /// Names the source; nothing is read of it yet.
    ///
    /// # Errors
    /// A file of certificates that cannot be used.
    pub fn open(&self) -> Result<LogSource, Objection> {
        LogSource::open(&self.source, self.ca_file.as_deref())
    }

    /// Loads what the registry is believed on.
    ///
    /// # Errors
    /// A file that is missing, unreadable, too large or malformed.
    pub fn trust(&self) -> Result<LogTrust, Objection> {
        LogTrust::load(self.policy.as_deref(), self.vkey.as_deref(), Path::new(&self.source))
    }
}

impl LogSource {
    /// Names a source: an address where it begins with a scheme, otherwise a folder.
    ///
    /// # Errors
    /// A file of certificates that cannot be used.
    pub fn open(source: &str, ca_file: Option<&Path>) -> Result<Self, Objection> {
        let is_address = source.starts_with("https://") || source.starts_with("http://");
        Ok(if is_address {
            Self::Site(LogSite::new(source, ca_file)?)
        } else {
            Self::Folder(LogFolder::new(Path::new(source)))
        })
    }

    fn files(&self) -> &dyn LogFiles {
        match self {
            Self::Folder(folder) => folder,
            Self::Site(site) => site,
        }
    }
}

impl LogFiles for LogSource {
    fn read(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, Objection> {
        self.files().read(path, bytes_max)
    }

    fn written_at(&self, path: &str) -> Result<Option<u64>, Objection> {
        self.files().written_at(path)
    }

    fn readers(&self) -> usize {
        self.files().readers()
    }
}
