//! Trust policies (C2SP tlog-policy): which logs and witnesses are believed, and how many of them it takes.
//!
//! One directive of ours hides in a comment, so that every other parser skips it:
//! `# safeharbor hub-key <iss> <base64 of the 32-byte Ed25519 key>` names the key of a hub's statements.

mod build;
mod evaluate;
mod parse;
mod print;

pub use build::{BuildPolicyFailed, PolicyBuilder};
pub use evaluate::{PolicyNotMet, WitnessedCheckpoint};
pub use parse::{POLICY_BYTES_MAX, ParseLineFailed, ParsePolicyFailed};

use crate::institution::Issuer;
use crate::key::PublicKey;
use crate::note::VerifierKey;

/// A log that is believed, identified by its key; the key's name is its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyLog {
    /// The key of its checkpoints.
    pub key: VerifierKey,
    /// Where to reach it.
    pub url: Option<String>,
}

/// A witness that may count towards the quorum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyWitness {
    /// Its name within the policy.
    pub name: String,
    /// The key of its cosignatures.
    pub key: VerifierKey,
    /// Where to reach it.
    pub url: Option<String>,
}

/// Witnesses and groups of which a number must have cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyGroup {
    /// Its name within the policy.
    pub name: String,
    /// How many of the members it takes, from 1 to all of them.
    pub threshold: usize,
    /// The names of its members, all defined before it.
    pub members: Vec<String>,
}

/// A trust policy whose names and keys are known to be consistent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<PolicyGroup>,
    quorum: Option<String>,
    hub_keys: Vec<(Issuer, PublicKey)>,
}

impl Policy {
    /// Starts an empty policy.
    #[must_use]
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder::default()
    }

    /// The logs that are believed.
    #[must_use]
    pub fn logs(&self) -> &[PolicyLog] {
        &self.logs
    }

    /// The witnesses, in the order of the file.
    #[must_use]
    pub fn witnesses(&self) -> &[PolicyWitness] {
        &self.witnesses
    }

    /// The groups; each names only witnesses and groups before it.
    #[must_use]
    pub fn groups(&self) -> &[PolicyGroup] {
        &self.groups
    }

    /// The witness or group that must have cosigned; none where the policy asks for no witness.
    #[must_use]
    pub fn quorum(&self) -> Option<&str> {
        self.quorum.as_deref()
    }

    /// The statement keys of hubs.
    #[must_use]
    pub fn hub_keys(&self) -> &[(Issuer, PublicKey)] {
        &self.hub_keys
    }
}

#[cfg(test)]
mod tests;
