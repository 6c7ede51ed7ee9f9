//! Backups (备份): one encrypted file that holds what a data folder cannot make again, and the way back.
//!
//! A backup is a tar archive, compressed with gzip, encrypted in the format of `age` (age-encryption.org/v1) to one X25519
//! key: `age -d -i IDENTITY FILE | tar xz` opens it without this program. The archive's first member says what follows,
//! with the SHA-256 of every file. Every backup is read back, decrypted and re-hashed before it gets its name.
//!
//! In scope: the container, its key, what was made and kept, checking, restoring into an empty folder. Out of scope: what of
//! a folder is in it, and what a restored folder must be told (`node::backup`, `hub::backup`).

mod book;
mod container;
mod content;
mod failure;
mod hashing;
mod key;
mod make;
mod manifest;
mod restore;
mod rows;
mod schedule;
mod settings;
mod source;
mod state;
mod words;

pub use book::{Book, BookFailed, Failure, Made, Saved};
pub use container::{MEMBERS_MAX, Taker, read};
pub use content::{Content, NameRefused};
pub use failure::{MakeFailed, ReadFailed, RestoreFailed};
pub use key::{BackupKey, KeyFailed};
pub use make::{Bounds, Subject, make};
pub use manifest::{Item, MANIFEST, Manifest};
pub use restore::{Finish, Restored, restore};
pub use schedule::keep;
pub use settings::Settings;
pub use state::{State, Warning, state};
pub use words::{list_lines, made_text, verified_text};

use std::path::Path;

/// Checks a backup without writing anything: decrypts it, compares every file with the manifest.
///
/// # Errors
/// The file cannot be read or is not whole, or the key is another one.
pub fn verify(file: &Path, key: &BackupKey, content: &Content) -> Result<Manifest, ReadFailed> {
    let input = std::fs::File::open(file).map_err(ReadFailed::Io)?;
    read(input, key, content, &mut |_, _| Ok(()))
}

#[cfg(test)]
mod tests;
