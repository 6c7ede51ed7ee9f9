//! A registry in the making, for the tests of directory and audit.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::{Announcement, Deciders, InstitutionType, KeyGround, KeySigns, Standing};
use crate::chain::Head;
use crate::digest::Digest;
use crate::entry::Entry;
use crate::institution::{InstitutionCode, Issuer};
use crate::json::Object;
use crate::key::{MemorySigner, PublicKey, Signer as _};
use crate::record::RecordHandle;
use crate::sdjwt::Algorithm;
use crate::statement::{Draft, Envelope, Statement, StatementType, Vct};

pub(crate) const ORIGIN: &str = "hub.example.org/registry";
/// The seed of the hub's first statement key.
pub(crate) const HUB_KEY: u8 = 1;

pub(crate) fn hub() -> Issuer {
    "https://hub.example.org".parse().unwrap()
}

pub(crate) fn peking() -> InstitutionCode {
    "12100000400002259P".parse().unwrap()
}

pub(crate) fn tsinghua() -> InstitutionCode {
    "12100000400000624D".parse().unwrap()
}

pub(crate) fn signer(seed: u8) -> MemorySigner {
    MemorySigner::from_seed(&Zeroizing::new([seed; 32]))
}

pub(crate) fn key(seed: u8) -> PublicKey {
    signer(seed).public_key()
}

pub(crate) fn hub_key(seed: u8) -> Announcement {
    Announcement::HubKey { key: key(seed) }
}

pub(crate) fn admission(code: InstitutionCode, standing: Standing) -> Announcement {
    Announcement::Institution {
        code,
        name: "北京大学".to_owned(),
        kind: InstitutionType::University,
        standing,
        decided_by: Deciders::new([1, 2]),
    }
}

pub(crate) fn key_begins(code: InstitutionCode, seed: u8) -> Announcement {
    begins(code, seed, KeyGround::Admission)
}

/// A later statement key, by the word of two persons.
pub(crate) fn key_again(code: InstitutionCode, seed: u8) -> Announcement {
    begins(code, seed, KeyGround::ReEnrolment)
}

/// A later statement key that the one of `before` signs for.
pub(crate) fn key_rotates(code: InstitutionCode, before: u8, seed: u8) -> Announcement {
    begins(code, seed, KeyGround::rotation(code, &key(seed), &signer(before)).unwrap())
}

fn begins(code: InstitutionCode, seed: u8, ground: KeyGround) -> Announcement {
    let (signs, decided_by) = (KeySigns::Statements, Deciders::new([1, 2]));
    Announcement::KeyBegins { code, key: key(seed), signs, ground, decided_by }
}

pub(crate) fn key_ends(code: InstitutionCode, seed: u8) -> Announcement {
    Announcement::KeyEnds { code, key: key(seed) }
}

/// Numbers and links statements; signs whatever it is asked to, sound or not.
#[derive(Debug, Clone)]
pub(crate) struct Chains(BTreeMap<Issuer, Head>);

impl Chains {
    pub(crate) fn begin() -> Self {
        Self(BTreeMap::from([(hub(), Head::before_first(Digest::of(ORIGIN.as_bytes())))]))
    }

    fn envelope(&self, iss: Issuer, vct: Vct) -> Envelope {
        let head = self.0[&iss];
        let (seq, prev) = (head.next_seq(), head.digest);
        Envelope { iss, iat: 1_700_000_000, seq, prev, vct, rec: None, rev: None, cat: None }
    }

    fn advance(&mut self, jwt: &str) {
        let statement = Statement::parse(jwt).unwrap();
        let iss = statement.envelope.iss.clone();
        let head = self.0[&iss].advance(statement.digest);
        self.0.insert(iss, head);
        if let Ok(Announcement::Institution { code, .. }) = Announcement::read(&statement) {
            let first = Head::before_first(statement.digest);
            self.0.entry(Issuer::Institution(code)).or_insert(first);
        }
    }

    /// A public statement of the hub with these claims.
    pub(crate) fn state(
        &mut self,
        statement: StatementType,
        (claims, cat): (Object, Option<Digest>),
        seed: u8,
    ) -> String {
        let vct = Vct::without_kind(statement).unwrap();
        let envelope = Envelope { cat, ..self.envelope(hub(), vct) };
        let draft = Draft { envelope, digests: Vec::new(), claims };
        let jwt = draft.sign(Algorithm::EdDsa, &signer(seed)).unwrap();
        self.advance(&jwt);
        jwt
    }

    /// A public statement of the hub, signed with the key of this seed.
    pub(crate) fn announce(&mut self, announcement: &Announcement, seed: u8) -> String {
        let cat = if let Announcement::Catalogue { cat, .. } = announcement { Some(*cat) } else { None };
        self.state(announcement.statement_type(), (announcement.to_claims(), cat), seed)
    }

    /// A disclosure of an institution.
    pub(crate) fn disclose(&mut self, code: InstitutionCode, seed: u8) -> String {
        let vct = "urn:safeharbor:disclosure:ACH:1".parse().unwrap();
        let handle = RecordHandle::from_bytes([3; 16]);
        let envelope = Envelope {
            rec: Some(handle),
            rev: Some(1),
            cat: Some(Digest::of(b"catalogue")),
            ..self.envelope(Issuer::Institution(code), vct)
        };
        let draft = Draft { envelope, digests: vec![Digest::of(b"decoy")], claims: Object::new() };
        let jwt = draft.sign(Algorithm::EdDsa, &signer(seed)).unwrap();
        self.advance(&jwt);
        jwt
    }
}

/// The registry entry of a statement.
pub(crate) fn entry(jwt: &str) -> Entry {
    Entry::of(&Statement::parse(jwt).unwrap())
}
