//! Looking at the certificates a server shows, for a person who must know who stands between: a handshake that never succeeds.
//!
//! The verifier here notes the chain and then refuses it, whatever it is: no connection can come of it, so nothing can be sent
//! over one. Who is to be spoken to goes through [`crate::tls`].

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::TLS13;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use safeharbor_core::b64;
use safeharbor_core::digest::Digest;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::tls::{ALPN, ConfigureTlsFailed, KeyExchange, provider_of};

/// Certificates that are looked at; no honest chain is longer.
const CHAIN_MAX: usize = 8;
/// Characters that are kept of a name: it is whatever its maker wrote.
const NAME_CHARACTERS_MAX: usize = 200;

/// Notes what a server shows.
pub struct Capture {
    config: Arc<ClientConfig>,
    noted: Arc<Noted>,
}

/// One certificate that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Whom it is for, as it says.
    pub subject: String,
    /// Who issued it, as it says.
    pub issuer: String,
    /// SHA-256 of the certificate (DER).
    pub fingerprint: Digest,
    /// From when it is valid, in seconds since 1970 UTC.
    pub begins_s: i64,
    /// Until when it is valid, in seconds since 1970 UTC.
    pub ends_s: i64,
    /// The certificate itself.
    pub der: Vec<u8>,
}

impl Shown {
    /// The certificate in PEM, for whoever knows its fingerprint.
    #[must_use]
    pub fn to_pem(&self) -> String {
        let encoded = b64::encode_std(&self.der);
        format!("-----BEGIN CERTIFICATE-----\n{encoded}\n-----END CERTIFICATE-----\n")
    }
}

impl Capture {
    /// A configuration for one handshake, which will fail.
    ///
    /// # Errors
    /// rustls refuses.
    pub fn new(offered: KeyExchange) -> Result<Self, ConfigureTlsFailed> {
        let provider = provider_of(offered);
        let schemes = provider.signature_verification_algorithms.supported_schemes();
        let noted = Arc::new(Noted { chain: Mutex::default(), schemes });
        let verifier: Arc<dyn ServerCertVerifier> = Arc::<Noted>::clone(&noted);
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(ConfigureTlsFailed::Rustls)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::disabled();
        Ok(Self { config: Arc::new(config), noted })
    }

    /// What to shake hands with.
    #[must_use]
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    /// What was shown, the server's own first; nothing before a handshake came so far.
    #[must_use]
    pub fn shown(&self) -> Vec<Shown> {
        self.noted.chain.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Capture({} certificates)", self.shown().len())
    }
}

#[derive(Debug)]
struct Noted {
    chain: Mutex<Vec<Shown>>,
    schemes: Vec<SignatureScheme>,
}

impl ServerCertVerifier for Noted {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(own).chain(others).take(CHAIN_MAX).filter_map(describe).collect();
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = chain;
        Err(refused())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(refused())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(refused())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

const fn refused() -> Error {
    Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)
}

fn describe(certificate: &CertificateDer<'_>) -> Option<Shown> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let name = |text: String| text.chars().filter(|c| !c.is_control()).take(NAME_CHARACTERS_MAX).collect();
    Some(Shown {
        subject: name(parsed.subject().to_string()),
        issuer: name(parsed.issuer().to_string()),
        fingerprint: Digest::of(certificate),
        begins_s: parsed.validity().not_before.timestamp(),
        ends_s: parsed.validity().not_after.timestamp(),
        der: certificate.to_vec(),
    })
}

/// Describes the first certificate of a PEM text; none if there is none.
#[must_use]
pub fn describe_pem(pem: &str) -> Option<Shown> {
    use rustls::pki_types::pem::PemObject as _;
    describe(&CertificateDer::from_pem_slice(pem.as_bytes()).ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rustls::{ClientConnection, ServerConnection};

    use super::*;
    use crate::authority::Authority;
    use crate::{development, tls};

    #[expect(clippy::disallowed_methods, reason = "certificates are made for the machine's time")]
    fn now_s() -> u64 {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
    }

    /// Every byte that passes between a server of `authority` and a client that looks at it.
    fn look_at(authority: &Authority) -> (Capture, ClientConnection, Error) {
        let server = development::server(authority, now_s()).unwrap();
        let chain = format!("{}{}", server.certificate_pem, authority.ca_pem());
        let config = tls::server_config(&chain, &server.key_pem, &authority.ca_pem()).unwrap();
        let capture = Capture::new(KeyExchange::Hybrid).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut client = ClientConnection::new(capture.config(), name).unwrap();
        let mut server = ServerConnection::new(config).unwrap();
        loop {
            let mut bytes = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut bytes).unwrap();
            }
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                server.read_tls(&mut rest).unwrap();
                server.process_new_packets().unwrap();
            }
            let mut bytes = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut bytes).unwrap();
            }
            let mut rest = bytes.as_slice();
            assert!(!rest.is_empty(), "the two are stuck");
            while !rest.is_empty() {
                client.read_tls(&mut rest).unwrap();
                if let Err(refused) = client.process_new_packets() {
                    return (capture, client, refused);
                }
            }
        }
    }

    #[test]
    fn the_chain_is_noted_and_even_an_honest_server_is_refused() {
        use std::io::Write as _;
        let authority = Authority::create("海淀枢纽 test authority", now_s(), 86_400).unwrap();
        let (capture, mut client, failed) = look_at(&authority);
        assert_eq!(failed, refused());
        let shown = capture.shown();
        assert_eq!(shown.len(), 2);
        assert!(shown[0].issuer.contains("test authority"), "{shown:?}");
        assert_eq!(shown[1].fingerprint, describe_pem(&authority.ca_pem()).unwrap().fingerprint);
        // Nothing can be said over it: what is written stays in memory, and the connection offers an alert alone.
        client.writer().write_all(b"SECRET").ok();
        assert!(client.is_handshaking());
        let mut sent = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut sent).unwrap();
        }
        assert!(sent.len() < 64, "{} bytes", sent.len());
    }

    proptest! {
        #[test]
        fn no_certificate_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,80}") {
            describe(&CertificateDer::from(bytes));
            assert!(describe_pem(&text).is_none());
        }
    }
}
