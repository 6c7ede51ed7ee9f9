//! `mirror`: a full copy of a registry in the same layout, of which every byte was verified before it got its name.

mod copying;
mod lock;
mod report;

use std::path::{Path, PathBuf};

use clap::Args;
use safeharbor_core::note::NOTE_BYTES_MAX;

pub use report::MirrorReport;

use crate::log::{
    CHECKPOINT, Course, Depth, Extension, Keeper, LogFiles, SourceArguments, load_state, store_state,
    verify_extension, walk,
};
use crate::objection::{Fault, Objection};
use crate::output;
use crate::progress::Progress;
use crate::trust::LogTrust;
use copying::Copying;
use lock::Lock;

/// Where a mirror keeps how far its audit is.
const STATE: &str = "audit-state";

/// Arguments of `mirror`.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    source: SourceArguments,
    /// Where the copy is, or will be: any web server may serve it.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// Brings the copy up to the source's checkpoint.
///
/// # Errors
/// The first thing that keeps the registry from being verified; the copy then ends at its last verified checkpoint.
pub fn run(arguments: &Arguments, progress: &Progress) -> Result<MirrorReport, Objection> {
    let trust = arguments.source.trust()?;
    copy(&arguments.source.open()?, &arguments.folder, &trust, progress)
}

/// Brings the copy in `folder` up to the checkpoint of `source`. May be cut off anywhere and called again.
///
/// # Errors
/// As [`run`].
pub fn copy(
    source: &dyn LogFiles,
    folder: &Path,
    trust: &LogTrust,
    progress: &Progress,
) -> Result<MirrorReport, Objection> {
    let _held = Lock::take(folder)?;
    let state_file = folder.join(STATE);
    let state = load_state(&state_file)?;
    let known = state.size();
    let missing = || Fault::Missing.in_file(CHECKPOINT);
    let note = source.read(CHECKPOINT, NOTE_BYTES_MAX)?.ok_or_else(missing)?;
    let believed = trust.verify_checkpoint(&note).map_err(|fault| fault.in_file(CHECKPOINT))?;
    let text = String::from_utf8(note.clone()).map_err(|failed| Fault::NotText(failed.utf8_error()))?;
    // Asked of the source itself: nothing of the copy is touched by a history that does not continue it.
    let extension = verify_extension((source, trust), &state, &believed.checkpoint, &text)
        .map_err(|objection| objection.keep_evidence(folder))?;
    if extension == Extension::Untold {
        return Err(Fault::Untold { known, found: believed.checkpoint.size }.into());
    }
    let copying = Copying::open(source, folder, note, believed.checkpoint)?;
    let course = Course { files: &copying, trust, depth: Depth::EntriesAndTiles, progress };
    let log = walk(course, state, &mut Keeper::new(&state_file))?;
    output::write_durably(&folder.join(CHECKPOINT), copying.note())?;
    store_state(&state_file, log.state())?;
    copying.drop_outgrown(known)?;
    Ok(MirrorReport::of(&log, trust, copying.counts()))
}
