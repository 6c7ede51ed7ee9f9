//! The directory: institutions, their standing and keys, as the hub's public statements say.
//!
//! Keys are valid for log positions, never for times: from the entry that admits them to the entry that ends
//! them. The same state machine runs in the hub, in nodes and in the verifier.

mod announcement;
#[cfg(test)]
pub(crate) mod testing;

use std::collections::{BTreeMap, HashSet};

use crate::digest::Digest;
use crate::institution::{InstitutionCode, Issuer};
use crate::key::PublicKey;
use crate::statement::Statement;

pub use announcement::{Announcement, InstitutionType, NAME_CHARS_MAX, ReadAnnouncementFailed, Standing};

/// One key and the log positions it is valid for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTerm {
    /// The key.
    pub key: PublicKey,
    /// The first log index whose statements it may sign.
    pub from: u64,
    /// The log index of the entry that ended it.
    pub until: Option<u64>,
}

impl KeyTerm {
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
    /// The digest of the statement that admitted it: the `prev` of its first statement.
    pub admitted: Digest,
    /// Its statement keys, oldest first.
    pub keys: Vec<KeyTerm>,
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
    /// It ends a key that is not valid.
    #[error("the key {0} is not valid, so it cannot be ended")]
    KeyUnknown(Digest),
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

    /// Whether a key was ever announced, by anybody.
    #[must_use]
    pub fn has_seen(&self, key: &PublicKey) -> bool {
        self.keys_seen.contains(key)
    }

    /// The key of `issuer` with this thumbprint that is valid at `index`.
    #[must_use]
    pub fn key_at(&self, issuer: &Issuer, thumbprint: &str, index: u64) -> Option<&PublicKey> {
        let terms = match issuer {
            Issuer::Hub(_) if *issuer == self.hub => self.hub_keys.as_slice(),
            Issuer::Hub(_) => &[],
            Issuer::Institution(code) => self.institutions.get(code)?.keys.as_slice(),
        };
        let thumbprint: Digest = thumbprint.parse().ok()?;
        let matches = |term: &&KeyTerm| term.covers(index) && term.key.thumbprint() == thumbprint;
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
                self.hub_keys.push(KeyTerm { key: *key, from: index, until: None });
            }
            Announcement::Institution { code, name, kind, standing } => {
                let known = self.institutions.get(code);
                if known.is_some_and(|known| known.standing == Standing::Revoked) {
                    return Err(ApplyFailed::Revoked(*code));
                }
                let institution = self.institutions.entry(*code).or_insert_with(|| Institution {
                    name: String::new(),
                    kind: *kind,
                    standing: *standing,
                    admitted: digest,
                    keys: Vec::new(),
                });
                institution.name.clone_from(name);
                institution.kind = *kind;
                institution.standing = *standing;
            }
            Announcement::KeyBegins { code, key } => {
                if !self.institutions.contains_key(code) {
                    return Err(ApplyFailed::InstitutionUnknown(*code));
                }
                self.claim_key(key)?;
                if let Some(institution) = self.institutions.get_mut(code) {
                    institution.keys.push(KeyTerm { key: *key, from: index, until: None });
                }
            }
            Announcement::KeyEnds { code, key } => {
                let institution =
                    self.institutions.get_mut(code).ok_or(ApplyFailed::InstitutionUnknown(*code))?;
                let mut terms = institution.keys.iter_mut();
                let term = terms.find(|term| term.key == *key && term.until.is_none());
                term.ok_or_else(|| ApplyFailed::KeyUnknown(key.thumbprint()))?.until = Some(index);
            }
            Announcement::Catalogue { cat } => self.catalogues.push(*cat),
            Announcement::Other => {}
        }
        Ok(())
    }

    fn claim_key(&mut self, key: &PublicKey) -> Result<(), ApplyFailed> {
        if self.keys_seen.insert(*key) { Ok(()) } else { Err(ApplyFailed::KeySeen(key.thumbprint())) }
    }
}

#[cfg(test)]
mod tests;
