//! Dialling the hub: TCP to its address, or through the institution's HTTP proxy; nothing is said that is not the tunnel's opening.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use safeharbor_core::b64;
use safeharbor_service::secret_file::{self, LoadSecretFailed};
use secrecy::{ExposeSecret as _, SecretString};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::layout::Layout;
use crate::settings;

/// How long connecting, and the proxy's answer, may take each.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest head of an answer that a proxy may give.
const ANSWER_BYTES_MAX: usize = 8 * 1024;
/// The longest user and password together; their encoding fits the request without its buffer growing.
const CREDENTIALS_BYTES_MAX: usize = 1024;
/// When a silent connection is probed by the operating system; shorter than the idle time-outs of most campus gateways.
const TCP_KEEP_ALIVE: Duration = Duration::from_secs(30);

/// The hub's address cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum DialFailed {
    /// There is no TCP connection to the address or to the proxy.
    #[error("cannot connect to {address}")]
    Connect {
        /// What was dialled: the hub, or the proxy.
        address: String,
        /// What the operating system said; a time-out where nothing answered.
        #[source]
        source: io::Error,
    },
    /// The proxy broke off or fell silent before it answered.
    #[error("the proxy {proxy} did not answer the request for a tunnel")]
    Silent {
        /// The proxy.
        proxy: String,
        /// What the operating system said; a time-out where nothing came.
        #[source]
        source: io::Error,
    },
    /// The proxy wants a user and a password, or other ones.
    #[error(
        "the proxy {proxy} wants {} (407); see [hub] proxy_credentials in settings.toml",
        if *given { "another user or password" } else { "a user and a password" }
    )]
    Credentials {
        /// The proxy.
        proxy: String,
        /// Whether some were given.
        given: bool,
    },
    /// The proxy does not let the node through.
    #[error(
        "the proxy {proxy} refuses a tunnel to {address} ({status}); its operator must allow CONNECT there"
    )]
    Refused {
        /// The proxy.
        proxy: String,
        /// Where the tunnel should lead.
        address: String,
        /// The HTTP status.
        status: u16,
    },
    /// What answers there is no HTTP proxy.
    #[error("what answers at {proxy} is no HTTP proxy; check [hub] proxy in settings.toml")]
    NoProxy {
        /// What was taken for a proxy.
        proxy: String,
    },
}

impl From<DialFailed> for io::Error {
    fn from(failed: DialFailed) -> Self {
        let kind = match &failed {
            DialFailed::Connect { source, .. } | DialFailed::Silent { source, .. } => source.kind(),
            DialFailed::Credentials { .. } | DialFailed::Refused { .. } => io::ErrorKind::PermissionDenied,
            DialFailed::NoProxy { .. } => io::ErrorKind::InvalidData,
        };
        Self::new(kind, failed)
    }
}

/// The credentials of the proxy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadDialFailed {
    /// The file cannot be read.
    #[error("the credentials of the proxy cannot be loaded")]
    Secret(#[from] LoadSecretFailed),
    /// The file holds something else.
    #[error("the file of the proxy's credentials must hold one line of the form user:password")]
    Form,
}

/// The way to the hub's address.
#[derive(Debug, Clone)]
pub struct Dialler {
    proxy: Option<Proxy>,
    step_timeout: Duration,
}

#[derive(Clone)]
struct Proxy {
    address: String,
    /// The value of `Proxy-Authorization`.
    authorization: Option<Arc<SecretString>>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({}, credentials: {})", self.address, self.authorization.is_some())
    }
}

impl Default for Dialler {
    fn default() -> Self {
        Self { proxy: None, step_timeout: STEP_TIMEOUT }
    }
}

impl Dialler {
    /// The way that the settings say; the credentials' file is named from the data folder.
    ///
    /// # Errors
    /// The proxy's credentials cannot be read or are none.
    pub fn load(layout: &Layout, hub: &settings::Hub) -> Result<Self, LoadDialFailed> {
        let Some(proxy) = &hub.proxy else { return Ok(Self::default()) };
        let file = hub.proxy_credentials.as_ref().map(|file| layout.root().join(file));
        let authorization = file.map(|file| authorization_of(&secret_file::load(&file)?)).transpose()?;
        let proxy = Proxy { address: proxy.address().to_owned(), authorization: authorization.map(Arc::new) };
        Ok(Self { proxy: Some(proxy), ..Self::default() })
    }

    /// Waits no longer than `step_timeout` for a connection, and for the proxy's answer.
    #[must_use]
    pub fn waiting(self, step_timeout: Duration) -> Self {
        Self { step_timeout, ..self }
    }

    /// What is dialled to reach `address`.
    #[must_use]
    pub fn first_hop<'a>(&'a self, address: &'a str) -> &'a str {
        self.proxy().unwrap_or(address)
    }

    /// The proxy's address, if there is one.
    #[must_use]
    pub fn proxy(&self) -> Option<&str> {
        self.proxy.as_ref().map(|proxy| proxy.address.as_str())
    }

    /// Opens a connection to `address` (`host:port`).
    ///
    /// # Errors
    /// Any of [`DialFailed`].
    pub async fn dial(&self, address: &str) -> Result<TcpStream, DialFailed> {
        let hop = self.first_hop(address);
        let failed = |source| DialFailed::Connect { address: hop.to_owned(), source };
        let stream = timeout(self.step_timeout, TcpStream::connect(hop))
            .await
            .map_err(|elapsed| failed(elapsed.into()))?
            .map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let keep_alive = TcpKeepalive::new().with_time(TCP_KEEP_ALIVE).with_interval(TCP_KEEP_ALIVE);
        SockRef::from(&stream).set_tcp_keepalive(&keep_alive).map_err(failed)?;
        match &self.proxy {
            None => Ok(stream),
            Some(proxy) => self.tunnel(stream, proxy, address).await,
        }
    }

    async fn tunnel(
        &self,
        mut stream: TcpStream,
        proxy: &Proxy,
        address: &str,
    ) -> Result<TcpStream, DialFailed> {
        let silent = |source| DialFailed::Silent { proxy: proxy.address.clone(), source };
        let answer = timeout(self.step_timeout, ask(&mut stream, proxy, address))
            .await
            .map_err(|elapsed| silent(elapsed.into()))?
            .map_err(silent)?;
        let status = status_of(&answer);
        let proxy_address = proxy.address.clone();
        match status {
            Some(200..=299) => Ok(stream),
            Some(407) => {
                Err(DialFailed::Credentials { proxy: proxy_address, given: proxy.authorization.is_some() })
            }
            Some(status) => {
                Err(DialFailed::Refused { proxy: proxy_address, address: address.to_owned(), status })
            }
            None => Err(DialFailed::NoProxy { proxy: proxy_address }),
        }
    }
}

/// Asks for the tunnel (RFC 9110, 9.3.6) and reads the head of the answer, and not a byte of what follows it.
async fn ask(stream: &mut TcpStream, proxy: &Proxy, address: &str) -> io::Result<Vec<u8>> {
    let mut request = Zeroizing::new(String::with_capacity(4096));
    request.push_str("CONNECT ");
    request.push_str(address);
    request.push_str(" HTTP/1.1\r\nHost: ");
    request.push_str(address);
    request.push_str("\r\n");
    if let Some(authorization) = &proxy.authorization {
        request.push_str("Proxy-Authorization: ");
        request.push_str(authorization.expose_secret());
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") && answer.len() < ANSWER_BYTES_MAX && could_be_http(&answer) {
        answer.push(stream.read_u8().await?);
    }
    Ok(answer)
}

/// Whether bytes may still become the answer of a proxy: whatever else speaks there is not waited for.
fn could_be_http(answer: &[u8]) -> bool {
    answer.iter().zip(b"HTTP/1.").all(|(found, wanted)| found == wanted)
}

/// The status of a whole head; none for anything else.
fn status_of(answer: &[u8]) -> Option<u16> {
    let head = std::str::from_utf8(answer.strip_suffix(b"\r\n\r\n")?).ok()?;
    let rest = head.split("\r\n").next()?.strip_prefix("HTTP/1.")?;
    let (_minor, rest) = rest.split_once(' ')?;
    let status = rest.split(' ').next()?;
    (status.len() == 3).then(|| status.parse().ok()).flatten()
}

fn authorization_of(secret: &[u8]) -> Result<SecretString, LoadDialFailed> {
    let text = std::str::from_utf8(secret).or(Err(LoadDialFailed::Form))?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    let user = line.split_once(':').map(|(user, _)| user).filter(|user| !user.is_empty());
    if user.is_none() || line.len() > CREDENTIALS_BYTES_MAX || line.chars().any(char::is_control) {
        return Err(LoadDialFailed::Form);
    }
    let encoded = Zeroizing::new(b64::encode_std(line.as_bytes()));
    Ok(SecretString::from(format!("Basic {}", *encoded)))
}

#[cfg(test)]
mod tests;
