//! The disclosure policy (披露政策) of the institution: per kind, whether anything leaves and how.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::catalogue::Catalogue;
use crate::{KindId, ParseKindFailed};

/// What happens to records of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nothing leaves.
    #[default]
    Off,
    /// A revision is stated with nothing revealed; approvals add.
    Commit,
    /// C0 and C1 fields are revealed; approvals add.
    Reveal,
}

impl Mode {
    /// The word of the policy file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Commit => "commit",
            Self::Reveal => "reveal",
        }
    }
}

/// A disclosure policy. Kinds it does not name are off.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    version: u32,
    modes: BTreeMap<KindId, Mode>,
}

/// A text that is no policy.
#[derive(Debug, thiserror::Error)]
pub enum ParsePolicyFailed {
    /// Not TOML, an entry that policies do not have, or a mode that is none of off, commit and reveal.
    #[error("the policy needs `version = <number>` and a table [kinds] of \"off\", \"commit\" or \"reveal\"")]
    Toml(#[source] toml::de::Error),
    /// Version 0.
    #[error("the policy's version counts from 1")]
    Version,
    /// A name that cannot be a kind's.
    #[error("[kinds] names something that is no kind")]
    KindName(#[source] ParseKindFailed),
    /// A kind the catalogue does not have.
    #[error("[kinds] names {kind}, which the catalogue does not have (it has {known})")]
    UnknownKind {
        /// The kind named.
        kind: KindId,
        /// The kinds there are.
        known: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPolicy {
    version: u32,
    #[serde(default)]
    kinds: BTreeMap<String, Mode>,
}

impl Policy {
    /// Parses a policy file.
    ///
    /// # Errors
    /// Anything but a version from 1 and a mode for each of some kinds of the catalogue.
    pub fn parse(text: &str, catalogue: &Catalogue) -> Result<Self, ParsePolicyFailed> {
        let policy = Self::parse_accepted(text)?;
        if let Some(kind) = policy.modes.keys().find(|kind| catalogue.kind(kind).is_none()) {
            let known: Vec<&str> = catalogue.kinds().map(|k| k.id().as_str()).collect();
            return Err(ParsePolicyFailed::UnknownKind { kind: kind.clone(), known: known.join(", ") });
        }
        Ok(policy)
    }

    /// Parses the text of a policy that was accepted: a later version of the catalogue may have lost a kind that it names, of which
    /// nothing leaves then.
    ///
    /// # Errors
    /// Anything but a version from 1 and a mode for each of some kinds.
    pub fn parse_accepted(text: &str) -> Result<Self, ParsePolicyFailed> {
        let raw: RawPolicy = toml::from_str(text).map_err(ParsePolicyFailed::Toml)?;
        if raw.version == 0 {
            return Err(ParsePolicyFailed::Version);
        }
        let mut modes = BTreeMap::new();
        for (name, mode) in raw.kinds {
            modes.insert(name.parse().map_err(ParsePolicyFailed::KindName)?, mode);
        }
        Ok(Self { version: raw.version, modes })
    }

    /// The version, kept with every statement made under it; 0 for the policy nobody wrote, under which nothing leaves.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// What happens to records of the kind.
    #[must_use]
    pub fn mode(&self, kind: &KindId) -> Mode {
        self.modes.get(kind).copied().unwrap_or_default()
    }
}
