//! What the node believes of the registry, and what it does when something is not to be believed.

mod alarm;
mod checkpoint;
mod key_terms;
mod receipts;
mod stop;

use safeharbor_core::digest::{Digest, ParseDigestFailed};
use safeharbor_core::note::VerifierKey;
use safeharbor_core::policy::{ParsePolicyFailed, Policy};

use crate::membership::{Membership, MembershipFailed};

pub use alarm::{Alarm, Alarms, RaisedAlarm};
pub(crate) use checkpoint::is_last_checkpoint;
pub use checkpoint::{Believed, CheckpointFailed, LastCheckpoint, verify_extension};
pub use key_terms::KeyTerms;
pub use receipts::{
    KeptReceipt, ReceiptBook, ReceiptState, ReceiptsFailed, last_receipted, load_receipt, visit_receipts,
};
pub use stop::{Stopped, load_stop, resume, store_stop};

/// The trust file of the registry and the statement that admitted the institution, both pinned at enrolment.
#[derive(Debug, Clone)]
pub struct Trust {
    policy: Policy,
    log: VerifierKey,
    admitted: Digest,
    own_keys: KeyTerms,
}

/// What was pinned cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustFailed {
    /// The trust file is malformed.
    #[error("the trust policy is refused")]
    Policy(#[from] ParsePolicyFailed),
    /// A node follows one log.
    #[error("the trust policy must name exactly one log, this names {0}")]
    Logs(usize),
    /// The digest of the admitting statement is malformed.
    #[error("the digest of the admitting statement is refused")]
    Admitted(#[from] ParseDigestFailed),
    /// The hub's public statements about the institution's keys do not hold.
    #[error("the institution's own keys cannot be told")]
    OwnKeys(#[source] Box<MembershipFailed>),
}

impl Trust {
    /// Pins a policy of one log and the digest of the admitting statement.
    ///
    /// # Errors
    /// A policy with no log or with several.
    pub fn new(policy: Policy, admitted: Digest) -> Result<Self, TrustFailed> {
        match policy.logs() {
            [log] => Ok(Self { log: log.key.clone(), policy, admitted, own_keys: KeyTerms::default() }),
            logs => Err(TrustFailed::Logs(logs.len())),
        }
    }

    /// Pins what the hub answered when the node joined.
    ///
    /// # Errors
    /// A malformed policy or digest, a policy of several logs, or statements about keys that the hub did not make.
    pub fn of_membership(membership: &Membership) -> Result<Self, TrustFailed> {
        let own_keys =
            membership.statement_keys().map_err(|failed| TrustFailed::OwnKeys(Box::new(failed)))?;
        let trust = Self::new(membership.policy.parse()?, membership.admitted.parse()?)?;
        Ok(trust.with_own_keys(KeyTerms::new(own_keys)))
    }

    /// The same with the institution's own statement keys.
    #[must_use]
    pub fn with_own_keys(self, own_keys: KeyTerms) -> Self {
        Self { own_keys, ..self }
    }

    /// The institution's own statement keys.
    #[must_use]
    pub const fn own_keys(&self) -> &KeyTerms {
        &self.own_keys
    }

    /// The trust policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The key of the log; its name is the origin.
    #[must_use]
    pub const fn log(&self) -> &VerifierKey {
        &self.log
    }

    /// The digest of the statement that admitted the institution: the `prev` of its first statement.
    #[must_use]
    pub const fn admitted(&self) -> Digest {
        self.admitted
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
