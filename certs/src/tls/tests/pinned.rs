//! A server known by its authority's fingerprint.

use super::*;
use crate::invitation::pin_of;

fn fingerprint(ca_pem: &str) -> Digest {
    Digest::of(&CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap())
}

fn meet(chain_pem: &str, key_pem: &str, ca_pem: &str, pinned: &str, name: &'static str) -> Result<(), Error> {
    let server = server_config(chain_pem, key_pem, ca_pem).unwrap();
    let client = pinned_client_config(pin_of(&fingerprint(pinned)), KeyExchange::Hybrid).unwrap();
    shake_hands(&server, &client, name).map(|(server, _)| {
        assert_eq!(server.protocol_version(), Some(ProtocolVersion::TLSv1_3));
        assert_eq!(server.negotiated_key_exchange_group().unwrap().name(), NamedGroup::X25519MLKEM768);
        assert!(server.peer_certificates().is_none(), "nobody in particular");
    })
}

#[test]
fn the_pinned_authority_vouches_for_its_own_servers_and_names_only() {
    let (authority, other) = (Hub::new().authority, Hub::new().authority);
    let (own, others) = (authority.ca_pem(), other.ca_pem());
    let server = development::server(&authority, now_s()).unwrap();
    let (leaf, key) = (&server.certificate_pem, &server.key_pem);
    let chain = format!("{leaf}{own}");
    meet(&chain, key, &own, &own, "127.0.0.1").unwrap();
    let refused = |chain: &str, pinned: &str, name| meet(chain, key, &own, pinned, name).unwrap_err();
    let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
    assert_eq!(refused(&chain, &others, "127.0.0.1"), unknown, "another authority was pinned");
    assert_eq!(refused(leaf, &own, "127.0.0.1"), unknown, "the authority is not shown");
    let lent = format!("{leaf}{others}");
    let forged = refused(&lent, &others, "127.0.0.1");
    assert!(matches!(forged, Error::InvalidCertificate(_)), "the pinned one did not sign: {forged:?}");
    assert_eq!(refused(leaf, leaf, "127.0.0.1"), unknown, "a server is not its own authority");
    let elsewhere = refused(&chain, &own, "hub.other.example");
    assert!(matches!(&elsewhere, Error::InvalidCertificate(failed)
        if matches!(failed, CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. })));
}
