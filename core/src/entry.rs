//! Registry entries (登记簿条目): who spoke and in what order, never about what.

use crate::digest::Digest;
use crate::institution::Issuer;
use crate::statement::Statement;

const VERSION: &str = "safeharbor/v1";

/// One entry of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Who spoke.
    pub iss: Issuer,
    /// The number in the issuer's chain.
    pub seq: u64,
    /// The digest of the issuer's statement before.
    pub prev: Digest,
    /// The digest of this statement.
    pub digest: Digest,
    /// The statement itself, for the hub's public statements only.
    pub public: Option<String>,
}

/// Bytes that are not a registry entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeEntryFailed {
    /// Not UTF-8, or a line is missing, malformed or not in its one canonical form.
    #[error("line {0} of the registry entry is missing or malformed")]
    Line(u8),
    /// The statement in a public entry is not the one whose digest it names.
    #[error("the public entry's digest is not that of its statement")]
    Digest,
}

impl Entry {
    /// The entry of a statement: sealed for an institution's, in full for the hub's public ones.
    #[must_use]
    pub fn of(statement: &Statement<'_>) -> Self {
        let envelope = &statement.envelope;
        Self {
            iss: envelope.iss.clone(),
            seq: envelope.seq,
            prev: envelope.prev,
            digest: statement.digest,
            public: envelope.vct.statement.is_public().then(|| statement.jwt.to_owned()),
        }
    }

    /// The bytes that are hashed into the tree.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self { iss, seq, prev, digest, public } = self;
        let mut text = format!("{VERSION}\n{iss}\n{seq}\n{prev}\n{digest}\n");
        if let Some(jwt) = public {
            text.push('\n');
            text.push_str(jwt);
        }
        text.into_bytes()
    }

    /// Reads an entry; every entry has exactly one form.
    ///
    /// # Errors
    /// Any of [`DecodeEntryFailed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeEntryFailed> {
        let text = std::str::from_utf8(bytes).or(Err(DecodeEntryFailed::Line(1)))?;
        let mut rest = text;
        let mut line = |number: u8| {
            let (line, after) = rest.split_once('\n').ok_or(DecodeEntryFailed::Line(number))?;
            rest = after;
            Ok(line)
        };
        if line(1)? != VERSION {
            return Err(DecodeEntryFailed::Line(1));
        }
        let entry = Self {
            iss: line(2)?.parse().or(Err(DecodeEntryFailed::Line(2)))?,
            seq: line(3)?.parse().or(Err(DecodeEntryFailed::Line(3)))?,
            prev: line(4)?.parse().or(Err(DecodeEntryFailed::Line(4)))?,
            digest: line(5)?.parse().or(Err(DecodeEntryFailed::Line(5)))?,
            public: rest.strip_prefix('\n').map(str::to_owned),
        };
        if let Some(jwt) = &entry.public
            && crate::statement::statement_digest(jwt) != entry.digest
        {
            return Err(DecodeEntryFailed::Digest);
        }
        // A sign, leading zeros and trailing bytes all print differently from how they were read.
        if entry.seq == 0 || entry.encode() != bytes {
            return Err(DecodeEntryFailed::Line(3));
        }
        Ok(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> Entry {
        Entry {
            iss: "urn:uscc:12100000400002259P".parse().unwrap(),
            seq: 7,
            prev: Digest::of(b"6"),
            digest: Digest::of(b"7"),
            public: None,
        }
    }

    #[test]
    fn an_entry_has_one_form() {
        let bytes = sealed().encode();
        assert_eq!(Entry::decode(&bytes), Ok(sealed()));
        let text = String::from_utf8(bytes.clone()).unwrap();
        for bad in [
            text.replace("\n7\n", "\n07\n"),
            text.replace("\n7\n", "\n+7\n"),
            text.replace("\n7\n", "\n0\n"),
            text.replace("v1", "v2"),
            format!("{text}x"),
            format!("{text}\njwt"),
            text.trim_end().to_owned(),
        ] {
            assert!(Entry::decode(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_public_entry_holds_the_statement_its_digest_names() {
        let jwt = "a.b.c".to_owned();
        let entry = Entry { digest: crate::statement::statement_digest(&jwt), public: Some(jwt), ..sealed() };
        assert_eq!(Entry::decode(&entry.encode()), Ok(entry.clone()));
        let other = Entry { digest: Digest::of(b"other"), ..entry };
        assert_eq!(Entry::decode(&other.encode()), Err(DecodeEntryFailed::Digest));
    }
}
