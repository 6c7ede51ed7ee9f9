//! Registries with one entry that does not belong, and where the audit finds it.

use super::*;
use crate::chain::Link;
use crate::directory::testing::{
    Chains, HUB_KEY, ORIGIN, admission, entry, hub, hub_key, key_again, key_begins, key_ends, peking,
    tsinghua,
};
use crate::institution::InstitutionCode;

/// A registry in the making and the audit that follows it.
struct Registry {
    chains: Chains,
    audit: RegistryAudit,
}

impl Registry {
    /// Hub key, Peking admitted with key 10, one disclosure of Peking: four entries.
    fn begin() -> Self {
        let mut registry = Self { chains: Chains::begin(), audit: RegistryAudit::new(ORIGIN, hub()) };
        registry.announce(&hub_key(HUB_KEY));
        registry.announce(&admission(peking(), Standing::Active));
        registry.announce(&key_begins(peking(), 10));
        registry.disclose(peking(), 10).unwrap();
        registry
    }

    fn announce(&mut self, announcement: &Announcement) {
        let jwt = self.chains.announce(announcement, HUB_KEY);
        self.take(&entry(&jwt)).unwrap();
    }

    fn disclose(&mut self, code: InstitutionCode, seed: u8) -> Result<(), AuditFault> {
        let jwt = self.chains.disclose(code, seed);
        self.take(&entry(&jwt))
    }

    /// Hands the audit one entry; a refusal names the entry's index and changes nothing.
    fn take(&mut self, entry: &Entry) -> Result<(), AuditFault> {
        self.take_bytes(&entry.encode())
    }

    fn take_bytes(&mut self, bytes: &[u8]) -> Result<(), AuditFault> {
        let before = format!("{:?}", self.audit);
        let index = self.audit.size();
        let taken = self.audit.next(bytes);
        if taken.is_err() {
            assert_eq!(format!("{:?}", self.audit), before);
        }
        taken.map(drop).map_err(|failed| {
            assert_eq!(failed.index, index);
            failed.source
        })
    }
}

/// Takes a changed copy of Peking's next entry, then the entry itself: a refusal is no obstacle.
fn check(change: impl FnOnce(&mut Entry)) -> AuditFault {
    let mut registry = Registry::begin();
    let sound = entry(&registry.chains.disclose(peking(), 10));
    let mut changed = sound.clone();
    change(&mut changed);
    let fault = registry.take(&changed).unwrap_err();
    registry.take(&sound).unwrap();
    fault
}

fn link(fault: &AuditFault) -> Option<Link> {
    if let AuditFault::Chain(broken) = fault { Some(broken.link) } else { None }
}

#[test]
fn a_sound_registry_is_taken_entry_by_entry() {
    let registry = Registry::begin();
    assert_eq!(registry.audit.size(), 4);
    assert_eq!(registry.audit.heads()[&hub()].seq, 3);
    assert_eq!(registry.audit.heads()[&Issuer::Institution(peking())].seq, 1);
    assert!(registry.audit.directory().institution(&peking()).is_some());
}

#[test]
fn an_audit_that_is_resumed_judges_as_if_it_had_not_stopped() {
    let mut registry = Registry::begin();
    let mut chains = Chains::begin();
    let said = [hub_key(HUB_KEY), admission(peking(), Standing::Active), key_begins(peking(), 10)];
    let public: Vec<Vec<u8>> =
        said.iter().map(|said| entry(&chains.announce(said, HUB_KEY)).encode()).collect();
    let (heads, size) = (registry.audit.heads().clone(), registry.audit.size());
    let resume = |public: &[Vec<u8>]| {
        let public = (0..).zip(public.iter().map(Vec::as_slice));
        RegistryAudit::resume(ORIGIN, hub(), public, heads.clone(), size)
    };
    let resumed = resume(&public).unwrap();
    let known = |audit: &RegistryAudit| {
        let institutions: Vec<_> =
            audit.directory().institutions().map(|known| format!("{known:?}")).collect();
        (institutions, audit.directory().hub_keys().to_vec(), audit.heads().clone(), audit.size())
    };
    assert_eq!(known(&resumed), known(&registry.audit));
    assert_eq!(resume(&public[1..]).unwrap_err().index, 0);
    registry.audit = resumed;
    registry.disclose(peking(), 10).unwrap();
}

#[test]
fn entries_that_break_their_chain_are_refused() {
    assert_eq!(link(&check(|entry| entry.seq += 1)), Some(Link::Gap));
    assert_eq!(link(&check(|entry| entry.seq -= 1)), Some(Link::Past));
    assert_eq!(link(&check(|entry| entry.prev = Digest::of(b"other"))), Some(Link::WrongPrevious));
    let mut registry = Registry::begin();
    let again = entry(&registry.chains.disclose(peking(), 10));
    registry.take(&again).unwrap();
    assert_eq!(link(&registry.take(&again).unwrap_err()), Some(Link::Again));
}

#[test]
fn a_first_statement_must_link_to_the_admission() {
    let mut registry = Registry { chains: Chains::begin(), audit: RegistryAudit::new("other/origin", hub()) };
    let jwt = registry.chains.announce(&hub_key(HUB_KEY), HUB_KEY);
    assert_eq!(link(&registry.take(&entry(&jwt)).unwrap_err()), Some(Link::WrongPrevious));
    let mut registry = Registry::begin();
    registry.announce(&admission(tsinghua(), Standing::Active));
    registry.announce(&key_begins(tsinghua(), 11));
    let mut first = entry(&registry.chains.disclose(tsinghua(), 11));
    first.prev = registry.audit.directory().institution(&peking()).unwrap().admitted;
    assert_eq!(link(&registry.take(&first).unwrap_err()), Some(Link::WrongPrevious));
}

#[test]
fn strangers_have_no_entries() {
    let stranger: Issuer = Issuer::Institution(tsinghua());
    assert_eq!(check(|entry| entry.iss = stranger.clone()), AuditFault::NotAdmitted(stranger.clone()));
    let second: Issuer = "https://other.example.org".parse().unwrap();
    assert_eq!(check(|entry| entry.iss = second.clone()), AuditFault::NotAdmitted(second.clone()));
}

#[test]
fn an_entry_holds_a_public_statement_of_its_own_issuer_only() {
    let mut registry = Registry::begin();
    let jwt = registry.chains.disclose(peking(), 10);
    let in_the_clear = Entry { public: Some(jwt.clone()), ..entry(&jwt) };
    assert_eq!(registry.take(&in_the_clear), Err(AuditFault::Content));

    let jwt = registry.chains.announce(&admission(tsinghua(), Standing::Active), HUB_KEY);
    let sound = entry(&jwt);
    let head = registry.audit.heads()[&Issuer::Institution(peking())];
    let iss = Issuer::Institution(peking());
    let borrowed = Entry { iss, seq: head.next_seq(), prev: head.digest, ..sound.clone() };
    assert_eq!(registry.take(&borrowed), Err(AuditFault::Content));
    registry.take(&sound).unwrap();
}

#[test]
fn a_public_statement_must_be_the_one_that_the_digest_names() {
    let mut registry = Registry::begin();
    let sound = entry(&registry.chains.announce(&admission(tsinghua(), Standing::Active), HUB_KEY));
    let mismatched = Entry { digest: Digest::of(b"other"), ..sound.clone() };
    assert_eq!(registry.take(&mismatched), Err(AuditFault::Entry(DecodeEntryFailed::Digest)));
    let text = "no statement".to_owned();
    let digest = crate::statement::statement_digest(&text);
    let no_statement = Entry { digest, public: Some(text), ..sound };
    assert!(matches!(registry.take(&no_statement), Err(AuditFault::Statement(_))));
    assert_eq!(registry.take_bytes(b""), Err(AuditFault::Entry(DecodeEntryFailed::Line(1))));
}

#[test]
fn a_public_statement_must_fit_the_directory() {
    let mut registry = Registry::begin();
    let forged = entry(&registry.chains.clone().announce(&key_again(peking(), 11), 2));
    assert_eq!(registry.take(&forged), Err(AuditFault::Directory(ApplyFailed::Signature)));
    let reused = entry(&registry.chains.clone().announce(&key_again(peking(), 10), HUB_KEY));
    assert!(matches!(registry.take(&reused), Err(AuditFault::Directory(ApplyFailed::KeySeen(_)))));
    registry.announce(&key_again(peking(), 11));
}

#[test]
fn standing_holds_from_the_entry_after_the_one_that_changes_it() {
    let mut registry = Registry::begin();
    registry.disclose(peking(), 10).unwrap();
    for standing in [Standing::Suspended, Standing::Active, Standing::Revoked] {
        registry.announce(&admission(peking(), standing));
        let next = entry(&registry.chains.clone().disclose(peking(), 10));
        let expected = AuditFault::Standing { code: peking(), standing };
        let taken = registry.take(&next);
        assert_eq!(taken, if standing == Standing::Active { Ok(()) } else { Err(expected) });
        if taken.is_ok() {
            registry.chains.disclose(peking(), 10);
        }
    }
}

#[test]
fn nobody_speaks_without_a_valid_key() {
    let mut registry = Registry::begin();
    registry.announce(&admission(tsinghua(), Standing::Active));
    let no_key = |iss: Issuer| Err(AuditFault::NoKey(iss));
    let early = entry(&registry.chains.clone().disclose(tsinghua(), 11));
    assert_eq!(registry.take(&early), no_key(Issuer::Institution(tsinghua())));
    registry.announce(&key_begins(tsinghua(), 11));
    registry.disclose(tsinghua(), 11).unwrap();
    registry.announce(&key_ends(tsinghua(), 11));
    let late = entry(&registry.chains.clone().disclose(tsinghua(), 11));
    assert_eq!(registry.take(&late), no_key(Issuer::Institution(tsinghua())));
    registry.announce(&key_again(tsinghua(), 12));
    registry.disclose(tsinghua(), 12).unwrap();
}

#[test]
fn a_hub_without_a_key_seals_nothing() {
    let mut registry = Registry { chains: Chains::begin(), audit: RegistryAudit::new(ORIGIN, hub()) };
    let sound = entry(&registry.chains.announce(&hub_key(HUB_KEY), HUB_KEY));
    assert_eq!(registry.take(&Entry { public: None, ..sound.clone() }), Err(AuditFault::NoKey(hub())));
    registry.take(&sound).unwrap();
}

#[test]
fn a_refusal_says_in_words_what_is_wrong() {
    let standing = AuditFault::Standing { code: peking(), standing: Standing::Suspended };
    assert_eq!(
        standing.to_string(),
        "the standing of 12100000400002259P was suspended where its entry stands"
    );
}
