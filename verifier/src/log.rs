//! `log`: a whole registry, read from its first entry; nothing that is stored beside the entries is believed.

mod files;
mod report;
mod tree;
mod walk;

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use safeharbor_core::entry::Entry;

pub use files::{CHECKPOINT, LogFiles, LogFolder};
pub use report::LogReport;
pub use walk::{Depth, VerifiedLog};

use crate::objection::Objection;
use crate::trust::LogTrust;

/// Arguments of `log`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("trust").args(["vkey", "policy"]).required(true).multiple(true))]
pub struct Arguments {
    /// The folder of the registry: checkpoint, tile/… (C2SP tlog-tiles).
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The key of the registry.
    #[arg(long, value_name = "FILE")]
    vkey: Option<PathBuf>,
    /// The trust policy that the checkpoint must meet; it also names the key of the hub's statements.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

/// Reads the registry and verifies all of it.
///
/// # Errors
/// The first thing that keeps it from being verified, and where.
pub fn run(arguments: &Arguments) -> Result<LogReport, Objection> {
    let folder = &arguments.folder;
    let trust = LogTrust::load(arguments.policy.as_deref(), arguments.vkey.as_deref(), folder)?;
    let log = verify(&LogFolder::new(folder), &trust, Depth::EntriesAndTiles, |_, _| ())?;
    Ok(LogReport::of(&log, &trust))
}

/// Verifies a registry and shows every entry to `see`, before the root above all of them is known to hold.
///
/// # Errors
/// The first thing that keeps it from being verified, and where.
pub fn verify(
    files: &impl LogFiles,
    trust: &LogTrust,
    depth: Depth,
    see: impl FnMut(u64, &Entry),
) -> Result<VerifiedLog, Objection> {
    walk::walk(files, trust, depth, see)
}
