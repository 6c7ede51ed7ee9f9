//! Certificates of nodes: issuing them, and until when the last one of each institution is valid.

use safeharbor_certs::authority::AuthorityFailed;
use safeharbor_core::digest::Digest;
use safeharbor_core::institution::InstitutionCode;
use safeharbor_service::clock::to_seconds;
use safeharbor_service::store::Batch;
use serde::{Deserialize, Serialize};

use crate::authority::{Authorities, AuthoritiesFailed};
use crate::office::Desk;
use crate::office::drawer::{Drawer, DrawerFailed, keep_all};
use crate::office::tables::CERTIFICATES;

/// The last certificate of an institution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastCertificate {
    /// When it was issued, in Unix milliseconds.
    pub issued_ms: u64,
    /// Until when it is valid, in Unix milliseconds.
    pub until_ms: u64,
    /// The fingerprint of the authority that issued it.
    pub authority: Digest,
}

/// A certificate is not issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueFailed {
    /// The authorities cannot be loaded.
    #[error(transparent)]
    Authorities(#[from] AuthoritiesFailed),
    /// The authority refuses.
    #[error("the certificate cannot be issued")]
    Authority(#[from] AuthorityFailed),
    /// It cannot be noted.
    #[error(transparent)]
    Drawer(#[from] DrawerFailed),
}

/// The last certificates.
#[must_use]
pub fn drawer(desk: &Desk) -> Drawer<'_, LastCertificate> {
    Drawer::new(&*desk.store, CERTIFICATES)
}

/// The last certificate of an institution; none if it never had one.
///
/// # Errors
/// The store.
pub fn last_of(desk: &Desk, code: &InstitutionCode) -> Result<Option<LastCertificate>, DrawerFailed> {
    drawer(desk).find(code.as_str().as_bytes())
}

/// Issues a certificate for the key of a request and notes when it ends, together with `batch`; durable on return.
///
/// # Errors
/// The authority or the store; nothing of the batch is kept then.
pub fn issue(
    desk: &Desk,
    code: InstitutionCode,
    csr_pem: &str,
    mut batch: Batch,
) -> Result<String, IssueFailed> {
    let (authority, issued_ms) = (Authorities::load(desk)?.issuing(desk)?, desk.clock.now_ms());
    let lifetime_s = desk.settings.certificate_lifetime_s;
    let certificate_pem = authority.issue_client(csr_pem, code, to_seconds(issued_ms), lifetime_s)?;
    let until_ms =
        authority.ends_s().min(to_seconds(issued_ms).saturating_add(lifetime_s)).saturating_mul(1000);
    let row = LastCertificate { issued_ms, until_ms, authority: authority.fingerprint() };
    drawer(desk).put(&mut batch, code.as_str().as_bytes(), &row)?;
    keep_all(&*desk.store, batch)?;
    Ok(certificate_pem)
}
