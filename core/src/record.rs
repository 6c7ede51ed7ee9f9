//! Handles of records and names of kinds, as they stand in statements.

use std::fmt;
use std::str::FromStr;

use crate::b64;

/// 128 random bits that stand for one record in all its statements; base64url, 22 characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordHandle([u8; 16]);

/// A text that is not a record handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a record handle is 16 bytes in base64url (22 characters)")]
pub struct ParseHandleFailed;

impl RecordHandle {
    /// Takes 16 random bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl FromStr for RecordHandle {
    type Err = ParseHandleFailed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = b64::decode_url(text).or(Err(ParseHandleFailed))?;
        bytes.try_into().map(Self).or(Err(ParseHandleFailed))
    }
}

impl fmt::Display for RecordHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&b64::encode_url(&self.0))
    }
}

impl fmt::Debug for RecordHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The id of a kind (记录类别) or of another subject of statements: 2 to 8 capitals.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KindId(String);

/// A text that is not a kind's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a kind's id is 2 to 8 capital letters, this is {0:?}")]
pub struct ParseKindFailed(pub String);

impl KindId {
    /// The capitals.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KindId {
    type Err = ParseKindFailed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let well_formed = (2..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase());
        if well_formed {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseKindFailed(text.chars().take(40).collect()))
        }
    }
}

impl fmt::Display for KindId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KindId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_forms_are_accepted() {
        let handle = RecordHandle::from_bytes([5; 16]);
        assert_eq!(handle.to_string().parse(), Ok(handle));
        assert_eq!(handle.to_string().len(), 22);
        assert!("ACH".parse::<KindId>().is_ok());
        for bad in ["", "A", "ach", "ACHIEVEMENT", "A1", "中文"] {
            assert!(bad.parse::<KindId>().is_err(), "{bad}");
        }
    }
}
