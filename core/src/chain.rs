//! Chains (声明链): an issuer's statements, numbered and linked.

use crate::digest::Digest;
use crate::institution::Issuer;

/// The last statement of a chain that is known: where the next one links to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The number of the last statement; 0 before the first.
    pub seq: u64,
    /// Its digest; before the first, what the first one's `prev` must be.
    pub digest: Digest,
}

/// How a statement relates to the head of its chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It is the next one.
    Next,
    /// It is the head itself, sent again.
    Again,
    /// Its number is at or below the head's; whether it is the same statement must be looked up.
    Past,
    /// Its number is beyond the next one.
    Gap,
    /// It has the next number but links to another statement than the head.
    WrongPrevious,
}

impl Head {
    /// The head before the first statement; `origin` is what the first `prev` must be: the digest of the
    /// admitting statement for an institution, for the hub the SHA-256 of the registry's origin.
    #[must_use]
    pub const fn before_first(origin: Digest) -> Self {
        Self { seq: 0, digest: origin }
    }

    /// The number the next statement must have.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.seq.saturating_add(1)
    }

    /// Relates a statement to this head.
    #[must_use]
    pub fn relate(&self, seq: u64, prev: Digest, digest: Digest) -> Link {
        match seq.checked_sub(self.seq) {
            None => Link::Past,
            Some(0) if self.digest == digest => Link::Again,
            Some(0) => Link::Past,
            Some(1) if prev == self.digest => Link::Next,
            Some(1) => Link::WrongPrevious,
            Some(_) => Link::Gap,
        }
    }

    /// The head after the statement `digest`.
    #[must_use]
    pub const fn advance(&self, digest: Digest) -> Self {
        Self { seq: self.next_seq(), digest }
    }
}

/// An entry that does not continue its issuer's chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{iss}: statement {seq} does not follow statement {head} of its chain ({link:?})")]
pub struct BrokenChain {
    /// Whose chain.
    pub iss: Issuer,
    /// The number the entry has.
    pub seq: u64,
    /// The number of the chain's head.
    pub head: u64,
    /// What is wrong.
    pub link: Link,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_next_statement_links() {
        let digest = |n: u8| Digest::of(&[n]);
        let head = Head { seq: 5, digest: digest(5) };
        let check = |seq, prev, own, link| assert_eq!(head.relate(seq, digest(prev), digest(own)), link);
        check(6, 5, 6, Link::Next);
        check(6, 4, 6, Link::WrongPrevious);
        check(7, 6, 7, Link::Gap);
        check(5, 4, 5, Link::Again);
        check(5, 4, 9, Link::Past);
        check(4, 3, 4, Link::Past);
        assert_eq!(head.advance(digest(6)), Head { seq: 6, digest: digest(6) });
    }
}
