//! Who a peer is: what its certificate's one SAN says.

use safeharbor_core::digest::Digest;
use safeharbor_core::institution::{InstitutionCode, ParseCodeFailed};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// What the URI of an institution begins with.
pub(crate) const URN_PREFIX: &str = "urn:uscc:";

/// Who is at the other end of a connection whose certificate TLS has verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PeerIdentity {
    /// The institution whose node it is.
    pub institution: InstitutionCode,
    /// When the certificate ends, in seconds since 1970 UTC.
    pub until_s: u64,
    /// The name of its key: SHA-256 of the SubjectPublicKeyInfo.
    pub key: Digest,
}

/// A certificate that says no one institution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityFailed {
    /// The peer showed no certificate.
    #[error("the peer showed no certificate")]
    NoCertificate,
    /// The bytes are not one certificate.
    #[error("the peer's certificate cannot be understood")]
    NotACertificate,
    /// Not exactly one name: then which is meant?
    #[error("the peer's certificate has {0} names instead of one")]
    Names(usize),
    /// The name is not a URI that begins with `urn:uscc:`.
    #[error("the peer's certificate does not name an institution")]
    NotAnInstitution,
    /// The code behind `urn:uscc:` is not one.
    #[error("the peer's certificate names no valid institution code")]
    Code(#[source] ParseCodeFailed),
}

impl PeerIdentity {
    /// Reads who a certificate (DER) is for. It proves nothing about a certificate that TLS has not verified.
    ///
    /// # Errors
    /// Anything but exactly one subject alternative name, `URI:urn:uscc:<code>`.
    pub fn from_certificate(der: &[u8]) -> Result<Self, IdentityFailed> {
        let (rest, certificate) = X509Certificate::from_der(der).or(Err(IdentityFailed::NotACertificate))?;
        if !rest.is_empty() {
            return Err(IdentityFailed::NotACertificate);
        }
        // A second extension of the kind is an error here, too.
        let names = certificate.subject_alternative_name().or(Err(IdentityFailed::NotACertificate))?;
        let names = names.map(|extension| extension.value.general_names.as_slice()).unwrap_or_default();
        let [name] = names else { return Err(IdentityFailed::Names(names.len())) };
        let GeneralName::URI(uri) = name else { return Err(IdentityFailed::NotAnInstitution) };
        let code = uri.strip_prefix(URN_PREFIX).ok_or(IdentityFailed::NotAnInstitution)?;
        let institution = code.parse().map_err(IdentityFailed::Code)?;
        let until_s = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0);
        Ok(Self { institution, until_s, key: Digest::of(certificate.public_key().raw) })
    }

    /// Reads who the peer of a connection is, from the chain it showed: the first certificate is its own.
    ///
    /// # Errors
    /// There is no certificate, or as [`PeerIdentity::from_certificate`].
    pub fn from_chain(
        chain: Option<&[rustls::pki_types::CertificateDer<'_>]>,
    ) -> Result<Self, IdentityFailed> {
        let own = chain.and_then(<[_]>::first).ok_or(IdentityFailed::NoCertificate)?;
        Self::from_certificate(own)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::string::Ia5String;
    use rcgen::{CertificateParams, CustomExtension, KeyPair, SanType};

    use super::*;

    const CODE: &str = "12100000400002259P";

    fn uri(text: &str) -> SanType {
        SanType::URI(Ia5String::try_from(text).unwrap())
    }

    fn certificate(names: Vec<SanType>, extensions: Vec<CustomExtension>) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        params.custom_extensions = extensions;
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn check(names: Vec<SanType>) -> Result<String, IdentityFailed> {
        let identity = PeerIdentity::from_certificate(&certificate(names, vec![]));
        identity.map(|identity| identity.institution.to_string())
    }

    #[test]
    fn one_institution_is_an_identity() {
        assert_eq!(check(vec![uri(&format!("urn:uscc:{CODE}"))]), Ok(CODE.to_owned()));
    }

    #[test]
    fn anything_but_one_institution_is_refused() {
        let good = || uri(&format!("urn:uscc:{CODE}"));
        let dns = || SanType::DnsName(Ia5String::try_from("node.example.org").unwrap());
        let not_an_institution = Err(IdentityFailed::NotAnInstitution);
        assert_eq!(check(vec![]), Err(IdentityFailed::Names(0)));
        assert_eq!(check(vec![good(), good()]), Err(IdentityFailed::Names(2)));
        assert_eq!(check(vec![good(), dns()]), Err(IdentityFailed::Names(2)));
        assert_eq!(check(vec![dns()]), not_an_institution);
        assert_eq!(check(vec![uri(&format!("https://x/urn:uscc:{CODE}"))]), not_an_institution);
        assert_eq!(check(vec![uri(&format!("URN:USCC:{CODE}"))]), not_an_institution);
        for bad in ["urn:uscc:", "urn:uscc:12100000400002259A", "urn:uscc:12100000400002259P/admin"] {
            assert!(matches!(check(vec![uri(bad)]), Err(IdentityFailed::Code(_))), "{bad}");
        }
    }

    #[test]
    fn a_second_list_of_names_is_refused() {
        // SEQUENCE { [6] "urn:uscc:…" }, as an extension of its own beside the first.
        let text = format!("urn:uscc:{CODE}");
        let length = u8::try_from(text.len()).unwrap();
        let content = [&[0x30, length + 2, 0x86, length], text.as_bytes()].concat();
        let second = CustomExtension::from_oid_content(&[2, 5, 29, 17], content);
        let both = certificate(vec![uri(&text)], vec![second.clone()]);
        assert_eq!(PeerIdentity::from_certificate(&both), Err(IdentityFailed::NotACertificate));
        // Alone it is a list like any other, which shows that the test above is about there being two.
        let alone = certificate(vec![], vec![second]);
        assert!(PeerIdentity::from_certificate(&alone).is_ok());
    }

    #[test]
    fn bytes_behind_the_certificate_are_refused() {
        let mut der = certificate(vec![uri(&format!("urn:uscc:{CODE}"))], vec![]);
        der.push(0);
        assert_eq!(PeerIdentity::from_certificate(&der), Err(IdentityFailed::NotACertificate));
        assert_eq!(PeerIdentity::from_chain(None), Err(IdentityFailed::NoCertificate));
        assert_eq!(PeerIdentity::from_chain(Some(&[])), Err(IdentityFailed::NoCertificate));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(PeerIdentity::from_certificate(&bytes).is_err());
        }

        #[test]
        fn no_change_to_a_certificate_makes_it_panic_or_name_another(
            at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()
        ) {
            let mut der = certificate(vec![uri(&format!("urn:uscc:{CODE}"))], vec![]);
            let at = at.index(der.len());
            der[at] = byte;
            if let Ok(identity) = PeerIdentity::from_certificate(&der) {
                prop_assert_eq!(identity.institution.as_str(), CODE);
            }
            der.truncate(cut.index(der.len()));
            prop_assert!(PeerIdentity::from_certificate(&der).is_err());
        }
    }
}
