//! Opening the one connection: TCP to the dial address, TLS to the hub's name.

use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint, Uri};

use super::dialling::Dialler;

/// How long dialling and the TLS handshake may take together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// How often a silent connection is asked whether it lives, and how long the answer may take.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Is shown every plaintext byte before it is encrypted.
pub type Tap = Arc<dyn Fn(&[u8]) + Send + Sync>;

/// Connects to the hub, and to nothing else.
#[derive(Clone)]
pub struct Connector {
    address: String,
    name: ServerName<'static>,
    tls: Arc<RwLock<TlsConnector>>,
    dialler: Dialler,
    tap: Option<Tap>,
}

/// The hub cannot be connected to by these settings.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorFailed {
    /// The name is none that a certificate could carry.
    #[error("{name:?} cannot be the name of the hub")]
    Name {
        /// The name.
        name: String,
        /// Why.
        #[source]
        source: InvalidDnsNameError,
    },
}

impl Connector {
    /// Dials `address` (`host:port`) and expects a certificate for `name`; `tls` comes from
    /// [`safeharbor_certs::tls::client_config`].
    ///
    /// # Errors
    /// A name that is none.
    pub fn new(
        address: String,
        name: &str,
        tls: impl Into<Arc<ClientConfig>>,
    ) -> Result<Self, ConnectorFailed> {
        let name = ServerName::try_from(name.to_owned())
            .map_err(|source| ConnectorFailed::Name { name: name.to_owned(), source })?;
        Ok(Self {
            address,
            name,
            tls: Arc::new(RwLock::new(TlsConnector::from(tls.into()))),
            dialler: Dialler::default(),
            tap: None,
        })
    }

    /// Shows another certificate from the next connection on; those that are open stay.
    pub fn replace_tls(&self, tls: Arc<ClientConfig>) {
        *self.tls.write().unwrap_or_else(PoisonError::into_inner) = TlsConnector::from(tls);
    }

    /// Reaches the address by this way.
    #[must_use]
    pub fn through(self, dialler: Dialler) -> Self {
        Self { dialler, ..self }
    }

    /// Shows `tap` whatever the node says on its connections, for tests that search it for what must not leave.
    /// No setting leads here.
    #[must_use]
    pub fn with_tap(self, tap: Tap) -> Self {
        Self { tap: Some(tap), ..self }
    }

    /// The address that is dialled.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    #[cfg(test)]
    pub(super) fn dialling(&self, address: &str) -> Self {
        Self { address: address.to_owned(), ..self.clone() }
    }

    /// Connects; the channel ends with the connection.
    pub(crate) async fn connect(&self) -> Result<Channel, tonic::transport::Error> {
        // The authority is what the hub sees in requests; the connection goes where `self` says.
        Endpoint::try_from(format!("https://{}", self.name.to_str()))?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .connect_with_connector(self.clone())
            .await
    }

    async fn open(self) -> io::Result<TokioIo<Tapped>> {
        let stream = self.dialler.dial(&self.address).await?;
        let tls = self.tls.read().unwrap_or_else(PoisonError::into_inner).clone();
        let stream = tls.connect(self.name, stream).await?;
        Ok(TokioIo::new(Tapped { stream, tap: self.tap }))
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connector({} as {:?}, tapped: {})", self.address, self.name, self.tap.is_some())
    }
}

impl tower::Service<Uri> for Connector {
    type Response = TokioIo<Tapped>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Tapped>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        Box::pin(self.clone().open())
    }
}

/// A TLS stream whose writes a tap may see.
pub struct Tapped {
    stream: TlsStream<TcpStream>,
    tap: Option<Tap>,
}

impl fmt::Debug for Tapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tapped(content withheld)")
    }
}

impl AsyncRead for Tapped {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Tapped {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Self { stream, tap } = self.get_mut();
        let written = Pin::new(stream).poll_write(cx, bytes);
        if let (Poll::Ready(Ok(count)), Some(tap)) = (&written, tap) {
            tap(bytes.get(..*count).unwrap_or(bytes));
        }
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.tap.is_some() {
            // One slice at a time, so that the tap sees exactly what is written.
            let first = slices.iter().find(|slice| !slice.is_empty());
            return self.poll_write(cx, first.map_or(&[], |slice| slice));
        }
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.tap.is_none() && self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
