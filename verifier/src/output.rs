//! Writing files so that they are there whole or not at all, also after a power loss.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

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
    fs::create_dir_all(folder)?;
    let mut name = std::ffi::OsString::from(".tmp-");
    name.push(path.file_name().unwrap_or_default());
    let temporary = folder.join(name);
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(folder)?.sync_all()
}
