//! One statement of the institution, as it is kept.

use std::fmt;

use safeharbor_core::digest::Digest;
use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_core::statement::{Envelope, StatementType, statement_digest};
use safeharbor_proto::Submission;
use safeharbor_service::store::Batch;
use serde::{Deserialize, Serialize};

use super::{ChainFailed, memory};
use crate::tables::{CHAIN, SYNC};

/// A numbered and signed statement of the institution.
#[derive(Clone, PartialEq, Eq)]
pub struct Stated {
    /// Its number.
    pub seq: u64,
    /// Its digest.
    pub digest: Digest,
    /// The signed token, as sent.
    pub jwt: String,
    /// What is stated.
    pub statement: StatementType,
    /// About which kind.
    pub kind: KindId,
    /// About which record; none for statements about no record.
    pub rec: Option<RecordHandle>,
    /// About which revision.
    pub rev: Option<u32>,
    /// What opens its digests; empty when erased, or when it has none. Of an adopted statement, what it revealed and the hub holds.
    pub claims: Vec<Claim>,
}

/// A claim of a statement, with the salt that opens its digest.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Its name.
    pub name: String,
    /// The disclosure as it is hashed.
    pub disclosure: String,
    /// Whether it travels beside the statement.
    pub revealed: bool,
}

#[derive(Serialize, Deserialize)]
struct Row {
    jwt: String,
    vct: String,
    rec: Option<String>,
    rev: Option<u32>,
    claims: Vec<Claim>,
}

impl Stated {
    /// A signed token with its envelope and what opens it.
    #[must_use]
    pub fn new(jwt: String, envelope: Envelope, claims: Vec<Claim>) -> Self {
        let Envelope { seq, vct, rec, rev, .. } = envelope;
        let digest = statement_digest(&jwt);
        Self { seq, digest, jwt, statement: vct.statement, kind: vct.kind, rec, rev, claims }
    }

    /// What is sent: the token and the revealed disclosures, nothing else.
    #[must_use]
    pub fn submission(&self) -> Submission {
        let revealed = self.claims.iter().filter(|claim| claim.revealed);
        let disclosures = revealed.map(|claim| claim.disclosure.clone()).collect();
        Submission { jwt: self.jwt.clone(), disclosures }
    }

    /// Puts the statement and its place in the index of records into a batch.
    pub(super) fn put_into(&self, batch: &mut Batch) {
        batch.put(CHAIN, self.seq.to_be_bytes(), self.encode());
        if let Some(rec) = self.rec {
            let key = [memory::record_prefix(rec).as_slice(), &self.seq.to_be_bytes()].concat();
            batch.put(SYNC, key, Vec::new());
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let vct = safeharbor_core::statement::Vct { statement: self.statement, kind: self.kind.clone() };
        let row = Row {
            jwt: self.jwt.clone(),
            vct: vct.to_string(),
            rec: self.rec.map(|rec| rec.to_string()),
            rev: self.rev,
            claims: self.claims.clone(),
        };
        // Strings, numbers and lists of them always serialise.
        serde_json::to_vec(&row).unwrap_or_default()
    }

    pub(super) fn decode(seq: u64, bytes: &[u8]) -> Result<Self, ChainFailed> {
        let damaged = || ChainFailed::damaged(format!("statement {seq}"));
        let row: Row = serde_json::from_slice(bytes).or(Err(damaged()))?;
        let vct: safeharbor_core::statement::Vct = row.vct.parse().or(Err(damaged()))?;
        let rec = row.rec.map(|rec| rec.parse().or(Err(damaged()))).transpose()?;
        Ok(Self {
            seq,
            digest: statement_digest(&row.jwt),
            jwt: row.jwt,
            statement: vct.statement,
            kind: vct.kind,
            rec,
            rev: row.rev,
            claims: row.claims,
        })
    }
}

impl fmt::Debug for Stated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seq, digest, statement, kind, claims, .. } = self;
        let statement = statement.as_str();
        write!(f, "Stated({seq}, {digest}, {statement} {kind}, {} claims, content withheld)", claims.len())
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Claim({}, revealed: {}, value withheld)", self.name, self.revealed)
    }
}
