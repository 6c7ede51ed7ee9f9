//! The certificate authority: it alone says who a certificate speaks for.

use std::net::IpAddr;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};
use safeharbor_core::digest::Digest;
use safeharbor_core::institution::InstitutionCode;
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use zeroize::Zeroizing;

use crate::identity::URN_PREFIX;
use crate::request::{VerifyRequestFailed, verify_request};

/// Certificates begin this long before they are made, for peers whose clocks are behind.
const BACKDATED_S: u64 = 300;

/// The authority could not be made or loaded, or would not issue.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityFailed {
    /// Making or signing failed.
    #[error("cannot make or sign a certificate")]
    Sign(#[source] rcgen::Error),
    /// No random serial number.
    #[error("no random bytes for a serial number")]
    Random,
    /// A time that no certificate can carry.
    #[error("the validity does not fit a certificate")]
    Time,
    /// The authority's own certificate has ended or has not begun.
    #[error("the authority's own certificate is not valid at this time")]
    AuthorityNotValid,
    /// Not a certificate in PEM.
    #[error("the authority's certificate is not one in PEM")]
    CertificatePem(#[source] pem::Error),
    /// Not a certificate, or not of an authority.
    #[error("the certificate is not one of an authority")]
    NotAnAuthority,
    /// Not a private key in PEM.
    #[error("the authority's key cannot be read")]
    Key(#[source] rcgen::Error),
    /// The key belongs to another certificate.
    #[error("the authority's key does not belong to its certificate")]
    KeyMismatch,
    /// A server name that is neither.
    #[error("{0:?} is neither a DNS name nor an IP address")]
    ServerName(String),
    /// A server certificate is for at least one name.
    #[error("a server certificate needs a name")]
    NoServerName,
    /// The request is refused.
    #[error(transparent)]
    Request(#[from] VerifyRequestFailed),
}

/// A certificate with its key, made together.
pub struct Issued {
    /// The certificate in PEM.
    pub certificate_pem: String,
    /// The private key (PKCS #8, PEM); wiped on drop.
    pub key_pem: Zeroizing<String>,
}

/// A certificate authority with its private key (P-256).
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    not_before_s: i64,
    not_after_s: i64,
}

impl Authority {
    /// Makes an authority called `name`, valid from `now_s` for `lifetime_s` seconds. Keep [`Authority::ca_pem`] and
    /// [`Authority::key_pem`].
    ///
    /// # Errors
    /// The key cannot be made, or the times do not fit a certificate.
    pub fn create(name: &str, now_s: u64, lifetime_s: u64) -> Result<Self, AuthorityFailed> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(AuthorityFailed::Sign)?;
        let mut params = params(name, now_s, lifetime_s)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(AuthorityFailed::Sign)?;
        Self::new(certificate.der().clone(), key)
    }

    /// Loads an authority from its certificate and its key.
    ///
    /// # Errors
    /// Either is not what it should be, or the two do not belong together.
    pub fn load(ca_pem: &str, key_pem: &str) -> Result<Self, AuthorityFailed> {
        let certificate =
            CertificateDer::from_pem_slice(ca_pem.as_bytes()).map_err(AuthorityFailed::CertificatePem)?;
        let key = KeyPair::from_pem(key_pem).map_err(AuthorityFailed::Key)?;
        Self::new(certificate, key)
    }

    fn new(certificate: CertificateDer<'static>, key: KeyPair) -> Result<Self, AuthorityFailed> {
        let (_, parsed) = X509Certificate::from_der(&certificate).or(Err(AuthorityFailed::NotAnAuthority))?;
        if !parsed.is_ca() {
            return Err(AuthorityFailed::NotAnAuthority);
        }
        if parsed.public_key().subject_public_key.data.as_ref() != key.der_bytes() {
            return Err(AuthorityFailed::KeyMismatch);
        }
        let validity = parsed.validity();
        let (not_before_s, not_after_s) = (validity.not_before.timestamp(), validity.not_after.timestamp());
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(AuthorityFailed::Sign)?;
        Ok(Self { issuer, certificate, not_before_s, not_after_s })
    }

    /// The authority's certificate in PEM.
    #[must_use]
    pub fn ca_pem(&self) -> String {
        encode_pem(&self.certificate)
    }

    /// The authority's private key (PKCS #8, PEM).
    #[must_use]
    pub fn key_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(self.issuer.key().serialize_pem())
    }

    /// Until when the authority's own certificate is valid, in seconds since 1970 UTC.
    #[must_use]
    pub fn ends_s(&self) -> u64 {
        u64::try_from(self.not_after_s).unwrap_or_default()
    }

    /// SHA-256 of the authority's certificate (DER), by which nodes pin it.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        Digest::of(&self.certificate)
    }

    /// Issues a certificate with a fresh P-256 key for a server of these DNS names and IP addresses.
    ///
    /// # Errors
    /// A name that is none, a time the authority is not valid at, signing.
    pub fn issue_server(
        &self,
        names: &[String],
        now_s: u64,
        lifetime_s: u64,
    ) -> Result<Issued, AuthorityFailed> {
        let first = names.first().ok_or(AuthorityFailed::NoServerName)?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(AuthorityFailed::Sign)?;
        let mut params = params(first, now_s, lifetime_s)?;
        params.subject_alt_names =
            names.iter().map(|name| parse_server_name(name)).collect::<Result<_, _>>()?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate_pem = self.issue(params, &key)?;
        Ok(Issued { certificate_pem, key_pem: Zeroizing::new(key.serialize_pem()) })
    }

    /// Issues a certificate for the node of institution `code`, in PEM. Of the request only the key counts; it must
    /// have signed the request.
    ///
    /// # Errors
    /// The request is refused, a time the authority is not valid at, signing.
    pub fn issue_client(
        &self,
        csr_pem: &str,
        code: InstitutionCode,
        now_s: u64,
        lifetime_s: u64,
    ) -> Result<String, AuthorityFailed> {
        let key = verify_request(csr_pem)?;
        let mut params = params(code.as_str(), now_s, lifetime_s)?;
        let urn = Ia5String::try_from(format!("{URN_PREFIX}{code}")).map_err(AuthorityFailed::Sign)?;
        params.subject_alt_names = vec![SanType::URI(urn)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(params, &key)
    }

    /// No certificate outlives the authority's own.
    fn issue(
        &self,
        mut params: CertificateParams,
        key: &impl PublicKeyData,
    ) -> Result<String, AuthorityFailed> {
        let (from, until) = (params.not_before.unix_timestamp(), params.not_after.unix_timestamp());
        if until <= self.not_before_s || from >= self.not_after_s {
            return Err(AuthorityFailed::AuthorityNotValid);
        }
        params.not_after = to_time(until.min(self.not_after_s))?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        Ok(params.signed_by(key, &self.issuer).map_err(AuthorityFailed::Sign)?.pem())
    }
}

/// SHA-256 of the first certificate in a PEM text.
///
/// # Errors
/// There is none.
pub fn fingerprint(ca_pem: &str) -> Result<Digest, AuthorityFailed> {
    let certificate =
        CertificateDer::from_pem_slice(ca_pem.as_bytes()).map_err(AuthorityFailed::CertificatePem)?;
    Ok(Digest::of(&certificate))
}

/// From when until when the first certificate in a PEM text is valid, in seconds since 1970 UTC; none if there is none.
#[must_use]
pub fn validity_s(pem: &str) -> Option<std::ops::Range<u64>> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    let (_, certificate) = X509Certificate::from_der(&certificate).ok()?;
    let seconds = |time: x509_parser::time::ASN1Time| u64::try_from(time.timestamp()).ok();
    let validity = certificate.validity();
    Some(seconds(validity.not_before)?..seconds(validity.not_after)?)
}

fn params(common_name: &str, now_s: u64, lifetime_s: u64) -> Result<CertificateParams, AuthorityFailed> {
    let time = |s: u64| to_time(i64::try_from(s).or(Err(AuthorityFailed::Time))?);
    let mut params = CertificateParams::default();
    params.not_before = time(now_s.saturating_sub(BACKDATED_S))?;
    params.not_after = time(now_s.saturating_add(lifetime_s))?;
    params.serial_number = Some(random_serial()?);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    Ok(params)
}

fn to_time(unix_s: i64) -> Result<OffsetDateTime, AuthorityFailed> {
    OffsetDateTime::from_unix_timestamp(unix_s).or(Err(AuthorityFailed::Time))
}

/// 126 random bits: positive, of fixed length, never guessed (RFC 5280 section 4.1.2.2).
fn random_serial() -> Result<SerialNumber, AuthorityFailed> {
    let mut bytes = [0_u8; 16];
    let source = rustls::crypto::aws_lc_rs::default_provider().secure_random;
    source.fill(&mut bytes).or(Err(AuthorityFailed::Random))?;
    let [first, ..] = &mut bytes;
    *first = (*first & 0x7F) | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

fn parse_server_name(name: &str) -> Result<SanType, AuthorityFailed> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    let refused = || AuthorityFailed::ServerName(name.to_owned());
    // rustls knows what a DNS name is; certificates carry it as ASCII text.
    rustls::pki_types::DnsName::try_from(name).or(Err(refused()))?;
    Ia5String::try_from(name).map(SanType::DnsName).or(Err(refused()))
}

fn encode_pem(certificate: &CertificateDer<'_>) -> String {
    let text = safeharbor_core::b64::encode_std(certificate);
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for (at, character) in text.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push_str("\n-----END CERTIFICATE-----\n");
    pem
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Authority({}, private key withheld)", self.fingerprint())
    }
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Issued(private key withheld)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::PeerIdentity;
    use crate::request::create_request;

    const NOW_S: u64 = 1_778_311_773;
    const DAY_S: u64 = 86_400;

    fn code() -> InstitutionCode {
        "12100000400002259P".parse().unwrap()
    }

    fn authority() -> Authority {
        Authority::create("Test authority", NOW_S, 10 * DAY_S).unwrap()
    }

    fn der(pem: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
    }

    #[test]
    fn a_loaded_authority_is_the_one_that_was_made() {
        let made = authority();
        let loaded = Authority::load(&made.ca_pem(), &made.key_pem()).unwrap();
        assert_eq!(loaded.fingerprint(), made.fingerprint());
        assert_eq!(fingerprint(&made.ca_pem()).unwrap(), made.fingerprint());
        assert!(!format!("{made:?}").contains("BEGIN"));
    }

    #[test]
    fn a_key_of_another_authority_is_refused() {
        let refused = Authority::load(&authority().ca_pem(), &authority().key_pem());
        assert!(matches!(refused, Err(AuthorityFailed::KeyMismatch)));
    }

    #[test]
    fn a_certificate_that_is_no_authority_is_refused() {
        let server = authority().issue_server(&["hub.example.org".to_owned()], NOW_S, DAY_S).unwrap();
        let refused = Authority::load(&server.certificate_pem, &server.key_pem);
        assert!(matches!(refused, Err(AuthorityFailed::NotAnAuthority)));
    }

    #[test]
    fn the_authority_and_not_the_request_says_who_it_is() {
        let liar = KeyPair::generate().unwrap();
        let mut asked = CertificateParams::new(vec!["hub.example.org".to_owned()]).unwrap();
        asked.is_ca = IsCa::NoCa;
        asked.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let csr = asked.serialize_request(&liar).unwrap().pem().unwrap();
        let issued = der(&authority().issue_client(&csr, code(), NOW_S, DAY_S).unwrap());
        assert_eq!(PeerIdentity::from_certificate(&issued).unwrap().institution, code());
        let (_, parsed) = X509Certificate::from_der(&issued).unwrap();
        let usage = parsed.extended_key_usage().unwrap().unwrap().value;
        assert!(usage.client_auth && !usage.server_auth);
        assert_eq!(parsed.public_key().subject_public_key.data.as_ref(), liar.der_bytes());
    }

    #[test]
    fn certificates_begin_just_before_and_never_outlive_the_authority() {
        let authority = authority();
        let csr = create_request(code()).unwrap().csr_pem;
        for (lifetime_s, ends_s) in [(DAY_S, NOW_S + DAY_S), (99 * DAY_S, NOW_S + 10 * DAY_S)] {
            let issued = der(&authority.issue_client(&csr, code(), NOW_S, lifetime_s).unwrap());
            let (_, parsed) = X509Certificate::from_der(&issued).unwrap();
            assert_eq!(parsed.validity().not_before.timestamp(), i64::try_from(NOW_S - 300).unwrap());
            assert_eq!(parsed.validity().not_after.timestamp(), i64::try_from(ends_s).unwrap());
        }
        let late = authority.issue_client(&csr, code(), NOW_S + 11 * DAY_S, DAY_S);
        assert!(matches!(late, Err(AuthorityFailed::AuthorityNotValid)));
        assert!(matches!(Authority::create("x", u64::MAX, 1), Err(AuthorityFailed::Time)));
    }

    #[test]
    fn serial_numbers_are_random_positive_and_never_the_same() {
        let serials: Vec<Vec<u8>> = (0..20).map(|_| random_serial().unwrap().to_bytes()).collect();
        assert!(serials.iter().all(|serial| serial.len() == 16 && (0x40..0x80).contains(&serial[0])));
        assert!((1..20).all(|at| !serials[..at].contains(&serials[at])));
    }

    #[test]
    fn server_names_are_dns_names_or_addresses() {
        let check = |name: &str| authority().issue_server(&[name.to_owned()], NOW_S, DAY_S).is_ok();
        for good in ["hub.example.org", "localhost", "127.0.0.1", "::1"] {
            assert!(check(good), "{good}");
        }
        for bad in ["", "hub example", "枢纽.cn", "https://hub", "a..b"] {
            assert!(!check(bad), "{bad}");
        }
        assert!(matches!(authority().issue_server(&[], NOW_S, DAY_S), Err(AuthorityFailed::NoServerName)));
    }
}
