//! `log`: a whole registry, read from its first entry; nothing that is stored beside the entries is believed.

mod ahead;
mod extension;
mod files;
mod prepare;
mod report;
mod site;
mod source;
mod state;
mod walk;

use std::path::{Path, PathBuf};

use clap::Args;
use safeharbor_core::entry::Entry;

pub(crate) use extension::{Extension, verify_extension};
pub use files::{CHECKPOINT, LogFiles, LogFolder};
pub(crate) use files::{Width, read_hashes, read_tile};
pub(crate) use prepare::BUNDLE_BYTES_MAX;
pub use report::LogReport;
pub(crate) use report::print_standing;
pub use site::LogSite;
pub use source::{LogSource, SourceArguments};
pub use state::{AuditState, ParseStateFailed, STATE_BYTES_MAX};
pub use walk::{Companion, Course, Depth, Rest, Seen, VerifiedLog, walk};

use crate::input;
use crate::objection::{Fault, Objection};
use crate::output;
use crate::progress::Progress;
use crate::trust::LogTrust;

/// How many bundles are read before the state is kept again.
const BUNDLES_BETWEEN: u32 = 64;

/// Arguments of `log`.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    source: SourceArguments,
    /// Keep in FILE how far the audit is, and go on from there: after an interruption, or when the log has grown.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

/// Reads the registry and verifies all of it.
///
/// # Errors
/// The first thing that keeps it from being verified, and where.
pub fn run(arguments: &Arguments, progress: &Progress) -> Result<LogReport, Objection> {
    let trust = arguments.source.trust()?;
    let source = arguments.source.open()?;
    let course = Course { files: &source, trust: &trust, depth: Depth::EntriesAndTiles, progress };
    let log = match &arguments.state {
        None => walk(course, AuditState::begin(), &mut Alone)?,
        Some(path) => walk_with_state(course, path)?,
    };
    Ok(LogReport::of(&log, &trust))
}

/// Walks on from the state in a file, and keeps there how far it is. What contradicts it is kept beside it.
///
/// # Errors
/// The first thing that keeps the registry from being verified; a state that cannot be read or kept.
pub fn walk_with_state(course: Course<'_>, path: &Path) -> Result<VerifiedLog, Objection> {
    let state = load_state(path)?;
    let log = walk(course, state, &mut Keeper::new(path));
    let log = log.map_err(|objection| objection.keep_evidence(path.parent().unwrap_or(path)))?;
    store_state(path, log.state())?;
    Ok(log)
}

/// Loads a state; that before the first entry where there is no file.
///
/// # Errors
/// A file that is unreadable, or was changed.
pub fn load_state(path: &Path) -> Result<AuditState, Objection> {
    let Some(bytes) = input::read_if_there(path, STATE_BYTES_MAX)? else { return Ok(AuditState::begin()) };
    let text = input::parse_text(&bytes).map_err(|fault| fault.in_file(path.display()))?;
    AuditState::parse(text).map_err(|failed| Fault::StateRefused(failed).in_file(path.display()))
}

/// Stores a state, durably.
///
/// # Errors
/// The file cannot be written.
pub fn store_state(path: &Path, state: &AuditState) -> Result<(), Objection> {
    let text = state.print().map_err(|failed| Fault::StateRefused(failed).in_file(path.display()))?;
    output::write_durably(path, text.as_bytes())
}

struct Alone;

impl Companion for Alone {}

/// Keeps now and then how far a walk is, as far as the signed root vouches for it: what a server made up must not be what
/// the next walk goes on from.
#[derive(Debug)]
pub(crate) struct Keeper<'a> {
    path: &'a Path,
    bundles: u32,
}

impl<'a> Keeper<'a> {
    /// Keeps it in this file.
    pub(crate) const fn new(path: &'a Path) -> Self {
        Self { path, bundles: 0 }
    }
}

impl Companion for Keeper<'_> {
    fn rest(&mut self, rest: Rest<'_>) -> Result<(), Objection> {
        self.bundles = self.bundles.wrapping_add(1);
        let is_due = self.bundles.is_multiple_of(BUNDLES_BETWEEN);
        if is_due && rest.is_vouched_for() { store_state(self.path, rest.state) } else { Ok(()) }
    }
}

struct Seeing<F>(F);

impl<F: FnMut(Seen<'_>)> Companion for Seeing<F> {
    fn see(&mut self, seen: Seen<'_>) {
        (self.0)(seen);
    }
}

/// Verifies a registry and shows every entry to `see`, before the root above all of them is known to hold.
///
/// # Errors
/// The first thing that keeps it from being verified, and where.
pub fn verify(
    files: &dyn LogFiles,
    trust: &LogTrust,
    depth: Depth,
    mut see: impl FnMut(u64, &Entry),
) -> Result<VerifiedLog, Objection> {
    let course = Course { files, trust, depth, progress: &Progress::silent() };
    walk(course, AuditState::begin(), &mut Seeing(|seen: Seen<'_>| see(seen.index, seen.entry)))
}
