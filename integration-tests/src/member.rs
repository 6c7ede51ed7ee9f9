//! A member of the federation without a store: keys, certificate and a chain, to speak to a hub statement by statement.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use safeharbor_certs::invitation::Invitation;
use safeharbor_certs::proof::{NodeKeys, prove_join, prove_presentation, prove_witness};
use safeharbor_certs::request::{Request, create_request};
use safeharbor_certs::tls::client_config;
use safeharbor_core::chain::Head;
use safeharbor_core::institution::{InstitutionCode, Issuer};
use safeharbor_core::key::{MemorySigner, Signer as _};
use safeharbor_core::statement::statement_digest;
use safeharbor_hub::folder::{Paths, Settings};
use safeharbor_proto::v1;
use safeharbor_proto::v1::enrollment_client::EnrollmentClient;
use tokio::net::TcpStream;
use tonic::transport::Channel;
use zeroize::Zeroizing;

use crate::administrator::Administrator;
use crate::programs::{StepFailed, step};

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
    /// Has the running hub in `hub`, which listens at `address`, invite an institution, and joins with keys of its own.
    ///
    /// # Errors
    /// Any step that fails, in words.
    pub fn admit(number: u8, hub: &Path, address: &str) -> Result<Self, StepFailed> {
        let code = InstitutionCode::complete(&format!("Y1110000BENCH{number:04}"))
            .map_err(step("institution code"))?;
        let token = Administrator::of(hub)?.invite(code.as_str(), &format!("bench {code}"))?;
        Self::take_up(&token, (number, code), hub, address)
    }

    /// Joins by an invitation that was made already.
    ///
    /// # Errors
    /// Any step that fails, in words.
    pub fn take_up(
        token: &str,
        (number, code): (u8, InstitutionCode),
        hub: &Path,
        address: &str,
    ) -> Result<Self, StepFailed> {
        let invitation = Invitation::parse(token).map_err(step("invitation"))?;
        let Request { key_pem, csr_pem } = create_request(code).map_err(step("certificate request"))?;
        let settings = Settings::load(&Paths::new(hub), &[]).map_err(step("settings"))?;
        let keys = MemberKeys::new(number);
        let request = keys.ask((&settings.issuer(), &settings.origin), &invitation, csr_pem)?;
        let membership = join(hub, (settings.hub_name(), address), request)?;
        let tls = client_config(&membership.authorities_pem, &membership.certificate_pem, &key_pem)
            .map_err(step("TLS"))?;
        let admission = membership.statements.first().map(|statement| statement_digest(&statement.jwt));
        let admitted = admission.ok_or_else(|| StepFailed("the hub logged no admission".to_owned()))?;
        let head = Head::before_first(admitted);
        Ok(Self { code, signer: keys.statements, tls, hub_name: membership.hub_name, head })
    }
}

/// The keys of a member besides that of its certificate.
struct MemberKeys {
    statements: MemorySigner,
    witness: MemorySigner,
    presentation: MemorySigner,
}

impl MemberKeys {
    fn new(number: u8) -> Self {
        let signer = |usage: u8| {
            let mut seed = [number.wrapping_add(1); 32];
            seed[0] = usage;
            MemorySigner::from_seed(&Zeroizing::new(seed))
        };
        Self { statements: signer(0), witness: signer(1), presentation: signer(2) }
    }

    fn ask(
        &self,
        (issuer, origin): (&Issuer, &str),
        invitation: &Invitation,
        csr_pem: String,
    ) -> Result<v1::JoinRequest, StepFailed> {
        let (id, keys) = (invitation.id(), self.public());
        let proof = prove_join(&id, &csr_pem, &keys, &self.statements).map_err(step("proof"))?;
        let presentation = prove_presentation((issuer, &id, &proof), 0, &self.presentation);
        Ok(v1::JoinRequest {
            secret: invitation.secret.to_vec(),
            cosignature: prove_witness((origin, &id), 1, &self.witness).map_err(step("cosignature"))?,
            presentation: presentation.map_err(step("presentation"))?,
            csr_pem,
            proof,
            software: "load".to_owned(),
        })
    }

    fn public(&self) -> NodeKeys {
        NodeKeys {
            statements: self.statements.public_key(),
            witness: self.witness.public_key(),
            presentation: self.presentation.public_key(),
        }
    }
}

/// Asks the hub to be let in, over a connection without a certificate. The authority is read from the hub's folder: how a
/// node knows it by the token is tested with the node.
fn join(
    hub: &Path,
    (name, address): (&str, &str),
    request: v1::JoinRequest,
) -> Result<v1::Membership, StepFailed> {
    let authority = std::fs::read(Paths::new(hub).ca()).map_err(step("authority"))?;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&authority) {
        roots.add(certificate.map_err(step("authority"))?).map_err(step("authority"))?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(step("TLS"))?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let connecting = connect(Arc::new(config), name.to_owned(), address.to_owned());
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(step("runtime"))?;
    runtime.block_on(async {
        let answered = EnrollmentClient::new(connecting.await?).join(request).await;
        Ok(answered.map_err(|status| StepFailed(format!("join: {}", status.message())))?.into_inner())
    })
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
