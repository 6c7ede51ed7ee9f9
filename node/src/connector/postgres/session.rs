//! A session with a PostgreSQL server that can read and nothing else, over TLS unless the server is on this machine.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use postgres::config::SslMode;
use postgres::{Client, Config, NoTls};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use safeharbor_service::secret_file::{self, LoadSecretFailed};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::said;
use crate::connector::declaration::PostgresqlSource;

const CONNECT: Duration = Duration::from_secs(30);

/// Nothing is written, nothing waits for ever, and every value has one form whatever the server's settings.
const SESSION: &str = "SET default_transaction_read_only = on; SET statement_timeout = '10min'; SET lock_timeout = '30s'; \
     SET idle_in_transaction_session_timeout = '10min'; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'iso_8601'; \
     SET timezone = 'UTC'; SET client_encoding = 'UTF8'; SET extra_float_digits = 1; SET bytea_output = 'hex'";

/// There is no connection to the database.
#[derive(Debug, thiserror::Error)]
pub(in crate::connector) enum ConnectFailed {
    /// The file with the password.
    #[error("the password cannot be read")]
    Password(#[from] LoadSecretFailed),
    /// The password is no text.
    #[error("the password file does not hold a line of text")]
    PasswordText,
    /// Certificates.
    #[error("the certificates in {} cannot be used: {reason}", path.display())]
    Certificates {
        /// Which file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// TLS.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// The server.
    #[error("the server refuses: {}", said(.0))]
    Server(postgres::Error),
}

pub(super) fn open(source: &PostgresqlSource) -> Result<Client, ConnectFailed> {
    let config = config(source)?;
    let opened = if source.is_local() { config.connect(NoTls) } else { config.connect(tls(source)?) };
    let mut client = opened.map_err(ConnectFailed::Server)?;
    client.batch_execute(SESSION).map_err(ConnectFailed::Server)?;
    Ok(client)
}

fn config(source: &PostgresqlSource) -> Result<Config, ConnectFailed> {
    let mut config = Config::new();
    config
        .host(&source.host)
        .port(source.port)
        .dbname(&source.database)
        .user(&source.user)
        .application_name("safeharbor-node")
        .connect_timeout(CONNECT)
        // Never less than asked for: TLS on the network, none on this machine.
        .ssl_mode(if source.is_local() { SslMode::Disable } else { SslMode::Require });
    if let Some(path) = &source.password_file {
        let secret = secret_file::load(path)?;
        let text = std::str::from_utf8(&secret).or(Err(ConnectFailed::PasswordText))?;
        config.password(text.trim_end_matches(['\r', '\n']));
    }
    Ok(config)
}

fn tls(source: &PostgresqlSource) -> Result<MakeRustlsConnect, ConnectFailed> {
    let Some(path) = &source.ca_file else {
        let native = MakeRustlsConnect::with_native_certs();
        let none = |errors: Vec<_>| {
            let first = errors.first().map_or("the system has none".to_owned(), ToString::to_string);
            ConnectFailed::Tls(format!("no certificate authorities: {first}"))
        };
        return native.map(|(connector, _)| connector).map_err(none);
    };
    let failed = |reason: String| ConnectFailed::Certificates { path: path.clone(), reason };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| failed(error.to_string()))?;
        roots.add(certificate).map_err(|error| failed(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(failed(io::Error::from(io::ErrorKind::UnexpectedEof).to_string()));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConnectFailed::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
