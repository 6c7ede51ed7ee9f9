//! Appending groups of frames, cutting a torn tail, erasing key slots.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::frame::{Frame, FrameKey, KEY_OFFSET};
use super::reader::{JournalReader, Stored};
use super::segment::{
    FIRST_OFFSET, JournalFailed, MAGIC, Position, SEGMENT_BYTES, failed, is_last_segment, list_segments,
};
use super::segment::{segment_path, unbegun_segment};

/// The journal, open for appending by its one writer.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    segment: Option<Segment>,
    next_index: u64,
}

#[derive(Debug)]
struct Segment {
    file: File,
    path: PathBuf,
    first: u64,
    length: u64,
}

impl Journal {
    /// Opens the journal, handing every frame to `visit` and cutting a tail that a crash left unfinished.
    ///
    /// `intact` is the number of entries known to be durable (those below the last signed checkpoint): damage
    /// among them is an error, never cut.
    ///
    /// # Errors
    /// Damage below `intact`, frames out of order, whatever `visit` answers, or the file system.
    pub fn open<E: From<JournalFailed>>(
        folder: &Path,
        intact: u64,
        mut visit: impl FnMut(Stored) -> Result<(), E>,
    ) -> Result<Self, E> {
        std::fs::create_dir_all(folder).map_err(failed("create", folder)).map_err(E::from)?;
        let mut journal = Self { folder: folder.to_owned(), segment: None, next_index: 0 };
        journal.drop_unbegun_segment(intact).map_err(E::from)?;
        let mut reader = JournalReader::from_start(folder).map_err(E::from)?;
        loop {
            match reader.next_frame() {
                Ok(None) => break,
                Ok(Some(stored)) => {
                    journal.follow(&stored).map_err(E::from)?;
                    visit(stored)?;
                }
                Err(JournalFailed::Damaged { path, offset, source }) => {
                    if journal.next_index < intact || !is_last_segment(folder, &path)? {
                        return Err(JournalFailed::Damaged { path, offset, source }.into());
                    }
                    cut(&path, offset).map_err(E::from)?;
                    break;
                }
                Err(other) => return Err(other.into()),
            }
        }
        journal.reopen_last().map_err(E::from)?;
        Ok(journal)
    }

    fn drop_unbegun_segment(&self, intact: u64) -> Result<(), JournalFailed> {
        let Some(path) = unbegun_segment(&self.folder, intact)? else { return Ok(()) };
        std::fs::remove_file(&path).map_err(failed("remove", &path))
    }

    fn follow(&mut self, stored: &Stored) -> Result<(), JournalFailed> {
        let found = stored.frame.index;
        if found != self.next_index {
            let path = segment_path(&self.folder, stored.position.segment);
            return Err(JournalFailed::OutOfOrder { path, expected: self.next_index, found });
        }
        self.next_index = found.saturating_add(1);
        Ok(())
    }

    fn reopen_last(&mut self) -> Result<(), JournalFailed> {
        let Some(first) = list_segments(&self.folder)?.pop() else { return Ok(()) };
        let path = segment_path(&self.folder, first);
        let file = OpenOptions::new().read(true).append(true).open(&path).map_err(failed("open", &path))?;
        let length = file.metadata().map_err(failed("inspect", &path))?.len();
        // What was read may not have been durable before the crash; from here on it is relied upon.
        file.sync_all().map_err(failed("make durable", &path))?;
        self.segment = Some(Segment { file, path, first, length });
        Ok(())
    }

    /// The index the next frame must have.
    #[must_use]
    pub const fn next_index(&self) -> u64 {
        self.next_index
    }

    /// Appends a group of frames with one `fdatasync`, and says where each begins. After an error nothing of
    /// the group counts and the journal must be opened again.
    ///
    /// # Errors
    /// Frames out of order, or the file system refused.
    pub fn append(&mut self, group: &[Frame]) -> Result<Vec<Position>, JournalFailed> {
        let mut segment = match self.segment.take() {
            Some(segment) if segment.length < SEGMENT_BYTES => segment,
            Some(_) | None => self.create_segment()?,
        };
        let mut bytes = Vec::new();
        let mut positions = Vec::with_capacity(group.len());
        for (frame, expected) in group.iter().zip(self.next_index..) {
            if frame.index != expected {
                return Err(JournalFailed::OutOfOrder { path: segment.path, expected, found: frame.index });
            }
            let before = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            positions
                .push(Position { segment: segment.first, offset: segment.length.saturating_add(before) });
            frame.encode_to(&mut bytes);
        }
        segment.file.write_all(&bytes).map_err(failed("append to", &segment.path))?;
        segment.file.sync_data().map_err(failed("make durable", &segment.path))?;
        segment.length = segment.length.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.next_index = self.next_index.saturating_add(u64::try_from(group.len()).unwrap_or(u64::MAX));
        self.segment = Some(segment);
        Ok(positions)
    }

    fn create_segment(&self) -> Result<Segment, JournalFailed> {
        let path = segment_path(&self.folder, self.next_index);
        let mut options = OpenOptions::new();
        let options = options.read(true).append(true).create_new(true).mode(0o600);
        let mut file = options.open(&path).map_err(failed("create", &path))?;
        file.write_all(MAGIC).map_err(failed("write", &path))?;
        let folder = File::open(&self.folder).map_err(failed("open", &self.folder))?;
        folder.sync_all().map_err(failed("make durable", &self.folder))?;
        Ok(Segment { file, path, first: self.next_index, length: FIRST_OFFSET })
    }

    /// Overwrites the key slots at `positions`; what they opened can never be opened again.
    ///
    /// # Errors
    /// The file system refused; calling again repeats what was done.
    pub fn erase_keys(&self, positions: &[Position]) -> Result<(), JournalFailed> {
        let mut sorted = positions.to_vec();
        sorted.sort_unstable();
        for group in sorted.chunk_by(|a, b| a.segment == b.segment) {
            let Some(first) = group.first() else { continue };
            let path = segment_path(&self.folder, first.segment);
            let file = OpenOptions::new().write(true).open(&path).map_err(failed("open", &path))?;
            for position in group {
                let slot = position.offset.saturating_add(KEY_OFFSET);
                file.write_all_at(FrameKey::NONE.as_bytes(), slot).map_err(failed("erase in", &path))?;
            }
            file.sync_data().map_err(failed("make durable", &path))?;
        }
        Ok(())
    }
}

fn cut(path: &Path, length: u64) -> Result<(), JournalFailed> {
    let file = OpenOptions::new().write(true).open(path).map_err(failed("open", path))?;
    tracing::warn!(path = %path.display(), length, "cutting the unfinished tail of the journal");
    file.set_len(length).map_err(failed("cut", path))?;
    file.sync_all().map_err(failed("make durable", path))
}
