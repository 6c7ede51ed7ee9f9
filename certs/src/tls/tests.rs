//! Handshakes in memory: who is let in, and who is not.

mod pinned;

use std::time::{SystemTime, UNIX_EPOCH};

use rcgen::string::Ia5String;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair, SanType};
use rustls::pki_types::ServerName;
use rustls::{
    AlertDescription, CertificateError, ClientConnection, Connection, Error, HandshakeKind, NamedGroup,
    PeerIncompatible, ProtocolVersion, ServerConnection,
};
use safeharbor_core::digest::Digest;
use safeharbor_core::institution::InstitutionCode;

use super::*;
use crate::authority::{Authority, Issued};
use crate::development;
use crate::identity::{IdentityFailed, PeerIdentity};

const DAY_S: u64 = 86_400;

/// rustls compares certificates with the machine's clock.
#[expect(clippy::disallowed_methods, reason = "rustls reads the same clock")]
fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn code() -> InstitutionCode {
    "12100000400002259P".parse().unwrap()
}

/// The hub's authority and server.
struct Hub {
    authority: Authority,
    config: Arc<ServerConfig>,
}

impl Hub {
    fn new() -> Self {
        let authority = development::authority(now_s()).unwrap();
        let server = development::server(&authority, now_s()).unwrap();
        let config = server_config(&server.certificate_pem, &server.key_pem, &authority.ca_pem()).unwrap();
        Self { authority, config }
    }

    fn issue(&self) -> Issued {
        development::client(&self.authority, code(), now_s()).unwrap()
    }

    /// What a node that trusts this hub's authority connects with.
    fn client(&self, shown: &Issued) -> Arc<ClientConfig> {
        client_config(&self.authority.ca_pem(), &shown.certificate_pem, &shown.key_pem).unwrap()
    }

    /// A client certificate of this authority with whatever names.
    fn issue_with_names(&self, names: Vec<SanType>) -> Issued {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let authority_key = KeyPair::from_pem(&self.authority.key_pem()).unwrap();
        let issuer = Issuer::from_ca_cert_pem(&self.authority.ca_pem(), authority_key).unwrap();
        let certificate_pem = params.signed_by(&key, &issuer).unwrap().pem();
        Issued { certificate_pem, key_pem: key.serialize_pem().into() }
    }

    fn meet(&self, client: &Arc<ClientConfig>) -> Result<(Connection, Connection), Error> {
        shake_hands(&self.config, client, "127.0.0.1")
    }
}

/// Passes bytes to and fro until both ends have nothing to say; the server's refusal counts before the client's.
fn shake_hands(
    server: &Arc<ServerConfig>,
    client: &Arc<ClientConfig>,
    name: &'static str,
) -> Result<(Connection, Connection), Error> {
    let name = ServerName::try_from(name).unwrap();
    let mut client = Connection::from(ClientConnection::new(Arc::clone(client), name).unwrap());
    let mut server = Connection::from(ServerConnection::new(Arc::clone(server)).unwrap());
    while client.wants_write() || server.wants_write() {
        pass(&mut client, &mut server)?;
        pass(&mut server, &mut client)?;
    }
    assert!(!client.is_handshaking() && !server.is_handshaking(), "the two are stuck");
    Ok((server, client))
}

fn pass(from: &mut Connection, to: &mut Connection) -> Result<(), Error> {
    let mut bytes = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut bytes).unwrap();
    }
    receive(to, &bytes)
}

fn receive(to: &mut Connection, mut bytes: &[u8]) -> Result<(), Error> {
    while !bytes.is_empty() {
        to.read_tls(&mut bytes).unwrap();
        to.process_new_packets()?;
    }
    Ok(())
}

fn uri(code: &str) -> SanType {
    SanType::URI(Ia5String::try_from(format!("urn:uscc:{code}")).unwrap())
}

#[test]
fn a_node_of_the_authority_is_let_in_and_known() {
    let hub = Hub::new();
    let (server, client) = hub.meet(&hub.client(&hub.issue())).unwrap();
    assert_eq!(PeerIdentity::from_chain(server.peer_certificates()).unwrap().institution, code());
    assert_eq!(server.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    assert_eq!(server.alpn_protocol(), Some(&b"h2"[..]));
    for end in [&server, &client] {
        let group = end.negotiated_key_exchange_group().unwrap().name();
        assert_eq!(group, NamedGroup::X25519MLKEM768, "hybrid post-quantum key exchange");
    }
}

#[test]
fn the_hybrid_key_exchange_is_offered_first() {
    let names: Vec<_> = provider().kx_groups.iter().map(|group| group.name()).collect();
    assert_eq!(names.first(), Some(&NamedGroup::X25519MLKEM768));
}

#[test]
fn without_the_hybrid_both_ends_are_verified_all_the_same() {
    let (hub, other) = (Hub::new(), Hub::new());
    let issued = hub.issue();
    let shown = Some((issued.certificate_pem.as_str(), issued.key_pem.as_str()));
    let config = client_config_with(&hub.authority.ca_pem(), shown, KeyExchange::Classic).unwrap();
    let (server, _) = hub.meet(&config).unwrap();
    assert_eq!(server.negotiated_key_exchange_group().unwrap().name(), NamedGroup::X25519);
    assert_eq!(PeerIdentity::from_chain(server.peer_certificates()).unwrap().institution, code());
    let refused = other.meet(&config).unwrap_err();
    assert_eq!(refused, Error::InvalidCertificate(CertificateError::BadSignature));
}

#[test]
fn a_node_of_another_authority_is_refused() {
    let (hub, other) = (Hub::new(), Hub::new());
    let refused = hub.meet(&hub.client(&other.issue())).unwrap_err();
    // The two authorities have the same name: only the signature tells them apart.
    assert_eq!(refused, Error::InvalidCertificate(CertificateError::BadSignature));
}

#[test]
fn a_hub_of_another_authority_is_refused() {
    let (hub, other) = (Hub::new(), Hub::new());
    let refused = other.meet(&hub.client(&other.issue())).unwrap_err();
    // The two authorities have the same name: only the signature tells them apart.
    assert_eq!(refused, Error::InvalidCertificate(CertificateError::BadSignature));
}

#[test]
fn a_hub_of_another_name_is_refused() {
    let hub = Hub::new();
    let refused = shake_hands(&hub.config, &hub.client(&hub.issue()), "hub.example.org");
    assert!(matches!(
        refused.unwrap_err(),
        Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. })
    ));
}

#[test]
fn an_expired_certificate_is_refused() {
    let then_s = now_s() - 3 * DAY_S;
    let authority = Authority::create("Test authority", then_s, 99 * DAY_S).unwrap();
    let server = development::server(&authority, now_s()).unwrap();
    let config = server_config(&server.certificate_pem, &server.key_pem, &authority.ca_pem()).unwrap();
    let hub = Hub { authority, config };
    let expired = development::client(&hub.authority, code(), then_s).unwrap();
    let refused = hub.meet(&hub.client(&expired)).unwrap_err();
    let Error::InvalidCertificate(reason) = refused else { panic!("{refused}") };
    assert!(matches!(reason, CertificateError::ExpiredContext { .. }), "{reason:?}");
    assert!(hub.meet(&hub.client(&hub.issue())).is_ok(), "a current one of the same authority is not");
}

#[test]
fn a_certificate_of_the_future_is_refused() {
    let authority = Authority::create("Test authority", now_s(), 99 * DAY_S).unwrap();
    let server = development::server(&authority, now_s()).unwrap();
    let config = server_config(&server.certificate_pem, &server.key_pem, &authority.ca_pem()).unwrap();
    let hub = Hub { authority, config };
    let early = development::client(&hub.authority, code(), now_s() + DAY_S).unwrap();
    let Error::InvalidCertificate(reason) = hub.meet(&hub.client(&early)).unwrap_err() else { panic!() };
    assert!(matches!(reason, CertificateError::NotValidYetContext { .. }), "{reason:?}");
}

#[test]
fn a_certificate_with_two_names_is_nobody() {
    let hub = Hub::new();
    for (names, expected) in [
        (vec![uri(code().as_str()), uri("12100000400000624D")], IdentityFailed::Names(2)),
        (vec![], IdentityFailed::Names(0)),
    ] {
        let (server, _) = hub.meet(&hub.client(&hub.issue_with_names(names))).unwrap();
        assert_eq!(PeerIdentity::from_chain(server.peer_certificates()), Err(expected));
    }
}

#[test]
fn a_client_without_a_certificate_is_nobody() {
    let hub = Hub::new();
    let mut client = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_root_certificates(parse_roots(&hub.authority.ca_pem()).unwrap())
        .with_no_client_auth();
    client.alpn_protocols = vec![ALPN.to_vec()];
    let (server, _) = hub.meet(&Arc::new(client)).unwrap();
    assert_eq!(PeerIdentity::from_chain(server.peer_certificates()), Err(IdentityFailed::NoCertificate));
}

#[test]
fn the_authority_stands_behind_the_certificate_of_the_server() {
    let hub = Hub::new();
    let server = development::server(&hub.authority, now_s()).unwrap();
    let chain = format!("{}{}", server.certificate_pem, hub.authority.ca_pem());
    let config = server_config(&chain, &server.key_pem, &hub.authority.ca_pem()).unwrap();
    let (_, client) = shake_hands(&config, &hub.client(&hub.issue()), "127.0.0.1").unwrap();
    let shown = client.peer_certificates().unwrap();
    assert_eq!(Digest::of(&shown[1]), hub.authority.fingerprint());
}

#[test]
fn nodes_of_both_authorities_are_let_in_while_one_takes_over_from_the_other() {
    let (hub, next) = (Hub::new(), Hub::new());
    let both = format!("{}{}", hub.authority.ca_pem(), next.authority.ca_pem());
    let server = development::server(&hub.authority, now_s()).unwrap();
    let config = server_config(&server.certificate_pem, &server.key_pem, &both).unwrap();
    for shown in [hub.issue(), next.issue()] {
        let (server, _) = shake_hands(&config, &hub.client(&shown), "127.0.0.1").unwrap();
        assert_eq!(PeerIdentity::from_chain(server.peer_certificates()).unwrap().institution, code());
    }
    let neither = Hub::new().issue();
    assert!(shake_hands(&config, &hub.client(&neither), "127.0.0.1").is_err());
}

#[test]
fn a_hub_certificate_does_not_make_a_node() {
    let hub = Hub::new();
    let server = development::server(&hub.authority, now_s()).unwrap();
    let Error::InvalidCertificate(reason) = hub.meet(&hub.client(&server)).unwrap_err() else { panic!() };
    assert!(matches!(reason, CertificateError::InvalidPurposeContext { .. }), "{reason:?}");
}

#[test]
fn a_node_certificate_does_not_make_a_hub() {
    let hub = Hub::new();
    let node = hub.issue();
    let config = server_config(&node.certificate_pem, &node.key_pem, &hub.authority.ca_pem()).unwrap();
    assert!(shake_hands(&config, &hub.client(&node), "127.0.0.1").is_err());
}

#[test]
fn sessions_are_never_resumed() {
    let hub = Hub::new();
    let config = hub.client(&hub.issue());
    for _ in 0..2 {
        let (server, _) = hub.meet(&config).unwrap();
        assert_eq!(server.handshake_kind(), Some(HandshakeKind::Full));
    }
}

#[test]
fn a_client_of_tls_1_2_is_refused() {
    let mut server = Connection::from(ServerConnection::new(Arc::clone(&Hub::new().config)).unwrap());
    let refused = receive(&mut server, &hello_of_tls_1_2()).unwrap_err();
    assert_eq!(refused, Error::PeerIncompatible(PeerIncompatible::SupportedVersionsExtensionRequired));
    let mut answer = Vec::new();
    server.write_tls(&mut answer).unwrap();
    assert_eq!(answer.last(), Some(&u8::from(AlertDescription::ProtocolVersion)));
}

/// A ClientHello of RFC 5246: ECDHE-ECDSA with AES-128-GCM, no supported_versions.
fn hello_of_tls_1_2() -> Vec<u8> {
    let extensions = [
        &[0x00, 0x0A, 0, 4, 0, 2, 0x00, 0x1D][..], // supported_groups: x25519
        &[0x00, 0x0D, 0, 4, 0, 2, 0x04, 0x03],     // signature_algorithms: ecdsa_secp256r1_sha256
    ]
    .concat();
    let mut body = vec![0x03, 0x03];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0xC0, 0x2B, 1, 0]); // no session, one suite, no compression
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    let length = u8::try_from(body.len()).unwrap();
    [&[0x16, 0x03, 0x01, 0, length + 4, 0x01, 0, 0, length], body.as_slice()].concat()
}

#[test]
fn pem_texts_that_are_none_are_refused() {
    let hub = Hub::new();
    let (good, other) = (hub.issue(), hub.issue());
    let ca = hub.authority.ca_pem();
    let check = |ca: &str, chain: &str, key: &str| client_config(ca, chain, key).map(drop).unwrap_err();
    assert!(matches!(
        check("", &good.certificate_pem, &good.key_pem),
        ConfigureTlsFailed::NoCertificate { what: "authority's certificate" }
    ));
    assert!(matches!(
        check(&ca, &good.key_pem, &good.key_pem),
        ConfigureTlsFailed::NoCertificate { what: "client's certificate" }
    ));
    assert!(matches!(check(&ca, &good.certificate_pem, ""), ConfigureTlsFailed::Key(_)));
    assert!(matches!(
        check(&ca, &good.certificate_pem, &other.key_pem),
        ConfigureTlsFailed::Rustls(Error::InconsistentKeys(_))
    ));
}
