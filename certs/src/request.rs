//! Certificate requests (PKCS #10, RFC 2986): a key that asks for a certificate.

use rcgen::{
    CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType, KeyPair,
    PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PublicKey,
};
use safeharbor_core::institution::InstitutionCode;
use zeroize::Zeroizing;

/// Bytes of a request in PEM; ours have about 400.
pub const REQUEST_BYTES_MAX: usize = 16 * 1024;

/// A fresh TLS key and the request that proves its possession.
pub struct Request {
    /// The private key (PKCS #8, PEM); wiped on drop.
    pub key_pem: Zeroizing<String>,
    /// The request for [`Authority::issue_client`](crate::authority::Authority::issue_client).
    pub csr_pem: String,
}

/// A request could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a certificate request")]
pub struct CreateRequestFailed(#[from] pub(crate) rcgen::Error);

/// A request that no certificate is given for.
#[derive(Debug, thiserror::Error)]
pub enum VerifyRequestFailed {
    /// Longer than any honest request.
    #[error("a certificate request has at most {REQUEST_BYTES_MAX} bytes, this one has {0}")]
    TooLong(usize),
    /// Not a request, or not signed by the key it asks for.
    #[error("the certificate request cannot be understood or is not signed by its own key")]
    Refused(#[source] rcgen::Error),
    /// A kind of key that we give no certificates for.
    #[error("certificates are given for P-256 and Ed25519 keys only")]
    Algorithm,
}

/// Makes a P-256 key and a request for it. The subject is only for people who look at the file; the authority
/// writes its own.
///
/// # Errors
/// No key can be made.
pub fn create_request(code: InstitutionCode) -> Result<Request, CreateRequestFailed> {
    create_request_of(code.as_str())
}

/// As [`create_request`], for a node that does not know its institution's code yet: `subject` is any text.
///
/// # Errors
/// No key can be made.
pub fn create_request_of(subject: &str) -> Result<Request, CreateRequestFailed> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, subject);
    let csr_pem = params.serialize_request(&key)?.pem()?;
    Ok(Request { key_pem: Zeroizing::new(key.serialize_pem()), csr_pem })
}

/// The key of a request that is signed by that key.
pub(crate) fn verify_request(csr_pem: &str) -> Result<PublicKey, VerifyRequestFailed> {
    if csr_pem.len() > REQUEST_BYTES_MAX {
        return Err(VerifyRequestFailed::TooLong(csr_pem.len()));
    }
    let request = CertificateSigningRequestParams::from_pem(csr_pem).map_err(VerifyRequestFailed::Refused)?;
    let algorithm = request.public_key.algorithm();
    if *algorithm == PKCS_ECDSA_P256_SHA256 || *algorithm == PKCS_ED25519 {
        Ok(request.public_key)
    } else {
        Err(VerifyRequestFailed::Algorithm)
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Request(private key withheld)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{PKCS_ECDSA_P384_SHA384, PublicKeyData as _};
    use rustls::pki_types::CertificateSigningRequestDer;
    use rustls::pki_types::pem::PemObject as _;

    use super::*;

    fn code() -> InstitutionCode {
        "12100000400002259P".parse().unwrap()
    }

    #[test]
    fn a_request_of_ours_is_accepted() {
        let request = create_request(code()).unwrap();
        let key = KeyPair::from_pem(&request.key_pem).unwrap();
        assert_eq!(verify_request(&request.csr_pem).unwrap().der_bytes(), key.der_bytes());
        assert!(!format!("{request:?}").contains("BEGIN"));
    }

    #[test]
    fn a_request_with_any_bit_of_its_signature_flipped_is_refused() {
        let der =
            CertificateSigningRequestDer::from_pem_slice(create_request(code()).unwrap().csr_pem.as_bytes());
        let der = der.unwrap().to_vec();
        for at in der.len() - 64..der.len() {
            let mut changed = der.clone();
            changed[at] ^= 1;
            assert!(CertificateSigningRequestParams::from_der(&changed.into()).is_err(), "byte {at}");
        }
    }

    #[test]
    fn other_kinds_of_keys_are_refused() {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let csr = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
        assert!(matches!(verify_request(&csr), Err(VerifyRequestFailed::Algorithm)));
    }

    #[test]
    fn long_requests_are_refused_unread() {
        let refused = verify_request(&"x".repeat(REQUEST_BYTES_MAX + 1));
        assert!(matches!(refused, Err(VerifyRequestFailed::TooLong(_))));
    }

    proptest! {
        #[test]
        fn any_text_is_refused_without_panic(text in ".{0,300}") {
            prop_assert!(verify_request(&text).is_err());
        }
    }
}
