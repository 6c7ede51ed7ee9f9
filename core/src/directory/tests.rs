//! What the hub's public statements do to the directory, and what they cannot do.

use serde_json::{Value, json};

use super::testing::{
    Chains, HUB_KEY, admission, hub, hub_key, key, key_again, key_begins, key_ends, key_rotates, peking,
    tsinghua,
};
use super::*;
use crate::statement::StatementType;

/// A directory and the chain of the hub behind it.
#[derive(Clone)]
struct Registry {
    chains: Chains,
    directory: Directory,
    next: u64,
}

impl Registry {
    /// Hub key at 0, Peking admitted at 1 with key 10 from 2.
    fn begin() -> Self {
        let mut registry = Self { chains: Chains::begin(), directory: Directory::new(hub()), next: 0 };
        registry.announce(&hub_key(HUB_KEY)).unwrap();
        registry.announce(&admission(peking(), Standing::Active)).unwrap();
        registry.announce(&key_begins(peking(), 10)).unwrap();
        registry
    }

    fn empty() -> Self {
        Self { chains: Chains::begin(), directory: Directory::new(hub()), next: 0 }
    }

    fn announce(&mut self, announcement: &Announcement) -> Result<Announcement, ApplyFailed> {
        self.announce_by(HUB_KEY, announcement)
    }

    fn announce_by(&mut self, seed: u8, announcement: &Announcement) -> Result<Announcement, ApplyFailed> {
        let jwt = self.chains.announce(announcement, seed);
        self.apply(&jwt)
    }

    fn state(&mut self, statement: StatementType, claims: Value) -> Result<Announcement, ApplyFailed> {
        let Value::Object(claims) = claims else { panic!("claims are an object") };
        let jwt = self.chains.state(statement, (claims, None), HUB_KEY);
        self.apply(&jwt)
    }

    /// Applies a statement; what is refused changes nothing.
    fn apply(&mut self, jwt: &str) -> Result<Announcement, ApplyFailed> {
        let before = format!("{:?}", self.directory);
        let applied = self.directory.apply(self.next, &Statement::parse(jwt).unwrap());
        match applied {
            Ok(_) => self.next += 1,
            Err(_) => assert_eq!(format!("{:?}", self.directory), before),
        }
        applied
    }

    fn key_at(&self, code: InstitutionCode, seed: u8, index: u64) -> bool {
        let thumbprint = key(seed).thumbprint().to_string();
        let found = self.directory.key_at(&Issuer::Institution(code), &thumbprint, index);
        assert!(found.is_none_or(|found| *found == key(seed)));
        found.is_some()
    }
}

#[test]
fn the_hubs_first_key_introduces_itself_and_only_that() {
    assert_eq!(
        Registry::empty().announce(&admission(peking(), Standing::Active)),
        Err(ApplyFailed::Signature)
    );
    assert_eq!(Registry::empty().announce_by(2, &hub_key(HUB_KEY)), Err(ApplyFailed::Signature));
    let mut registry = Registry::begin();
    assert_eq!(registry.clone().announce_by(2, &hub_key(2)), Err(ApplyFailed::Signature));
    assert_eq!(registry.clone().announce_by(2, &key_again(peking(), 11)), Err(ApplyFailed::Signature));
    registry.announce(&hub_key(2)).unwrap();
    registry.announce_by(2, &key_again(peking(), 11)).unwrap();
    assert_eq!(registry.directory.hub_keys().len(), 2);
}

#[test]
fn a_signature_under_another_kid_is_refused() {
    let mut registry = Registry::begin();
    let announcement = admission(tsinghua(), Standing::Active);
    let jwt = registry.chains.announce(&announcement, HUB_KEY);
    let (signed, _) = jwt.rsplit_once('.').unwrap();
    let (_, signature) = registry
        .chains
        .announce(&announcement, 2)
        .rsplit_once('.')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    assert_eq!(registry.apply(&format!("{signed}.{signature}")), Err(ApplyFailed::Signature));
}

#[test]
fn statements_of_others_are_no_announcements() {
    let mut registry = Registry::begin();
    let jwt = registry.chains.disclose(peking(), 10);
    assert_eq!(registry.apply(&jwt), Err(ApplyFailed::Issuer(Issuer::Institution(peking()))));
    let mut elsewhere = Directory::new("https://other.example.org".parse().unwrap());
    let jwt = Chains::begin().announce(&hub_key(HUB_KEY), HUB_KEY);
    let refused = elsewhere.apply(0, &Statement::parse(&jwt).unwrap());
    assert_eq!(refused, Err(ApplyFailed::Issuer(hub())));
}

#[test]
fn keys_are_valid_for_log_positions() {
    let mut registry = Registry::begin();
    registry.announce(&hub_key(2)).unwrap();
    registry.announce(&key_ends(peking(), 10)).unwrap();
    registry.announce(&key_again(peking(), 11)).unwrap();
    for (seed, index, valid) in
        [(10, 1, false), (10, 2, true), (10, 4, true), (10, 5, false), (11, 4, false), (11, 5, true)]
    {
        assert_eq!(registry.key_at(peking(), seed, index), valid, "key {seed} at {index}");
    }
    assert!(!registry.key_at(tsinghua(), 10, 3));
    assert!(!registry.key_at(peking(), HUB_KEY, 3), "the hub's key is not the institution's");
    let thumbprint = key(HUB_KEY).thumbprint().to_string();
    assert!(registry.directory.key_at(&hub(), &thumbprint, 0).is_some());
    let other: Issuer = "https://other.example.org".parse().unwrap();
    assert!(registry.directory.key_at(&other, &thumbprint, 0).is_none());
    assert!(registry.directory.key_at(&hub(), "", 0).is_none());
}

#[test]
fn one_key_has_one_use_and_one_owner_for_ever() {
    let mut registry = Registry::begin();
    registry.announce(&admission(tsinghua(), Standing::Active)).unwrap();
    let seen = |seed: u8| Err(ApplyFailed::KeySeen(key(seed).thumbprint()));
    assert_eq!(registry.announce(&key_begins(peking(), 10)), seen(10));
    assert_eq!(registry.announce(&key_begins(tsinghua(), 10)), seen(10));
    assert_eq!(registry.announce(&key_begins(tsinghua(), HUB_KEY)), seen(HUB_KEY));
    assert_eq!(registry.announce(&hub_key(10)), seen(10));
    assert_eq!(registry.announce(&hub_key(HUB_KEY)), seen(HUB_KEY));
    registry.announce(&key_ends(peking(), 10)).unwrap();
    assert_eq!(registry.announce(&key_begins(peking(), 10)), seen(10), "an ended key does not come back");
    assert!(registry.directory.has_seen(&key(10)) && !registry.directory.has_seen(&key(11)));
}

#[test]
fn a_refused_announcement_claims_no_key() {
    let mut registry = Registry::begin();
    let refused = registry.announce(&key_begins(tsinghua(), 11));
    assert_eq!(refused, Err(ApplyFailed::InstitutionUnknown(tsinghua())));
    assert_eq!(registry.announce_by(2, &key_again(peking(), 11)), Err(ApplyFailed::Signature));
    assert!(!registry.directory.has_seen(&key(11)));
    registry.announce(&key_again(peking(), 11)).unwrap();
}

#[test]
fn only_a_valid_key_of_the_same_institution_ends() {
    let mut registry = Registry::begin();
    registry.announce(&admission(tsinghua(), Standing::Active)).unwrap();
    let unknown = |seed: u8| Err(ApplyFailed::KeyUnknown(key(seed).thumbprint()));
    assert_eq!(registry.announce(&key_ends(peking(), 11)), unknown(11));
    assert_eq!(registry.announce(&key_ends(tsinghua(), 10)), unknown(10));
    registry.announce(&key_ends(peking(), 10)).unwrap();
    assert_eq!(registry.announce(&key_ends(peking(), 10)), unknown(10), "it ends once");
    let nobody: InstitutionCode = InstitutionCode::complete("12100000400000001").unwrap();
    assert_eq!(registry.announce(&key_ends(nobody, 10)), Err(ApplyFailed::InstitutionUnknown(nobody)));
}

#[test]
fn standing_changes_and_the_admission_stays() {
    let mut registry = Registry::begin();
    let admitted = registry.directory.institution(&peking()).unwrap().admitted;
    for standing in [Standing::Suspended, Standing::Active, Standing::Revoked] {
        registry.announce(&admission(peking(), standing)).unwrap();
        let institution = registry.directory.institution(&peking()).unwrap();
        assert_eq!((institution.standing, institution.admitted), (standing, admitted));
        assert_eq!(institution.keys.len(), 1);
    }
}

#[test]
fn revocation_is_for_good() {
    let mut registry = Registry::begin();
    registry.announce(&admission(peking(), Standing::Revoked)).unwrap();
    for standing in [Standing::Active, Standing::Suspended, Standing::Revoked] {
        assert_eq!(registry.announce(&admission(peking(), standing)), Err(ApplyFailed::Revoked(peking())));
    }
}

#[test]
fn a_catalogue_is_known_once_published() {
    let mut registry = Registry::begin();
    let cat = Digest::of(b"catalogue");
    assert!(!registry.directory.has_catalogue(&cat));
    let refused = registry.state(StatementType::Catalogue, json!({}));
    assert_eq!(refused, Err(ReadAnnouncementFailed("cat").into()));
    registry.announce(&Announcement::Catalogue { cat, decided_by: Deciders::default() }).unwrap();
    assert!(registry.directory.has_catalogue(&cat));
}

#[test]
fn malformed_announcements_name_the_claim() {
    let check = |statement, claims: Value, expected: Result<(), &'static str>| {
        let answer = Registry::begin().state(statement, claims.clone()).map(drop);
        let expected = expected.map_err(|name| ApplyFailed::Announcement(ReadAnnouncementFailed(name)));
        assert_eq!(answer, expected, "{claims}");
    };
    let long = "大".repeat(NAME_CHARS_MAX + 1);
    let code = tsinghua().to_string();
    let admitted = |name: &str, kind: &str, standing: &str| json!({"institution": code, "name": name, "type": kind, "standing": standing});
    let institution = StatementType::Institution;
    check(institution, admitted("清华大学", "university", "active"), Ok(()));
    check(institution, admitted("", "university", "active"), Err("name"));
    check(institution, admitted(" ", "university", "active"), Err("name"));
    check(institution, admitted("\u{1b}[2J", "university", "active"), Err("name"));
    check(institution, admitted(&long, "university", "active"), Err("name"));
    check(institution, admitted("清华大学", "school", "active"), Err("type"));
    check(institution, admitted("清华大学", "university", "Active"), Err("standing"));
    check(institution, json!({"name": "x", "type": "university", "standing": "active"}), Err("institution"));
    check(institution, json!({"institution": "1", "name": "x"}), Err("institution"));
    check(institution, json!({"institution": code, "name": 1}), Err("name"));
    let jwk = crate::sdjwt::public_key_to_jwk(&key(11));
    let key_of = |event: &str, used: &str| {
        json!({
            "event": event, "use": used, "jwk": jwk, "institution": peking().as_str(), "ground": "re-enrolled",
            "decided_by": [1, 2],
        })
    };
    check(StatementType::Key, key_of("begins", "statements"), Ok(()));
    check(StatementType::Key, key_of("begins", "log"), Err("use"));
    check(StatementType::Key, key_of("pauses", "statements"), Err("event"));
    check(StatementType::Key, json!({"event": "ends", "use": "statements", "jwk": jwk}), Err("event"));
    check(StatementType::Key, json!({"event": "begins", "use": "statements"}), Err("jwk"));
    let without = |name: &str, value: Value| {
        let mut claims = key_of("begins", "statements");
        claims[name] = value;
        claims
    };
    for (name, value) in [
        ("ground", json!("whim")),
        ("ground", json!(null)),
        ("decided_by", json!([2, 1])),
        ("decided_by", json!([1, 1])),
        ("decided_by", json!([])),
        ("decided_by", json!(["a", "b"])),
    ] {
        check(StatementType::Key, without(name, value), Err(name));
    }
    let null = json!({"event": "begins", "use": "statements", "jwk": jwk, "institution": null});
    check(StatementType::Key, null, Err("institution"));
    let mut identity = [0_u8; 32];
    identity[0] = 1;
    let weak = json!({"kty": "OKP", "crv": "Ed25519", "x": crate::b64::encode_url(&identity)});
    check(StatementType::Key, json!({"event": "begins", "use": "statements", "jwk": weak}), Err("jwk"));
    check(StatementType::Policy, json!({"anything": 1}), Ok(()));
}

#[test]
fn every_announcement_reads_as_it_was_written() {
    let announcements = [
        hub_key(2),
        admission(tsinghua(), Standing::Suspended),
        key_again(peking(), 12),
        key_ends(peking(), 10),
        Announcement::Catalogue { cat: Digest::of(b"catalogue"), decided_by: Deciders::default() },
        Announcement::Other,
    ];
    for announcement in announcements {
        assert_eq!(Registry::begin().announce(&announcement), Ok(announcement));
    }
}

#[test]
fn a_later_statement_key_needs_a_ground_and_ends_the_one_before() {
    let mut registry = Registry::begin();
    let refused = registry.announce(&key_begins(peking(), 11));
    assert_eq!(refused, Err(ApplyFailed::Ground(key(11).thumbprint(), "admission")));
    let refused = registry.announce(&key_rotates(peking(), 12, 11));
    assert_eq!(refused, Err(ApplyFailed::Ground(key(11).thumbprint(), "rotation")), "signed by another key");
    registry.announce(&key_rotates(peking(), 10, 11)).unwrap();
    assert!(registry.key_at(peking(), 10, registry.next - 1), "valid up to the entry that ends it");
    assert!(!registry.key_at(peking(), 10, registry.next) && registry.key_at(peking(), 11, registry.next));
    registry.announce(&key_ends(peking(), 11)).unwrap();
    let refused = registry.announce(&key_rotates(peking(), 11, 12));
    assert_eq!(
        refused,
        Err(ApplyFailed::Ground(key(12).thumbprint(), "rotation")),
        "an ended key names nobody"
    );
    registry.announce(&key_again(peking(), 12)).unwrap();
    let keys = &registry.directory.institution(&peking()).unwrap().keys;
    assert_eq!(keys.iter().map(|term| term.re_enrolled).collect::<Vec<_>>(), [false, false, true]);
}

#[test]
fn two_persons_reinstate_revoke_re_enrol_and_publish_catalogues() {
    let institution = |standing, persons: &[u32]| Announcement::Institution {
        code: peking(),
        name: "北京大学".to_owned(),
        kind: InstitutionType::University,
        standing,
        decided_by: Deciders::new(persons.iter().copied()),
    };
    let mut registry = Registry::begin();
    registry.announce(&institution(Standing::Suspended, &[1])).unwrap();
    for persons in [&[][..], &[1], &[1, 1]] {
        for standing in [Standing::Active, Standing::Revoked] {
            assert_eq!(registry.announce(&institution(standing, persons)), Err(ApplyFailed::TwoPersons));
        }
        let key = Announcement::KeyBegins {
            code: peking(),
            key: key(11),
            signs: KeySigns::Statements,
            ground: KeyGround::ReEnrolment,
            decided_by: Deciders::new(persons.iter().copied()),
        };
        assert_eq!(registry.announce(&key), Err(ApplyFailed::TwoPersons));
    }
    registry.announce(&institution(Standing::Active, &[1, 2])).unwrap();
    let catalogue = |name: &[u8], persons: &[u32]| Announcement::Catalogue {
        cat: Digest::of(name),
        decided_by: Deciders::new(persons.iter().copied()),
    };
    registry.announce(&catalogue(b"first", &[])).unwrap();
    assert_eq!(registry.announce(&catalogue(b"second", &[1])), Err(ApplyFailed::TwoPersons));
    registry.announce(&catalogue(b"second", &[1, 2])).unwrap();
}

#[test]
fn a_statement_key_is_confirmed_once_and_other_keys_sign_no_statements() {
    let mut registry = Registry::begin();
    let confirmed = |seed| Announcement::KeyConfirmed { code: peking(), key: key(seed) };
    assert_eq!(registry.announce(&confirmed(11)), Err(ApplyFailed::KeyUnknown(key(11).thumbprint())));
    registry.announce(&confirmed(10)).unwrap();
    let witness = Announcement::KeyBegins {
        code: peking(),
        key: key(11),
        signs: KeySigns::Checkpoints,
        ground: KeyGround::Admission,
        decided_by: Deciders::default(),
    };
    registry.announce(&witness).unwrap();
    assert!(!registry.key_at(peking(), 11, registry.next) && registry.key_at(peking(), 10, registry.next));
    assert_eq!(registry.announce(&confirmed(11)), Err(ApplyFailed::KeyUnknown(key(11).thumbprint())));
    let institution = registry.directory.institution(&peking()).unwrap();
    assert!(institution.current_key(KeySigns::Statements).unwrap().confirmed.is_some());
}
