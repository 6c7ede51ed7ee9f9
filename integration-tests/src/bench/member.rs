//! A member of the federation without a store: keys, certificate and a chain, for generating load.

use std::path::Path;
use std::sync::Arc;

use safeharbor_certs::enrolment::{EnrolmentBundle, EnrolmentRequest, JOIN_PROOF_TYPE};
use safeharbor_certs::request::{Request, create_request};
use safeharbor_certs::tls::client_config;
use safeharbor_core::chain::Head;
use safeharbor_core::digest::Digest;
use safeharbor_core::institution::InstitutionCode;
use safeharbor_core::json::Object;
use safeharbor_core::key::{MemorySigner, Signer as _};
use safeharbor_core::sdjwt::{Algorithm, public_key_to_jwk, sign_jws};

use crate::programs::{StepFailed, run, step};

/// One institution of the load.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) code: InstitutionCode,
    pub(super) signer: MemorySigner,
    pub(super) tls: Arc<rustls::ClientConfig>,
    pub(super) hub_name: String,
    pub(super) head: Head,
}

impl Member {
    /// Makes keys, has them admitted by the hub in `hub`, and prepares the connection.
    pub(super) fn admit(number: u8, hub: &Path, scratch: &Path) -> Result<Self, StepFailed> {
        let code = InstitutionCode::complete(&format!("Y1110000BENCH{number:04}"))
            .map_err(step("institution code"))?;
        let signer = MemorySigner::from_seed(&zeroize::Zeroizing::new([number.wrapping_add(1); 32]));
        let Request { key_pem, csr_pem } = create_request(code).map_err(step("certificate request"))?;
        let request = request_for(code, &signer, csr_pem)?;
        let (file, bundle) = (scratch.join(format!("{code}.request")), scratch.join(format!("{code}.bundle")));
        let json = serde_json::to_vec(&request).map_err(step("request"))?;
        std::fs::write(&file, json).map_err(step("request file"))?;
        let path = |path: &Path| path.display().to_string();
        let (hub, file, bundle_path) = (path(hub), path(&file), path(&bundle));
        let arguments =
            ["institution", "--data", &hub, "add", "--request", &file, "--bundle", &bundle_path];
        run("safeharbor-hub", &arguments, "")?;
        let bundle: EnrolmentBundle =
            serde_json::from_slice(&std::fs::read(bundle).map_err(step("bundle"))?).map_err(step("bundle"))?;
        let tls = client_config(&bundle.ca_pem, &bundle.certificate_pem, &key_pem).map_err(step("TLS"))?;
        let admitted: Digest = bundle.admitted.parse().map_err(step("bundle"))?;
        Ok(Self { code, signer, tls, hub_name: bundle.hub_name, head: Head::before_first(admitted) })
    }
}

fn request_for(
    institution: InstitutionCode,
    signer: &MemorySigner,
    csr_pem: String,
) -> Result<EnrolmentRequest, StepFailed> {
    let mut claims = Object::new();
    claims.insert("institution".to_owned(), institution.as_str().into());
    claims.insert("csr_sha256".to_owned(), Digest::of(csr_pem.as_bytes()).to_string().into());
    let proof = sign_jws(Algorithm::default(), JOIN_PROOF_TYPE, &claims, signer).map_err(step("proof"))?;
    let jwk = public_key_to_jwk(&signer.public_key());
    Ok(EnrolmentRequest { institution, name: format!("bench {institution}"), csr_pem, jwk, proof })
}
