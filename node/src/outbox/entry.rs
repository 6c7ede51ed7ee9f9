//! Outbox entries: what is to be stated, and who allowed what to be revealed.

use std::collections::BTreeSet;

use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_service::person::Person;
use serde::{Deserialize, Serialize};

use crate::as_text;

/// Something to be stated that has no place in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "lowercase")]
pub enum Entry {
    /// One revision of a record.
    Disclosure {
        /// Its kind.
        #[serde(with = "as_text")]
        kind: KindId,
        /// Which record.
        #[serde(with = "as_text")]
        rec: RecordHandle,
        /// Which revision.
        rev: u32,
        /// Which fields may be revealed, and who allowed it.
        grants: Vec<Grant>,
        /// When it was put here, in milliseconds since 1970 UTC.
        at: u64,
    },
    /// The values of a record are taken back.
    Withdrawal {
        /// Its kind.
        #[serde(with = "as_text")]
        kind: KindId,
        /// Which record.
        #[serde(with = "as_text")]
        rec: RecordHandle,
        /// Its last revision.
        rev: u32,
        /// Who decided it.
        by: Person,
        /// When it was put here, in milliseconds since 1970 UTC.
        at: u64,
    },
}

/// Fields that may be revealed on one authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Who allowed it.
    pub authority: Authority,
    /// Which fields.
    pub fields: BTreeSet<String>,
}

/// On whose word something leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Authority {
    /// The institution's disclosure policy; it reaches C0 and C1 fields only.
    Policy {
        /// Its version.
        version: u32,
        /// Who accepted it.
        person: Person,
    },
    /// The approval of this one statement; it reaches up to the ceiling.
    Approval {
        /// Names the approval.
        id: String,
        /// Who gave it.
        person: Person,
    },
}

impl Entry {
    /// Which record it is about.
    #[must_use]
    pub const fn rec(&self) -> RecordHandle {
        match self {
            Self::Disclosure { rec, .. } | Self::Withdrawal { rec, .. } => *rec,
        }
    }

    /// Of which kind the record is.
    #[must_use]
    pub const fn kind(&self) -> &KindId {
        match self {
            Self::Disclosure { kind, .. } | Self::Withdrawal { kind, .. } => kind,
        }
    }

    /// Which revision it is about.
    #[must_use]
    pub const fn rev(&self) -> u32 {
        match self {
            Self::Disclosure { rev, .. } | Self::Withdrawal { rev, .. } => *rev,
        }
    }

    /// When it was put into the outbox.
    #[must_use]
    pub const fn at(&self) -> u64 {
        match self {
            Self::Disclosure { at, .. } | Self::Withdrawal { at, .. } => *at,
        }
    }

    /// What is left of it once a later revision took its place: what a person approved of this very statement. None if nobody did.
    #[must_use]
    pub fn superseded(mut self) -> Option<Self> {
        if let Self::Disclosure { grants, .. } = &mut self {
            grants.retain(|grant| !grant.is_policy());
            if grants.is_empty() {
                return None;
            }
        }
        Some(self)
    }
}

impl Grant {
    /// Whether the disclosure policy, not a person's approval, allowed it.
    #[must_use]
    pub const fn is_policy(&self) -> bool {
        matches!(self.authority, Authority::Policy { .. })
    }
}
