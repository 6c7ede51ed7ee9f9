//! The types of statements and the `vct` claim that names them.

use std::fmt;
use std::str::FromStr;

use crate::record::KindId;

/// Who states what. The first five are sealed in the registry, the others are public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StatementType {
    /// An institution, about one revision of a record.
    Disclosure,
    /// An institution, taking a record's revealed values back.
    Withdrawal,
    /// An institution, submitting a deal for the safe harbour.
    Filing,
    /// An institution, with its indicators for a period.
    Summary,
    /// The hub, answering a filing.
    Determination,
    /// The hub, admitting an institution or changing its standing.
    Institution,
    /// The hub, beginning or ending the validity of a key.
    Key,
    /// The hub, changing the status of a certificate.
    Status,
    /// The hub, publishing a catalogue version.
    Catalogue,
    /// The hub, publishing a witness policy.
    Policy,
    /// The hub, publishing a release.
    Release,
}

const NAMES: [(StatementType, &str); 11] = [
    (StatementType::Disclosure, "disclosure"),
    (StatementType::Withdrawal, "withdrawal"),
    (StatementType::Filing, "filing"),
    (StatementType::Summary, "summary"),
    (StatementType::Determination, "determination"),
    (StatementType::Institution, "institution"),
    (StatementType::Key, "key"),
    (StatementType::Status, "status"),
    (StatementType::Catalogue, "catalogue"),
    (StatementType::Policy, "policy"),
    (StatementType::Release, "release"),
];

impl StatementType {
    /// The word in the `vct` claim.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        NAMES.iter().find(|(statement, _)| *statement == self).map_or("", |(_, name)| name)
    }

    /// Whether the registry holds the statement in full; only the hub makes such statements.
    #[must_use]
    pub const fn is_public(self) -> bool {
        match self {
            Self::Disclosure | Self::Withdrawal | Self::Filing | Self::Summary | Self::Determination => false,
            Self::Institution | Self::Key | Self::Status | Self::Catalogue | Self::Policy | Self::Release => {
                true
            }
        }
    }

    /// Whether an institution (not the hub) makes such statements.
    #[must_use]
    pub const fn is_institutions(self) -> bool {
        matches!(self, Self::Disclosure | Self::Withdrawal | Self::Filing | Self::Summary)
    }

    /// Whether the statement is about one revision of one record, named by `rec` and `rev`.
    #[must_use]
    pub const fn names_record(self) -> bool {
        matches!(self, Self::Disclosure | Self::Withdrawal)
    }
}

/// The `vct` claim: `urn:safeharbor:<statement>:<kind>:1`; statements about no kind say `NONE`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Vct {
    /// What is stated.
    pub statement: StatementType,
    /// About which kind.
    pub kind: KindId,
}

/// A text that is not a `vct` of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("vct must be urn:safeharbor:<statement>:<KIND>:1")]
pub struct ParseVctFailed;

impl Vct {
    /// A statement about no kind.
    ///
    /// # Errors
    /// Never, as long as `NONE` is a well-formed kind.
    pub fn without_kind(statement: StatementType) -> Result<Self, ParseVctFailed> {
        Ok(Self { statement, kind: "NONE".parse().or(Err(ParseVctFailed))? })
    }
}

impl FromStr for Vct {
    type Err = ParseVctFailed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix("urn:safeharbor:").and_then(|rest| rest.strip_suffix(":1"));
        let (statement, kind) = rest.and_then(|rest| rest.split_once(':')).ok_or(ParseVctFailed)?;
        let (statement, _) = NAMES.into_iter().find(|(_, name)| *name == statement).ok_or(ParseVctFailed)?;
        Ok(Self { statement, kind: kind.parse().or(Err(ParseVctFailed))? })
    }
}

impl fmt::Display for Vct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "urn:safeharbor:{}:{}:1", self.statement.as_str(), self.kind)
    }
}
