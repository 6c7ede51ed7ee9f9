//! Connections: TLS handshakes, and who is at the other end: an institution by its certificate, or nobody.

use std::future::Future as _;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use safeharbor_certs::identity::{IdentityFailed, PeerIdentity};
use safeharbor_core::institution::InstitutionCode;
use safeharbor_service::shutdown::Shutdown;
use tokio::io::{self, AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::Sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use super::seats::{Seat, Seats};

/// How long a peer may take over its handshake.
const HANDSHAKE_MAX: Duration = Duration::from_secs(5);
/// How many handshakes run at a time; connections beyond that are dropped, nobody is kept waiting behind them.
const HANDSHAKES_MAX: usize = 256;

/// How long a connection without a certificate lasts: joining and renewing take seconds.
const ANONYMOUS_MAX: Duration = Duration::from_secs(60);

/// Whom a connection speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// The institution in the one SAN of a certificate that holds.
    Institution(InstitutionCode),
    /// Nobody: no certificate was shown.
    Anonymous,
}

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// As its certificate says.
    pub caller: Caller,
    /// Where it connects from.
    pub address: SocketAddr,
    /// When its certificate ends, in milliseconds since 1970 UTC; 0 if it showed none.
    pub until_ms: u64,
}

/// A connection whose peer is known.
#[derive(Debug)]
pub struct PeerStream {
    stream: TlsStream<TcpStream>,
    peer: Peer,
    /// Ends a connection without a certificate.
    ends: Option<Pin<Box<Sleep>>>,
    _seat: Seat,
}

impl PeerStream {
    /// Whether its time is over; wakes the task when it is.
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        self.ends.as_mut().is_some_and(|ends| ends.as_mut().poll(cx).is_ready())
    }
}

impl Connected for PeerStream {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer
    }
}

/// Accepts connections until shutdown and hands over those whose peer is an institution, or nobody. A later
/// configuration holds for later connections; open ones go on.
pub async fn accept(
    listener: TcpListener,
    config: watch::Receiver<Arc<rustls::ServerConfig>>,
    ready: mpsc::Sender<io::Result<PeerStream>>,
    shutdown: Shutdown,
) {
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    let seats = Seats::default();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.wait() => return,
        };
        let (stream, address) = match accepted {
            Ok(connection) => connection,
            Err(refused) => {
                tracing::warn!(error = %refused, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&handshakes).try_acquire_owned() else { continue };
        let acceptor = TlsAcceptor::from(Arc::clone(&config.borrow()));
        let (seats, ready) = (seats.clone(), ready.clone());
        tokio::spawn(async move {
            match tokio::time::timeout(HANDSHAKE_MAX, greet(acceptor, &seats, stream, address)).await {
                Ok(Ok(stream)) => drop(ready.send(Ok(stream)).await),
                Ok(Err(refused)) => tracing::debug!(%address, reason = refused, "a connection was refused"),
                Err(_elapsed) => tracing::debug!(%address, "a handshake took too long"),
            }
            drop(permit);
        });
    }
}

async fn greet(
    acceptor: TlsAcceptor,
    seats: &Seats,
    stream: TcpStream,
    address: SocketAddr,
) -> Result<PeerStream, String> {
    stream.set_nodelay(true).map_err(|refused| refused.to_string())?;
    let stream = acceptor.accept(stream).await.map_err(|refused| refused.to_string())?;
    let (caller, until_s) = match PeerIdentity::from_chain(stream.get_ref().1.peer_certificates()) {
        Ok(PeerIdentity { institution, until_s }) => (Caller::Institution(institution), until_s),
        Err(IdentityFailed::NoCertificate) => (Caller::Anonymous, 0),
        Err(refused) => return Err(refused.to_string()),
    };
    let seat = seats.take(caller, address).ok_or_else(|| format!("{caller:?} holds too many connections"))?;
    let ends = (caller == Caller::Anonymous).then(|| Box::pin(tokio::time::sleep(ANONYMOUS_MAX)));
    let peer = Peer { caller, address, until_ms: until_s.saturating_mul(1000) };
    Ok(PeerStream { stream, peer, ends, _seat: seat })
}

impl AsyncRead for PeerStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_over(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for PeerStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[std::io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
