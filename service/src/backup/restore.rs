//! Restoring into an empty folder: everything is read, checked and written aside first, then appears in one step.

use std::error::Error;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::book::{Book, Saved};
use super::container;
use super::content::Content;
use super::failure::{ReadFailed, RestoreFailed};
use super::key::BackupKey;
use super::manifest::{Item, Manifest};
use super::rows;
use crate::clock::Clock;
use crate::durable_file::sync_folder;
use crate::folder::{DataFolder, OpenFolderFailed};
use crate::store::{SledSettings, SledStore, Store};

/// What a restored folder must be told before it appears: given its path aside, the manifest and its open store.
pub type Finish<'f> =
    dyn FnOnce(&Path, &Manifest, &dyn Store) -> Result<(), Box<dyn Error + Send + Sync>> + 'f;

/// A folder that was restored.
#[derive(Debug)]
pub struct Restored {
    /// What was in the backup.
    pub manifest: Manifest,
}

/// Restores `file` into the empty or missing folder `data`. What a process that died left aside is removed first.
///
/// # Errors
/// Nothing was restored; `data` is as it was.
pub fn restore(
    file: &Path,
    key: &BackupKey,
    content: &Content,
    (data, clock): (&Path, &dyn Clock),
    finish: Box<Finish<'_>>,
) -> Result<Restored, RestoreFailed> {
    refuse_used(data)?;
    let input = File::open(file).map_err(ReadFailed::Io)?;
    let aside = Aside::create(data, content)?;
    let store = SledStore::open(&aside.path.join(content.store), SledSettings::default())?;
    let mut take = |item: &Item, member: &mut dyn Read| {
        let taken = if item.name == content.rows() {
            rows::fill(&store, member).map_err(Into::into)
        } else {
            write(&aside.path.join(&item.name), member).map_err(Into::into)
        };
        taken.map_err(|source| ReadFailed::Take { name: item.name.clone(), source })
    };
    let manifest = container::read(input, key, content, &mut take)?;
    finish(&aside.path, &manifest, &store).map_err(RestoreFailed::Finish)?;
    // The key that opened it was kept somewhere else.
    Book::note_saved(&aside.path, Saved { at_ms: clock.now_ms(), recipient: key.recipient() })?;
    store.flush()?;
    drop(store);
    aside.appear(data)?;
    Ok(Restored { manifest })
}

fn failed(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RestoreFailed {
    let path = path.to_owned();
    move |source| RestoreFailed::Io { step, path, source }
}

fn refuse_used(data: &Path) -> Result<(), RestoreFailed> {
    match std::fs::read_dir(data).map(|mut entries| entries.next().is_none()) {
        Ok(true) if is_mount_point(data) => Err(RestoreFailed::MountPoint { path: data.to_owned() }),
        Ok(true) => Ok(()),
        Ok(false) => Err(RestoreFailed::NotEmpty { path: data.to_owned() }),
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(refused) => Err(failed("list", data)(refused)),
    }
}

fn is_mount_point(data: &Path) -> bool {
    let device = |path: &Path| std::fs::metadata(path).map(|metadata| metadata.dev()).ok();
    device(data) != device(&data.join(".."))
}

/// Private, with whatever folders lead to it; durable.
fn write(path: &Path, content: &mut dyn Read) -> io::Result<()> {
    let above = path.parent().unwrap_or(path);
    DirBuilder::new().recursive(true).mode(0o700).create(above)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    io::copy(content, &mut file)?;
    file.sync_all()
}

/// The folder while it is being filled, beside where it will be; removed unless it appeared.
struct Aside {
    path: PathBuf,
    held: Option<DataFolder>,
    appeared: bool,
}

impl Aside {
    /// What is left of an earlier attempt is removed, unless that attempt is still under way.
    fn create(data: &Path, content: &Content) -> Result<Self, RestoreFailed> {
        let name = data.file_name().ok_or_else(|| RestoreFailed::NotEmpty { path: data.to_owned() })?;
        let path = data.with_file_name(format!(".{}.restoring", name.to_string_lossy()));
        match DataFolder::open(&path, content.role) {
            Ok(left) => drop(left),
            Err(busy @ OpenFolderFailed::InUse { .. }) => return Err(busy.into()),
            Err(_) => {}
        }
        match std::fs::remove_dir_all(&path) {
            Err(refused) if refused.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove what an earlier attempt left in", &path)(refused));
            }
            Ok(()) | Err(_) => {}
        }
        let held = DataFolder::create(&path, content.role)?;
        Ok(Self { path, held: Some(held), appeared: false })
    }

    fn appear(mut self, data: &Path) -> Result<(), RestoreFailed> {
        sync_tree(&self.path).map_err(failed("make durable", &self.path))?;
        // Over an empty folder this replaces it; over anything else it fails.
        std::fs::rename(&self.path, data).map_err(failed("name", data))?;
        self.appeared = true;
        let above = data.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sync_folder(above).map_err(failed("make durable", above))
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        drop(self.held.take());
        if !self.appeared {
            // What stays is removed by the next attempt.
            drop(std::fs::remove_dir_all(&self.path));
        }
    }
}

fn sync_tree(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        }
    }
    sync_folder(folder)
}
