//! Setting up a node, asking to be admitted, and taking the hub's answer.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use safeharbor_certs::enrolment::{EnrolmentBundle, EnrolmentRequest, JOIN_PROOF_TYPE};
use safeharbor_certs::identity::{IdentityFailed, PeerIdentity};
use safeharbor_certs::request::{CreateRequestFailed, create_request};
use safeharbor_certs::tls::{ConfigureTlsFailed, KeyExchange, client_config_with};
use safeharbor_core::digest::Digest;
use safeharbor_core::institution::InstitutionCode;
use safeharbor_core::json::Object;
use safeharbor_core::key::{MemorySigner, SignFailed, Signer as _};
use safeharbor_core::sdjwt::{Algorithm, public_key_to_jwk, sign_jws};
use safeharbor_service::durable_file::{
    Access, Existing, WriteFailed, create_folders_durably, write, write_durably,
};
use safeharbor_service::folder::{DataFolder, OpenFolderFailed, Role};
use safeharbor_service::key_file::{self, CreateKeyFailed, KeyUse, LoadKeyFailed};
use safeharbor_service::secret_file::{self, LoadSecretFailed};

use crate::layout::Layout;
use crate::membership::{Membership, MembershipFailed};
use crate::opening::{OpenFailed, Owner, Seams, load_owner};
use crate::trust::{Trust, TrustFailed};

/// A bundle is a few kilobytes.
const BUNDLE_BYTES_MAX: u64 = 1024 * 1024;

/// A node could not be set up or enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolFailed {
    /// The data folder cannot be taken into use.
    #[error("the data folder cannot be used")]
    Folder(#[from] OpenFolderFailed),
    /// The folder belongs to another institution.
    #[error("this is the node of {found}, not of {wanted}")]
    OtherInstitution {
        /// Whose node it is.
        found: InstitutionCode,
        /// Whom the request or bundle is for.
        wanted: InstitutionCode,
    },
    /// The folder does not say whose it is.
    #[error("the node is not set up")]
    Open(#[from] OpenFailed),
    /// A key cannot be made.
    #[error("a key cannot be made")]
    CreateKey(#[from] CreateKeyFailed),
    /// A key cannot be loaded.
    #[error("a key cannot be loaded")]
    LoadKey(#[from] LoadKeyFailed),
    /// The TLS key cannot be loaded.
    #[error("the TLS key cannot be loaded")]
    LoadSecret(#[from] LoadSecretFailed),
    /// A certificate request cannot be made.
    #[error("the certificate request cannot be made")]
    Request(#[from] CreateRequestFailed),
    /// The statement key refused.
    #[error("the request cannot be signed")]
    Sign(#[from] SignFailed),
    /// A file cannot be written.
    #[error("a file cannot be written")]
    Write(#[from] WriteFailed),
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The file is no bundle.
    #[error("this is not an enrolment bundle of a hub")]
    Bundle(#[source] serde_json::Error),
    /// The bundle's certificate is none.
    #[error("the bundle's certificate is not one in PEM")]
    Certificate,
    /// The certificate names somebody else or nobody.
    #[error("the bundle's certificate is refused")]
    Identity(#[from] IdentityFailed),
    /// The certificate does not belong to this node's key.
    #[error("the bundle's certificate does not go with this node's TLS key")]
    Tls(#[from] ConfigureTlsFailed),
    /// The membership cannot be kept or read.
    #[error("the membership cannot be used")]
    Membership(#[from] MembershipFailed),
    /// The trust policy is refused.
    #[error("the bundle's trust policy is refused")]
    Trust(#[from] TrustFailed),
    /// The trust policy lacks the hub's statement key.
    #[error("the bundle's trust policy names no hub key")]
    NoHubKey,
    /// The node trusts another registry or was admitted by another statement.
    #[error("the node is enrolled already, with another {0}; a change of trust takes a new data folder")]
    OtherTrust(&'static str),
    /// The address is none.
    #[error("{0:?} is not an address of the form host:port")]
    Address(String),
}

/// Sets up a data folder with its keys and writes the request for the hub. Doing it again for the same institution writes the same request.
///
/// # Errors
/// The folder is another institution's, in use or unusable, or the request cannot be written.
pub fn init(
    layout: &Layout,
    owner: &Owner,
    request: &Path,
    seams: &Seams,
) -> Result<EnrolmentRequest, EnrolFailed> {
    let _folder = DataFolder::open_or_create(layout.root(), Role::Node)?;
    if layout.institution().exists() {
        refuse_other(load_owner(layout)?.institution, owner.institution)?;
    } else {
        let text = serde_json::to_vec(owner).map_err(EnrolFailed::Bundle)?;
        write_durably(&layout.institution(), &text)?;
    }
    create_folders_durably(&layout.keys())
        .map_err(|source| EnrolFailed::Read { path: layout.keys(), source })?;
    let signer = statement_key(layout, seams)?;
    let csr_pem = certificate_request(layout, owner.institution)?;
    let asked = EnrolmentRequest {
        institution: owner.institution,
        name: load_owner(layout)?.name,
        proof: prove(owner.institution, &csr_pem, &signer)?,
        jwk: public_key_to_jwk(&signer.public_key()),
        csr_pem,
    };
    let text = serde_json::to_vec_pretty(&asked).map_err(EnrolFailed::Bundle)?;
    write_durably(request, &text)?;
    Ok(asked)
}

fn statement_key(layout: &Layout, seams: &Seams) -> Result<MemorySigner, EnrolFailed> {
    let path = layout.statement_key();
    if path.exists() {
        return Ok(key_file::load(&path, KeyUse::Statement)?);
    }
    Ok(key_file::create(&path, KeyUse::Statement, &*seams.random)?)
}

/// The request is written after its key, so a key without a request is what an interruption leaves.
fn certificate_request(layout: &Layout, code: InstitutionCode) -> Result<String, EnrolFailed> {
    let path = layout.tls_request();
    if path.exists() {
        return fs::read_to_string(&path).map_err(|source| EnrolFailed::Read { path, source });
    }
    let request = create_request(code)?;
    secret_file::replace(&layout.tls_key(), request.key_pem.as_bytes())?;
    write_durably(&path, request.csr_pem.as_bytes())?;
    Ok(request.csr_pem)
}

/// Shows that one party holds both keys.
fn prove(code: InstitutionCode, csr_pem: &str, signer: &MemorySigner) -> Result<String, EnrolFailed> {
    let mut payload = Object::new();
    payload.insert("institution".to_owned(), code.as_str().into());
    payload.insert("csr_sha256".to_owned(), Digest::of(csr_pem.as_bytes()).to_string().into());
    Ok(sign_jws(Algorithm::default(), JOIN_PROOF_TYPE, &payload, signer)?)
}

/// Takes the hub's answer: the certificate must be for this node's own key and institution, the trust policy must name a hub
/// key. Doing it again changes nothing but the address; a renewed certificate replaces the one before.
///
/// # Errors
/// A bundle that is not for this node, or one of another registry than the node trusts.
pub fn enrol(layout: &Layout, bundle: &Path, hub: &str) -> Result<EnrolmentBundle, EnrolFailed> {
    let _folder = DataFolder::open(layout.root(), Role::Node)?;
    let address = parse_address(hub)?;
    let bytes = read_bundle(bundle)?;
    let answer: EnrolmentBundle = serde_json::from_slice(&bytes).map_err(EnrolFailed::Bundle)?;
    verify_bundle(layout, &answer)?;
    refuse_other_trust(layout, &answer)?;
    create_folders_durably(&layout.trust())
        .map_err(|source| EnrolFailed::Read { path: layout.trust(), source })?;
    let keep = |path: &Path, bytes: &[u8]| write(path, bytes, Access::OwnerOnly, Existing::Replace);
    keep(&layout.hub_address(), address.as_bytes())?;
    Membership::of_bundle(answer.clone(), load_owner(layout)?.name).store(layout)?;
    Ok(answer)
}

fn read_bundle(path: &Path) -> Result<Vec<u8>, EnrolFailed> {
    let failed = |source| EnrolFailed::Read { path: path.to_owned(), source };
    if fs::metadata(path).map_err(failed)?.len() > BUNDLE_BYTES_MAX {
        return Err(failed(io::ErrorKind::FileTooLarge.into()));
    }
    fs::read(path).map_err(failed)
}

fn verify_bundle(layout: &Layout, bundle: &EnrolmentBundle) -> Result<(), EnrolFailed> {
    let own = load_owner(layout)?.institution;
    refuse_other(own, bundle.institution)?;
    let certificate = CertificateDer::from_pem_slice(bundle.certificate_pem.as_bytes());
    let certificate = certificate.or(Err(EnrolFailed::Certificate))?;
    refuse_other(own, PeerIdentity::from_certificate(&certificate)?.institution)?;
    let member = Membership::of_bundle(bundle.clone(), String::new());
    drop(load_tls(layout, &member, KeyExchange::Hybrid)?);
    let trust = Trust::of_membership(&member)?;
    if trust.policy().hub_keys().is_empty() {
        return Err(EnrolFailed::NoHubKey);
    }
    Ok(())
}

/// The TLS configuration of a membership with this node's key; it fails if the two do not belong together.
///
/// # Errors
/// The key cannot be loaded, or does not go with the certificate.
pub fn load_tls(
    layout: &Layout,
    member: &Membership,
    offered: KeyExchange,
) -> Result<Arc<ClientConfig>, EnrolFailed> {
    let key = secret_file::load(&layout.keys().join(&member.tls_key))?;
    let key = std::str::from_utf8(&key).or(Err(EnrolFailed::Certificate))?;
    let shown = Some((member.certificate_pem.as_str(), key));
    Ok(client_config_with(&member.authorities_pem, shown, offered)?)
}

fn refuse_other_trust(layout: &Layout, next: &EnrolmentBundle) -> Result<(), EnrolFailed> {
    let Some(kept) = Membership::load(layout)? else { return Ok(()) };
    let (ours, theirs) = (
        Trust::of_membership(&kept)?,
        Trust::of_membership(&Membership::of_bundle(next.clone(), String::new()))?,
    );
    if ours.log() != theirs.log() || ours.policy() != theirs.policy() {
        return Err(EnrolFailed::OtherTrust("trust policy"));
    }
    if ours.admitted() != theirs.admitted() {
        return Err(EnrolFailed::OtherTrust("admitting statement"));
    }
    Ok(())
}

fn refuse_other(found: InstitutionCode, wanted: InstitutionCode) -> Result<(), EnrolFailed> {
    if found == wanted { Ok(()) } else { Err(EnrolFailed::OtherInstitution { found, wanted }) }
}

fn parse_address(text: &str) -> Result<&str, EnrolFailed> {
    let address = text.trim();
    let refused = || EnrolFailed::Address(address.to_owned());
    let (host, port) = address.rsplit_once(':').ok_or_else(refused)?;
    let port: u16 = port.parse().ok().ok_or_else(refused)?;
    let well_formed =
        !host.is_empty() && port > 0 && !host.contains(char::is_whitespace) && !host.contains('/');
    if well_formed { Ok(address) } else { Err(refused()) }
}

#[cfg(test)]
pub(crate) mod tests;
