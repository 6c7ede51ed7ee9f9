//! The hub's own TLS certificate: issued by its authority at every start, and again while it runs; connections go on.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use safeharbor_certs::authority::AuthorityFailed;
use safeharbor_certs::spki;
use safeharbor_certs::tls::{ConfigureTlsFailed, server_config};
use safeharbor_service::clock::to_seconds;
use safeharbor_service::durable_file::{WriteFailed, write_durably};
use safeharbor_service::secret_file;
use safeharbor_service::shutdown::Shutdown;
use safeharbor_service::speech::chain_of;
use tokio::sync::watch;

use crate::authority::{Authorities, AuthoritiesFailed};
use crate::key_register::{ClaimFailed, KeyRegister, NamedKey, Usage};
use crate::office::Desk;
use crate::setup::TLS_S;

/// How often the running hub looks whether its certificate is due.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The hub's certificate cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsCertificateFailed {
    /// The authorities cannot be loaded.
    #[error(transparent)]
    Authorities(#[from] AuthoritiesFailed),
    /// The authority refuses.
    #[error("the hub's TLS certificate cannot be issued")]
    Authority(#[from] AuthorityFailed),
    /// The key cannot be registered.
    #[error(transparent)]
    Claim(#[from] ClaimFailed),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteFailed),
    /// TLS cannot be configured.
    #[error("TLS cannot be configured")]
    Configure(#[from] ConfigureTlsFailed),
}

/// Makes a key and a certificate for the hub, and the configuration for connections from here on. The authority stands
/// behind the certificate, so that a node that joins can compare its fingerprint.
///
/// # Errors
/// Any of [`TlsCertificateFailed`]; connections then go on with the certificate before.
pub fn renew(desk: &Desk) -> Result<Arc<ServerConfig>, TlsCertificateFailed> {
    let authorities = Authorities::load(desk)?;
    let (authority, now_s) = (authorities.issuing(desk)?, to_seconds(desk.clock.now_ms()));
    let issued = authority.issue_server(&desk.settings.tls_names, now_s, TLS_S)?;
    if let Some(name) = spki::of_certificate(&issued.certificate_pem) {
        KeyRegister::of(desk).keep_own(&[NamedKey { name, usage: Usage::Tls }])?;
    }
    let chain = issued.certificate_pem + &authority.ca_pem();
    let config = server_config(&chain, &issued.key_pem, &authorities.all_pem(desk)?)?;
    secret_file::replace(&desk.paths.tls_key(), issued.key_pem.as_bytes())?;
    write_durably(&desk.paths.tls(), chain.as_bytes())?;
    Ok(config)
}

/// Renews the certificate when two thirds of its life are over, or when the authorities change, until shutdown.
/// Call it when the certificate was just made: from the call on, not from the first poll, time and changes count.
pub fn keep(
    desk: Desk,
    configs: watch::Sender<Arc<ServerConfig>>,
    shutdown: Shutdown,
) -> impl Future<Output = ()> + Send {
    let (changed, issued_ms) = (desk.authorities_changed.subscribe(), desk.clock.now_ms());
    watch_over(desk, configs, shutdown, (changed, issued_ms))
}

async fn watch_over(
    desk: Desk,
    configs: watch::Sender<Arc<ServerConfig>>,
    shutdown: Shutdown,
    (mut changed, mut issued_ms): (watch::Receiver<u64>, u64),
) {
    let due_after_ms = TLS_S.saturating_mul(1000) / 3 * 2;
    loop {
        tokio::select! {
            () = shutdown.wait() => return,
            // The desk holds the other end.
            _ = changed.changed() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {
                if desk.clock.now_ms().saturating_sub(issued_ms) < due_after_ms {
                    continue;
                }
            }
        }
        let work = desk.clone();
        match tokio::task::spawn_blocking(move || renew(&work)).await {
            Ok(Ok(config)) => {
                issued_ms = desk.clock.now_ms();
                configs.send_replace(config);
                tracing::info!("the hub's TLS certificate was renewed");
            }
            Ok(Err(failed)) => {
                tracing::error!(error = chain_of(&failed), "the TLS certificate was not renewed")
            }
            Err(_ended) => return,
        }
    }
}

#[cfg(test)]
mod tests;
