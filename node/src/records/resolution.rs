//! What a row means for what is stored under its key: decided from both alone, the same for a dry run and an import.

use safeharbor_core::digest::Digest;
use safeharbor_core::record::RecordHandle;
use safeharbor_interchange::import::Action;

use super::{Current, Stored, Terms};

/// What is stored under a natural key, as far as a row is compared with it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Standing {
    /// Nothing.
    Absent,
    /// A record that was retired.
    Retired(Current),
    /// A record.
    Here {
        current: Current,
        /// How it was changed here since a row was last taken; never looked up for a row with the same content.
        changed: Option<Changed>,
        /// A row for it came that may not be stored.
        is_barred: bool,
    },
}

/// A change made here.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Changed {
    /// What the record says by now, and who changed it and when: a statement made again since is no change.
    pub(super) ours: Box<Stored>,
    /// SHA-256 of the content that was last taken from a row, if any was.
    pub(super) imported: Option<Digest>,
}

/// What becomes of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Resolution {
    /// It changes nothing.
    Unchanged,
    /// It makes a record.
    New,
    /// It makes the next revision of a record that was retired.
    Revived(Current),
    /// It makes the next revision of a record.
    Revised {
        current: Current,
        /// Whether a change made here is overruled.
        overrules: bool,
    },
    /// It retires a record.
    Retired(Current),
    /// It contradicts a change made here.
    Conflict(Box<Stored>),
    /// It is refused.
    Refused(Refusal),
}

impl Resolution {
    /// The record that the row retires.
    pub(super) const fn retires(&self) -> Option<RecordHandle> {
        if let Self::Retired(current) = self { Some(current.rec) } else { None }
    }
}

/// Why a row is refused that breaks no rule of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// To be added, and here with other content.
    Exists,
    /// To be changed or deleted, and not here.
    NotHere,
    /// To be deleted, and nobody is named who may take back what left.
    NoPerson,
    /// To be deleted, and only erasing it goes further.
    Barred,
    /// Fields and values that name records which are not here.
    Links(Vec<(String, String)>),
}

/// Decides about a row with the content `digest`.
pub(super) fn resolve(action: Action, digest: Digest, standing: Standing, terms: &Terms) -> Resolution {
    match (action, standing) {
        (Action::Delete, Standing::Here { is_barred: true, .. }) => Resolution::Refused(Refusal::Barred),
        (Action::Delete, Standing::Here { .. }) if terms.retiring().is_none() => {
            Resolution::Refused(Refusal::NoPerson)
        }
        (Action::Delete, Standing::Here { current, .. }) => Resolution::Retired(current),
        (Action::Delete, Standing::Retired(_)) => Resolution::Unchanged,
        (Action::Delete, Standing::Absent) if terms.deletes_unknown => Resolution::Unchanged,
        (Action::Delete, Standing::Absent) | (Action::Update, Standing::Absent | Standing::Retired(_)) => {
            Resolution::Refused(Refusal::NotHere)
        }
        (Action::Upsert | Action::Add, Standing::Absent) => Resolution::New,
        (Action::Upsert | Action::Add, Standing::Retired(current)) => Resolution::Revived(current),
        (_, Standing::Here { current, .. }) if current.digest == digest => Resolution::Unchanged,
        (Action::Add, Standing::Here { .. }) => Resolution::Refused(Refusal::Exists),
        (Action::Upsert | Action::Update, Standing::Here { current, changed, .. }) => match changed {
            None => Resolution::Revised { current, overrules: false },
            Some(changed) if changed.imported == Some(digest) => Resolution::Unchanged,
            Some(_) if terms.takes_file => Resolution::Revised { current, overrules: true },
            Some(changed) => Resolution::Conflict(changed.ours),
        },
    }
}
