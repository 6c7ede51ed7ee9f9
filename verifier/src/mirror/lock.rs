//! One process at a time brings a copy up.

use std::fs::{File, TryLockError, create_dir_all};
use std::path::Path;

use crate::objection::{Fault, Objection};

const LOCK: &str = ".lock";

/// Held as long as a copy is worked on; the operating system ends it with the process.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the folder, which is made if it is missing.
    ///
    /// # Errors
    /// Another process has it, or the file system refused.
    pub(super) fn take(folder: &Path) -> Result<Self, Objection> {
        let path = folder.join(LOCK);
        let refused = |failed| Fault::Unwritable(failed).in_file(path.display());
        create_dir_all(folder).map_err(refused)?;
        // Wherever the name leads, nothing there is emptied.
        let file = File::options().write(true).create(true).truncate(false).open(&path).map_err(refused)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Fault::InUse.in_file(folder.display())),
            Err(TryLockError::Error(failed)) => Err(refused(failed)),
        }
    }
}
