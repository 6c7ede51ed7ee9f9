//! Accepting connections: TLS handshakes, and who is let in as whom.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use safeharbor_certs::identity::{IdentityFailed, PeerIdentity};
use safeharbor_service::network::Network;
use safeharbor_service::shutdown::Shutdown;
use tokio::io;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;

use super::peer::{Caller, Peer, PeerStream};
use super::seats::{Seats, Sitter};
use crate::office::Desk;
use crate::tls_key::{Shown, verify_shown};

/// How long a peer may take over its handshake.
const HANDSHAKE_MAX: Duration = Duration::from_secs(5);
/// How long nothing is accepted after the system refused to, as when it has no file left.
const REFUSED_PAUSE: Duration = Duration::from_millis(50);

/// What connections are accepted with.
#[derive(Debug)]
pub struct Door {
    /// The configuration of TLS; a later one holds for later connections, open ones go on.
    pub config: watch::Receiver<Arc<rustls::ServerConfig>>,
    /// What certificates are looked up in.
    pub desk: Desk,
}

/// Accepts connections until shutdown and hands over those whose peer is an institution, or nobody.
pub async fn accept(
    listener: TcpListener,
    door: Door,
    ready: mpsc::Sender<io::Result<PeerStream>>,
    shutdown: Shutdown,
) {
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
                tokio::time::sleep(REFUSED_PAUSE).await;
                continue;
            }
        };
        let Some(mut arriving) = seats.take(Sitter::Arriving(address.ip().into())) else { continue };
        let acceptor = TlsAcceptor::from(Arc::clone(&door.config.borrow()));
        let (seats, desk, ready) = (seats.clone(), door.desk.clone(), ready.clone());
        tokio::spawn(async move {
            let greeted = tokio::select! {
                greeted = greet(acceptor, (seats, desk), stream, address) => greeted,
                () = arriving.lost() => Err("its handshake made room for another one".to_owned()),
                () = tokio::time::sleep(HANDSHAKE_MAX) => Err("its handshake took too long".to_owned()),
            };
            drop(arriving);
            match greeted {
                Ok(stream) => drop(ready.send(Ok(stream)).await),
                Err(refused) => tracing::debug!(%address, reason = refused, "a connection was refused"),
            }
        });
    }
}

async fn greet(
    acceptor: TlsAcceptor,
    (seats, desk): (Seats, Desk),
    stream: TcpStream,
    address: SocketAddr,
) -> Result<PeerStream, String> {
    stream.set_nodelay(true).map_err(|refused| refused.to_string())?;
    let stream = acceptor.accept(stream).await.map_err(|refused| refused.to_string())?;
    let caller = match PeerIdentity::from_chain(stream.get_ref().1.peer_certificates()) {
        Ok(PeerIdentity { institution, until_s, key }) => {
            Caller::Institution(Shown { institution, key, until_ms: until_s.saturating_mul(1000) })
        }
        Err(IdentityFailed::NoCertificate) => Caller::Anonymous,
        Err(refused) => return Err(refused.to_string()),
    };
    // Whoever has a key that ended is told so, on a seat of those who are nobody: it takes none of the institution's.
    let (sitter, holds) = match caller {
        Caller::Institution(shown) if verify_shown(&desk, &shown).is_ok() => {
            (Sitter::Institution(shown.institution), Some((desk, shown)))
        }
        Caller::Institution(_) | Caller::Anonymous => (Sitter::Nobody(Network::from(address.ip())), None),
    };
    let seat = seats.take(sitter).ok_or_else(|| format!("{sitter:?} holds too many connections"))?;
    Ok(PeerStream::new(stream, Peer::new(caller, address), (seat, holds)))
}
