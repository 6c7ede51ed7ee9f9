//! How the last revision of a record stands: held, waiting to be stated, stated, and on whose word.

use std::collections::BTreeSet;

use crate::context::Context;
use crate::hold::{self, Held};
use crate::outbox::{Entry, Grant, OutboxFailed};
use crate::records::{Current, Stored};

/// What is known about the last revision of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situation {
    /// What keeps it here.
    pub hold: Option<Held>,
    /// The grants of the entry that waits.
    pub waiting: Option<Vec<Grant>>,
    /// The grants it was stated under.
    pub stated: Option<Vec<Grant>>,
}

impl Situation {
    /// Looks it up.
    ///
    /// # Errors
    /// The store.
    pub fn of(context: &Context, current: Current, last: &Stored) -> Result<Self, OutboxFailed> {
        let Current { rec, rev, queued, .. } = current;
        let grants = |entry: Entry| match entry {
            Entry::Disclosure { rec: of, rev: at, grants, .. } if (of, at) == (rec, rev) => Some(grants),
            Entry::Disclosure { .. } | Entry::Withdrawal { .. } => None,
        };
        let hold = hold::active(&*context.store, rec, &last.revision.record)?;
        let waiting = context.outbox.entry(queued)?.and_then(grants);
        let stated = match waiting {
            Some(_) => None,
            None => context.outbox.stated(rec, rev)?.and_then(grants),
        };
        Ok(Self { hold, waiting, stated })
    }

    /// What keeps it here for good, or until it is approved; not a rejection of what it said before, about which a person decides again.
    #[must_use]
    pub fn held(&self) -> Option<&Held> {
        self.hold.as_ref().filter(|held| !held.awaits_again)
    }

    /// Whether a named person decided about it: approved something of it, or keeps it here.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        self.held().is_some() || self.grants().iter().any(|grant| !grant.is_policy())
    }

    /// Under which grants it waits or was stated.
    #[must_use]
    pub fn grants(&self) -> &[Grant] {
        self.waiting.as_deref().or(self.stated.as_deref()).unwrap_or_default()
    }

    /// The fields that somebody allowed to be revealed.
    #[must_use]
    pub fn allowed(&self) -> BTreeSet<&str> {
        self.grants().iter().flat_map(|grant| &grant.fields).map(String::as_str).collect()
    }
}
