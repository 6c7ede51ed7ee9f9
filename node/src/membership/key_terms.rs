//! The institution's keys and the log positions each is valid for, as the hub's public statements say.

use safeharbor_core::directory::{Announcement, KeyGround, KeySigns, KeyTerm};
use safeharbor_core::institution::Issuer;
use safeharbor_core::key::PublicKey;
use safeharbor_core::policy::Policy;

use super::{Membership, MembershipFailed};

impl Membership {
    /// The institution's statement keys, oldest first, each with its log positions; every statement about them is verified under the
    /// hub's key of the pinned trust file.
    ///
    /// # Errors
    /// A statement that the hub did not make, or that is out of order.
    pub fn statement_keys(&self) -> Result<Vec<KeyTerm>, MembershipFailed> {
        let mut terms = self.keys()?;
        terms.retain(|term| term.signs == KeySigns::Statements);
        Ok(terms)
    }

    /// The institution's keys of every use, oldest first, verified as its [statement keys](Self::statement_keys) are.
    ///
    /// # Errors
    /// A statement that the hub did not make, or that is out of order.
    pub fn keys(&self) -> Result<Vec<KeyTerm>, MembershipFailed> {
        let policy: Policy = self.policy.parse()?;
        let (hub, key) = policy.hub_keys().first().ok_or(MembershipFailed::Lacks("hub key"))?;
        self.key_terms(hub, key)
    }

    /// The key of that use that is in force.
    ///
    /// # Errors
    /// A statement that the hub did not make, or that is out of order.
    pub fn key_in_force(&self, signs: KeySigns) -> Result<Option<PublicKey>, MembershipFailed> {
        let terms = self.keys()?;
        let found = terms.iter().find(|term| term.signs == signs && term.until.is_none());
        Ok(found.map(|term| term.key))
    }

    /// All keys of the institution, oldest first. A key ends with the entry that says so, or that begins the next one of its use.
    pub(super) fn key_terms(
        &self,
        hub: &Issuer,
        hub_key: &PublicKey,
    ) -> Result<Vec<KeyTerm>, MembershipFailed> {
        let (mut last, mut terms) = (None, Vec::new());
        for logged in &self.statements {
            let announced = logged.announcement(hub, hub_key)?;
            let is_admission =
                matches!(&announced, Announcement::Institution { code, .. } if *code == self.institution);
            if last.is_some_and(|last| last >= logged.index) || (last.is_none() && !is_admission) {
                return Err(MembershipFailed::Order);
            }
            last = Some(logged.index);
            if announced.about() == Some(self.institution) {
                follow(&mut terms, logged.index, &announced);
            }
        }
        Ok(terms)
    }
}

fn follow(terms: &mut Vec<KeyTerm>, index: u64, announced: &Announcement) {
    match announced {
        Announcement::KeyBegins { key, signs, ground, .. } => {
            terms.iter_mut().filter(|term| term.signs == *signs).for_each(|term| end(term, index));
            let re_enrolled = *ground == KeyGround::ReEnrolment;
            let (key, signs, confirmed) = (*key, *signs, None);
            terms.push(KeyTerm { key, from: index, until: None, signs, re_enrolled, confirmed });
        }
        Announcement::KeyEnds { key, .. } => {
            terms.iter_mut().filter(|term| term.key == *key).for_each(|term| end(term, index));
        }
        Announcement::KeyConfirmed { key, .. } => {
            for term in terms.iter_mut().filter(|term| term.key == *key) {
                term.confirmed.get_or_insert(index);
            }
        }
        Announcement::HubKey { .. }
        | Announcement::Institution { .. }
        | Announcement::Catalogue { .. }
        | Announcement::Other => {}
    }
}

/// What has ended does not end later.
fn end(term: &mut KeyTerm, index: u64) {
    term.until.get_or_insert(index);
}
