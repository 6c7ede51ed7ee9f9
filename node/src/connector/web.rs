//! Asking a web server: over TLS with verification that nothing switches off, within limits of time, size and redirects.

use std::fs;
use std::io::{self, Read as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::http::Uri;
use ureq::tls::{PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

/// The largest answer, unpacked.
pub(super) const ANSWER_BYTES_MAX: u64 = 32 * 1024 * 1024;
const CONNECT: Duration = Duration::from_secs(30);
const WHOLE_ANSWER: Duration = Duration::from_mins(5);
const REDIRECTS_MAX: u32 = 3;
/// The longest that a server may ask to wait.
const RETRY_AFTER_MAX: Duration = Duration::from_mins(10);
/// The largest file of certificates.
const CA_BYTES_MAX: u64 = 1024 * 1024;

/// How a source on the web is reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct WebSettings<'s> {
    pub(super) url: &'s str,
    pub(super) ca_file: Option<&'s Path>,
    pub(super) proxy: Option<&'s str>,
}

/// A web server cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum OpenWebFailed {
    /// The file of certificates.
    #[error("the certificates in {} cannot be used: {reason}", path.display())]
    Certificates {
        /// Which file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The proxy's address.
    #[error("the proxy's address is not one: http://host:port")]
    Proxy,
}

/// An answer that did not come.
#[derive(Debug, thiserror::Error)]
pub enum WebFailed {
    /// No answer, or none in time; another attempt may help.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// The answer is too long.
    #[error("the answer is longer than {ANSWER_BYTES_MAX} bytes")]
    TooLarge,
    /// Something that another attempt does not change.
    #[error("the server cannot be asked: {0}")]
    Refused(String),
    /// Its certificate is not one that is trusted; nothing was asked.
    #[error(
        "the server's certificate is not trusted: {0}; ca_file in the declaration names other authorities"
    )]
    Certificate(String),
}

/// What a server answered.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// How long it asks to wait.
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

/// Whoever can ask for an address.
pub(super) trait Web {
    /// Asks once. The answer is complete.
    fn fetch(&mut self, url: &str) -> Result<Reply, WebFailed>;
}

/// Asks over the network.
#[derive(Debug)]
pub(super) struct Http(Agent);

impl Http {
    pub(super) fn open(settings: &WebSettings<'_>) -> Result<Self, OpenWebFailed> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(root_certificates(settings.ca_file)?)
            .build();
        let proxy = settings.proxy.map(ureq::Proxy::new).transpose().or(Err(OpenWebFailed::Proxy))?;
        let https = settings.url.starts_with("https://");
        let config = Agent::config_builder()
            .tls_config(tls)
            .proxy(proxy)
            .https_only(https)
            // From an address without TLS a redirect could lead anywhere.
            .max_redirects(if https { REDIRECTS_MAX } else { 0 })
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(WHOLE_ANSWER))
            .user_agent(concat!("safeharbor-node/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self(config.new_agent()))
    }
}

impl Web for Http {
    fn fetch(&mut self, url: &str) -> Result<Reply, WebFailed> {
        let response = self.0.get(url).call().map_err(|error| sort(&error))?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(parse_retry_after);
        let mut body = Vec::new();
        let reader = response.into_body().into_reader();
        reader
            .take(ANSWER_BYTES_MAX.saturating_add(1))
            .read_to_end(&mut body)
            .map_err(|error| WebFailed::Unreachable(error.to_string()))?;
        if u64::try_from(body.len()).unwrap_or(u64::MAX) > ANSWER_BYTES_MAX {
            return Err(WebFailed::TooLarge);
        }
        Ok(Reply { status, retry_after, body })
    }
}

/// Seconds only: a date would have to be compared with this machine's clock.
fn parse_retry_after(value: &str) -> Option<Duration> {
    value.trim().parse().ok().map(|seconds| Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

fn root_certificates(file: Option<&Path>) -> Result<RootCerts, OpenWebFailed> {
    let Some(path) = file else { return Ok(RootCerts::PlatformVerifier) };
    let failed = |reason: String| OpenWebFailed::Certificates { path: path.to_owned(), reason };
    let mut pem = Vec::new();
    let opened = fs::File::open(path).map_err(|error| failed(error.to_string()))?;
    opened.take(CA_BYTES_MAX).read_to_end(&mut pem).map_err(|error| failed(error.to_string()))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| failed(error.to_string()))? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(failed("there is no certificate in it".to_owned()));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}

/// Tells what another attempt may change from what it does not.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library adds variants; what is unknown is tried again"
)]
fn sort(error: &ureq::Error) -> WebFailed {
    match error {
        ureq::Error::BadUri(_)
        | ureq::Error::Http(_)
        | ureq::Error::RequireHttpsOnly(_)
        | ureq::Error::TooManyRedirects
        | ureq::Error::RedirectFailed
        | ureq::Error::Tls(_)
        | ureq::Error::Rustls(_)
        | ureq::Error::InvalidProxyUrl => WebFailed::Refused(error.to_string()),
        ureq::Error::Io(source) if is_of_tls(source) => WebFailed::Certificate(source.to_string()),
        _ => WebFailed::Unreachable(error.to_string()),
    }
}

/// What a handshake refused comes wrapped as a failure to read.
fn is_of_tls(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidCertificate(_)))
}

/// Whether records may be fetched from there: over TLS, or from this machine, or as a person allowed.
pub(super) fn is_acceptable_address(url: &str, allow_http: bool) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else { return false };
    // What stands before the host is a name and a password, which would be shown and logged with the address.
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return false;
    }
    match scheme {
        "https" => true,
        "http" => allow_http || is_loopback(host),
        _ => false,
    }
}

/// Whether a host is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_acceptable_address;

    #[test]
    fn an_address_names_a_host_and_no_password() {
        for (url, wanted) in [
            ("https://repository.example.edu/oai", true),
            ("https://reader:secret@repository.example.edu/oai", false),
            ("http://reader@127.0.0.1/oai", false),
            ("http://127.0.0.1:8080/oai", true),
            ("http://repository.example.edu/oai", false),
            ("file:///etc/passwd", false),
        ] {
            assert_eq!(is_acceptable_address(url, false), wanted, "{url}");
        }
    }
}
