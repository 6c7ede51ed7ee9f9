//! Jobs (任务): the runs of connectors, each with its log, its counts and what is left of it, to be looked at and run again.
//!
//! A row of the store says how a run stands; `jobs/<number>/` in the data folder holds its log, the report of its import
//! and rejected rows; what it imports only for as long as it is being done.

mod journal;
mod log;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;

use safeharbor_service::store::StoreFailed;
use serde::{Deserialize, Serialize};

use crate::as_text;
use crate::connector::ConnectorName;
pub use journal::{Ending, Jobs, Running};
pub use log::LogFile;

/// The number of a job; never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub u64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for JobId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is being done.
    Running,
    /// Everything that came is kept.
    Done,
    /// Some rows were refused, or records changed here in the meantime; the rest is kept.
    Partly,
    /// Nothing was imported, or not to the end.
    Failed,
    /// The node ended while it was being done.
    Interrupted,
}

/// What became of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Rows that came.
    pub rows: u64,
    /// Records that were not there.
    pub new: u64,
    /// Records with other content.
    pub revised: u64,
    /// Records with the same content.
    pub unchanged: u64,
    /// Records that were taken away.
    #[serde(default)]
    pub deleted: u64,
    /// Records that were changed here, and stayed as they are.
    #[serde(default)]
    pub conflicts: u64,
    /// Rows that were refused.
    pub refused: u64,
}

/// One run of a connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// Whose run it is.
    #[serde(with = "as_text")]
    pub connector: ConnectorName,
    /// When it began, in milliseconds since 1970 UTC.
    pub started: u64,
    /// When it ended.
    pub ended: Option<u64>,
    /// How it stands.
    pub state: State,
    /// What became of the rows, once they were imported.
    pub counts: Option<Counts>,
    /// Why it failed.
    pub why: Option<String>,
    /// The file that running it again imports; none if that means to fetch again.
    pub file: Option<PathBuf>,
}

/// Jobs could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum JobFailed {
    /// The store failed.
    #[error("the jobs cannot be read or written")]
    Store(#[from] StoreFailed),
    /// A row is not what was written.
    #[error("a stored job cannot be understood")]
    Row(#[from] serde_json::Error),
    /// The folder of a job cannot be written.
    #[error("the files of a job cannot be written to {}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The connector is running.
    #[error("the connector {0} is running already; see `jobs`")]
    Busy(ConnectorName),
}
