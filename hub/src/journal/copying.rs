//! How far the journal's segments are whole at one moment, for a copy made while more is appended.

use std::path::Path;

use super::reader::JournalReader;
use super::segment::{FIRST_OFFSET, JournalFailed, Position, list_segments, segment_name};

/// For every segment, by its file's name, how many bytes of it hold the first `entries` entries: 0 where it has none of
/// them. Only the last one of those that have is read.
///
/// # Errors
/// The journal cannot be read, or holds fewer entries.
pub fn durable_lengths(folder: &Path, entries: u64) -> Result<Vec<(String, u64)>, JournalFailed> {
    let mut lengths = Vec::new();
    let segments = if folder.exists() { list_segments(folder)? } else { Vec::new() };
    let last = segments.iter().copied().rfind(|first| *first < entries);
    for first in segments {
        let bytes = if first >= entries {
            0
        } else if Some(first) == last {
            end_of(folder, first, entries)?
        } else {
            // A closed segment is copied whole.
            u64::MAX
        };
        lengths.push((segment_name(first), bytes));
    }
    Ok(lengths)
}

/// The byte behind the frame of the entry before `entries`.
fn end_of(folder: &Path, segment: u64, entries: u64) -> Result<u64, JournalFailed> {
    let start = Position { segment, offset: FIRST_OFFSET };
    let mut reader = JournalReader::from_position(folder, start)?;
    let mut found = segment;
    while let Some(stored) = reader.next_frame()? {
        found = stored.frame.index;
        if found.saturating_add(1) == entries {
            return Ok(reader.offset());
        }
    }
    let path = folder.join(segment_name(segment));
    Err(JournalFailed::OutOfOrder { path, expected: entries.saturating_sub(1), found })
}
