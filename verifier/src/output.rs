//! Writing files so that they are there whole or not at all, also after a power loss.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::objection::{Fault, Objection};

/// Writes a file: temporary file beside it, flushed, renamed, the folder flushed. Missing folders are made.
///
/// # Errors
/// The file system refused; the file is then as it was before.
pub fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), Objection> {
    write(path, bytes).map_err(|failed| Fault::Unwritable(failed).in_file(path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_folders(folder)?;
    // Two threads may write the same file: the names must differ.
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let mut name = std::ffi::OsString::from(format!(".tmp-{}-{number}-", std::process::id()));
    name.push(path.file_name().unwrap_or_default());
    let temporary = folder.join(name);
    // A process of the same number may have been cut off here; whatever has the name is not written through.
    let _stale = fs::remove_file(&temporary);
    let mut file = File::create_new(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(folder)?.sync_all()
}

/// Makes a folder and whatever of its parents is missing, each durable in its parent.
fn create_folders(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_folders(above)?;
    match fs::create_dir(folder) {
        Err(failed) if failed.kind() != io::ErrorKind::AlreadyExists => return Err(failed),
        Ok(()) | Err(_) => {}
    }
    File::open(above)?.sync_all()
}
