//! What can be wrong, and how sure each makes us.

use std::fmt;

use safeharbor_core::audit::AuditFault;
use safeharbor_core::checkpoint::{ParseCheckpointFailed, VerifyCheckpointFailed};
use safeharbor_core::entry::DecodeEntryFailed;
use safeharbor_core::fork::{Fork, ParseForkFailed, VerifyForkFailed};
use safeharbor_core::institution::{InstitutionCode, Issuer};
use safeharbor_core::policy::PolicyNotMet;
use safeharbor_core::sdjwt::VerifySdJwtFailed;
use safeharbor_core::statement::{OpenFailed, ParseStatementFailed};
use safeharbor_core::tile::{BundleFailed, TileTreeFailed};
use safeharbor_core::tlog_proof::{ParseProofFailed, VerifyReceiptFailed};

use super::Objection;
use crate::log::ParseStateFailed;
use crate::report::Verdict;
use crate::trust::TrustFailed;

/// What keeps a verdict from being "verified".
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The file does not exist.
    #[error("the file is missing")]
    Missing,
    /// The file system refused.
    #[error("the file could not be read")]
    Unreadable(#[source] std::io::Error),
    /// Larger than its format allows.
    #[error("the file has more than the {0} bytes that it may have, so it was not read")]
    TooLarge(usize),
    /// A file that should be the base of trust cannot be.
    #[error("the file cannot serve as the base of trust")]
    Trust(#[source] TrustFailed),
    /// The token names a key that is not at hand.
    #[error("the token is signed with the key {0}, which is not among the keys at hand")]
    KeyMissing(String),
    /// The log has no statement with this number.
    #[error("statement {seq} of {issuer} is not among the {size} entries of the log")]
    NotLogged {
        /// Who made the statement.
        issuer: Issuer,
        /// Its number.
        seq: u64,
        /// The size of the log.
        size: u64,
    },

    /// The server did not answer, or not to the end.
    #[error("the server did not answer: {0}")]
    Unreachable(String),
    /// The server answered with something else than the file.
    #[error("the server answered with status {0}")]
    Status(u16),
    /// A file could not be written.
    #[error("the file could not be written")]
    Unwritable(#[source] std::io::Error),
    /// A state that was kept cannot be used.
    #[error("what was kept here before cannot be used: remove the file to begin again")]
    StateRefused(#[source] ParseStateFailed),
    /// The checkpoint in a state is none.
    #[error("the checkpoint that was kept is malformed: remove the state to begin again")]
    State(#[source] ParseCheckpointFailed),
    /// The checkpoint in a state is not one of the registry.
    #[error("the checkpoint that was kept is not signed by the registry: remove the state to begin again")]
    StateUnsigned,
    /// The state is that of another registry.
    #[error("the registry is {found:?}, what was kept here before is of {known:?}")]
    OtherRegistry {
        /// What the state is of.
        known: String,
        /// What was found.
        found: String,
    },
    /// What a monitor remembers cannot be used.
    #[error("what was remembered here cannot be used: remove the file to begin again")]
    MemoryRefused(#[source] serde_json::Error),
    /// Another process works on the copy.
    #[error("another process is working on this copy")]
    InUse,
    /// Tiles that would show it are missing or damaged.
    #[error(
        "nothing shows that the registry of {found} entries extends the copy of {known}: tiles of the source are missing or damaged"
    )]
    Untold {
        /// The size of the copy.
        known: u64,
        /// The size of the source.
        found: u64,
    },
    /// The registry has no such institution.
    #[error("the registry of {size} entries does not know the institution {institution}")]
    InstitutionUnknown {
        /// Whom it does not know.
        institution: InstitutionCode,
        /// The size of the registry.
        size: u64,
    },
    /// The files are not of a kind that can be evidence.
    #[error(
        "evidence is one evidence file or two checkpoints (with --vkey or --policy), or two statements (with --keys)"
    )]
    EvidenceFiles,
    /// Two notes of different sizes say nothing without what lies between them.
    #[error(
        "the notes have {first} and {second} entries: alone they contradict each other only where the sizes are the same; `log --state` makes the evidence file"
    )]
    SizesDiffer {
        /// The size of the first.
        first: u64,
        /// The size of the second.
        second: u64,
    },
    /// The registry is smaller than it was.
    #[error("the registry has {found} entries, and {known} were verified before: it is behind, or was cut")]
    Behind {
        /// How many were verified before.
        known: u64,
        /// How many there are.
        found: u64,
    },

    /// Not UTF-8.
    #[error("the bytes are not UTF-8")]
    NotText(#[source] std::str::Utf8Error),
    /// Not a receipt.
    #[error("this is no receipt")]
    Proof(#[source] ParseProofFailed),
    /// A receipt that proves nothing.
    #[error("the receipt does not prove that this entry is in the registry")]
    Receipt(#[source] VerifyReceiptFailed),
    /// Not a registry entry.
    #[error("this is no registry entry")]
    Entry(#[source] DecodeEntryFailed),
    /// Not a statement.
    #[error("this is no statement")]
    Statement(#[source] ParseStatementFailed),
    /// A public entry whose lines are not those of the statement in it.
    #[error("the entry is not that of the statement in it")]
    Content,
    /// The statement is another one than that of the entry.
    #[error("the statement is not that of the entry: their {0} differ")]
    NotTied(&'static str),
    /// Revealed disclosures that are not the statement's.
    #[error("the disclosures do not belong to the statement")]
    Disclosures(#[source] OpenFailed),
    /// Not a verifiable SD-JWT.
    #[error("the token is refused")]
    Token(#[source] VerifySdJwtFailed),
    /// Something follows the last `~`.
    #[error("something follows the last ~, but statements carry no key binding")]
    Bound,
    /// The token does not say which key signed it.
    #[error("the token does not say which key signed it (kid)")]
    KeyUnnamed,
    /// A claim that may never be selectively disclosed.
    #[error("the disclosure of {0:?} poses as a claim of the envelope")]
    ReservedClaim(String),
    /// The key was not valid where the statement stands in the log.
    #[error("the key {key} of {issuer} is not valid for entry {index}")]
    KeyNotValid {
        /// Who made the statement.
        issuer: Issuer,
        /// The key's thumbprint.
        key: String,
        /// The log index of the statement.
        index: u64,
    },
    /// The log has another statement with this number.
    #[error("the log has another statement with number {seq} of {issuer}")]
    OtherLogged {
        /// Who made the statement.
        issuer: Issuer,
        /// Its number.
        seq: u64,
    },
    /// The checkpoint is not signed by the log's key.
    #[error("the checkpoint is not one of this log")]
    Checkpoint(#[source] VerifyCheckpointFailed),
    /// The checkpoint does not meet the policy.
    #[error("the checkpoint does not meet the policy")]
    Policy(#[source] PolicyNotMet),
    /// The first entry does not say whose registry this is.
    #[error("the first entry is not by a hub")]
    FirstEntry,
    /// An entry bundle is malformed.
    #[error("the entry bundle is malformed")]
    Bundle(#[source] BundleFailed),
    /// An entry does not belong where it stands.
    #[error("the entry does not belong where it stands")]
    Audit(#[source] AuditFault),
    /// A tile is not what the entries yield.
    #[error("hash {0} of the tile is not the one that the entries yield")]
    Tile(usize),
    /// A tile has not the length that the size of the log calls for.
    #[error("the tile has not the {expected} bytes that it must have, but {found}")]
    TileLength {
        /// What the size of the log calls for.
        expected: usize,
        /// What is there.
        found: usize,
    },
    /// Hashes that make no tree.
    #[error("the hashes make no tree")]
    Tree(#[source] TileTreeFailed),
    /// An entry is not the one that was signed over: its tile leads to the signed root, the entry does not.
    #[error("the entry is damaged: the signed root vouches for another one in its place")]
    EntryDamaged,
    /// The tiles on the right edge do not lead to the signed root.
    #[error("the tiles on the right edge of the tree do not lead to the signed root")]
    RightEdge,
    /// A file that the signed root does not vouch for.
    #[error("the signed root does not vouch for this file")]
    NotVouched,
    /// Not an evidence file.
    #[error("this is no evidence of a fork")]
    Evidence(#[source] ParseForkFailed),
    /// Evidence that proves nothing.
    #[error("this proves nothing against the registry")]
    NotProven(#[source] VerifyForkFailed),
    /// Statements that can both be there.
    #[error("the two statements do not contradict each other")]
    NoContradiction,
    /// An entry that was verified before is another one.
    #[error("the entry is another one than was verified here before")]
    Rewritten,
    /// Two checkpoints that no tree can have both.
    #[error(
        "the registry signed two histories: its checkpoint of {second} entries contradicts the one of {first} verified before"
    )]
    Forked {
        /// The size of the checkpoint verified before.
        first: u64,
        /// The size of the other.
        second: u64,
        /// What proves it.
        evidence: Box<Fork>,
    },
    /// The entries yield another root.
    #[error("the entries yield the root {found}, the checkpoint says {expected}")]
    Root {
        /// What the checkpoint says.
        expected: String,
        /// What the entries yield.
        found: String,
    },
    /// The registry is kept by another hub than the policy names.
    #[error("the registry is kept by {0}, whom the policy does not name")]
    HubUnknown(Issuer),
    /// The registry does not begin with the hub's key that the policy names.
    #[error("the first key of the hub is not the one that the policy names")]
    HubKey,
}

impl Fault {
    /// Places the fault in a file.
    pub fn in_file(self, file: impl fmt::Display) -> Objection {
        Objection { file: Some(file.to_string()), ..self.into() }
    }

    /// How sure the fault makes us.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::Missing
            | Self::Unreadable(_)
            | Self::TooLarge(_)
            | Self::Trust(_)
            | Self::KeyMissing(_)
            | Self::Unreachable(_)
            | Self::Status(_)
            | Self::Unwritable(_)
            | Self::StateRefused(_)
            | Self::State(_)
            | Self::StateUnsigned
            | Self::OtherRegistry { .. }
            | Self::MemoryRefused(_)
            | Self::InUse
            | Self::Untold { .. }
            | Self::InstitutionUnknown { .. }
            | Self::EvidenceFiles
            | Self::SizesDiffer { .. }
            | Self::NotLogged { .. } => Verdict::CouldNotTell,
            Self::NotText(_)
            | Self::Proof(_)
            | Self::Receipt(_)
            | Self::Entry(_)
            | Self::Statement(_)
            | Self::Content
            | Self::NotTied(_)
            | Self::Disclosures(_)
            | Self::Token(_)
            | Self::Bound
            | Self::KeyUnnamed
            | Self::ReservedClaim(_)
            | Self::KeyNotValid { .. }
            | Self::OtherLogged { .. }
            | Self::Checkpoint(_)
            | Self::Policy(_)
            | Self::FirstEntry
            | Self::Bundle(_)
            | Self::Audit(_)
            | Self::Tile(_)
            | Self::TileLength { .. }
            | Self::Tree(_)
            | Self::EntryDamaged
            | Self::Rewritten
            | Self::Forked { .. }
            | Self::RightEdge
            | Self::NotVouched
            | Self::Evidence(_)
            | Self::NotProven(_)
            | Self::NoContradiction
            | Self::Root { .. }
            | Self::HubUnknown(_)
            | Self::HubKey => Verdict::Refuted,
            Self::Behind { .. } => Verdict::Alarm,
        }
    }
}
