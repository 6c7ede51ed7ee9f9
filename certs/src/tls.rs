//! TLS 1.3 between nodes and hub: the server always shows a certificate, the client one or none; never an unverified one.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{self, kx_group};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

mod pinned;

pub use pinned::pinned_client_config;

/// gRPC speaks HTTP/2 and nothing else.
pub(crate) const ALPN: &[u8] = b"h2";

/// Which key exchanges a client offers; certificates are verified in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyExchange {
    /// The hybrid of X25519 and ML-KEM-768 before all others.
    #[default]
    Hybrid,
    /// Elliptic curves alone, for middleboxes that drop the larger hello of the hybrid.
    Classic,
}

/// A TLS configuration could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ConfigureTlsFailed {
    /// A certificate is not one in PEM.
    #[error("the {what} is not a certificate in PEM")]
    Certificate {
        /// Whose.
        what: &'static str,
        /// Where it stops being one.
        #[source]
        source: pem::Error,
    },
    /// The text holds no certificate.
    #[error("the {what} holds no certificate")]
    NoCertificate {
        /// Whose.
        what: &'static str,
    },
    /// The private key is not one in PEM.
    #[error("the private key is not one in PEM")]
    Key(#[source] pem::Error),
    /// The authority's certificate cannot be a trust anchor.
    #[error("the authority's certificate cannot be trusted")]
    Authority(#[source] rustls::Error),
    /// The verifier of client certificates cannot be made.
    #[error("client certificates cannot be verified")]
    Verifier(#[source] VerifierBuilderError),
    /// Certificate and key do not fit, or rustls refuses for another reason.
    #[error("the certificate and key cannot be used")]
    Rustls(#[source] rustls::Error),
}

/// The configuration of a server that knows its clients by certificates of the authorities `client_ca_pem`. A client
/// may show none and is then nobody; one that it shows must hold, or there is no connection. Put the authority's
/// certificate behind the server's own in `chain_pem`: a node that joins knows the authority by its fingerprint.
///
/// # Errors
/// A PEM text is not what it should be, or certificate and key do not fit.
pub fn server_config(
    chain_pem: &str,
    key_pem: &str,
    client_ca_pem: &str,
) -> Result<Arc<ServerConfig>, ConfigureTlsFailed> {
    let provider = provider();
    let roots = Arc::new(parse_roots(client_ca_pem)?);
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
        .allow_unauthenticated()
        .build()
        .map_err(ConfigureTlsFailed::Verifier)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(ConfigureTlsFailed::Rustls)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(parse_chain(chain_pem, "server's certificate")?, parse_key(key_pem)?)
        .map_err(ConfigureTlsFailed::Rustls)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    // A resumed session would not have its certificate verified again.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// The configuration of a client that trusts servers of the authority `ca_pem` and shows its own certificate.
///
/// # Errors
/// A PEM text is not what it should be, or certificate and key do not fit.
pub fn client_config(
    ca_pem: &str,
    chain_pem: &str,
    key_pem: &str,
) -> Result<Arc<ClientConfig>, ConfigureTlsFailed> {
    client_config_with(ca_pem, Some((chain_pem, key_pem)), KeyExchange::Hybrid)
}

/// As [`client_config`], with the chain and key that are `shown`, if any, and the key exchanges that are offered.
///
/// # Errors
/// As [`client_config`].
pub fn client_config_with(
    ca_pem: &str,
    shown: Option<(&str, &str)>,
    offered: KeyExchange,
) -> Result<Arc<ClientConfig>, ConfigureTlsFailed> {
    let config = ClientConfig::builder_with_provider(provider_of(offered))
        .with_protocol_versions(&[&TLS13])
        .map_err(ConfigureTlsFailed::Rustls)?
        .with_root_certificates(parse_roots(ca_pem)?);
    let mut config = match shown {
        None => config.with_no_client_auth(),
        Some((chain_pem, key_pem)) => config
            .with_client_auth_cert(parse_chain(chain_pem, "client's certificate")?, parse_key(key_pem)?)
            .map_err(ConfigureTlsFailed::Rustls)?,
    };
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// aws-lc-rs, with the hybrid before all other key exchanges.
fn provider() -> Arc<CryptoProvider> {
    provider_of(KeyExchange::Hybrid)
}

pub(crate) fn provider_of(offered: KeyExchange) -> Arc<CryptoProvider> {
    let classic = [kx_group::X25519, kx_group::SECP256R1];
    let kx_groups = match offered {
        KeyExchange::Hybrid => [[kx_group::X25519MLKEM768].as_slice(), &classic].concat(),
        KeyExchange::Classic => classic.to_vec(),
    };
    Arc::new(CryptoProvider { kx_groups, ..aws_lc_rs::default_provider() })
}

fn parse_roots(ca_pem: &str) -> Result<RootCertStore, ConfigureTlsFailed> {
    let mut roots = RootCertStore::empty();
    for certificate in parse_chain(ca_pem, "authority's certificate")? {
        roots.add(certificate).map_err(ConfigureTlsFailed::Authority)?;
    }
    Ok(roots)
}

fn parse_chain(pem: &str, what: &'static str) -> Result<Vec<CertificateDer<'static>>, ConfigureTlsFailed> {
    let chain = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| ConfigureTlsFailed::Certificate { what, source })?;
    if chain.is_empty() { Err(ConfigureTlsFailed::NoCertificate { what }) } else { Ok(chain) }
}

fn parse_key(pem: &str) -> Result<PrivateKeyDer<'static>, ConfigureTlsFailed> {
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(ConfigureTlsFailed::Key)
}

#[cfg(test)]
mod tests;
