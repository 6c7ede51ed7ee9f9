//! The control socket: a running server has its store open alone, so commands are carried out by it.
//!
//! A Unix socket in the data folder (mode 0600 in a folder of mode 0700: only the server's own user reaches it).
//! One request a connection: four bytes of length (big-endian), then that many bytes, which this module does not look
//! into. The answer is a sequence of frames: one byte that names the stream, four bytes of length, that many
//! bytes. The last frame carries the command's exit code as its one byte.

mod client;
mod output;
mod server;

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

pub use client::{ForwardFailed, forward};
pub use output::{ClientGone, FrameWriter, Output, Stream};
pub use server::{ServeFailed, serve};

/// The socket's name in a data folder.
pub const SOCKET_NAME: &str = "control.sock";
/// Bytes of one request.
pub const REQUEST_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of one frame's content; longer output takes several.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;

const EXIT_FRAME: u8 = 0;
const STDOUT_FRAME: u8 = 1;
const STDERR_FRAME: u8 = 2;

/// Linux takes socket addresses of at most 107 bytes.
const ADDRESS_BYTES_MAX: usize = 107;

/// A name for the socket that is short enough for an address; good while the folder is held open.
struct Address {
    path: PathBuf,
    _folder: Option<File>,
}

impl Address {
    fn of(path: &Path) -> io::Result<Self> {
        if path.as_os_str().as_bytes().len() <= ADDRESS_BYTES_MAX {
            return Ok(Self { path: path.to_owned(), _folder: None });
        }
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidFilename.into());
        };
        let folder = File::open(folder)?;
        let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
        Ok(Self { path, _folder: Some(folder) })
    }
}

#[cfg(test)]
mod tests;
