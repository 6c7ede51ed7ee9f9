//! A hub in this process behind real TLS, and nodes that ask it, for tests.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use safeharbor_certs::invitation::Invitation;
use safeharbor_certs::proof::{
    NodeKeys, prove_join, prove_other_witness, prove_presentation, prove_renewal, prove_witness,
};
use safeharbor_certs::request::{Request as TlsRequest, create_request};
use safeharbor_core::code::Code;
use safeharbor_core::directory::{InstitutionType, KeyGround};
use safeharbor_core::institution::InstitutionCode;
use safeharbor_core::key::{MemorySigner, Signer as _};
use safeharbor_core::sdjwt::public_key_to_jwk;
use safeharbor_proto::v1;
use safeharbor_proto::v1::enrollment_client::EnrollmentClient;
use safeharbor_service::clock::{Clock, ManualClock};
use safeharbor_service::person::{Authentication, Person, PersonId, Role};
use safeharbor_service::random::{Random, SystemRandom};
use safeharbor_service::shutdown::Shutdown;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::client::TlsStream;
use tonic::Status;
use tonic::transport::Channel;
use zeroize::Zeroizing;

use crate::invitation::{self, Invited, State};
use crate::office::Office;
use crate::opening::open;
use crate::server::{ServeFailed, serve};
use crate::setup::{Naming, set_up};

pub(crate) const DAY_MS: u64 = 24 * 3600 * 1000;
pub(crate) const CODE: &str = "12100000400002259P";
pub(crate) const OTHER_CODE: &str = "12100000400000624D";

/// rustls compares certificates with the machine's clock.
#[expect(clippy::disallowed_methods, reason = "rustls reads the same clock")]
pub(crate) fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

pub(crate) fn code() -> InstitutionCode {
    CODE.parse().unwrap()
}

pub(crate) fn person(number: u32) -> Person {
    Person {
        id: PersonId(number),
        name: format!("管理员{number}"),
        role: Role::Administrator,
        authenticated: Authentication::LocalPassword,
        deputy_for: None,
    }
}

/// A running hub.
pub(crate) struct Hub {
    pub(crate) office: Office,
    pub(crate) clock: Arc<ManualClock>,
    shutdown: Shutdown,
    task: JoinHandle<Result<(), ServeFailed>>,
    folder: tempfile::TempDir,
}

impl Hub {
    pub(crate) async fn start() -> Self {
        Self::start_at(now_ms()).await
    }

    pub(crate) async fn start_at(now_ms: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at_ms(now_ms));
        let naming =
            Naming { name: "localhost".to_owned(), origin: None, tls_names: vec!["127.0.0.1".to_owned()] };
        set_up(folder.path(), &naming, clock.as_ref(), &SystemRandom).unwrap();
        Self::serve(folder, clock).await
    }

    async fn serve(folder: tempfile::TempDir, clock: Arc<ManualClock>) -> Self {
        let seam: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let anywhere = || "127.0.0.1:0".to_owned();
        let settings = [("listen", anywhere()), ("admin", anywhere())];
        let hub = open(folder.path(), &settings, (&seam, &random)).unwrap();
        let (shutdown, (give, taken)) = (Shutdown::new(), oneshot::channel());
        let ends = shutdown.clone();
        let commands = |office: Office| async move { drop(give.send(office)) };
        let task = tokio::spawn(async move { serve(hub, ends, commands).await });
        let Ok(office) = taken.await else { panic!("{:?}", task.await) };
        Self { office, clock, shutdown, task, folder }
    }

    /// Ends the hub and opens its folder anew.
    pub(crate) async fn restart(self) -> Self {
        let Self { office, clock, shutdown, task, folder } = self;
        drop(office);
        shutdown.trigger();
        task.await.unwrap().unwrap();
        Self::serve(folder, clock).await
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn ca_pem(&self) -> String {
        let authorities = crate::authority::Authorities::load(&self.office).unwrap();
        authorities.issuing_pem(&self.office).unwrap()
    }

    /// Invites an institution for a week.
    pub(crate) fn invite(&self, code: InstitutionCode) -> Invitation {
        self.invite_as(code, Vec::new())
    }

    pub(crate) fn invite_as(&self, code: InstitutionCode, re_enrolment: Vec<u32>) -> Invitation {
        let at_ms = self.office.clock.now_ms();
        let invited = Invited {
            code,
            name: "北京试验大学".to_owned(),
            kind: InstitutionType::University,
            by: person(1),
            at_ms,
            expires_ms: at_ms + 7 * DAY_MS,
            replaces: if re_enrolment.is_empty() {
                None
            } else {
                crate::re_enrolment::last_key(self.office.shared.directory().institution(&code))
            },
            re_enrolment,
            state: State::Open,
            alarm: None,
        };
        Invitation::parse(&invitation::make(&self.office, &invited).unwrap()).unwrap()
    }

    pub(crate) fn invited(&self, invitation: &Invitation) -> Invited {
        invitation::drawer(&self.office).find(invitation.id().as_bytes()).unwrap().unwrap()
    }

    /// A connection without a certificate, or with one.
    pub(crate) async fn connect(&self, shown: Option<(&str, &str)>) -> Result<Channel, String> {
        connect(self.office.public_address(), &self.ca_pem(), shown).await
    }

    pub(crate) async fn client(&self) -> EnrollmentClient<Channel> {
        EnrollmentClient::new(self.connect(None).await.unwrap())
    }

    /// A connection without a certificate over which the hub said who it is.
    pub(crate) async fn greeted(&self) -> Result<Channel, String> {
        let channel = self.connect(None).await?;
        let greeting = EnrollmentClient::new(channel.clone()).greet(v1::GreetRequest {}).await;
        greeting.map(|_| channel).map_err(|status| status.to_string())
    }

    pub(crate) async fn join(&self, node: &Node, invitation: &Invitation) -> Result<v1::Membership, Code> {
        let request = node.ask(self, invitation);
        self.client().await.join(request).await.map(tonic::Response::into_inner).map_err(|s| code_of(&s))
    }

    pub(crate) async fn renew(&self, node: &Node, tls: &TlsRequest) -> Result<v1::Membership, Code> {
        let request = node.ask_renewal(self, tls);
        self.client().await.renew(request).await.map(tonic::Response::into_inner).map_err(|s| code_of(&s))
    }
}

pub(crate) async fn connect(
    address: String,
    ca_pem: &str,
    shown: Option<(&str, &str)>,
) -> Result<Channel, String> {
    let config = client_config(ca_pem, shown);
    let connector = tower::service_fn(move |_: tonic::transport::Uri| {
        let (config, address) = (Arc::clone(&config), address.clone());
        async move { Ok::<_, std::io::Error>(hyper_util::rt::TokioIo::new(shake(config, address).await?)) }
    });
    let endpoint = tonic::transport::Endpoint::from_static("http://hub");
    endpoint.connect_with_connector(connector).await.map_err(|failed| format!("{failed:?}"))
}

/// A connection on which nothing was said yet.
pub(crate) async fn handshake(
    address: String,
    ca_pem: &str,
    shown: Option<(&str, &str)>,
) -> std::io::Result<TlsStream<TcpStream>> {
    shake(client_config(ca_pem, shown), address).await
}

/// The same, over a connection that is there.
pub(crate) async fn handshake_over(
    ca_pem: &str,
    shown: Option<(&str, &str)>,
    stream: TcpStream,
) -> std::io::Result<TlsStream<TcpStream>> {
    shake_over(client_config(ca_pem, shown), stream).await
}

async fn shake(config: Arc<ClientConfig>, address: String) -> std::io::Result<TlsStream<TcpStream>> {
    shake_over(config, TcpStream::connect(address).await?).await
}

async fn shake_over(config: Arc<ClientConfig>, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    tokio_rustls::TlsConnector::from(config).connect(name, stream).await
}

fn client_config(ca_pem: &str, shown: Option<(&str, &str)>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match shown {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => config
            .with_client_auth_cert(
                CertificateDer::pem_slice_iter(certificate.as_bytes()).map(Result::unwrap).collect(),
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}

/// The code in a status.
pub(crate) fn code_of(status: &Status) -> Code {
    let code = status.message().split(':').next().unwrap_or_default();
    code.parse().unwrap_or_else(|_| panic!("{status:?}"))
}

/// The keys of a node.
pub(crate) struct Node {
    pub(crate) code: InstitutionCode,
    pub(crate) statements: MemorySigner,
    pub(crate) witness: MemorySigner,
    pub(crate) presentation: MemorySigner,
    pub(crate) tls: TlsRequest,
}

pub(crate) fn signer(seed: u8) -> MemorySigner {
    MemorySigner::from_seed(&Zeroizing::new([seed; 32]))
}

impl Node {
    /// The node of the first institution whose three keys come from `seed` and the two numbers behind it.
    pub(crate) fn new(seed: u8) -> Self {
        Self::of(code(), seed)
    }

    pub(crate) fn of(code: InstitutionCode, seed: u8) -> Self {
        let [statements, witness, presentation] = [0, 1, 2].map(|n| signer(seed + n));
        Self { code, statements, witness, presentation, tls: create_request(code).unwrap() }
    }

    pub(crate) fn ask(&self, hub: &Hub, invitation: &Invitation) -> v1::JoinRequest {
        let (settings, id) = (&hub.office.settings, invitation.id());
        let keys = NodeKeys {
            statements: self.statements.public_key(),
            witness: self.witness.public_key(),
            presentation: self.presentation.public_key(),
        };
        let proof = prove_join(&id, &self.tls.csr_pem, &keys, &self.statements).unwrap();
        let presentation =
            prove_presentation((&settings.issuer(), &id, &proof), 1, &self.presentation).unwrap();
        v1::JoinRequest {
            secret: invitation.secret.to_vec(),
            csr_pem: self.tls.csr_pem.clone(),
            cosignature: prove_witness((&settings.origin, &id), 1, &self.witness).unwrap(),
            presentation,
            proof,
            software: "test".to_owned(),
        }
    }

    pub(crate) fn ask_renewal(&self, hub: &Hub, tls: &TlsRequest) -> v1::RenewRequest {
        let issuer = hub.office.settings.issuer();
        let proof = prove_renewal(&issuer, self.code, (&tls.csr_pem, None), 1, &self.statements).unwrap();
        let (institution, cosignature) = (self.code.to_string(), String::new());
        v1::RenewRequest { institution, csr_pem: tls.csr_pem.clone(), proof, cosignature }
    }

    /// A renewal that names another witness key.
    pub(crate) fn ask_other_witness(&self, hub: &Hub, witness: &MemorySigner) -> v1::RenewRequest {
        let (settings, csr_pem) = (&hub.office.settings, self.tls.csr_pem.as_str());
        let named = (csr_pem, Some(&witness.public_key()));
        let proof = prove_renewal(&settings.issuer(), self.code, named, 1, &self.statements).unwrap();
        let cosignature = prove_other_witness((&settings.origin, csr_pem), 1, witness).unwrap();
        let institution = self.code.to_string();
        v1::RenewRequest { institution, csr_pem: csr_pem.to_owned(), proof, cosignature }
    }

    pub(crate) fn ask_rotation(&self, next: &MemorySigner, last_seq: u64) -> v1::RotateRequest {
        let by = |signer: &MemorySigner| {
            let ground = KeyGround::rotation(self.code, &next.public_key(), signer).unwrap();
            let KeyGround::Rotation { proof } = ground else { panic!() };
            proof
        };
        v1::RotateRequest {
            institution: self.code.to_string(),
            jwk: serde_json::to_vec(&public_key_to_jwk(&next.public_key())).unwrap(),
            by_current: by(&self.statements),
            by_next: by(next),
            last_seq,
        }
    }
}
