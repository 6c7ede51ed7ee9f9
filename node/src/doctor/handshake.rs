//! One TLS handshake with whoever answers at the hub's address, and how it went.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How a handshake went.
#[derive(Debug)]
pub(super) enum Shake {
    /// It succeeded; whether HTTP/2 was agreed on.
    Done {
        /// Whether the other side speaks HTTP/2.
        http2: bool,
    },
    /// One of the two sides refused the other.
    Refused(rustls::Error),
    /// The connection broke or fell silent before either side said why.
    Lost(io::Error),
}

/// Shakes hands and closes.
pub(super) async fn shake(
    stream: TcpStream,
    name: &ServerName<'static>,
    config: Arc<ClientConfig>,
    patience: Duration,
) -> Shake {
    let connecting = TlsConnector::from(config).connect(name.clone(), stream);
    match tokio::time::timeout(patience, connecting).await {
        Ok(Ok(stream)) => Shake::Done { http2: stream.get_ref().1.alpn_protocol() == Some(b"h2") },
        Ok(Err(failed)) => match failed.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(refused) => Shake::Refused(refused.clone()),
            None => Shake::Lost(failed),
        },
        Err(elapsed) => Shake::Lost(elapsed.into()),
    }
}
