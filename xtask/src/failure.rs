//! Why a task ended early.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// Why a task ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A program could not be started.
    #[error("cannot start {program}")]
    Start {
        program: String,
        #[source]
        source: io::Error,
    },
    /// A program ended with an error.
    #[error("{call} ended with {status}{}", indented(said))]
    Ended { call: String, status: ExitStatus, said: String },
    /// A file or folder could not be read or written.
    #[error("cannot {verb} {}", path.display())]
    File {
        verb: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A program's answer is not JSON.
    #[error("{what} is not JSON")]
    Json {
        what: String,
        #[source]
        source: serde_json::Error,
    },
    /// An answer lacks something that was counted on.
    #[error("{what} lacks {field}")]
    Lacks { what: String, field: String },
    /// A condition did not come true in time.
    #[error("gave up after {seconds} s waiting until {what}; last seen: {last}")]
    TimedOut { what: String, seconds: u64, last: String },
    /// A server ended although nobody asked it to.
    #[error("{name} ended by itself with {status}; its last lines in {}:{}", log.display(), indented(tail))]
    ServerEnded { name: String, status: ExitStatus, log: PathBuf, tail: String },
    /// The person at the terminal asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// The demonstration ran, but its parts do not agree.
    #[error("not in step:{}", indented(&.0.join("\n")))]
    NotInStep(Vec<String>),
    /// Steps of a check failed.
    #[error("failed: {}", .0.join(", "))]
    StepsFailed(Vec<String>),
    /// The caller asked for something that cannot be done.
    #[error("{0}")]
    Usage(String),
    /// The operating system refused something else.
    #[error("cannot {what}")]
    System {
        what: &'static str,
        #[source]
        source: io::Error,
    },
}

impl Failure {
    /// Wraps an I/O error about one path.
    pub(crate) fn file(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { verb, path, source }
    }

    /// Wraps a JSON error.
    pub(crate) fn json(what: impl Into<String>) -> impl FnOnce(serde_json::Error) -> Self {
        let what = what.into();
        move |source| Self::Json { what, source }
    }

    /// Names what an answer lacks.
    pub(crate) fn lacks(what: impl Into<String>, field: impl Into<String>) -> Self {
        Self::Lacks { what: what.into(), field: field.into() }
    }
}

fn indented(text: &str) -> String {
    text.trim_end().lines().map(|line| format!("\n  {line}")).collect()
}
