//! The files of a registry on a web server: within limits of time and size, asked again while it may help.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::http::Response;
use ureq::tls::{PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

use super::files::LogFiles;
use crate::input;
use crate::objection::{Fault, Objection};
use crate::patience::wait;
use crate::trust::TrustFailed;
use crate::utc::parse_http_date;

const CONNECT: Duration = Duration::from_secs(10);
const WHOLE_ANSWER: Duration = Duration::from_mins(1);
const REDIRECTS_MAX: u32 = 3;
/// The largest file of certificates.
const CA_BYTES_MAX: usize = 1 << 20;
/// How long to wait before each further attempt.
const AGAIN_AFTER: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_millis(800), Duration::from_secs(3)];
/// A server far away answers late, not slowly.
const READERS: usize = 8;

/// A web server with the files of a registry.
#[derive(Debug)]
pub struct LogSite {
    agent: Agent,
    prefix: String,
}

/// A file that was fetched.
struct Fetched {
    bytes: Vec<u8>,
    written_at: Option<u64>,
}

/// One answer.
enum Answer {
    File(Fetched),
    NoFile,
    /// Asking again may help.
    Later(Fault),
}

impl LogSite {
    /// Names the address; nothing is asked yet. Certificates are always verified: by the authorities in `ca_file`, or those
    /// that this system trusts.
    ///
    /// # Errors
    /// A file of certificates that cannot be used.
    pub fn new(url: &str, ca_file: Option<&Path>) -> Result<Self, Objection> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(ca_file.map_or(Ok(RootCerts::PlatformVerifier), load_authorities)?)
            .build();
        let https = url.starts_with("https://");
        let config = Agent::config_builder()
            .tls_config(tls)
            .https_only(https)
            // From an address without TLS a redirect could lead anywhere.
            .max_redirects(if https { REDIRECTS_MAX } else { 0 })
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(WHOLE_ANSWER))
            .user_agent(concat!("safeharbor-verify/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self { agent: config.new_agent(), prefix: url.trim_end_matches('/').to_owned() })
    }

    fn fetch(&self, path: &str, bytes_max: usize) -> Result<Option<Fetched>, Objection> {
        let url = format!("{}/{path}", self.prefix);
        let mut pauses = AGAIN_AFTER.iter();
        loop {
            match self.ask(&url, bytes_max).map_err(|fault| fault.in_file(&url))? {
                Answer::File(fetched) => return Ok(Some(fetched)),
                Answer::NoFile => return Ok(None),
                Answer::Later(fault) => match pauses.next() {
                    Some(pause) => wait(*pause),
                    None => return Err(fault.in_file(url)),
                },
            }
        }
    }

    fn ask(&self, url: &str, bytes_max: usize) -> Result<Answer, Fault> {
        let response = match self.agent.get(url).call() {
            Ok(response) => response,
            Err(failed) => return Ok(Answer::Later(Fault::Unreachable(failed.to_string()))),
        };
        match response.status().as_u16() {
            200 => {}
            404 | 410 => return Ok(Answer::NoFile),
            status @ (408 | 429 | 500..) => return Ok(Answer::Later(Fault::Status(status))),
            status => return Err(Fault::Status(status)),
        }
        let written_at = last_modified(&response);
        let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
        let mut bytes = Vec::new();
        match response.into_body().into_reader().take(limit).read_to_end(&mut bytes) {
            Err(failed) => Ok(Answer::Later(Fault::Unreachable(failed.to_string()))),
            Ok(_) if bytes.len() > bytes_max => Err(Fault::TooLarge(bytes_max)),
            Ok(_) => Ok(Answer::File(Fetched { bytes, written_at })),
        }
    }
}

impl LogFiles for LogSite {
    fn read(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, Objection> {
        Ok(self.fetch(path, bytes_max)?.map(|fetched| fetched.bytes))
    }

    fn written_at(&self, path: &str) -> Result<Option<u64>, Objection> {
        let fetched = self.fetch(path, safeharbor_core::note::NOTE_BYTES_MAX)?;
        Ok(fetched.and_then(|fetched| fetched.written_at))
    }

    fn readers(&self) -> usize {
        READERS
    }
}

fn last_modified<B>(response: &Response<B>) -> Option<u64> {
    let value = response.headers().get("last-modified")?.to_str().ok()?;
    parse_http_date(value)
}

fn load_authorities(path: &Path) -> Result<RootCerts, Objection> {
    let pem = input::read_file(path, CA_BYTES_MAX)?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let Ok(PemItem::Certificate(certificate)) = item {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(Fault::Trust(TrustFailed::NoCertificate).in_file(path.display()));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}
