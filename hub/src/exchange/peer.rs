//! Connections: TLS handshakes and the institution in the peer's certificate.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use safeharbor_certs::identity::PeerIdentity;
use safeharbor_core::institution::InstitutionCode;
use safeharbor_service::shutdown::Shutdown;
use tokio::io::{self, AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use super::seats::{Seat, Seats};

/// How long a peer may take over its handshake.
const HANDSHAKE_MAX: Duration = Duration::from_secs(5);
/// How many handshakes run at a time; connections beyond that are dropped, nobody is kept waiting behind them.
const HANDSHAKES_MAX: usize = 256;

/// Who is at the other end, as its certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The institution in the certificate's one SAN.
    pub institution: InstitutionCode,
    /// Where it connects from.
    pub address: SocketAddr,
}

/// A connection whose peer is known.
#[derive(Debug)]
pub struct PeerStream {
    stream: TlsStream<TcpStream>,
    peer: Peer,
    _seat: Seat,
}

impl Connected for PeerStream {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

/// Accepts connections until shutdown and hands over those whose peer is an institution.
pub async fn accept(
    listener: TcpListener,
    config: Arc<rustls::ServerConfig>,
    ready: mpsc::Sender<io::Result<PeerStream>>,
    shutdown: Shutdown,
) {
    let acceptor = TlsAcceptor::from(config);
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
        let (acceptor, seats, ready) = (acceptor.clone(), seats.clone(), ready.clone());
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
    let chain = stream.get_ref().1.peer_certificates();
    let identity = PeerIdentity::from_chain(chain).map_err(|refused| refused.to_string())?;
    let institution = identity.institution;
    let seat = seats.take(institution).ok_or_else(|| format!("{institution} holds too many connections"))?;
    Ok(PeerStream { stream, peer: Peer { institution, address }, _seat: seat })
}

impl AsyncRead for PeerStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
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
