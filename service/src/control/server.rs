//! The server's end of the control socket.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::OwnedReadHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::output::Frame;
use super::{Address, Output, REQUEST_BYTES_MAX};
use crate::caller;

/// Commands carried out at a time; more wait.
const COMMANDS_MAX: usize = 16;
/// A request that has not arrived by then never will.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(10);
/// How long to leave the socket alone when no connection can be accepted (out of file descriptors).
const PAUSE: Duration = Duration::from_millis(100);

/// The control socket could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {}", path.display())]
pub struct ServeFailed {
    /// The socket.
    pub path: PathBuf,
    /// What the operating system said.
    #[source]
    pub source: io::Error,
}

/// Removes the socket's name, so that clients see at once that nobody listens.
struct Named<'a>(&'a Path);

impl Drop for Named<'_> {
    fn drop(&mut self) {
        drop(std::fs::remove_file(self.0));
    }
}

/// Carries out commands until dropped: `handler` gets each request and says what it has to say; its answer is the exit
/// code. The caller holds the data folder's lock, so a socket that is already there is a leftover and is replaced.
/// Commands under way are dropped with the future, at their next await.
///
/// # Errors
/// The socket cannot be opened; once it is, this never returns.
pub async fn serve<H, F>(path: &Path, handler: H) -> Result<(), ServeFailed>
where
    H: Fn(Vec<u8>, Output) -> F + Send + Sync + 'static,
    F: Future<Output = u8> + Send + 'static,
{
    let listener = bind(path).map_err(|source| ServeFailed { path: path.to_owned(), source })?;
    let _named = Named(path);
    let handler = Arc::new(handler);
    let places = Arc::new(Semaphore::new(COMMANDS_MAX));
    let mut commands = JoinSet::new();
    loop {
        while commands.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return Ok(()) };
        match listener.accept().await {
            Ok((stream, _)) => {
                let handler = Arc::clone(&handler);
                commands.spawn(async move {
                    if let Err(failed) = carry_out(stream, &*handler).await {
                        tracing::debug!(error = %failed, "a command was not heard to its end");
                    }
                    drop(place);
                });
            }
            Err(failed) => {
                tracing::warn!(error = %failed, "cannot accept a command");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(failed) if failed.kind() != io::ErrorKind::NotFound => return Err(failed),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&Address::of(path)?.path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn carry_out<H, F>(stream: UnixStream, handler: &H) -> io::Result<()>
where
    H: Fn(Vec<u8>, Output) -> F,
    F: Future<Output = u8>,
{
    let uid = stream.peer_cred().ok().map(|peer| peer.uid());
    let (mut reader, mut writer) = stream.into_split();
    let request = tokio::time::timeout(REQUEST_TIME_MAX, read_request(&mut reader)).await??;
    let (output, mut frames) = Output::new();
    let mut command = std::pin::pin!(caller::scope(uid, handler(request, output)));
    let code = loop {
        tokio::select! {
            biased;
            Some(Frame(bytes)) = frames.recv() => if let Err(gone) = writer.write_all(&bytes).await {
                // A command once begun is carried out, whether anybody listens or not.
                frames.close();
                command.await;
                return Err(gone);
            },
            code = &mut command => break code,
        }
    };
    // The handler may have left clones of its output behind; its answer ends the conversation all the same.
    frames.close();
    while let Some(Frame(bytes)) = frames.recv().await {
        writer.write_all(&bytes).await?;
    }
    writer.write_all(&Frame::exit(code).0).await?;
    writer.shutdown().await
}

async fn read_request(reader: &mut OwnedReadHalf) -> io::Result<Vec<u8>> {
    let length = usize::try_from(reader.read_u32().await?).unwrap_or(usize::MAX);
    if length > REQUEST_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the request is too long"));
    }
    let mut request = vec![0; length];
    reader.read_exact(&mut request).await?;
    Ok(request)
}
