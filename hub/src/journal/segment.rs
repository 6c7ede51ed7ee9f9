//! Segment files: where frames are and what they are called.

use std::io;
use std::path::{Path, PathBuf};

use super::frame::DecodeFrameFailed;

/// A segment is closed once it is longer than this.
pub(super) const SEGMENT_BYTES: u64 = 64 << 20;
/// The first bytes of every segment: magic and format number.
pub(super) const MAGIC: &[u8; 8] = b"SHJRNL\x00\x01";

/// Where the first frame of a segment begins: behind [`MAGIC`].
pub(crate) const FIRST_OFFSET: u64 = 8;

/// Where a frame begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The log index of the segment's first frame.
    pub segment: u64,
    /// The byte in the segment's file.
    pub offset: u64,
}

/// The journal cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalFailed {
    /// The file system refused.
    #[error("cannot {step} {}", path.display())]
    Io {
        /// What was tried.
        step: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A frame that was durable is damaged: restore the folder from a backup or a mirror.
    #[error("{}: the frame at byte {offset} is damaged", path.display())]
    Damaged {
        /// Which segment.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// How.
        #[source]
        source: DecodeFrameFailed,
    },
    /// The frames do not follow one another.
    #[error("{}: expected entry {expected}, found {found}", path.display())]
    OutOfOrder {
        /// Which segment.
        path: PathBuf,
        /// The index that should come.
        expected: u64,
        /// The index that came.
        found: u64,
    },
    /// Not a journal segment, or of a later format.
    #[error("{} is not a journal segment of this format", path.display())]
    Format {
        /// Which file.
        path: PathBuf,
    },
}

pub(super) fn failed(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> JournalFailed {
    let path = path.to_owned();
    move |source| JournalFailed::Io { step, path, source }
}

pub(super) fn segment_name(first_index: u64) -> String {
    format!("{first_index:020}.journal")
}

pub(crate) fn segment_path(folder: &Path, first_index: u64) -> PathBuf {
    folder.join(segment_name(first_index))
}

/// The first indexes of all segments, in order.
pub(super) fn list_segments(folder: &Path) -> Result<Vec<u64>, JournalFailed> {
    let mut segments = Vec::new();
    for file in std::fs::read_dir(folder).map_err(failed("list", folder))? {
        let name = file.map_err(failed("list", folder))?.file_name();
        let first = name.to_str().and_then(|name| name.strip_suffix(".journal")).map(str::parse::<u64>);
        if let Some(Ok(first)) = first {
            segments.push(first);
        }
    }
    segments.sort_unstable();
    Ok(segments)
}

/// Whether no segment follows the one at `path`.
pub(crate) fn is_last_segment(folder: &Path, path: &Path) -> Result<bool, JournalFailed> {
    let last = list_segments(folder)?.pop();
    Ok(last.is_some_and(|first| segment_path(folder, first) == path))
}

/// The last segment, where it was named and no frame in it became durable: a crash can leave one without a whole header.
/// `intact` is the number of entries known to be durable; a segment that should hold some of them is never meant.
pub(crate) fn unbegun_segment(folder: &Path, intact: u64) -> Result<Option<PathBuf>, JournalFailed> {
    let Some(last) = list_segments(folder)?.pop() else { return Ok(None) };
    let path = segment_path(folder, last);
    let length = std::fs::metadata(&path).map_err(failed("inspect", &path))?.len();
    let has_begun = length > FIRST_OFFSET || (length == FIRST_OFFSET && last == 0) || last < intact;
    Ok((!has_begun).then_some(path))
}
