//! Finding the files that go into a backup, and what they hold at the time.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::content::Content;
use super::failure::MakeFailed;
use super::hashing::{HashingReader, UnlessEnding, to_hex};
use super::make::{Bounds, Subject};
use super::manifest::Item;
use crate::durable_file::is_unfinished;
use crate::key_file::{self, KeyUse};

/// A file that is to be copied.
#[derive(Debug)]
pub(super) struct Source {
    /// Its name in the backup.
    pub(super) item: Item,
    path: PathBuf,
}

impl Source {
    /// The bytes that the manifest names.
    pub(super) fn open(&self) -> Result<io::Take<File>, MakeFailed> {
        let file = File::open(&self.path).map_err(failed("read", &self.path))?;
        Ok(file.take(self.item.bytes))
    }
}

pub(super) fn failed(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> MakeFailed {
    let path = path.to_owned();
    move |source| MakeFailed::Io { step, path, source }
}

/// Every file of the content, hashed, in the order of their names.
pub(super) fn gather(subject: &dyn Subject, bounds: &Bounds) -> Result<Vec<Source>, MakeFailed> {
    let (data, content, is_ending) = (subject.data(), subject.content(), || subject.is_ending());
    let mut names: Vec<String> = content.files.iter().map(|name| (*name).to_owned()).collect();
    for tree in content.trees {
        walk(data, tree, content, &mut names)?;
    }
    names.sort_unstable();
    names.dedup();
    let mut sources = Vec::with_capacity(names.len());
    for name in names {
        let limit = bounds.limits.get(&name).copied();
        if limit != Some(0) {
            sources.extend(look_at(data, name, limit, &is_ending)?);
        }
    }
    Ok(sources)
}

/// Follows no links to folders: they could lead in a circle.
fn walk(data: &Path, folder: &str, content: &Content, names: &mut Vec<String>) -> Result<(), MakeFailed> {
    let path = data.join(folder);
    let entries = match std::fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(refused) => return Err(failed("list", &path)(refused)),
    };
    for entry in entries {
        let entry = entry.map_err(failed("list", &path))?;
        let file_name = entry.file_name();
        let name = format!("{folder}/{}", file_name.to_string_lossy());
        if is_unfinished(&file_name) || (content.leaves_out)(&name) {
            continue;
        }
        if entry.file_type().map_err(failed("inspect", &entry.path()))?.is_dir() {
            walk(data, &name, content, names)?;
        } else {
            content.verify_name(&name)?;
            names.push(name);
        }
    }
    Ok(())
}

/// None if it is gone, or no file.
fn look_at(
    data: &Path,
    name: String,
    limit: Option<u64>,
    is_ending: &dyn Fn() -> bool,
) -> Result<Option<Source>, MakeFailed> {
    let path = data.join(&name);
    // Before it is opened: opening a pipe would wait for somebody who writes.
    let metadata = match std::fs::metadata(&path) {
        Ok(metadata) if metadata.is_file() => metadata,
        Ok(_) => return Ok(None),
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(refused) => return Err(failed("inspect", &path)(refused)),
    };
    // Whatever it is called: a witness that comes back signs what contradicts what it signed.
    if name.starts_with("keys/") && key_file::is_for(&path, KeyUse::Witness) {
        return Ok(None);
    }
    let file = File::open(&path).map_err(failed("read", &path))?;
    let length = limit.map_or(metadata.len(), |limit| limit.min(metadata.len()));
    let mut hashing = HashingReader::new(UnlessEnding { inner: file.take(length), is_ending });
    hashing.drain().map_err(failed("read", &path))?;
    let (bytes, digest) = hashing.finish();
    Ok(Some(Source { item: Item { name, bytes, sha256: to_hex(&digest) }, path }))
}
