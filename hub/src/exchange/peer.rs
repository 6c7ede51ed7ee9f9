//! Connections whose peer is known: an institution by its certificate, or nobody; and when they end.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{self, AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use super::seats::Seat;
use crate::office::Desk;
use crate::tls_key::{Shown, verify_shown};

/// How long a connection of nobody lasts at most: joining and renewing take seconds.
const ANONYMOUS_MAX: Duration = Duration::from_secs(60);
/// How long nobody may keep a connection without a request under way.
const IDLE_MAX: Duration = Duration::from_secs(5);
/// How often it is looked whether a certificate speaks for its institution still.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long it stays after that, for what is to be said of the reason.
const FAREWELL_MAX: Duration = Duration::from_secs(3);

/// Whom a connection speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// The institution of a certificate that TLS verified. Whether its key is good is asked at every request.
    Institution(Shown),
    /// Nobody: no certificate was shown.
    Anonymous,
}

/// Who is at the other end.
#[derive(Debug, Clone)]
pub struct Peer {
    /// As its certificate says.
    pub caller: Caller,
    /// Where it connects from.
    pub address: SocketAddr,
    under_way: watch::Sender<usize>,
}

/// A request under way, until dropped.
#[derive(Debug)]
pub struct UnderWay(watch::Sender<usize>);

impl Peer {
    pub(super) fn new(caller: Caller, address: SocketAddr) -> Self {
        Self { caller, address, under_way: watch::Sender::new(0) }
    }

    /// Notes that a request is under way.
    #[must_use]
    pub fn begin_request(&self) -> UnderWay {
        self.under_way.send_modify(|count| *count = count.saturating_add(1));
        UnderWay(self.under_way.clone())
    }

    /// Returns once there was no request for a while.
    async fn is_idle(&self) {
        let mut under_way = self.under_way.subscribe();
        // The sender is here, so that the channel stays open.
        while under_way.wait_for(|count| *count == 0).await.is_ok() {
            if timeout(IDLE_MAX, under_way.wait_for(|count| *count > 0)).await.is_err() {
                return;
            }
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

/// A connection whose peer is known.
pub struct PeerStream {
    stream: TlsStream<TcpStream>,
    peer: Peer,
    /// Ready when its time is over; none once it was.
    ends: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl std::fmt::Debug for PeerStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PeerStream({:?}, content withheld)", self.peer)
    }
}

impl PeerStream {
    /// A connection that ends with its seat and, if `holds` says what speaks for an institution, with that.
    pub(super) fn new(
        stream: TlsStream<TcpStream>,
        peer: Peer,
        (seat, holds): (Seat, Option<(Desk, Shown)>),
    ) -> Self {
        let watched = peer.clone();
        let ends = Box::pin(async move {
            match holds {
                Some((desk, shown)) => outlive(seat, &desk, &shown).await,
                None => outstay(seat, &watched).await,
            }
        });
        Self { stream, peer, ends: Some(ends) }
    }

    /// The stream, unless its time is over; whoever waits on it is woken when it is, whatever they wait for.
    fn stream_or_end(&mut self, cx: &mut Context<'_>) -> io::Result<Pin<&mut TlsStream<TcpStream>>> {
        if let Some(ends) = &mut self.ends
            && ends.as_mut().poll(cx).is_pending()
        {
            return Ok(Pin::new(&mut self.stream));
        }
        self.ends = None;
        Err(io::ErrorKind::TimedOut.into())
    }
}

/// Returns once the certificate of an institution's connection was not good for a moment.
async fn outlive(_seat: Seat, desk: &Desk, shown: &Shown) {
    while verify_shown(desk, shown).is_ok() {
        sleep(LOOK_EVERY).await;
    }
    sleep(FAREWELL_MAX).await;
}

/// Returns once nobody has kept a connection for too long, or another one takes its seat.
async fn outstay(mut seat: Seat, peer: &Peer) {
    tokio::select! {
        () = sleep(ANONYMOUS_MAX) => {}
        () = peer.is_idle() => {}
        () = seat.lost() => {}
    }
}

impl Connected for PeerStream {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for PeerStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream_or_end(cx)?.poll_read(cx, buffer)
    }
}

impl AsyncWrite for PeerStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream_or_end(cx)?.poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream_or_end(cx)?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream_or_end(cx)?.poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[std::io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream_or_end(cx)?.poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;

    use tokio::io::AsyncWriteExt as _;
    use tokio::time::Instant;
    use tokio_rustls::TlsAcceptor;

    use super::super::seats::{Seats, Sitter};
    use super::*;
    use crate::enrolment::testing::{Hub, handshake};

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn stranger() -> Peer {
        Peer::new(Caller::Anonymous, (HERE, 1).into())
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_idle_before_seconds_or_while_a_request_is_under_way() {
        let peer = stranger();
        let requests = [peer.begin_request(), peer.begin_request()];
        assert!(timeout(IDLE_MAX * 3, peer.is_idle()).await.is_err());
        let began = Instant::now();
        drop(requests);
        peer.is_idle().await;
        assert_eq!(began.elapsed(), IDLE_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_stays_for_longer_than_a_minute_with_whatever_request() {
        let (seats, peer) = (Seats::default(), stranger());
        let _request = peer.begin_request();
        let began = Instant::now();
        outstay(seats.take(Sitter::Nobody(HERE.into())).unwrap(), &peer).await;
        assert_eq!(began.elapsed(), ANONYMOUS_MAX);
    }

    #[tokio::test]
    async fn a_connection_that_is_over_is_not_written_to_either() {
        let hub = Hub::start().await;
        let config = crate::tls_certificate::renew(&hub.office).unwrap();
        let listener = tokio::net::TcpListener::bind((HERE, 0)).await.unwrap();
        let (address, ca_pem) = (listener.local_addr().unwrap().to_string(), hub.ca_pem());
        let client = tokio::spawn(async move { handshake(address, &ca_pem, None).await });
        let (stream, _) = listener.accept().await.unwrap();
        let stream = TlsAcceptor::from(Arc::clone(&config)).accept(stream).await.unwrap();
        let (seats, sitter) = (Seats::default(), Sitter::Nobody(HERE.into()));
        let mut stream = PeerStream::new(stream, stranger(), (seats.take(sitter).unwrap(), None));
        stream.write_all(b"while it lasts").await.unwrap();
        stream.flush().await.unwrap();
        // Enough others from there take its seat.
        let _others: Vec<_> = (0..64).map(|_| seats.take(sitter)).collect();
        assert_eq!(stream.write_all(b"more").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(stream.flush().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        client.await.unwrap().unwrap();
    }
}
