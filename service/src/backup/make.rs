//! Making a backup: copy the store as of one moment, write, read back, give it its name, note it, delete old ones.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::book::{Book, Failure, Made, hold};
use super::container::ContainerWriter;
use super::content::Content;
use super::failure::{MakeFailed, ReadFailed};
use super::hashing::{HashingReader, HashingWriter, UnlessEnding, to_hex};
use super::key::BackupKey;
use super::manifest::{FORMAT, Item, Manifest};
use super::rows::{self, CopyFailed};
use super::settings::Settings;
use super::source::{Source, failed, gather};
use crate::audit::AuditFailed;
use crate::clock::{Clock, to_rfc3339};
use crate::durable_file::sync_folder;
use crate::folder;
use crate::speech::chain_of;
use crate::store::{Store, Table};

/// A file that changes while it is copied makes the copy begin again, so often at most.
const ATTEMPTS: usize = 3;
const SUFFIX: &str = ".tar.gz.age";
/// What a backup is called until it was read back.
const UNFINISHED: &str = ".unfinished";

/// A server that can be backed up while it runs.
pub trait Subject: Sync {
    /// Its data folder.
    fn data(&self) -> &Path;

    /// What of the folder is copied.
    fn content(&self) -> &'static Content;

    /// Name and version of the program.
    fn program(&self) -> String;

    /// The institution's code, or the hub's name.
    fn owner(&self) -> String;

    /// The store, of which every row is copied but those left out.
    fn store(&self) -> &dyn Store;

    /// Rows that are in no backup.
    fn leaves_out(&self, table: Table, key: &[u8]) -> bool;

    /// How far files that grow are whole. Asked after the store was copied.
    ///
    /// # Errors
    /// Whatever keeps the server from telling.
    fn bounds(&self) -> Result<Bounds, Box<dyn Error + Send + Sync>>;

    /// Notes in the server's audit log that a backup was made.
    ///
    /// # Errors
    /// It cannot be noted.
    fn note_made(&self, made: &Made) -> Result<(), AuditFailed>;

    /// Whether the server was told to end: then a backup that is being made breaks off.
    fn is_ending(&self) -> bool {
        false
    }
}

/// What a server says of its files at one moment.
#[derive(Debug, Clone, Default)]
pub struct Bounds {
    /// Up to which byte a file is copied; 0 leaves it out. A file that is not named is copied whole.
    pub limits: BTreeMap<String, u64>,
    /// For the manifest: how much of what there is.
    pub counts: BTreeMap<String, u64>,
}

/// Makes a backup, reads it back, and deletes those that are too old. One at a time for a data folder.
///
/// # Errors
/// No backup was made; the failure is noted for [`state`](super::state).
pub fn make(subject: &dyn Subject, settings: &Settings, clock: &dyn Clock) -> Result<Made, MakeFailed> {
    let data = subject.data();
    let _alone = hold(data)?;
    let made = make_alone(subject, settings, clock);
    if made.is_err() && subject.is_ending() {
        return Err(MakeFailed::Ending);
    }
    let mut book = Book::load(data)?;
    match &made {
        Ok(made) => {
            book.made.push(made.clone());
            book.last_good_ms = Some(made.at_ms);
            book.last_failure = None;
            // Noted before anything is deleted: what was made must not be forgotten.
            book.store(data)?;
            subject.note_made(made)?;
            delete_old(&mut book, settings.keep, &settings.folder_of(data));
        }
        Err(refused) => book.last_failure = Some(Failure { at_ms: clock.now_ms(), why: chain_of(refused) }),
    }
    book.store(data)?;
    made
}

fn make_alone(subject: &dyn Subject, settings: &Settings, clock: &dyn Clock) -> Result<Made, MakeFailed> {
    let folder = settings.folder_of(subject.data());
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed("create", &folder))?;
    let key = BackupKey::load_or_create(subject.data())?;
    let at_ms = clock.now_ms();
    let stem = stem_of(subject);
    remove_unfinished(&folder, &stem)?;
    let path = folder.join(format!("{stem}-{}{SUFFIX}", to_rfc3339(at_ms).replace(['-', ':'], "")));
    if path.exists() {
        return Err(MakeFailed::Exists { path });
    }
    let unfinished = Unfinished(PathBuf::from(format!("{}{UNFINISHED}", path.display())));
    let mut attempt = 1;
    let (manifest, bytes, sha256) = loop {
        match write(subject, &key, &unfinished.0, at_ms) {
            Err(MakeFailed::Changed { .. }) if attempt < ATTEMPTS => attempt = attempt.saturating_add(1),
            written => break written?,
        }
    };
    read_back(subject, &unfinished.0, &key, &manifest, &sha256)?;
    std::fs::rename(&unfinished.0, &path).map_err(failed("name", &path))?;
    sync_folder(&folder).map_err(failed("make durable", &folder))?;
    Ok(Made { path, at_ms, bytes, sha256, files: manifest.files.len() })
}

/// What the names of a server's backups begin with.
fn stem_of(subject: &dyn Subject) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' };
    format!("{}-{}", subject.content().role, subject.owner().chars().map(plain).collect::<String>())
}

/// A process that died may have left one.
fn remove_unfinished(folder: &Path, stem: &str) -> Result<(), MakeFailed> {
    for entry in std::fs::read_dir(folder).map_err(failed("list", folder))? {
        let entry = entry.map_err(failed("list", folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.strip_prefix(stem).is_some_and(|rest| rest.starts_with('-')) && name.ends_with(UNFINISHED) {
            std::fs::remove_file(entry.path()).map_err(failed("remove", &entry.path()))?;
        }
    }
    Ok(())
}

/// A file that goes unless it was given its name.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After a rename there is nothing left; otherwise the next run removes it.
        drop(std::fs::remove_file(&self.0));
    }
}

fn write(
    subject: &dyn Subject,
    key: &BackupKey,
    path: &Path,
    at_ms: u64,
) -> Result<(Manifest, u64, String), MakeFailed> {
    let is_ending: &dyn Fn() -> bool = &|| subject.is_ending();
    let rows = Rows::copy(subject)?;
    let bounds = subject.bounds().map_err(MakeFailed::Bounds)?;
    let sources = gather(subject, &bounds)?;
    let manifest = describe(subject, at_ms, &rows, bounds, &sources);
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    let out = BufWriter::new(HashingWriter::new(file.map_err(failed("create", path))?));
    let mut container = ContainerWriter::begin(out, key, &manifest)?;
    container.add(&rows.item, rows.read()?)?;
    for source in &sources {
        container.add(&source.item, UnlessEnding { inner: source.open()?, is_ending })?;
    }
    let out = container.finish()?.into_inner();
    let out = out.map_err(|refused| failed("write", path)(refused.into_error()))?;
    let (file, bytes, digest) = out.finish();
    file.sync_all().map_err(failed("make durable", path))?;
    Ok((manifest, bytes, to_hex(&digest)))
}

fn describe(subject: &dyn Subject, at_ms: u64, rows: &Rows, bounds: Bounds, sources: &[Source]) -> Manifest {
    let mut counts = bounds.counts;
    counts.insert("rows".to_owned(), rows.count);
    let content = subject.content();
    Manifest {
        format: FORMAT,
        role: content.role,
        folder_format: folder::FORMAT,
        program: subject.program(),
        owner: subject.owner(),
        created_at: to_rfc3339(at_ms),
        counts,
        files: std::iter::once(&rows.item)
            .chain(sources.iter().map(|source| &source.item))
            .cloned()
            .collect(),
    }
}

/// The store's rows in a file without a name: it goes with the process, however that ends.
struct Rows {
    file: File,
    path: PathBuf,
    item: Item,
    count: u64,
}

impl Rows {
    fn copy(subject: &dyn Subject) -> Result<Self, MakeFailed> {
        // On the data's own disk, which holds the same in clear.
        let path = subject.data().join(format!(".tmp-rows-{}", std::process::id()));
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(&path).map_err(failed("create", &path))?;
        std::fs::remove_file(&path).map_err(failed("remove the name of", &path))?;
        let mut out = BufWriter::new(HashingWriter::new(file));
        let leaves_out = |table, key: &[u8]| subject.leaves_out(table, key);
        let count = rows::copy(subject.store(), &leaves_out, &mut out).map_err(|refused| match refused {
            CopyFailed::Store(refused) => MakeFailed::Store(refused),
            CopyFailed::Write(refused) => failed("write", &path)(refused),
        })?;
        out.flush().map_err(failed("write", &path))?;
        let out = out.into_inner().map_err(|refused| failed("write", &path)(refused.into_error()))?;
        let (file, bytes, digest) = out.finish();
        let item = Item { name: subject.content().rows(), bytes, sha256: to_hex(&digest) };
        Ok(Self { file, path, item, count })
    }

    fn read(&self) -> Result<&File, MakeFailed> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0)).map_err(failed("read", &self.path))?;
        Ok(file)
    }
}

/// What the disk gives back must be what was written, open with the key, and hold what the manifest says.
fn read_back(
    subject: &dyn Subject,
    path: &Path,
    key: &BackupKey,
    manifest: &Manifest,
    sha256: &str,
) -> Result<(), MakeFailed> {
    let is_ending = || subject.is_ending();
    let check = || {
        let file = File::open(path).map_err(ReadFailed::Io)?;
        let mut hashing = HashingReader::new(UnlessEnding { inner: file, is_ending: &is_ending });
        let found = super::read(&mut hashing, key, subject.content(), &mut |_, _| Ok(()))?;
        hashing.drain().map_err(ReadFailed::Io)?;
        let (_, digest) = hashing.finish();
        if found == *manifest && to_hex(&digest) == sha256 {
            Ok(())
        } else {
            Err(ReadFailed::Io(io::Error::other("other bytes than were written")))
        }
    };
    check().map_err(MakeFailed::ReadBack)
}

/// Deletes the oldest of what this program made into `folder`, if each still is what was made.
fn delete_old(book: &mut Book, keep: usize, folder: &Path) {
    let ours = |made: &Made| made.path.parent() == Some(folder);
    // What a person removed is no longer kept; what is elsewhere, on a disk that is not there perhaps, is left alone.
    book.made.retain(|made| !ours(made) || made.path.exists());
    let count = book.made.iter().filter(|made| ours(made)).count();
    let mut surplus = count.saturating_sub(keep.max(1));
    book.made.retain(|made| {
        if surplus == 0 || !ours(made) {
            return true;
        }
        surplus = surplus.saturating_sub(1);
        !delete(made)
    });
}

/// Whether it is to be forgotten: it is gone, or is not what was made.
fn delete(made: &Made) -> bool {
    match File::open(&made.path)
        .map(HashingReader::new)
        .and_then(|mut file| file.drain().map(|()| file.finish()))
    {
        Ok((_, digest)) if to_hex(&digest) == made.sha256 => {
            let removed = std::fs::remove_file(&made.path);
            if let Err(refused) = &removed {
                tracing::warn!(backup = %made.path.display(), error = %refused, "an old backup cannot be deleted");
            }
            removed.is_ok()
        }
        Ok(_) => {
            tracing::warn!(backup = %made.path.display(), "an old backup was changed; it is left alone");
            true
        }
        Err(refused) => {
            tracing::warn!(backup = %made.path.display(), error = %refused, "an old backup cannot be read");
            false
        }
    }
}
