//! Every public key the hub ever saw: one key has one use and one owner, for ever.
//!
//! The register covers what the directory does not: TLS keys, the hub's own keys, and keys of all kinds by one name.

use safeharbor_certs::spki;
use safeharbor_core::digest::Digest;
use safeharbor_core::directory::{Directory, KeySigns};
use safeharbor_core::institution::{InstitutionCode, Issuer};
use safeharbor_core::key::PublicKey;
use safeharbor_service::store::Batch;
use serde::{Deserialize, Serialize};

use crate::office::Desk;
use crate::office::drawer::{Drawer, DrawerFailed, keep_all};
use crate::office::tables::KEYS;
use crate::tls_key::stands;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Usage {
    /// Connections.
    Tls,
    /// Statements.
    Statements,
    /// Cosignatures of checkpoints.
    Checkpoints,
    /// Presentations of certificates.
    Presentations,
    /// The hub's log.
    Log,
    /// The hub's certificates.
    Authority,
}

impl From<KeySigns> for Usage {
    fn from(signs: KeySigns) -> Self {
        match signs {
            KeySigns::Statements => Self::Statements,
            KeySigns::Checkpoints => Self::Checkpoints,
            KeySigns::Presentations => Self::Presentations,
        }
    }
}

/// A key, as the register names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedKey {
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub name: Digest,
    /// What it is for.
    pub usage: Usage,
}

impl NamedKey {
    /// An Ed25519 key.
    #[must_use]
    pub fn of(key: &PublicKey, usage: Usage) -> Self {
        Self { name: spki::of_key(key), usage }
    }
}

/// Whose a key is and what for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// The institution's code, or the hub as an issuer.
    pub owner: String,
    /// What it is for.
    pub usage: Usage,
    /// When the hub saw it first, in Unix milliseconds.
    pub since_ms: u64,
    /// Of a TLS key: the thumbprint of the statement key that proved it, with which it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_by: Option<Digest>,
}

/// The register.
#[derive(Debug)]
pub struct KeyRegister<'d> {
    desk: &'d Desk,
    drawer: Drawer<'d, Registered>,
}

/// A key cannot be taken for this owner and use.
#[derive(Debug, thiserror::Error)]
pub enum ClaimFailed {
    /// It is another one's, or for something else.
    #[error("the {usage:?} key {name} was seen before, with another owner or for another use")]
    InUse {
        /// The key.
        name: Digest,
        /// What it was to be for.
        usage: Usage,
    },
    /// It is a TLS key that ended with the statement key that proved it.
    #[error("the TLS key {0} ended with the statement key that proved it; make another one")]
    Ended(Digest),
    /// The register cannot be read.
    #[error(transparent)]
    Drawer(#[from] DrawerFailed),
}

impl<'d> KeyRegister<'d> {
    /// The register of this office.
    #[must_use]
    pub fn of(desk: &'d Desk) -> Self {
        Self { desk, drawer: Drawer::new(&*desk.store, KEYS) }
    }

    /// What is known of a key.
    ///
    /// # Errors
    /// The store.
    pub fn find(&self, name: &Digest) -> Result<Option<Registered>, DrawerFailed> {
        self.drawer.find(name.as_bytes())
    }

    /// All keys by name.
    ///
    /// # Errors
    /// The store.
    pub fn all(&self) -> Result<Vec<(Digest, Registered)>, DrawerFailed> {
        let rows = self.drawer.all()?;
        let named = |(key, row): (Vec<u8>, Registered)| Some((Digest::from_bytes(key.try_into().ok()?), row));
        Ok(rows.into_iter().filter_map(named).collect())
    }

    /// Puts keys into a batch as those of an institution; keys that are so registered stay as they are.
    ///
    /// # Errors
    /// One of them is somebody else's or for something else, also by the directory; the batch may hold some of them then.
    pub fn claim(
        &self,
        batch: &mut Batch,
        owner: &InstitutionCode,
        keys: &[NamedKey],
    ) -> Result<(), ClaimFailed> {
        self.claim_as(batch, owner.as_str(), (keys, None))
    }

    /// Puts the TLS key of a certificate into a batch, with the statement key that proved it.
    ///
    /// # Errors
    /// It is somebody else's or for something else, or it ended with the statement key that proved it before.
    pub fn claim_tls(
        &self,
        batch: &mut Batch,
        owner: &InstitutionCode,
        (name, by): (Digest, &PublicKey),
    ) -> Result<(), ClaimFailed> {
        let key = NamedKey { name, usage: Usage::Tls };
        self.claim_as(batch, owner.as_str(), (&[key], Some(by.thumbprint())))?;
        let directory = self.desk.shared.directory();
        match (self.find(&name)?, directory.institution(owner)) {
            (Some(known), Some(institution)) if !stands(institution, &known) => Err(ClaimFailed::Ended(name)),
            _ => Ok(()),
        }
    }

    fn claim_as(
        &self,
        batch: &mut Batch,
        owner: &str,
        (keys, proven_by): (&[NamedKey], Option<Digest>),
    ) -> Result<(), ClaimFailed> {
        for (at, key) in keys.iter().enumerate() {
            let in_use = || ClaimFailed::InUse { name: key.name, usage: key.usage };
            if keys.iter().skip(at.saturating_add(1)).any(|other| other.name == key.name) {
                return Err(in_use());
            }
            match self.drawer.find(key.name.as_bytes())? {
                Some(known) if known.owner == owner && known.usage == key.usage => {}
                Some(_) => return Err(in_use()),
                None => {
                    let since_ms = self.desk.clock.now_ms();
                    let row = Registered { owner: owner.to_owned(), usage: key.usage, since_ms, proven_by };
                    self.drawer.put(batch, key.name.as_bytes(), &row)?;
                }
            }
        }
        Ok(())
    }

    /// Registers keys of the hub itself; durable on return.
    ///
    /// # Errors
    /// One of them is somebody else's or for something else.
    pub fn keep_own(&self, keys: &[NamedKey]) -> Result<(), ClaimFailed> {
        let mut batch = Batch::new();
        self.claim_as(&mut batch, &self.desk.settings.issuer().to_string(), (keys, None))?;
        Ok(keep_all(&*self.desk.store, batch)?)
    }

    /// Registers every key that the directory knows and the register does not: an office restored from a backup may be
    /// behind the journal. Durable on return.
    ///
    /// # Errors
    /// The store.
    pub fn catch_up(&self, directory: &Directory) -> Result<(), DrawerFailed> {
        let institutions = directory.institutions().flat_map(|(code, institution)| {
            let terms = institution.keys.iter();
            terms.map(|term| (Issuer::Institution(*code), NamedKey::of(&term.key, term.signs.into())))
        });
        let own = directory.hub_keys().iter();
        let own = own.map(|term| (directory.hub().clone(), NamedKey::of(&term.key, Usage::Statements)));
        let (mut batch, since_ms) = (Batch::new(), self.desk.clock.now_ms());
        for (issuer, key) in institutions.chain(own) {
            if self.drawer.find(key.name.as_bytes())?.is_none() {
                let owner = match issuer {
                    Issuer::Institution(code) => code.to_string(),
                    hub @ Issuer::Hub(_) => hub.to_string(),
                };
                let row = Registered { owner, usage: key.usage, since_ms, proven_by: None };
                self.drawer.put(&mut batch, key.name.as_bytes(), &row)?;
            }
        }
        keep_all(&*self.desk.store, batch)
    }
}
