//! Accepting a version: a named person sees what it changes, and from then on the whole node uses it.

use std::sync::Arc;

use safeharbor_core::digest::Digest;
use safeharbor_rules::{Catalogue, Difference, LoadFailed, compare};
use safeharbor_service::audit::AuditFailed;
use safeharbor_service::person::Person;
use safeharbor_service::store::{Batch, Scan, StoreFailed};
use serde::{Deserialize, Serialize};

use super::offer::Offer;
use super::restating::{Occasion, RestateFailed, restate_refused};
use super::shelf::{Acceptance, Shelf, ShelfFailed};
use super::stored::{Misfits, misfits};
use crate::context::Context;
use crate::own_lists::{CatalogueFailed, load_own_lists};
use crate::policy::{Changes, PolicyFailed};
use crate::records::RecordsFailed;
use crate::tables::META;

/// The rows of acceptances begin with this.
const HISTORY: &[u8] = b"catalogue-accepted/";
/// The fewest characters by which a person may name a version.
const PREFIX_CHARS_MIN: usize = 6;

/// A version is not compared or accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptFailed {
    /// No version here answers to what was typed.
    #[error("no catalogue version here, or more than one, begins with {0:?}; `catalogue list` shows them")]
    Unknown(String),
    /// It is in use already.
    #[error("catalogue version {0} is in use already")]
    InUse(Digest),
    /// Another version was taken into use since the difference was shown.
    #[error("another catalogue version was accepted meanwhile; look at the difference again")]
    Changed,
    /// The hub offers nothing else.
    #[error("the hub offers no other catalogue version")]
    NothingOffered,
    /// The version is refused by this program or with the institution's own lists.
    #[error("the catalogue version cannot be used")]
    Load(#[source] Box<LoadFailed>),
    /// The own lists cannot be read.
    #[error(transparent)]
    OwnLists(#[from] CatalogueFailed),
    /// The versions cannot be read or kept.
    #[error(transparent)]
    Shelf(#[from] ShelfFailed),
    /// The store failed.
    #[error("the acceptance cannot be kept")]
    Store(#[from] StoreFailed),
    /// Records cannot be read.
    #[error(transparent)]
    Records(#[from] RecordsFailed),
    /// The policy cannot be applied under the version.
    #[error("the disclosure policy cannot be applied under the version")]
    Policy(#[from] PolicyFailed),
    /// What was refused under an unknown version cannot be stated again.
    #[error("what the hub refused cannot be stated again")]
    Restate(#[from] RestateFailed),
    /// The audit log cannot be written.
    #[error("the acceptance cannot be logged")]
    Audit(#[from] AuditFailed),
    /// Something has no JSON form.
    #[error("the acceptance cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
}

/// What a person saw before accepting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenCatalogue {
    /// The version in use when the difference was shown.
    pub from: Digest,
    /// The version it leads to.
    pub to: Digest,
}

/// What another version would mean here.
#[derive(Debug)]
pub struct Comparison {
    /// From which to which.
    pub seen: SeenCatalogue,
    /// What it changes, the gravest first.
    pub difference: Difference,
    /// What is stored here that would not fit.
    pub misfits: Misfits,
    /// What the disclosure policy in force would let leave under it, kind by kind; none without a policy.
    pub changes: Option<Changes>,
    /// How the hub published it, if it is the version published last.
    pub offer: Option<Offer>,
}

impl Context {
    /// The version that is meant: the one whose digest begins with what was typed, or the one that is offered.
    ///
    /// # Errors
    /// None or several fit; the shelf or the store.
    pub fn find_catalogue(&self, typed: Option<&str>) -> Result<Digest, AcceptFailed> {
        let Some(typed) = typed else {
            return self.offered_catalogue()?.map(|offer| offer.cat).ok_or(AcceptFailed::NothingOffered);
        };
        let mut fitting: Vec<Digest> = Shelf::of(&self.layout).list()?;
        fitting.retain(|cat| cat.to_string().starts_with(typed));
        match fitting.as_slice() {
            [cat] if typed.chars().count() >= PREFIX_CHARS_MIN => Ok(*cat),
            _ => Err(AcceptFailed::Unknown(typed.to_owned())),
        }
    }

    /// What the hub published last, if that is not the version in use.
    ///
    /// # Errors
    /// The store.
    pub fn offered_catalogue(&self) -> Result<Option<Offer>, StoreFailed> {
        let in_use = self.catalogue().digest();
        Ok(Offer::load(&*self.store)?.filter(|offer| offer.cat != in_use))
    }

    /// A version that is here, with the institution's own lists.
    ///
    /// # Errors
    /// It is not here, or cannot be used.
    pub fn load_version(&self, cat: Digest) -> Result<Catalogue, AcceptFailed> {
        let files = Shelf::of(&self.layout).get(cat)?;
        let files = files.ok_or_else(|| AcceptFailed::Unknown(cat.to_string()))?;
        let own = load_own_lists(&self.layout)?;
        Catalogue::of(files, &own).map_err(|refused| AcceptFailed::Load(Box::new(refused)))
    }

    /// What taking a version into use would change. Nothing is changed.
    ///
    /// # Errors
    /// It is not here or in use already; the store.
    pub fn compare_catalogue(&self, cat: Digest) -> Result<Comparison, AcceptFailed> {
        let _held = self.outbox.hold();
        let in_use = self.catalogue();
        if in_use.digest() == cat {
            return Err(AcceptFailed::InUse(cat));
        }
        let other = self.load_version(cat)?;
        let changes = self.policy()?.map(|policy| self.preview_under(&other, &policy)).transpose()?;
        Ok(Comparison {
            seen: SeenCatalogue { from: in_use.digest(), to: cat },
            difference: compare(&in_use, &other),
            misfits: misfits(self, &other)?,
            changes,
            offer: Offer::load(&*self.store)?.filter(|offer| offer.cat == cat),
        })
    }

    /// Takes the version that was seen into use, on a person's word: what is stated from here on is planned under it and names
    /// it, the policy in force is applied to what is stored as after any change, and what the hub refused under a version that it does
    /// not know is stated again. Durable on return.
    ///
    /// # Errors
    /// It is not here or in use already, another one was accepted since; the store.
    pub fn accept_catalogue(&self, seen: SeenCatalogue, person: &Person) -> Result<Acceptance, AcceptFailed> {
        let held = self.outbox.hold();
        let SeenCatalogue { from, to } = seen;
        if self.catalogue().digest() == to {
            return Err(AcceptFailed::InUse(to));
        }
        if self.catalogue().digest() != from {
            return Err(AcceptFailed::Changed);
        }
        let catalogue = self.load_version(to)?;
        let acceptance = Acceptance { cat: to, person: Some(person.clone()), at: self.clock.now_ms() };
        let detail = serde_json::json!({ "from": from, "to": to });
        self.audit.append(Some(person), "accept catalogue", &to.to_string(), detail)?;
        let mut batch = Batch::new();
        let key = [HISTORY, &acceptance.at.to_be_bytes(), to.as_bytes()].concat();
        batch.put(META, key, serde_json::to_vec(&acceptance)?);
        self.store.commit(batch)?;
        self.store.flush()?;
        // From here on a node that is opened again uses it, and finishes what follows.
        Shelf::of(&self.layout).use_it(&acceptance)?;
        self.in_use.replace(Arc::new(catalogue));
        self.apply_policy()?;
        restate_refused(self, Occasion::ChangedHere)?;
        drop(held);
        self.outbox.announce();
        Ok(acceptance)
    }

    /// Every acceptance, the earliest first.
    ///
    /// # Errors
    /// The store, or a damaged row.
    pub fn catalogue_history(&self) -> Result<Vec<Acceptance>, AcceptFailed> {
        let rows = self.store.scan(&Scan::prefix(META, HISTORY))?;
        rows.iter().map(|(_, row)| Ok(serde_json::from_slice(row)?)).collect()
    }
}
