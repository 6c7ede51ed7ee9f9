//! What is kept of the hub's word, which of its statements are believed, and which are alarms.

use safeharbor_core::directory::{Deciders, InstitutionType};
use safeharbor_core::key::{MemorySigner, Signer as _};
use safeharbor_core::sdjwt::Algorithm;
use safeharbor_core::statement::{Draft, Envelope, Vct};
use safeharbor_service::store::MemoryStore;

use super::super::driver::tests::{context_in, trust};
use super::*;
use crate::catalogues::testing::hub_signer;
use crate::chain::testing::signer;

struct Hub {
    _folder: tempfile::TempDir,
    desk: Desk,
    statements: Vec<(u64, String)>,
}

fn ours() -> InstitutionCode {
    "12100000400002259P".parse().unwrap()
}

fn hub() -> Hub {
    let folder = tempfile::tempdir().unwrap();
    let context = context_in(folder.path(), std::sync::Arc::new(MemoryStore::new()));
    let desk = Desk { hub_keys: vec![hub_signer().public_key()], ..Desk::open(context, &trust()).unwrap() };
    Hub { _folder: folder, desk, statements: Vec::new() }
}

fn standing(code: InstitutionCode, standing: Standing) -> Announcement {
    let (name, kind) = ("北京大学".to_owned(), InstitutionType::University);
    Announcement::Institution { code, name, kind, standing, decided_by: Deciders::new([1, 2]) }
}

fn key(seed: u8, ground: KeyGround) -> Announcement {
    let (key, signs) = (signer(seed).public_key(), KeySigns::Statements);
    Announcement::KeyBegins { code: ours(), key, signs, ground, decided_by: Deciders::new([1, 2]) }
}

impl Hub {
    /// The hub logs a statement at this index.
    fn logs(mut self, index: u64, announcement: &Announcement, by: &MemorySigner) -> Self {
        let envelope = Envelope {
            iss: "https://hub.example.org".parse().unwrap(),
            iat: 1,
            seq: index + 1,
            prev: Digest::of(b"before"),
            vct: Vct::without_kind(announcement.statement_type()).unwrap(),
            rec: None,
            rev: None,
            cat: None,
        };
        let draft = Draft { envelope, digests: Vec::new(), claims: announcement.to_claims() };
        self.statements.push((index, draft.sign(Algorithm::default(), by).unwrap()));
        self
    }

    fn says(&mut self, standing: Standing) -> Told {
        let situation = Situation {
            standing,
            confirmed: false,
            catalogue: Digest::of(b"catalogue"),
            authorities: Digest::of(b"authorities"),
            statements: std::mem::take(&mut self.statements),
            now_ms: 0,
        };
        hear(&self.desk, &situation).unwrap()
    }

    fn alarms(&self) -> Vec<Alarm> {
        self.desk.alarms().list().unwrap().into_iter().map(|raised| raised.alarm).collect()
    }
}

#[test]
fn a_standing_that_the_registry_says_is_told_apart_from_the_hubs_mere_word() {
    let hub_key = hub_signer();
    let mut hub = hub().logs(3, &standing(ours(), Standing::Active), &hub_key);
    let told = hub.says(Standing::Active);
    assert!(!told.is_held() && told.is_logged() && told.held_cause().is_none());
    let told = hub.says(Standing::Suspended);
    assert!(told.is_held() && !told.is_logged(), "it is obeyed all the same");
    assert!(told.held_cause().unwrap().pick(crate::speech::Language::En).contains("no logged statement"));
    let mut hub = hub.logs(9, &standing(ours(), Standing::Suspended), &hub_key);
    let again = hub.says(Standing::Suspended);
    assert!(again.is_logged());
    assert_eq!((again.since_ms, again.through), (told.since_ms, Some(9)));
    assert_eq!(Told::load(&*hub.desk.context.store).unwrap(), Some(again));
    assert_eq!(hub.alarms(), []);
}

#[test]
fn a_key_under_our_code_that_never_was_ours_is_an_alarm_with_evidence() {
    let mut hub = hub().logs(3, &key(1, KeyGround::Admission), &hub_signer()).logs(
        4,
        &key(9, KeyGround::ReEnrolment),
        &hub_signer(),
    );
    let jwt = hub.statements[1].1.clone();
    hub.says(Standing::Active);
    let alarms = hub.alarms();
    let [Alarm::ForeignKey { index: 4, key, evidence, .. }] = &alarms[..] else { panic!("{alarms:?}") };
    assert_eq!(*key, signer(9).public_key().thumbprint());
    let kept = hub.desk.context.evidence.load(evidence.parse().unwrap()).unwrap();
    assert_eq!(kept, jwt.clone().into_bytes());
    hub.statements = vec![(4, jwt)];
    hub.says(Standing::Active);
    assert_eq!(
        hub.desk.alarms().list().unwrap()[0].count,
        1,
        "each stream says it again, and it is raised once"
    );
}

#[test]
fn keys_that_were_ours_and_those_before_a_re_enrolment_are_no_alarm() {
    let mut known = hub().logs(3, &key(7, KeyGround::Admission), &hub_signer()).logs(
        4,
        &key(1, KeyGround::ReEnrolment),
        &hub_signer(),
    );
    let told = known.says(Standing::Active);
    assert_eq!((told.own_from, known.alarms()), (4, vec![]), "7 was another node's");
    let mut later = known.logs(8, &key(8, KeyGround::ReEnrolment), &hub_signer());
    OwnKeys::remember(&*later.desk.context.store, &[signer(8).public_key()]).unwrap();
    later.says(Standing::Active);
    assert_eq!(later.alarms(), []);
}

#[test]
fn what_is_not_the_hubs_or_not_about_us_is_not_believed() {
    let other = "12100000400000624D".parse().unwrap();
    for (announcement, by) in [
        (standing(ours(), Standing::Revoked), signer(9)),
        (standing(other, Standing::Revoked), hub_signer()),
        (Announcement::HubKey { key: signer(9).public_key() }, hub_signer()),
    ] {
        let mut hub = hub().logs(5, &announcement, &by);
        let told = hub.says(Standing::Active);
        assert_eq!((told.logged, told.through), (None, None));
        assert!(matches!(hub.alarms()[..], [Alarm::PublicStatementRefused { index: 5, .. }]));
    }
}

#[test]
fn a_statement_with_the_hubs_key_id_and_another_signature_is_not_believed() {
    let mut hub = hub().logs(5, &standing(ours(), Standing::Revoked), &hub_signer()).logs(
        6,
        &standing(ours(), Standing::Active),
        &hub_signer(),
    );
    let (_, signature) = hub.statements[1].1.rsplit_once('.').unwrap();
    let (signed, _) = hub.statements[0].1.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{signature}");
    hub.statements = vec![(5, forged)];
    assert_eq!(hub.says(Standing::Active).logged, None);
    let alarms = hub.alarms();
    assert!(alarms[0].to_string().contains("signature does not verify"), "{alarms:?}");
}

proptest::proptest! {
    #[test]
    fn no_statement_makes_it_panic(jwt in "\\PC{0,200}|[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,80}") {
        proptest::prop_assert!(verify_public(&jwt, &[hub_signer().public_key()], ours()).is_err());
    }
}
