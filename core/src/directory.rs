//! The directory: institutions, their standing and keys, as the hub's public statements say.
//!
//! Keys are valid for log positions, never for times: from the entry that admits them to the entry that ends
//! them. The same state machine runs in the hub, in nodes and in the verifier.

mod announcement;
mod deciders;
mod key_ground;
#[cfg(test)]
pub(crate) mod testing;

use std::collections::{BTreeMap, HashSet};

use crate::digest::Digest;
use crate::institution::{InstitutionCode, Issuer};
use crate::key::PublicKey;
use crate::statement::Statement;

pub use announcement::{Announcement, InstitutionType, NAME_CHARS_MAX, ReadAnnouncementFailed, Standing};
pub use deciders::Deciders;
pub use key_ground::{KeyGround, KeySigns, ROTATION_TYPE};

/// One key and the log positions it is valid for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTerm {
    /// The key.
    pub key: PublicKey,
    /// The first log index whose statements it may sign.
    pub from: u64,
    /// The log index of the entry that ended it.
    pub until: Option<u64>,
    /// What it signs.
    pub signs: KeySigns,
    /// Whether it took the place of a lost or given-up key by the word of two persons at the hub.
    pub re_enrolled: bool,
    /// The log index of the entry that says that its six words were confirmed.
    pub confirmed: Option<u64>,
}

impl KeyTerm {
    const fn begin(key: PublicKey, from: u64, signs: KeySigns) -> Self {
        Self { key, from, until: None, signs, re_enrolled: false, confirmed: None }
    }

    /// Whether the key is valid for the entry at `index`.
    #[must_use]
    pub fn covers(&self, index: u64) -> bool {
        self.from <= index && self.until.is_none_or(|until| index <= until)
    }
}

/// What the directory says of one institution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Institution {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: InstitutionType,
    /// Whether its statements are taken.
    pub standing: Standing,
    /// The log index of the entry by which it came to that standing.
    pub standing_since: u64,
    /// The digest of the statement that admitted it: the `prev` of its first statement.
    pub admitted: Digest,
    /// Its keys, oldest first.
    pub keys: Vec<KeyTerm>,
}

impl Institution {
    /// Its statement keys, oldest first.
    pub fn statement_keys(&self) -> impl Iterator<Item = &KeyTerm> {
        self.keys.iter().filter(|term| term.signs == KeySigns::Statements)
    }

    /// The key of that use that has not ended.
    #[must_use]
    pub fn current_key(&self, signs: KeySigns) -> Option<&KeyTerm> {
        self.keys.iter().find(|term| term.signs == signs && term.until.is_none())
    }
}

/// Institutions and keys as of a log position.
#[derive(Debug, Clone)]
pub struct Directory {
    hub: Issuer,
    hub_keys: Vec<KeyTerm>,
    institutions: BTreeMap<InstitutionCode, Institution>,
    catalogues: Vec<Digest>,
    keys_seen: HashSet<PublicKey>,
}

/// A public statement that does not fit the directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyFailed {
    /// Made by somebody else than the hub.
    #[error("a public statement was made by {0}")]
    Issuer(Issuer),
    /// No valid key of the hub signed it.
    #[error("no valid key of the hub signed the statement")]
    Signature,
    /// Its claims are malformed.
    #[error("the announcement is refused")]
    Announcement(#[from] ReadAnnouncementFailed),
    /// It speaks of an institution that was never admitted.
    #[error("the institution {0} was never admitted")]
    InstitutionUnknown(InstitutionCode),
    /// The key is in use already, here or elsewhere: one key, one use, one owner.
    #[error("the key {0} is in use already")]
    KeySeen(Digest),
    /// It changes an institution that was revoked, which is for good.
    #[error("the institution {0} was revoked, which is for good")]
    Revoked(InstitutionCode),
    /// It ends or confirms a key that is not valid.
    #[error("the key {0} is not valid, so it can be neither ended nor confirmed")]
    KeyUnknown(Digest),
    /// A statement key begins without a sufficient ground.
    #[error("the key {0} begins as {1} without what that takes")]
    Ground(Digest, &'static str),
    /// A decision that takes two persons was made by fewer.
    #[error("this takes the decision of two persons")]
    TwoPersons,
}

impl Directory {
    /// The directory of an empty registry of `hub`.
    #[must_use]
    pub fn new(hub: Issuer) -> Self {
        Self {
            hub,
            hub_keys: Vec::new(),
            institutions: BTreeMap::new(),
            catalogues: Vec::new(),
            keys_seen: HashSet::new(),
        }
    }

    /// The hub whose registry this is.
    #[must_use]
    pub const fn hub(&self) -> &Issuer {
        &self.hub
    }

    /// The hub's statement keys, oldest first.
    #[must_use]
    pub fn hub_keys(&self) -> &[KeyTerm] {
        &self.hub_keys
    }

    /// Looks an institution up.
    #[must_use]
    pub fn institution(&self, code: &InstitutionCode) -> Option<&Institution> {
        self.institutions.get(code)
    }

    /// All institutions by code.
    pub fn institutions(&self) -> impl Iterator<Item = (&InstitutionCode, &Institution)> {
        self.institutions.iter()
    }

    /// Whether the hub published this catalogue version.
    #[must_use]
    pub fn has_catalogue(&self, cat: &Digest) -> bool {
        self.catalogues.contains(cat)
    }

    /// The catalogue versions the hub published, oldest first.
    #[must_use]
    pub fn catalogues(&self) -> &[Digest] {
        &self.catalogues
    }

    /// Whether a key was ever announced, by anybody.
    #[must_use]
    pub fn has_seen(&self, key: &PublicKey) -> bool {
        self.keys_seen.contains(key)
    }

    /// The statement key of `issuer` with this thumbprint that is valid at `index`.
    #[must_use]
    pub fn key_at(&self, issuer: &Issuer, thumbprint: &str, index: u64) -> Option<&PublicKey> {
        let terms = match issuer {
            Issuer::Hub(_) if *issuer == self.hub => self.hub_keys.as_slice(),
            Issuer::Hub(_) => &[],
            Issuer::Institution(code) => self.institutions.get(code)?.keys.as_slice(),
        };
        let thumbprint: Digest = thumbprint.parse().ok()?;
        let matches = |term: &&KeyTerm| {
            term.signs == KeySigns::Statements && term.covers(index) && term.key.thumbprint() == thumbprint
        };
        terms.iter().find(matches).map(|term| &term.key)
    }

    /// Verifies a public statement and takes it in. The hub's first key vouches for itself; it is pinned by
    /// whoever pins the registry, or by a trust file that names it.
    ///
    /// # Errors
    /// Any of [`ApplyFailed`]; the directory is then unchanged.
    pub fn apply(&mut self, index: u64, statement: &Statement<'_>) -> Result<Announcement, ApplyFailed> {
        let envelope = &statement.envelope;
        if envelope.iss != self.hub {
            return Err(ApplyFailed::Issuer(envelope.iss.clone()));
        }
        let announcement = Announcement::read(statement)?;
        let signer = match (&announcement, self.hub_keys.is_empty()) {
            (Announcement::HubKey { key }, true) => *key,
            _ => {
                let kid = statement.key_id().unwrap_or_default();
                *self.key_at(&self.hub, kid, index).ok_or(ApplyFailed::Signature)?
            }
        };
        statement.verify(&signer).or(Err(ApplyFailed::Signature))?;
        self.take(index, statement.digest, &announcement)?;
        Ok(announcement)
    }

    fn take(&mut self, index: u64, digest: Digest, announcement: &Announcement) -> Result<(), ApplyFailed> {
        match announcement {
            Announcement::HubKey { key } => {
                self.claim_key(key)?;
                self.hub_keys.push(KeyTerm::begin(*key, index, KeySigns::Statements));
                Ok(())
            }
            Announcement::Institution { .. } => self.take_institution(index, digest, announcement),
            Announcement::KeyBegins { .. } => self.take_key(index, announcement),
            Announcement::KeyEnds { code, key } => {
                self.current_term(code, key)?.until = Some(index);
                Ok(())
            }
            Announcement::KeyConfirmed { code, key } => {
                let term = self.current_term(code, key)?;
                if term.signs != KeySigns::Statements {
                    return Err(ApplyFailed::KeyUnknown(key.thumbprint()));
                }
                term.confirmed.get_or_insert(index);
                Ok(())
            }
            Announcement::Catalogue { cat, decided_by } => {
                // The first one comes with the hub's software, before there are persons.
                if !self.catalogues.is_empty() && !decided_by.are_two() {
                    return Err(ApplyFailed::TwoPersons);
                }
                self.catalogues.push(*cat);
                Ok(())
            }
            Announcement::Other => Ok(()),
        }
    }

    fn take_institution(
        &mut self,
        index: u64,
        digest: Digest,
        announcement: &Announcement,
    ) -> Result<(), ApplyFailed> {
        let Announcement::Institution { code, name, kind, standing, decided_by } = announcement else {
            return Ok(());
        };
        let before = self.institutions.get(code).map(|known| known.standing);
        match (before, standing) {
            (Some(Standing::Revoked), _) => return Err(ApplyFailed::Revoked(*code)),
            (Some(Standing::Active | Standing::Suspended), Standing::Revoked)
            | (Some(Standing::Suspended), Standing::Active)
                if !decided_by.are_two() =>
            {
                return Err(ApplyFailed::TwoPersons);
            }
            _ => {}
        }
        let institution = self.institutions.entry(*code).or_insert_with(|| Institution {
            name: String::new(),
            kind: *kind,
            standing: *standing,
            standing_since: index,
            admitted: digest,
            keys: Vec::new(),
        });
        institution.name.clone_from(name);
        institution.kind = *kind;
        if institution.standing != *standing {
            institution.standing_since = index;
        }
        institution.standing = *standing;
        Ok(())
    }

    fn take_key(&mut self, index: u64, announcement: &Announcement) -> Result<(), ApplyFailed> {
        let Announcement::KeyBegins { code, key, signs, ground, decided_by } = announcement else {
            return Ok(());
        };
        let institution = self.institutions.get(code).ok_or(ApplyFailed::InstitutionUnknown(*code))?;
        if self.keys_seen.contains(key) {
            return Err(ApplyFailed::KeySeen(key.thumbprint()));
        }
        if *signs == KeySigns::Statements {
            let before = institution.statement_keys().last();
            let sufficient = match (ground, before) {
                (KeyGround::Admission, before) => before.is_none(),
                (KeyGround::Rotation { .. }, Some(before)) => {
                    before.until.is_none() && ground.is_signed_by(&before.key, *code, key)
                }
                (KeyGround::ReEnrolment, Some(_)) if !decided_by.are_two() => {
                    return Err(ApplyFailed::TwoPersons);
                }
                (KeyGround::ReEnrolment, before) => before.is_some(),
                (KeyGround::Rotation { .. }, None) => false,
            };
            if !sufficient {
                return Err(ApplyFailed::Ground(key.thumbprint(), ground.as_str()));
            }
        }
        self.keys_seen.insert(*key);
        let institution = self.institutions.get_mut(code).ok_or(ApplyFailed::InstitutionUnknown(*code))?;
        for term in institution.keys.iter_mut().filter(|term| term.signs == *signs) {
            term.until.get_or_insert(index);
        }
        let re_enrolled = *ground == KeyGround::ReEnrolment;
        institution.keys.push(KeyTerm { re_enrolled, ..KeyTerm::begin(*key, index, *signs) });
        Ok(())
    }

    fn current_term(&mut self, code: &InstitutionCode, key: &PublicKey) -> Result<&mut KeyTerm, ApplyFailed> {
        let institution = self.institutions.get_mut(code).ok_or(ApplyFailed::InstitutionUnknown(*code))?;
        let mut terms = institution.keys.iter_mut();
        let term = terms.find(|term| term.key == *key && term.until.is_none());
        term.ok_or_else(|| ApplyFailed::KeyUnknown(key.thumbprint()))
    }

    fn claim_key(&mut self, key: &PublicKey) -> Result<(), ApplyFailed> {
        if self.keys_seen.insert(*key) { Ok(()) } else { Err(ApplyFailed::KeySeen(key.thumbprint())) }
    }
}

#[cfg(test)]
mod tests;
