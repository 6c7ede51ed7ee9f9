//! Auditing a whole registry entry by entry: every chain, every public statement.

use std::collections::BTreeMap;

use crate::chain::{BrokenChain, Head, Link};
use crate::digest::Digest;
use crate::directory::{Announcement, ApplyFailed, Directory, Standing};
use crate::entry::{DecodeEntryFailed, Entry};
use crate::institution::{InstitutionCode, Issuer};
use crate::statement::{ParseStatementFailed, Statement};

/// What an auditor holds after reading a registry from its first entry.
#[derive(Debug, Clone)]
pub struct RegistryAudit {
    origin: Digest,
    directory: Directory,
    heads: BTreeMap<Issuer, Head>,
    next_index: u64,
}

/// An entry that does not belong where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {index} is refused")]
pub struct AuditFailed {
    /// The log index.
    pub index: u64,
    /// Why.
    #[source]
    pub source: AuditFault,
}

/// Why an entry does not belong where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuditFault {
    /// Malformed bytes.
    #[error("its bytes are malformed")]
    Entry(#[from] DecodeEntryFailed),
    /// It does not continue its issuer's chain.
    #[error(transparent)]
    Chain(#[from] BrokenChain),
    /// An institution that the registry had not admitted.
    #[error("{0} was not admitted")]
    NotAdmitted(Issuer),
    /// An institution whose standing did not allow statements.
    #[error("the standing of {code} was {} where its entry stands", standing.as_str())]
    Standing {
        /// Whose entry.
        code: InstitutionCode,
        /// Its standing before the entry.
        standing: Standing,
    },
    /// Nobody can have signed the statement: its issuer had no valid key.
    #[error("no key of {0} was valid where its entry stands")]
    NoKey(Issuer),
    /// An institution's entry holds a statement in the clear, or the hub's public one does not.
    #[error("the statement is not what this entry may hold")]
    Content,
    /// The public statement is malformed.
    #[error("its statement is malformed")]
    Statement(#[from] ParseStatementFailed),
    /// The public statement does not fit the directory.
    #[error("its statement is refused")]
    Directory(#[from] ApplyFailed),
}

impl RegistryAudit {
    /// Begins at entry 0 of the registry with this origin, kept by `hub`.
    #[must_use]
    pub fn new(origin: &str, hub: Issuer) -> Self {
        Self {
            origin: Digest::of(origin.as_bytes()),
            directory: Directory::new(hub),
            heads: BTreeMap::new(),
            next_index: 0,
        }
    }

    /// Goes on behind entries taken earlier: the public ones in order with their log indexes, every chain's head, and how
    /// many there were. The directory is made again from the public ones; the heads are believed.
    ///
    /// # Errors
    /// A public entry that does not say what it said.
    pub fn resume<'e>(
        origin: &str,
        hub: Issuer,
        public: impl IntoIterator<Item = (u64, &'e [u8])>,
        heads: BTreeMap<Issuer, Head>,
        size: u64,
    ) -> Result<Self, AuditFailed> {
        let mut audit = Self { heads, next_index: size, ..Self::new(origin, hub) };
        for (index, bytes) in public {
            let announced = audit.announce_again(index, bytes);
            announced.map_err(|source| AuditFailed { index, source })?;
        }
        Ok(audit)
    }

    fn announce_again(&mut self, index: u64, bytes: &[u8]) -> Result<(), AuditFault> {
        let entry = Entry::decode(bytes)?;
        self.announce(index, &entry)?;
        Ok(())
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// The entry's index and what is wrong with it.
    pub fn next(&mut self, bytes: &[u8]) -> Result<(Entry, Option<Announcement>), AuditFailed> {
        let index = self.next_index;
        self.check(index, bytes).map_err(|source| AuditFailed { index, source })
    }

    fn check(&mut self, index: u64, bytes: &[u8]) -> Result<(Entry, Option<Announcement>), AuditFault> {
        let entry = Entry::decode(bytes)?;
        let head = self.head_before(&entry.iss)?;
        if entry.public.is_none() {
            self.check_standing(index, &entry.iss)?;
        }
        match head.relate(entry.seq, entry.prev, entry.digest) {
            Link::Next => {}
            link @ (Link::Again | Link::Past | Link::Gap | Link::WrongPrevious) => {
                let (iss, seq) = (entry.iss.clone(), entry.seq);
                return Err(BrokenChain { iss, seq, head: head.seq, link }.into());
            }
        }
        let announcement = self.announce(index, &entry)?;
        self.heads.insert(entry.iss.clone(), head.advance(entry.digest));
        self.next_index = index.saturating_add(1);
        Ok((entry, announcement))
    }

    /// Takes the public statement in an entry into the directory.
    fn announce(&mut self, index: u64, entry: &Entry) -> Result<Option<Announcement>, AuditFault> {
        let Some(jwt) = &entry.public else { return Ok(None) };
        let statement = Statement::parse(jwt)?;
        if Entry::of(&statement) != *entry {
            return Err(AuditFault::Content);
        }
        Ok(Some(self.directory.apply(index, &statement)?))
    }

    fn head_before(&self, iss: &Issuer) -> Result<Head, AuditFault> {
        if let Some(head) = self.heads.get(iss) {
            return Ok(*head);
        }
        match iss {
            Issuer::Hub(_) if iss == self.directory.hub() => Ok(Head::before_first(self.origin)),
            Issuer::Hub(_) => Err(AuditFault::NotAdmitted(iss.clone())),
            Issuer::Institution(code) => match self.directory.institution(code) {
                Some(institution) => Ok(Head::before_first(institution.admitted)),
                None => Err(AuditFault::NotAdmitted(iss.clone())),
            },
        }
    }

    /// Whether anybody could speak for `iss` at `index`; a public statement is verified under the key itself.
    fn check_standing(&self, index: u64, iss: &Issuer) -> Result<(), AuditFault> {
        let valid = match iss {
            Issuer::Hub(_) => self.directory.hub_keys().iter().any(|term| term.covers(index)),
            Issuer::Institution(code) => {
                let not_admitted = || AuditFault::NotAdmitted(iss.clone());
                let institution = self.directory.institution(code).ok_or_else(not_admitted)?;
                let (code, standing) = (*code, institution.standing);
                if standing != Standing::Active {
                    return Err(AuditFault::Standing { code, standing });
                }
                institution.statement_keys().any(|term| term.covers(index))
            }
        };
        valid.then_some(()).ok_or_else(|| AuditFault::NoKey(iss.clone()))
    }

    /// How many entries were taken.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.next_index
    }

    /// The directory as of the last entry taken.
    #[must_use]
    pub const fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The head of every chain, by issuer.
    #[must_use]
    pub const fn heads(&self) -> &BTreeMap<Issuer, Head> {
        &self.heads
    }
}

#[cfg(test)]
mod tests;
