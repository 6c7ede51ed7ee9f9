//! The closed list of codes with which the servers refuse, and whose fault each is.

use std::fmt;
use std::str::FromStr;

/// Who has to do something about a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The other side's software sent what it should not.
    Peer,
    /// The person or program that called.
    Caller,
    /// A rule of the district or the institution says no.
    Policy,
    /// Our own side is broken.
    Ours,
    /// Nobody: the same call may go through later.
    Later,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal, $fault:ident;)+) => {
        /// Why something was refused; stable, language-neutral, each with a page `docs/errors/<code>.md`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[doc = $doc])+ $name,)+ }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The code as it stands in messages, answers and file names.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// Who has to do something about it.
            #[must_use]
            pub const fn fault(self) -> Fault {
                match self { $(Self::$name => Fault::$fault,)+ }
            }
        }
    };
}

codes! {
    /// The peer's certificate does not name one institution.
    IdentityRefused = "identity-refused", Peer;
    /// The invitation's text is not as it was made.
    InvitationDamaged = "invitation-damaged", Caller;
    /// The hub made no such invitation: it is of another hub, or was never one.
    InvitationUnknown = "invitation-unknown", Caller;
    /// The invitation was not taken up in time.
    InvitationExpired = "invitation-expired", Caller;
    /// The invitation was taken up with other keys: an alarm at the hub.
    InvitationUsed = "invitation-used", Caller;
    /// A person at the hub took the invitation back, or made another one in its place.
    InvitationWithdrawn = "invitation-withdrawn", Policy;
    /// The key that this re-enrolment was to replace was replaced already.
    InvitationSuperseded = "invitation-superseded", Policy;
    /// The institution is a member already; keys that were lost are replaced by an invitation that says so.
    AlreadyMember = "already-member", Policy;
    /// A proof does not prove what it should.
    ProofRefused = "proof-refused", Peer;
    /// The key is or was in use, for something or somebody else.
    KeyInUse = "key-in-use", Peer;
    /// The six words of the statement key were not confirmed, so it files nothing yet.
    KeyUnconfirmed = "key-unconfirmed", Policy;
    /// The caller's last statement is not the last one the hub logged.
    HeadMismatch = "head-mismatch", Peer;
    /// Too many failed attempts from this address.
    AttemptsThrottled = "attempts-throttled", Later;
    /// The institution is not in the directory.
    InstitutionUnknown = "institution-unknown", Policy;
    /// The institution's standing does not allow statements.
    StandingRefused = "standing-refused", Policy;
    /// Another stream of the same institution took over.
    StreamTaken = "stream-taken", Caller;
    /// Another node with the same key is connected and answers: there are two, and this one stops.
    NodeCloned = "node-cloned", Caller;
    /// A message of the stream is malformed or out of place.
    MessageMalformed = "message-malformed", Peer;
    /// The statement or its disclosures are too large.
    StatementTooLarge = "statement-too-large", Peer;
    /// The statement's token or envelope is malformed.
    StatementMalformed = "statement-malformed", Peer;
    /// The statement speaks for somebody else.
    IssuerMismatch = "issuer-mismatch", Peer;
    /// No key in standing signed the statement.
    SignatureInvalid = "signature-invalid", Peer;
    /// The statement does not have the next number of its chain.
    SequenceGap = "sequence-gap", Peer;
    /// The statement does not link to the one before it.
    PreviousMismatch = "previous-mismatch", Peer;
    /// Another statement with this number is logged: a fork, kept for a person.
    NumberTaken = "number-taken", Peer;
    /// The kind does not exist in the catalogue.
    KindUnknown = "kind-unknown", Policy;
    /// The catalogue version is not one the hub published.
    CatalogueUnknown = "catalogue-unknown", Policy;
    /// A disclosure does not belong to its statement.
    DisclosureForeign = "disclosure-foreign", Peer;
    /// The number of digests is not that of the kind.
    DigestCount = "digest-count", Peer;
    /// A revealed field does not exist in the kind.
    FieldUnknown = "field-unknown", Peer;
    /// A revealed value does not fit the kind's schema.
    ValueInvalid = "value-invalid", Peer;
    /// A revealed field is above its ceiling.
    CeilingExceeded = "ceiling-exceeded", Policy;
    /// The revision is not later than the one already stated.
    RevisionStale = "revision-stale", Peer;
    /// The record named by the statement is of another kind, or was never stated.
    RecordMismatch = "record-mismatch", Peer;
    /// This type of statement is not taken here yet.
    TypeUnsupported = "type-unsupported", Later;
    /// The hub is shutting down or overloaded.
    Unavailable = "unavailable", Later;
    /// The hub failed to store or sign; nothing was promised.
    Internal = "internal", Ours;
}

/// A text that is no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a code of this version")]
pub struct ParseCodeFailed;

impl FromStr for Code {
    type Err = ParseCodeFailed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text).ok_or(ParseCodeFailed)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_page() {
        for code in Code::ALL {
            let page = format!("{}/../docs/errors/{code}.md", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(&page).unwrap_or_else(|_| panic!("{page} is missing"));
            assert!(text.contains("What to do"), "{page} does not say what to do");
            assert_eq!(code.as_str().parse(), Ok(*code));
        }
    }
}
