//! Papers that hold, and each thing that may be wrong with them.

use safeharbor_certs::authority::Authority;
use safeharbor_certs::request::create_request;
use safeharbor_core::b64;
use safeharbor_core::chain::Head;
use safeharbor_core::digest::Digest;
use safeharbor_core::directory::{Deciders, InstitutionType, KeyGround, Standing};
use safeharbor_core::key::{MemorySigner, Signer as _};
use safeharbor_core::note::VerifierKey;
use safeharbor_core::sdjwt::Algorithm;
use safeharbor_core::statement::{Draft, Envelope, Vct};
use zeroize::Zeroizing;

use super::*;

const NOW_S: u64 = 1_772_366_400;
const HUB: u8 = 2;

fn signer(seed: u8) -> MemorySigner {
    MemorySigner::from_seed(&Zeroizing::new([seed; 32]))
}

fn own() -> NodeKeys {
    let key = |seed| signer(seed).public_key();
    NodeKeys { statements: key(11), witness: key(12), presentation: key(13) }
}

fn code() -> InstitutionCode {
    "12100000400002259P".parse().unwrap()
}

fn other() -> InstitutionCode {
    InstitutionCode::complete("12100000400002260").unwrap()
}

fn admission(code: InstitutionCode) -> Announcement {
    let (kind, standing, decided_by) = (InstitutionType::University, Standing::Active, Deciders::default());
    Announcement::Institution { code, name: "测试大学".to_owned(), kind, standing, decided_by }
}

fn begins(seed: u8, signs: KeySigns) -> Announcement {
    let (key, ground) = (signer(seed).public_key(), KeyGround::Admission);
    Announcement::KeyBegins { code: code(), key, signs, ground, decided_by: Deciders::default() }
}

fn whole() -> Vec<Announcement> {
    vec![
        admission(code()),
        begins(11, KeySigns::Statements),
        begins(12, KeySigns::Checkpoints),
        begins(13, KeySigns::Presentations),
    ]
}

/// The hub's statements, signed with the key of `seed`, at indexes from 5 on.
fn logged(announcements: &[Announcement], seed: u8) -> Vec<LoggedStatement> {
    let mut head = Head::before_first(Digest::of(b"origin"));
    let state = |(at, announcement): (usize, &Announcement)| {
        let envelope = Envelope {
            iss: "https://hub.example.org".parse().unwrap(),
            iat: NOW_S,
            seq: head.next_seq(),
            prev: head.digest,
            vct: Vct::without_kind(announcement.statement_type()).unwrap(),
            rec: None,
            rev: None,
            cat: None,
        };
        let draft = Draft { envelope, digests: Vec::new(), claims: announcement.to_claims() };
        let jwt = draft.sign(Algorithm::default(), &signer(seed)).unwrap();
        head = head.advance(statement_digest(&jwt));
        LoggedStatement { index: at as u64 + 5, jwt }
    };
    announcements.iter().enumerate().map(state).collect()
}

fn membership(statements: Vec<LoggedStatement>) -> Membership {
    papers(statements, &create_request(code()).unwrap().csr_pem)
}

/// Makes a folder that of a member of a hub that nobody can reach, with the key of its certificate.
pub(crate) fn join(layout: &Layout) -> Membership {
    let request = create_request(code()).unwrap();
    safeharbor_service::secret_file::create(&layout.tls_key(), request.key_pem.as_bytes()).unwrap();
    let member = papers(logged(&whole(), HUB), &request.csr_pem);
    member.store(layout).unwrap();
    fs::write(layout.hub_address(), "localhost:1").unwrap();
    member
}

/// Makes a folder that of a member whose statement keys were those of `seeds`, one after the other.
pub(crate) fn join_with_keys(layout: &Layout, seeds: &[u8]) {
    let keys = seeds.iter().map(|seed| begins(*seed, KeySigns::Statements));
    let announced: Vec<_> = std::iter::once(admission(code())).chain(keys).collect();
    membership(logged(&announced, HUB)).store(layout).unwrap();
}

fn papers(statements: Vec<LoggedStatement>, csr: &str) -> Membership {
    let authority = Authority::create("test", NOW_S, 86_400).unwrap();
    let log = VerifierKey::ed25519("hub.example.org/registry", signer(1).public_key()).unwrap();
    let hub = b64::encode_std(signer(HUB).public_key().as_bytes());
    Membership {
        institution: code(),
        name: "测试大学".to_owned(),
        certificate_pem: authority.issue_client(csr, code(), NOW_S, 3_600).unwrap(),
        tls_key: first_tls_key(),
        authorities_pem: authority.ca_pem(),
        hub_name: "hub.example.org".to_owned(),
        policy: format!("log {log}\n# safeharbor hub-key https://hub.example.org {hub}\nquorum none\n"),
        admitted: statements
            .first()
            .map(|first| statement_digest(&first.jwt).to_string())
            .unwrap_or_default(),
        statements,
        invitation: None,
    }
}

#[test]
fn papers_hold_when_the_hub_signed_that_our_keys_are_in_force() {
    let member = membership(logged(&whole(), HUB));
    member.verify(&own()).unwrap();
    member.verify_renewed(&member, &own().statements).unwrap();
}

#[test]
fn papers_are_kept_for_their_owner_alone_and_lead_to_the_key_they_name() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::at(folder.path());
    fs::create_dir(layout.keys()).unwrap();
    let member = join(&layout);
    assert_eq!(Membership::load(&layout).unwrap(), Some(member.clone()));
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(layout.membership()).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    member.tls(&layout, KeyExchange::Hybrid).unwrap();
    let stranger = create_request(code()).unwrap();
    let others = Membership { tls_key: "other.key".to_owned(), ..member.clone() };
    safeharbor_service::secret_file::create(&layout.keys().join("other.key"), stranger.key_pem.as_bytes())
        .unwrap();
    assert!(matches!(others.tls(&layout, KeyExchange::Hybrid), Err(MembershipFailed::Tls(_))));
    let outside = Membership { tls_key: "../elsewhere".to_owned(), ..member };
    outside.store(&layout).unwrap();
    assert!(matches!(Membership::load(&layout), Err(MembershipFailed::Lacks(_))));
}

#[test]
fn papers_that_could_not_be_loaded_again_do_not_take_the_place_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::at(folder.path());
    fs::create_dir(layout.keys()).unwrap();
    let member = join(&layout);
    // Escaped in JSON, a name of the longest message is longer than the longest file.
    let named = Membership { name: "\0".repeat(1 << 20), ..member.clone() };
    assert!(matches!(named.store(&layout), Err(MembershipFailed::TooLong)));
    assert_eq!(Membership::load(&layout).unwrap(), Some(member));
}

#[test]
fn a_rotation_brings_statements_and_leaves_everything_else_as_it_is() {
    let member = membership(logged(&whole(), HUB));
    let statements = logged(&[whole(), vec![begins(21, KeySigns::Statements)]].concat(), HUB);
    let to_wire = |LoggedStatement { index, jwt }: LoggedStatement| v1::PublicStatement { index, jwt };
    let answer = v1::Membership {
        institution: code().to_string(),
        authorities_pem: "none".to_owned(),
        hub_name: "elsewhere.example".to_owned(),
        statements: statements.iter().cloned().map(to_wire).collect(),
        ..v1::Membership::default()
    };
    let rotate = |seed| member.clone().with_statements_of(answer.clone(), &signer(seed).public_key());
    assert_eq!(rotate(21).unwrap(), Membership { statements, ..member.clone() });
    let moving = v1::Membership { name: "大学\u{1b}[2J".to_owned(), ..answer.clone() };
    assert_eq!(Membership::from_wire(moving).unwrap().name, "大学[2J", "what is shown moves no cursor");
    assert!(matches!(rotate(11), Err(MembershipFailed::NotInForce("statement"))));

    // A key that came without the signature of the one before is no rotation, whoever says that it answers one.
    let (key, signs, ground) = (signer(21).public_key(), KeySigns::Statements, KeyGround::ReEnrolment);
    let begun =
        Announcement::KeyBegins { code: code(), key, signs, ground, decided_by: Deciders::new([1, 2]) };
    let statements = logged(&[whole(), vec![begun]].concat(), HUB).into_iter().map(to_wire).collect();
    let answer = v1::Membership { statements, ..answer };
    assert!(matches!(member.with_statements_of(answer, &key), Err(MembershipFailed::NotRotated)));
}

#[test]
fn statements_that_are_not_the_hubs_or_out_of_order_are_refused() {
    let verify = |statements| membership(statements).verify(&own());
    assert!(matches!(verify(logged(&whole(), 9)), Err(MembershipFailed::Unsigned(5))));
    let mut swapped = logged(&whole(), HUB);
    swapped.swap(1, 2);
    assert!(matches!(verify(swapped), Err(MembershipFailed::Order)));
    let foreign: Vec<_> = [vec![admission(other())], whole()].concat();
    assert!(matches!(verify(logged(&foreign, HUB)), Err(MembershipFailed::Order)));
    assert!(verify(Vec::new()).is_err());
}

#[test]
fn a_key_that_is_not_in_force_is_refused() {
    let refused = |more: Vec<Announcement>| {
        let member = membership(logged(&[whole(), more].concat(), HUB));
        let renewed = member.verify_renewed(&member, &own().statements);
        (member.verify(&own()), renewed)
    };
    let ended = Announcement::KeyEnds { code: code(), key: own().statements };
    for more in [vec![begins(21, KeySigns::Statements)], vec![ended]] {
        let (joined, renewed) = refused(more);
        assert!(matches!(joined, Err(MembershipFailed::NotInForce("statement"))));
        assert!(matches!(renewed, Err(MembershipFailed::NotInForce("statement"))));
    }
    let (joined, renewed) = refused(vec![begins(22, KeySigns::Checkpoints)]);
    assert!(matches!(joined, Err(MembershipFailed::NotInForce("witness"))));
    renewed.unwrap();
}

#[test]
fn a_certificate_or_policy_of_somebody_else_is_refused() {
    let member = membership(logged(&whole(), HUB));
    let without_key =
        Membership { policy: member.policy.replace("# safeharbor hub-key", "# nothing"), ..member.clone() };
    assert!(matches!(without_key.verify(&own()), Err(MembershipFailed::Lacks("hub key"))));
    let elsewhere = Membership { institution: other(), ..member.clone() };
    assert!(matches!(elsewhere.verify(&own()), Err(MembershipFailed::OtherInstitution { .. })));
    assert!(matches!(
        member.verify_renewed(&elsewhere, &own().statements),
        Err(MembershipFailed::OtherInstitution { .. })
    ));
    let readmitted = Membership { admitted: Digest::of(b"another").to_string(), ..member.clone() };
    assert!(matches!(member.verify_renewed(&readmitted, &own().statements), Err(MembershipFailed::Order)));
}

fn ends(seed: u8) -> Announcement {
    Announcement::KeyEnds { code: code(), key: signer(seed).public_key() }
}

/// Seeds of the statement keys with their log positions.
fn check_terms(statements: &[Announcement], wanted: &[(u8, u64, Option<u64>)]) {
    let terms = membership(logged(statements, HUB)).statement_keys().unwrap();
    let found: Vec<_> = terms.iter().map(|term| (term.key, term.from, term.until)).collect();
    let wanted: Vec<_> =
        wanted.iter().map(|(seed, from, until)| (signer(*seed).public_key(), *from, *until)).collect();
    assert_eq!(found, wanted);
}

#[test]
fn own_statement_keys_follow_one_another_in_the_log() {
    check_terms(&whole(), &[(11, 6, None)]);
    let rotated = [whole(), vec![begins(21, KeySigns::Statements)]].concat();
    check_terms(&rotated, &[(11, 6, Some(9)), (21, 9, None)]);
}

#[test]
fn a_key_that_ended_does_not_end_later_when_another_one_begins() {
    let stolen = [whole(), vec![ends(11), begins(21, KeySigns::Statements)]].concat();
    check_terms(&stolen, &[(11, 6, Some(9)), (21, 10, None)]);
}

#[test]
fn own_keys_are_not_believed_of_statements_that_the_hub_did_not_sign() {
    let forged = membership(logged(&whole(), 3));
    assert!(matches!(forged.statement_keys(), Err(MembershipFailed::Unsigned(5))));
}
