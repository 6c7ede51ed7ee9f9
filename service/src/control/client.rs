//! The command line's end of the control socket.

use std::io::{self, Read as _, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use super::{Address, EXIT_FRAME, FRAME_BYTES_MAX, REQUEST_BYTES_MAX, STDERR_FRAME, STDOUT_FRAME, Stream};

/// A command could not be carried out by the running server.
#[derive(Debug, thiserror::Error)]
pub enum ForwardFailed {
    /// The request is longer than the server takes.
    #[error("the command is too long: {bytes} bytes, at most {REQUEST_BYTES_MAX}")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// There is a server, but it cannot be spoken to.
    #[error("cannot speak to the running server at {}", path.display())]
    Connection {
        /// The socket.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The server ended before it answered; the command may have been carried out or not.
    #[error("the running server ended before it answered; whether the command was carried out is not known")]
    Unanswered,
    /// What the command says cannot be passed on.
    #[error("cannot write the command's output")]
    Write(#[source] io::Error),
}

/// Has the running server carry out `request`, passes on what it says, and answers its exit code; none if no server
/// listens on `path`.
///
/// # Errors
/// The server cannot be spoken to, or ends before it answers; the output cannot be written.
pub fn forward(
    path: &Path,
    request: &[u8],
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<Option<u8>, ForwardFailed> {
    let length = u32::try_from(request.len()).unwrap_or(u32::MAX);
    if request.len() > REQUEST_BYTES_MAX {
        return Err(ForwardFailed::TooLong { bytes: request.len() });
    }
    let failed = |source| ForwardFailed::Connection { path: path.to_owned(), source };
    let Some(mut stream) = connect(path).map_err(failed)? else { return Ok(None) };
    stream.write_all(&length.to_be_bytes()).map_err(failed)?;
    stream.write_all(request).map_err(failed)?;
    loop {
        match read_frame(&mut stream).map_err(|failed| unanswered(&failed))? {
            Frame::Exit(code) => return Ok(Some(code)),
            Frame::Said(Stream::Stdout, bytes) => pass_on(stdout, &bytes)?,
            Frame::Said(Stream::Stderr, bytes) => pass_on(stderr, &bytes)?,
        }
    }
}

enum Frame {
    Said(Stream, Vec<u8>),
    Exit(u8),
}

fn connect(path: &Path) -> io::Result<Option<UnixStream>> {
    let nobody = |failed: &io::Error| {
        matches!(failed.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
    };
    match Address::of(path).and_then(|address| UnixStream::connect(&address.path)) {
        Ok(stream) => Ok(Some(stream)),
        Err(failed) if nobody(&failed) => Ok(None),
        Err(failed) => Err(failed),
    }
}

fn read_frame(stream: &mut UnixStream) -> io::Result<Frame> {
    let mut head = [0; 5];
    stream.read_exact(&mut head)?;
    let [name, length @ ..] = head;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > FRAME_BYTES_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    match (name, bytes.as_slice()) {
        (EXIT_FRAME, [code]) => Ok(Frame::Exit(*code)),
        (STDOUT_FRAME, _) => Ok(Frame::Said(Stream::Stdout, bytes)),
        (STDERR_FRAME, _) => Ok(Frame::Said(Stream::Stderr, bytes)),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Whatever breaks the answer off, the consequence for the caller is the same.
fn unanswered(failed: &io::Error) -> ForwardFailed {
    tracing::debug!(error = %failed, "the answer broke off");
    ForwardFailed::Unanswered
}

fn pass_on(to: &mut dyn Write, bytes: &[u8]) -> Result<(), ForwardFailed> {
    to.write_all(bytes).and_then(|()| to.flush()).map_err(ForwardFailed::Write)
}
