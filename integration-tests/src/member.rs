//! A member of the federation without a store: keys, certificate and a chain, to speak to a hub statement by statement.

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
use tokio::net::TcpStream;
use tonic::transport::Channel;

use crate::programs::{StepFailed, run, step};

/// One institution of the load.
#[derive(Debug)]
pub struct Member {
    /// Its code.
    pub code: InstitutionCode,
    /// Its statement key.
    pub signer: MemorySigner,
    /// Its certificate, the hub's authority.
    pub tls: Arc<rustls::ClientConfig>,
    /// The name in the hub's certificate.
    pub hub_name: String,
    /// The last statement it made.
    pub head: Head,
}

impl Member {
    /// Makes keys, has them admitted by the hub in `hub`, and prepares the connection.
    ///
    /// # Errors
    /// Any step that fails, in words.
    pub fn admit(number: u8, hub: &Path, scratch: &Path) -> Result<Self, StepFailed> {
        let code = InstitutionCode::complete(&format!("Y1110000BENCH{number:04}"))
            .map_err(step("institution code"))?;
        let signer = MemorySigner::from_seed(&zeroize::Zeroizing::new([number.wrapping_add(1); 32]));
        let Request { key_pem, csr_pem } = create_request(code).map_err(step("certificate request"))?;
        let request = request_for(code, &signer, csr_pem)?;
        let (file, bundle) =
            (scratch.join(format!("{code}.request")), scratch.join(format!("{code}.bundle")));
        let json = serde_json::to_vec(&request).map_err(step("request"))?;
        std::fs::write(&file, json).map_err(step("request file"))?;
        let path = |path: &Path| path.display().to_string();
        let (hub, file, bundle_path) = (path(hub), path(&file), path(&bundle));
        let arguments =
            ["institution", "--data", &hub, "admit", "--request", &file, "--bundle", &bundle_path];
        run("safeharbor-hub", &arguments, "")?;
        let bundle: EnrolmentBundle = serde_json::from_slice(&std::fs::read(bundle).map_err(step("bundle"))?)
            .map_err(step("bundle"))?;
        let tls = client_config(&bundle.ca_pem, &bundle.certificate_pem, &key_pem).map_err(step("TLS"))?;
        let admitted: Digest = bundle.admitted.parse().map_err(step("bundle"))?;
        Ok(Self { code, signer, tls, hub_name: bundle.hub_name, head: Head::before_first(admitted) })
    }
}

/// Connects to the hub's services.
///
/// # Errors
/// The connection or its handshake fails.
pub async fn connect(
    tls: Arc<rustls::ClientConfig>,
    name: String,
    address: String,
) -> Result<Channel, StepFailed> {
    let connector = tower::service_fn(move |_: tonic::transport::Uri| {
        let (tls, name, address) = (Arc::clone(&tls), name.clone(), address.clone());
        async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let name = rustls::pki_types::ServerName::try_from(name).map_err(std::io::Error::other)?;
            let stream = tokio_rustls::TlsConnector::from(tls).connect(name, stream).await?;
            Ok::<_, std::io::Error>(hyper_util::rt::TokioIo::new(stream))
        }
    });
    let endpoint = tonic::transport::Endpoint::from_static("http://hub");
    endpoint.connect_with_connector(connector).await.map_err(step("connect"))
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
