//! Intake: everything about a submitted statement that can be checked without knowing its neighbours.
//!
//! This runs in parallel on the verification pool; what comes out is ready to be placed and appended.

use safeharbor_core::code::Code;
use safeharbor_core::directory::Directory;
use safeharbor_core::entry::Entry;
use safeharbor_core::institution::{InstitutionCode, Issuer};
use safeharbor_core::key::PublicKey;
use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_core::sdjwt::Disclosure;
use safeharbor_core::statement::{Statement, StatementType, open, statement_digest};
use safeharbor_proto::{Refused, Submission};

use crate::catalogues::Versions;
use crate::journal::{FrameKey, seal};
use crate::ledger::{ChainPlace, Dimensions};

/// A statement that is well-formed and signed, with the verdict on its content.
#[derive(Debug)]
pub struct Checked {
    /// Who made it.
    pub code: InstitutionCode,
    /// The key that signed it.
    pub key: PublicKey,
    /// Its place in the chain.
    pub place: ChainPlace,
    /// What is stated.
    pub statement: StatementType,
    /// About which kind.
    pub kind: KindId,
    /// About which record and revision.
    pub record: Option<(RecordHandle, u32)>,
    /// What it is counted by, or why its content is refused.
    pub content: Result<Dimensions, ContentRefused>,
    /// The JWT as sent.
    pub jwt: String,
    /// The registry entry's bytes.
    pub entry: Vec<u8>,
    /// The key of `sealed`.
    pub frame_key: FrameKey,
    /// The revealed disclosures, encrypted; empty where nothing was revealed or the content is refused.
    pub sealed: Vec<u8>,
}

/// Content that counts nowhere; the text names no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentRefused {
    /// Why.
    pub code: Code,
    /// Why, in English, without any value of a record.
    pub text: String,
}

/// What intake needs to know.
#[derive(Debug, Clone, Copy)]
pub struct Intake<'a> {
    /// Institutions and keys as of a moment ago; the committer checks again at the entry's index.
    pub directory: &'a Directory,
    /// Kinds and ceilings, version by version.
    pub catalogues: &'a Versions,
    /// Whose stream it is.
    pub peer: InstitutionCode,
    /// The log's size as of a moment ago.
    pub log_size: u64,
}

impl Intake<'_> {
    /// Checks one submission; `frame_key` encrypts its disclosures and nothing else.
    ///
    /// # Errors
    /// The statement is not to be logged at all.
    pub fn check(&self, submission: Submission, frame_key: FrameKey) -> Result<Checked, Refused> {
        let unread = |code, text: String| {
            let digest = statement_digest(&submission.jwt);
            Refused { seq: 0, digest, code, text, expected_seq: 0 }
        };
        if !submission.fits() {
            let text = "the statement or its disclosures are too large";
            return Err(unread(Code::StatementTooLarge, text.to_owned()));
        }
        let statement = Statement::parse(&submission.jwt)
            .map_err(|source| unread(Code::StatementMalformed, source.to_string()))?;
        let digest = statement.digest;
        let refused =
            |seq, code, text: &str| Refused { seq, digest, code, text: text.to_owned(), expected_seq: 0 };
        let seq = statement.envelope.seq;
        let issuer = Issuer::Institution(self.peer);
        if statement.envelope.iss != issuer {
            return Err(refused(seq, Code::IssuerMismatch, "the statement speaks for another institution"));
        }
        let kid = statement.key_id().unwrap_or_default();
        let unsigned = |text| refused(seq, Code::SignatureInvalid, text);
        let key = *self
            .directory
            .key_at(&issuer, kid, self.log_size)
            .ok_or_else(|| unsigned("no key in standing has this id"))?;
        statement.verify(&key).map_err(|_signature| unsigned("the signature does not verify"))?;
        let content = self.judge(&statement, &submission.disclosures, self.is_confirmed(&key));
        let revealed: &[String] = if content.is_ok() { &submission.disclosures } else { &[] };
        let sealed = seal(revealed, &frame_key)
            .map_err(|_failed| refused(seq, Code::Internal, "the disclosures could not be encrypted"))?;
        Ok(Checked {
            code: self.peer,
            key,
            place: ChainPlace { seq, prev: statement.envelope.prev, digest },
            statement: statement.envelope.vct.statement,
            kind: statement.envelope.vct.kind.clone(),
            record: statement.envelope.rec.zip(statement.envelope.rev),
            content,
            entry: Entry::of(&statement).encode(),
            frame_key: if sealed.is_empty() { FrameKey::NONE } else { frame_key },
            sealed,
            jwt: submission.jwt,
        })
    }

    /// Whether a person compared the six words of the key.
    fn is_confirmed(&self, key: &PublicKey) -> bool {
        let institution = self.directory.institution(&self.peer);
        let term = institution.and_then(|found| found.statement_keys().find(|term| term.key == *key));
        term.is_some_and(|term| term.confirmed.is_some())
    }

    /// Judges a statement's content against the catalogue version that it names.
    fn judge(
        &self,
        statement: &Statement<'_>,
        revealed: &[String],
        is_confirmed: bool,
    ) -> Result<Dimensions, ContentRefused> {
        let refuse = |code, text: String| Err(ContentRefused { code, text });
        let vct = &statement.envelope.vct;
        if vct.statement == StatementType::Filing && !is_confirmed {
            let text = "nobody at the hub confirmed the six words of the statement key yet";
            return refuse(Code::KeyUnconfirmed, text.to_owned());
        }
        if vct.statement == StatementType::Withdrawal {
            // Whatever kind or catalogue it names: taking back must always be possible.
            return if statement.digests.is_empty() && revealed.is_empty() {
                Ok(Dimensions::default())
            } else {
                refuse(Code::DigestCount, "a withdrawal has no digests".to_owned())
            };
        }
        let cat = statement.envelope.cat;
        let Some(catalogue) = cat.and_then(|cat| self.catalogues.published(&cat, self.directory)) else {
            let text = "the hub never published this catalogue version";
            return refuse(Code::CatalogueUnknown, text.to_owned());
        };
        let Some(kind) = catalogue.kind(&vct.kind) else {
            return refuse(Code::KindUnknown, format!("the catalogue version has no kind {}", vct.kind));
        };
        // Only the outer text: what is inside a malformed disclosure is not to be repeated anywhere.
        let opened = match open(&statement.digests, revealed.iter().map(String::as_str)) {
            Ok(opened) => opened,
            Err(source) => return refuse(Code::DisclosureForeign, source.to_string()),
        };
        match vct.statement {
            StatementType::Disclosure => {
                let claims: Vec<_> = opened.into_iter().filter_map(Disclosure::into_claim).collect();
                match kind.judge(&claims, statement.digests.len()) {
                    Ok(()) => {
                        let named: Vec<_> =
                            claims.iter().map(|(name, value)| (name.as_str(), value)).collect();
                        Ok(Dimensions::read(&named))
                    }
                    Err(refusal) => refuse(refusal.code, refusal.to_string()),
                }
            }
            StatementType::Withdrawal
            | StatementType::Filing
            | StatementType::Summary
            | StatementType::Determination
            | StatementType::Institution
            | StatementType::Key
            | StatementType::Status
            | StatementType::Catalogue
            | StatementType::Policy
            | StatementType::Release => {
                refuse(Code::TypeUnsupported, format!("a {} is not taken here yet", vct.statement.as_str()))
            }
        }
    }
}
