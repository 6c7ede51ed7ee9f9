//! Building a policy: every rule about names, keys and thresholds is checked here, for files and for code.

use super::{Policy, PolicyGroup, PolicyLog, PolicyWitness};
use crate::institution::Issuer;
use crate::key::PublicKey;
use crate::note::{NoteKey, VerifierKey};

/// The name that stands for no witness at all.
pub(super) const NONE: &str = "none";

/// A policy in the making.
#[derive(Debug, Clone, Default)]
pub struct PolicyBuilder {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<PolicyGroup>,
    quorum: Option<Option<String>>,
    hub_keys: Vec<(Issuer, PublicKey)>,
}

/// A definition that contradicts the format or an earlier definition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildPolicyFailed {
    /// A name that is empty, `none`, or holds white space or a control character.
    #[error("{0:?} cannot be a name")]
    Name(String),
    /// A URL that is empty or holds white space or a control character.
    #[error("{0:?} cannot be a URL")]
    Url(String),
    /// The name is defined already.
    #[error("the name {0:?} is defined twice")]
    NameTwice(String),
    /// The public key is in the policy already; one key has one use and one owner.
    #[error("the key of {0:?} is in the policy twice")]
    KeyTwice(String),
    /// The key is not of a type that signs checkpoints, or not of one that cosigns them.
    #[error("a key of type {kind:#04x} cannot be that of {name:?}")]
    KeyType {
        /// The name of the key.
        name: String,
        /// Its type byte.
        kind: u8,
    },
    /// A group without members, or a threshold outside 1 to their number.
    #[error("{threshold} of {members} members cannot be the threshold of a group")]
    Threshold {
        /// The threshold asked for.
        threshold: usize,
        /// The number of members.
        members: usize,
    },
    /// A member or quorum that is not defined before.
    #[error("the name {0:?} is not defined before it is used")]
    Undefined(String),
    /// A name that would be a member twice.
    #[error("{0:?} is a member of a group already")]
    MemberTwice(String),
    /// A second quorum.
    #[error("the quorum is defined twice")]
    QuorumTwice,
    /// No quorum.
    #[error("the quorum is not defined")]
    QuorumMissing,
}

impl PolicyBuilder {
    /// Adds a log; the name of its key is its origin.
    ///
    /// # Errors
    /// A key that is in the policy already or does not sign checkpoints, or a malformed URL.
    pub fn log(mut self, key: VerifierKey, url: Option<&str>) -> Result<Self, BuildPolicyFailed> {
        if matches!(key.key(), NoteKey::Cosignature(_)) {
            return Err(wrong_type(&key));
        }
        self.check_key(&key)?;
        let url = check_url(url)?;
        self.logs.push(PolicyLog { key, url });
        Ok(self)
    }

    /// Adds a witness.
    ///
    /// # Errors
    /// A name or key that is in the policy already, a key that does not cosign, or a malformed name or URL.
    pub fn witness(
        mut self,
        name: &str,
        key: VerifierKey,
        url: Option<&str>,
    ) -> Result<Self, BuildPolicyFailed> {
        if matches!(key.key(), NoteKey::Ed25519(_)) {
            return Err(wrong_type(&key));
        }
        let name = self.check_name(name)?;
        self.check_key(&key)?;
        let url = check_url(url)?;
        self.witnesses.push(PolicyWitness { name, key, url });
        Ok(self)
    }

    /// Adds a group of which `threshold` members must have cosigned.
    ///
    /// # Errors
    /// A name that is defined already, a member that is not or that is in a group already, or a threshold outside
    /// 1 to the number of members.
    pub fn group(
        mut self,
        name: &str,
        threshold: usize,
        members: &[&str],
    ) -> Result<Self, BuildPolicyFailed> {
        if !(1..=members.len()).contains(&threshold) {
            return Err(BuildPolicyFailed::Threshold { threshold, members: members.len() });
        }
        let mut group = PolicyGroup { name: self.check_name(name)?, threshold, members: Vec::new() };
        for &member in members {
            self.check_defined(member)?;
            let grouped = self.groups.iter().flat_map(|group| &group.members);
            if grouped.chain(&group.members).any(|taken| taken == member) {
                return Err(BuildPolicyFailed::MemberTwice(member.to_owned()));
            }
            group.members.push(member.to_owned());
        }
        self.groups.push(group);
        Ok(self)
    }

    /// Names the witness or group that must have cosigned.
    ///
    /// # Errors
    /// A name that is not defined, or a second quorum.
    pub fn quorum(self, name: &str) -> Result<Self, BuildPolicyFailed> {
        self.check_defined(name)?;
        self.set_quorum(Some(name.to_owned()))
    }

    /// Asks for no witness at all.
    ///
    /// # Errors
    /// A second quorum.
    pub fn quorum_none(self) -> Result<Self, BuildPolicyFailed> {
        self.set_quorum(None)
    }

    /// Adds the statement key of a hub.
    ///
    /// # Errors
    /// A key that is in the policy already.
    pub fn hub_key(mut self, issuer: Issuer, key: PublicKey) -> Result<Self, BuildPolicyFailed> {
        if self.public_keys().any(|known| *known == key) {
            return Err(BuildPolicyFailed::KeyTwice(issuer.to_string()));
        }
        self.hub_keys.push((issuer, key));
        Ok(self)
    }

    /// Closes the policy.
    ///
    /// # Errors
    /// No quorum was named.
    pub fn build(self) -> Result<Policy, BuildPolicyFailed> {
        let Self { logs, witnesses, groups, quorum, hub_keys } = self;
        let quorum = quorum.ok_or(BuildPolicyFailed::QuorumMissing)?;
        Ok(Policy { logs, witnesses, groups, quorum, hub_keys })
    }

    fn set_quorum(mut self, quorum: Option<String>) -> Result<Self, BuildPolicyFailed> {
        match self.quorum.replace(quorum) {
            None => Ok(self),
            Some(_) => Err(BuildPolicyFailed::QuorumTwice),
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let witnesses = self.witnesses.iter().map(|witness| witness.name.as_str());
        witnesses.chain(self.groups.iter().map(|group| group.name.as_str()))
    }

    fn check_name(&self, name: &str) -> Result<String, BuildPolicyFailed> {
        if name == NONE || name.starts_with('#') || !is_word(name) {
            return Err(BuildPolicyFailed::Name(name.to_owned()));
        }
        if self.names().any(|taken| taken == name) {
            return Err(BuildPolicyFailed::NameTwice(name.to_owned()));
        }
        Ok(name.to_owned())
    }

    fn check_defined(&self, name: &str) -> Result<(), BuildPolicyFailed> {
        if self.names().any(|defined| defined == name) {
            Ok(())
        } else {
            Err(BuildPolicyFailed::Undefined(name.to_owned()))
        }
    }

    fn verifier_keys(&self) -> impl Iterator<Item = &VerifierKey> {
        self.logs.iter().map(|log| &log.key).chain(self.witnesses.iter().map(|witness| &witness.key))
    }

    fn public_keys(&self) -> impl Iterator<Item = &PublicKey> {
        let hubs = self.hub_keys.iter().map(|(_, key)| key);
        self.verifier_keys().filter_map(VerifierKey::public_key).chain(hubs)
    }

    /// Two keys are the same when the public key is, whatever their names and types.
    fn check_key(&self, key: &VerifierKey) -> Result<(), BuildPolicyFailed> {
        let known = match key.public_key() {
            Some(public) => self.public_keys().any(|known| known == public),
            None => self.verifier_keys().any(|known| known.key() == key.key()),
        };
        if known { Err(BuildPolicyFailed::KeyTwice(key.name().to_owned())) } else { Ok(()) }
    }
}

fn wrong_type(key: &VerifierKey) -> BuildPolicyFailed {
    BuildPolicyFailed::KeyType { name: key.name().to_owned(), kind: key.type_byte() }
}

fn check_url(url: Option<&str>) -> Result<Option<String>, BuildPolicyFailed> {
    match url {
        Some(url) if !is_word(url) => Err(BuildPolicyFailed::Url(url.to_owned())),
        other => Ok(other.map(str::to_owned)),
    }
}

/// Whether `text` can stand as one item on a line.
fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c <= ' ' || c == '\u{7f}')
}
