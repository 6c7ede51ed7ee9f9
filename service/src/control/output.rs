//! What a command says while the server carries it out, on its way to whoever gave the command.

use std::io;

use tokio::sync::mpsc;

use super::{EXIT_FRAME, FRAME_BYTES_MAX, STDERR_FRAME, STDOUT_FRAME};

/// Where a command's words come out at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Data.
    Stdout,
    /// All else.
    Stderr,
}

/// Whoever gave the command does not listen any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("whoever gave the command is gone")]
pub struct ClientGone;

/// A frame ready to send.
pub(super) struct Frame(pub(super) Vec<u8>);

impl Frame {
    /// The frames that carry `bytes`; none for no bytes.
    fn of(stream: Stream, bytes: &[u8]) -> impl Iterator<Item = Self> {
        let name = match stream {
            Stream::Stdout => STDOUT_FRAME,
            Stream::Stderr => STDERR_FRAME,
        };
        bytes.chunks(FRAME_BYTES_MAX).map(move |chunk| Self::encode(name, chunk))
    }

    /// The frame that ends the answer.
    pub(super) fn exit(code: u8) -> Self {
        Self::encode(EXIT_FRAME, &[code])
    }

    fn encode(name: u8, content: &[u8]) -> Self {
        // No content is longer than `FRAME_BYTES_MAX`.
        let length = u32::try_from(content.len()).unwrap_or_default();
        Self([&[name], length.to_be_bytes().as_slice(), content].concat())
    }
}

/// Takes what a command says. Clones speak to the same listener; words arrive in the order they were said.
#[derive(Debug, Clone)]
pub struct Output(mpsc::Sender<Frame>);

impl Output {
    pub(super) fn new() -> (Self, mpsc::Receiver<Frame>) {
        let (sender, receiver) = mpsc::channel(16);
        (Self(sender), receiver)
    }

    /// Says `bytes` on standard output.
    ///
    /// # Errors
    /// Nobody listens.
    pub async fn stdout(&self, bytes: impl AsRef<[u8]>) -> Result<(), ClientGone> {
        self.say(Stream::Stdout, bytes.as_ref()).await
    }

    /// Says `bytes` on standard error.
    ///
    /// # Errors
    /// Nobody listens.
    pub async fn stderr(&self, bytes: impl AsRef<[u8]>) -> Result<(), ClientGone> {
        self.say(Stream::Stderr, bytes.as_ref()).await
    }

    /// A writer for code that blocks; it must not be used on the runtime's own threads.
    #[must_use]
    pub fn writer(&self, stream: Stream) -> FrameWriter {
        FrameWriter { output: self.clone(), stream }
    }

    async fn say(&self, stream: Stream, bytes: &[u8]) -> Result<(), ClientGone> {
        for frame in Frame::of(stream, bytes) {
            self.0.send(frame).await.or(Err(ClientGone))?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Frame({} bytes)", self.0.len())
    }
}

/// Writes to an [`Output`] from code that blocks, each write at least one frame: wrap it in a `BufWriter` for small writes.
#[derive(Debug)]
pub struct FrameWriter {
    output: Output,
    stream: Stream,
}

impl io::Write for FrameWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for frame in Frame::of(self.stream, bytes) {
            self.output.0.blocking_send(frame).or(Err(io::Error::from(io::ErrorKind::BrokenPipe)))?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
