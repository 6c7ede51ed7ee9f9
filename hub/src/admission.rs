//! Admitting an institution by files: its request is checked, its standing and key are logged, a bundle is made.

use safeharbor_certs::authority::{Authority, AuthorityFailed};
use safeharbor_certs::enrolment::{EnrolmentBundle, EnrolmentRequest, JOIN_PROOF_TYPE};
use safeharbor_core::digest::Digest;
use safeharbor_core::directory::{Announcement, Deciders, InstitutionType, KeyGround, KeySigns, Standing};
use safeharbor_core::institution::InstitutionCode;
use safeharbor_core::key::PublicKey;
use safeharbor_core::sdjwt::{Jws, JwsFailed, public_key_from_jwk};
use safeharbor_service::clock::to_seconds;
use safeharbor_service::secret_file::{self, LoadSecretFailed};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::committer::Order;
use crate::folder::{Paths, Settings};
use crate::running::{OrderFailed, announce, wait_published};
use crate::shared::Shared;

/// Bytes of a request file.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// An institution is not admitted.
#[derive(Debug, thiserror::Error)]
pub enum AdmitFailed {
    /// The request file is malformed.
    #[error("the request file is malformed")]
    Request(#[from] serde_json::Error),
    /// The proof is malformed or not signed by the key it names.
    #[error("the request's proof is refused")]
    Proof(#[from] JwsFailed),
    /// The proof speaks of something else.
    #[error("the request's proof does not match the request: {0}")]
    Mismatch(&'static str),
    /// The key is in use for somebody or something else.
    #[error("the statement key is in use already; a node that was set up again needs a key of its own")]
    KeyInUse,
    /// The authority refuses.
    #[error("the certificate cannot be issued")]
    Authority(#[from] AuthorityFailed),
    /// The authority's key cannot be loaded.
    #[error("the authority's key cannot be loaded")]
    Secret(#[from] LoadSecretFailed),
    /// A file of the hub cannot be read.
    #[error("a file of the hub cannot be read")]
    Io(#[from] std::io::Error),
    /// The statement cannot be logged.
    #[error("the admission cannot be logged")]
    Order(#[from] OrderFailed),
}

/// What is admitted: the request, and what the district says of the institution.
#[derive(Debug, Clone)]
pub struct Admission {
    /// The request file's text.
    pub request: String,
    /// The name, where the district's differs from the request's.
    pub name: Option<String>,
    /// What it is.
    pub kind: InstitutionType,
}

/// Admits an institution. Doing it again with the same request changes nothing and makes the bundle again.
///
/// # Errors
/// Any of [`AdmitFailed`].
pub async fn admit(
    shared: &std::sync::Arc<Shared>,
    orders: &mpsc::Sender<Order>,
    (paths, settings): (&Paths, &Settings),
    admission: Admission,
    now_ms: u64,
) -> Result<EnrolmentBundle, AdmitFailed> {
    let request: EnrolmentRequest = serde_json::from_str(&admission.request)?;
    let key = verify_request(&request)?;
    let code = request.institution;
    let directory = shared.directory();
    let known = directory.institution(&code);
    let has_key =
        known.is_some_and(|found| found.keys.iter().any(|term| term.key == key && term.until.is_none()));
    if !has_key && directory.has_seen(&key) {
        return Err(AdmitFailed::KeyInUse);
    }
    let certificate_pem = issue(paths, settings, &request, now_ms)?;
    if known.is_none() {
        let name = admission.name.unwrap_or_else(|| request.name.clone());
        let (kind, standing) = (admission.kind, Standing::Active);
        let decided_by = Deciders::default();
        announce(orders, Announcement::Institution { code, name, kind, standing, decided_by }).await?;
    }
    if !has_key {
        let (ground, decided_by) = (KeyGround::Admission, Deciders::default());
        let begins = Announcement::KeyBegins { code, key, signs: KeySigns::Statements, ground, decided_by };
        let announced = announce(orders, begins).await?;
        wait_published(shared, announced.index).await?;
    }
    let admitted = shared.directory().institution(&code).map(|found| found.admitted);
    Ok(EnrolmentBundle {
        institution: code,
        certificate_pem,
        ca_pem: std::fs::read_to_string(paths.ca())?,
        hub_name: settings.tls_names.first().cloned().unwrap_or_else(|| settings.name.clone()),
        policy: std::fs::read_to_string(paths.policy())?,
        admitted: admitted.ok_or(AdmitFailed::Mismatch("institution"))?.to_string(),
    })
}

/// Changes an institution's standing.
///
/// # Errors
/// The institution is unknown or the statement cannot be logged.
pub async fn set_standing(
    shared: &std::sync::Arc<Shared>,
    orders: &mpsc::Sender<Order>,
    code: InstitutionCode,
    standing: Standing,
    decided_by: Deciders,
) -> Result<(), AdmitFailed> {
    let directory = shared.directory();
    let found = directory.institution(&code).ok_or(AdmitFailed::Mismatch("institution"))?;
    let (name, kind) = (found.name.clone(), found.kind);
    announce(orders, Announcement::Institution { code, name, kind, standing, decided_by }).await?;
    Ok(())
}

fn issue(
    paths: &Paths,
    settings: &Settings,
    request: &EnrolmentRequest,
    now_ms: u64,
) -> Result<String, AdmitFailed> {
    let key_pem = secret_file::load(&paths.ca_key())?;
    let key_pem = std::str::from_utf8(&key_pem).or(Err(AdmitFailed::Mismatch("authority key")))?;
    let authority = Authority::load(&std::fs::read_to_string(paths.ca())?, key_pem)?;
    let lifetime_s = settings.certificate_lifetime_s;
    Ok(authority.issue_client(&request.csr_pem, request.institution, to_seconds(now_ms), lifetime_s)?)
}

/// Checks that one node holds all the keys it asks for.
fn verify_request(request: &EnrolmentRequest) -> Result<PublicKey, AdmitFailed> {
    let key = public_key_from_jwk(&request.jwk).ok_or(AdmitFailed::Mismatch("jwk"))?;
    let proof = Jws::parse(&request.proof)?;
    proof.expect_type(JOIN_PROOF_TYPE)?;
    proof.verify(&key)?;
    let says =
        |claim: &str, expected: &str| proof.payload.get(claim).and_then(Value::as_str) == Some(expected);
    if !says("institution", request.institution.as_str()) {
        return Err(AdmitFailed::Mismatch("institution"));
    }
    if !says("csr_sha256", &Digest::of(request.csr_pem.as_bytes()).to_string()) {
        return Err(AdmitFailed::Mismatch("csr_sha256"));
    }
    Ok(key)
}
