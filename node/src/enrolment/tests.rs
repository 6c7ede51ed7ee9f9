//! Setting up and enrolling, with an authority that stands for the hub's.

use safeharbor_certs::authority::Authority;
use safeharbor_core::sdjwt::{Jws, public_key_from_jwk};
use safeharbor_service::clock::ManualClock;
use safeharbor_service::random::SystemRandom;

use super::*;

const OWN: &str = "12100000400002259P";
const NOW_S: u64 = 1_772_366_400;

pub(crate) struct Place {
    folder: tempfile::TempDir,
    pub(crate) layout: Layout,
    authority: Authority,
}

fn seams() -> Seams {
    Seams { clock: Arc::new(ManualClock::at_ms(NOW_S * 1000)), random: Arc::new(SystemRandom) }
}

fn other_code() -> InstitutionCode {
    InstitutionCode::complete("12100000400002260").unwrap()
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::at(&folder.path().join("node"));
        Self { folder, layout, authority: Authority::create("test", NOW_S, 86_400).unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn init(&self) -> EnrolmentRequest {
        self.init_as(OWN.parse().unwrap()).unwrap()
    }

    fn init_as(&self, institution: InstitutionCode) -> Result<EnrolmentRequest, EnrolFailed> {
        let owner = Owner { institution, name: "测试大学".to_owned() };
        init(&self.layout, &owner, &self.path("request.json"), &seams())
    }

    /// What the hub would answer to a request.
    pub(crate) fn bundle(&self, request: &EnrolmentRequest) -> EnrolmentBundle {
        let code = request.institution;
        let certificate_pem = self.authority.issue_client(&request.csr_pem, code, NOW_S, 3_600).unwrap();
        EnrolmentBundle {
            institution: code,
            certificate_pem,
            ca_pem: self.authority.ca_pem(),
            hub_name: "hub.test.example".to_owned(),
            policy: policy("hub.test.example", 1),
            admitted: Digest::of(b"admission").to_string(),
        }
    }

    pub(crate) fn enrol(&self, bundle: &EnrolmentBundle) -> Result<EnrolmentBundle, EnrolFailed> {
        let path = self.path("bundle.json");
        fs::write(&path, serde_json::to_vec(bundle).unwrap()).unwrap();
        enrol(&self.layout, &path, "localhost:1")
    }
}

/// A trust policy of one log without witnesses.
fn policy(origin: &str, seed: u8) -> String {
    use safeharbor_core::b64;
    let key = |seed: u8| MemorySigner::from_seed(&zeroize::Zeroizing::new([seed; 32])).public_key();
    let hub = b64::encode_std(key(seed.wrapping_add(1)).as_bytes());
    let log = safeharbor_core::note::VerifierKey::ed25519(&format!("{origin}/registry"), key(seed)).unwrap();
    format!("log {log}\n# safeharbor hub-key https://{origin} {hub}\nquorum none\n")
}

#[test]
fn the_request_proves_both_keys() {
    let place = Place::new();
    let request = place.init();
    let key = public_key_from_jwk(&request.jwk).unwrap();
    let proof = Jws::parse(&request.proof).unwrap();
    proof.expect_type(JOIN_PROOF_TYPE).unwrap();
    proof.verify(&key).unwrap();
    assert_eq!(proof.payload["institution"], OWN);
    assert_eq!(proof.payload["csr_sha256"], Digest::of(request.csr_pem.as_bytes()).to_string());
    let written: EnrolmentRequest =
        serde_json::from_slice(&fs::read(place.path("request.json")).unwrap()).unwrap();
    assert_eq!(written.csr_pem, request.csr_pem);
}

#[test]
fn setting_up_again_asks_with_the_same_keys() {
    let place = Place::new();
    let (first, second) = (place.init(), place.init());
    assert_eq!((first.csr_pem, first.jwk, first.proof), (second.csr_pem, second.jwk, second.proof));
    let refused = place.init_as(other_code()).unwrap_err();
    assert!(matches!(refused, EnrolFailed::OtherInstitution { .. }), "{refused}");
}

#[test]
fn a_bundle_for_this_node_is_kept_and_may_come_again() {
    let place = Place::new();
    let bundle = place.bundle(&place.init());
    place.enrol(&bundle).unwrap();
    place.enrol(&bundle).unwrap();
    let kept = Membership::load(&place.layout).unwrap().unwrap();
    assert_eq!((kept.hub_name, kept.admitted), (bundle.hub_name, bundle.admitted));
    assert_eq!(fs::read_to_string(place.layout.hub_address()).unwrap(), "localhost:1");
    for path in [place.layout.membership(), place.layout.tls_key(), place.layout.statement_key()] {
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
}

#[test]
fn a_renewed_certificate_is_taken() {
    let place = Place::new();
    let request = place.init();
    let (first, renewed) = (place.bundle(&request), place.bundle(&request));
    assert_ne!(first.certificate_pem, renewed.certificate_pem);
    place.enrol(&first).unwrap();
    place.enrol(&renewed).unwrap();
    assert_eq!(Membership::load(&place.layout).unwrap().unwrap().certificate_pem, renewed.certificate_pem);
}

#[test]
fn a_bundle_that_is_not_for_this_node_is_refused() {
    let place = Place::new();
    let request = place.init();
    let good = place.bundle(&request);
    let check = |change: &dyn Fn(&mut EnrolmentBundle), word: &str| {
        let mut bundle = good.clone();
        change(&mut bundle);
        let refused = crate::speech::chain_of(&place.enrol(&bundle).unwrap_err());
        assert!(refused.contains(word), "{refused}");
        assert!(!place.layout.membership().exists(), "{word}");
    };
    let stranger = create_request(other_code()).unwrap();
    let issue = |csr: &str, code| place.authority.issue_client(csr, code, NOW_S, 3_600).unwrap();
    let others_certificate = issue(&request.csr_pem, other_code());
    let others_key = issue(&stranger.csr_pem, OWN.parse().unwrap());
    check(&|b| b.institution = other_code(), "this is the node of");
    check(&|b| b.certificate_pem = others_certificate.clone(), "this is the node of");
    check(&|b| b.certificate_pem = others_key.clone(), "does not go with this node's TLS key");
    check(&|b| b.certificate_pem = "nonsense".to_owned(), "not one in PEM");
    check(&|b| b.ca_pem = "nonsense".to_owned(), "certificate");
    check(&|b| b.policy = "nonsense".to_owned(), "the bundle's trust policy is refused");
    check(
        &|b| {
            b.policy =
                b.policy.lines().filter(|l| !l.starts_with('#')).fold(String::new(), |t, l| t + l + "\n")
        },
        "no hub key",
    );
    check(&|b| b.admitted = "nonsense".to_owned(), "trust policy is refused");
}

#[test]
fn another_registry_is_not_trusted_later() {
    let place = Place::new();
    let bundle = place.bundle(&place.init());
    place.enrol(&bundle).unwrap();
    let other = EnrolmentBundle { policy: policy("hub.test.example", 9), ..bundle.clone() };
    assert!(matches!(place.enrol(&other), Err(EnrolFailed::OtherTrust("trust policy"))));
    let other = EnrolmentBundle { admitted: Digest::of(b"another").to_string(), ..bundle };
    assert!(matches!(place.enrol(&other), Err(EnrolFailed::OtherTrust("admitting statement"))));
}

#[test]
fn only_host_and_port_make_an_address() {
    for good in ["hub.example:7443", "127.0.0.1:1", "[::1]:443", " localhost:9 "] {
        assert_eq!(parse_address(good).unwrap(), good.trim());
    }
    for bad in ["", "hub", "hub:", ":443", "hub:0", "hub:99999", "https://hub:443", "a b:1"] {
        assert!(parse_address(bad).is_err(), "{bad}");
    }
}
