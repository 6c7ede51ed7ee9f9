//! Public keys by the SHA-256 of their SubjectPublicKeyInfo (RFC 5280 section 4.1): one name for a key of any kind and use.

use rcgen::PublicKeyData as _;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use safeharbor_core::digest::Digest;
use safeharbor_core::key::PublicKey;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::request::{VerifyRequestFailed, verify_request};

/// What stands before the 32 bytes of an Ed25519 key (RFC 8410 section 4).
const ED25519_PREFIX: [u8; 12] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The name of an Ed25519 key.
#[must_use]
pub fn of_key(key: &PublicKey) -> Digest {
    Digest::of(&[ED25519_PREFIX.as_slice(), key.as_bytes()].concat())
}

/// The name of the key of a certificate request, which must have signed it.
///
/// # Errors
/// The request is refused.
pub fn of_request(csr_pem: &str) -> Result<Digest, VerifyRequestFailed> {
    verify_request(csr_pem).map(|key| Digest::of(&key.subject_public_key_info()))
}

/// The name of the key of the first certificate in a PEM text, if there is one.
#[must_use]
pub fn of_certificate(pem: &str) -> Option<Digest> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    let (_, certificate) = X509Certificate::from_der(&certificate).ok()?;
    Some(Digest::of(certificate.public_key().raw))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};

    use super::*;
    use crate::development;
    use crate::request::create_request;

    #[test]
    fn a_key_has_one_name_in_a_token_a_request_and_a_certificate() {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let own = of_key(&PublicKey::from_bytes(key.der_bytes()).unwrap());
        let request = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
        assert_eq!(of_request(&request).unwrap(), own);
        let certificate = CertificateParams::default().self_signed(&key).unwrap().pem();
        assert_eq!(of_certificate(&certificate), Some(own));
    }

    #[test]
    fn a_certificate_has_the_key_of_its_request_and_others_have_others() {
        let authority = development::authority(1_700_000_000).unwrap();
        let code = "12100000400002259P".parse().unwrap();
        let request = create_request(code).unwrap();
        let certificate = authority.issue_client(&request.csr_pem, code, 1_700_000_000, 60).unwrap();
        assert_eq!(of_certificate(&certificate), Some(of_request(&request.csr_pem).unwrap()));
        assert_ne!(of_certificate(&certificate), of_certificate(&authority.ca_pem()));
        assert_eq!(of_certificate("no certificate"), None);
    }
}
