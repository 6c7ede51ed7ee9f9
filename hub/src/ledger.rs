//! The ledger: what the journal says so far, held in memory by the one committer.
//!
//! Everything here is a projection of the journal: applying the same frames in the same order gives the same ledger.

mod board;
mod runs;

use std::collections::BTreeMap;
use std::sync::Arc;

use safeharbor_core::chain::{Head, Link};
use safeharbor_core::code::Code;
use safeharbor_core::digest::Digest;
use safeharbor_core::directory::{Announcement, ApplyFailed, Directory, Standing};
use safeharbor_core::institution::{InstitutionCode, Issuer};
use safeharbor_core::key::PublicKey;
use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_core::statement::Statement;
use safeharbor_proto::v1::PublicStatement;

pub use board::{Board, BoardCell, Dimensions};
pub use runs::{Run, Runs};

use crate::journal::Position;

/// The last logged statement of one issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// Number and digest.
    pub head: Head,
    /// Its log index.
    pub index: u64,
    /// When it was logged, in milliseconds since 1970 UTC.
    pub logged_ms: u64,
}

/// Counts of one institution's statements.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Logged, and the content accepted.
    pub accepted: u64,
    /// Logged, and the content refused.
    pub refused: u64,
}

/// What happened to a record in one logged statement of an institution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A revision was disclosed.
    Disclosed(Dimensions),
    /// The record was withdrawn.
    Withdrawn,
    /// The content was refused: it counts nowhere.
    Refused(Code),
}

/// A statement as it enters the ledger.
#[derive(Debug, Clone)]
pub struct Logged {
    /// Who made it.
    pub code: InstitutionCode,
    /// Its log index.
    pub index: u64,
    /// Where its frame begins.
    pub position: Position,
    /// When it was logged.
    pub logged_ms: u64,
    /// Its number and digest.
    pub head: Head,
    /// About which kind.
    pub kind: KindId,
    /// About which record and revision; none for statements about no record.
    pub record: Option<(RecordHandle, u32)>,
    /// Whether its frame holds revealed values.
    pub reveals: bool,
    /// What it does.
    pub effect: Effect,
}

/// How a statement relates to what is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placing {
    /// It is the next of its chain.
    Next,
    /// Its number is logged; whether it is the same statement is to be looked up.
    Past,
    /// It is not logged, for this reason.
    Refused(Code),
}

/// A public statement of the hub, as logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Public {
    /// Its log index.
    pub index: u64,
    /// The issuer-signed JWT, without '~'.
    pub jwt: Arc<str>,
}

/// The projection the committer works on.
#[derive(Debug)]
pub struct Ledger {
    directory: Directory,
    origin: Digest,
    tips: BTreeMap<Issuer, Tip>,
    tallies: BTreeMap<InstitutionCode, Tally>,
    /// Few and short, and asked for at every start of a node: kept in memory.
    public: BTreeMap<InstitutionCode, Vec<Public>>,
    runs: Runs,
    board: Board,
    catalogues: BTreeMap<Digest, PublicStatement>,
    next_index: u64,
}

impl Ledger {
    /// The ledger of an empty registry.
    #[must_use]
    pub fn new(hub: Issuer, origin: &str) -> Self {
        Self {
            directory: Directory::new(hub),
            origin: Digest::of(origin.as_bytes()),
            tips: BTreeMap::new(),
            tallies: BTreeMap::new(),
            public: BTreeMap::new(),
            runs: Runs::default(),
            board: Board::default(),
            catalogues: BTreeMap::new(),
            next_index: 0,
        }
    }

    /// The number of logged entries; the next one has this index.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.next_index
    }

    /// Institutions and keys.
    #[must_use]
    pub const fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Where statements are.
    #[must_use]
    pub const fn runs(&self) -> &Runs {
        &self.runs
    }

    /// The aggregates.
    #[must_use]
    pub const fn board(&self) -> &Board {
        &self.board
    }

    /// The statement by which a catalogue version was published last.
    #[must_use]
    pub fn catalogue_statement(&self, cat: &Digest) -> Option<PublicStatement> {
        self.catalogues.get(cat).cloned()
    }

    /// Counts of an institution's statements.
    #[must_use]
    pub fn tally(&self, code: &InstitutionCode) -> Tally {
        self.tallies.get(code).copied().unwrap_or_default()
    }

    /// The hub's public statements about an institution and its keys, in log order.
    #[must_use]
    pub fn public_of(&self, code: &InstitutionCode) -> &[Public] {
        self.public.get(code).map(Vec::as_slice).unwrap_or_default()
    }

    /// The last logged statement of an issuer.
    #[must_use]
    pub fn tip(&self, issuer: &Issuer) -> Option<&Tip> {
        self.tips.get(issuer)
    }

    /// The last logged statement of every issuer.
    pub fn tips(&self) -> impl Iterator<Item = (&Issuer, &Tip)> {
        self.tips.iter()
    }

    /// Takes the runs that the index does not have yet.
    pub fn take_unsaved_runs(&mut self) -> BTreeMap<(Issuer, u64), Run> {
        self.runs.take_unsaved()
    }

    /// The head of an issuer's chain; `None` for an institution that was not admitted.
    #[must_use]
    pub fn head(&self, issuer: &Issuer) -> Option<Head> {
        if let Some(tip) = self.tips.get(issuer) {
            return Some(tip.head);
        }
        match issuer {
            Issuer::Hub(_) => Some(Head::before_first(self.origin)),
            Issuer::Institution(code) => {
                self.directory.institution(code).map(|found| Head::before_first(found.admitted))
            }
        }
    }

    /// Decides whether a statement of an institution, signed by `key`, is logged at `index` behind `head`.
    #[must_use]
    pub fn place(
        &self,
        code: InstitutionCode,
        key: &PublicKey,
        statement: ChainPlace,
        (head, index): (Head, u64),
    ) -> Placing {
        let Some(institution) = self.directory.institution(&code) else {
            return Placing::Refused(Code::InstitutionUnknown);
        };
        if institution.standing != Standing::Active {
            return Placing::Refused(Code::StandingRefused);
        }
        if !institution.statement_keys().any(|term| term.key == *key && term.covers(index)) {
            return Placing::Refused(Code::SignatureInvalid);
        }
        match head.relate(statement.seq, statement.prev, statement.digest) {
            Link::Next => Placing::Next,
            Link::Again | Link::Past => Placing::Past,
            Link::Gap => Placing::Refused(Code::SequenceGap),
            Link::WrongPrevious => Placing::Refused(Code::PreviousMismatch),
        }
    }

    /// Takes an institution's logged statement in, and returns where values are that it erases.
    pub fn apply(&mut self, logged: &Logged) -> Vec<Position> {
        let issuer = Issuer::Institution(logged.code);
        self.advance(issuer, logged.head, logged.index, logged.position, logged.logged_ms);
        let tally = self.tallies.entry(logged.code).or_default();
        match &logged.effect {
            Effect::Refused(_) => tally.refused = tally.refused.saturating_add(1),
            Effect::Disclosed(_) | Effect::Withdrawn => tally.accepted = tally.accepted.saturating_add(1),
        }
        let Some((handle, revision)) = logged.record else { return Vec::new() };
        match &logged.effect {
            Effect::Refused(_) => Vec::new(),
            Effect::Withdrawn => self.board.withdraw(logged.code, handle),
            Effect::Disclosed(dimensions) => {
                let position = logged.reveals.then_some(logged.position);
                self.board.disclose(logged.code, handle, &logged.kind, revision, dimensions, position);
                Vec::new()
            }
        }
    }

    /// Verifies and takes in a public statement of the hub itself, about to be logged or replayed.
    ///
    /// # Errors
    /// The statement does not fit the directory; nothing is changed then.
    pub fn announce(
        &mut self,
        statement: &Statement<'_>,
        position: Position,
        logged_ms: u64,
    ) -> Result<Announcement, ApplyFailed> {
        let index = self.next_index;
        let announcement = self.directory.apply(index, statement)?;
        let head = Head { seq: statement.envelope.seq, digest: statement.digest };
        self.advance(statement.envelope.iss.clone(), head, index, position, logged_ms);
        if let Some(code) = announcement.about() {
            self.public.entry(code).or_default().push(Public { index, jwt: statement.jwt.into() });
        }
        if let Announcement::Catalogue { cat, .. } = &announcement {
            self.catalogues.insert(*cat, PublicStatement { index, jwt: statement.jwt.to_owned() });
        }
        Ok(announcement)
    }

    fn advance(&mut self, issuer: Issuer, head: Head, index: u64, position: Position, logged_ms: u64) {
        self.runs.note(&issuer, head.seq, index, position);
        self.tips.insert(issuer, Tip { head, index, logged_ms });
        self.next_index = index.saturating_add(1);
    }
}

/// What places a statement in its chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainPlace {
    /// Its number.
    pub seq: u64,
    /// What it links to.
    pub prev: Digest,
    /// Its own digest.
    pub digest: Digest,
}

#[cfg(test)]
mod tests;
