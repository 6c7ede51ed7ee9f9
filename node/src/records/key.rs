//! The keys under which records and revisions are stored.

use safeharbor_core::digest::Digest;
use safeharbor_core::record::{KindId, RecordHandle};

use super::RecordsFailed;
use crate::tables::REVISIONS;

/// A natural key longer than this is stored by its digest; stores take keys of 1,024 bytes.
const KEY_BYTES_MAX: usize = 900;

/// Kind, 0, natural key. With an empty key it is the prefix of all of the kind.
pub(crate) fn identity_key(kind: &KindId, key: &str) -> Vec<u8> {
    let digest;
    let key = if key.len() > KEY_BYTES_MAX {
        // U+0001 cannot begin a natural key: importing trims control characters.
        digest = format!("\u{1}{}", Digest::of(key.as_bytes()));
        digest.as_str()
    } else {
        key
    };
    [kind.as_str().as_bytes(), &[0], key.as_bytes()].concat()
}

/// Handle and revision, so that a record's revisions are neighbours in order.
pub(crate) fn revision_key(rec: RecordHandle, rev: u32) -> Vec<u8> {
    [rec.as_bytes().as_slice(), &rev.to_be_bytes()].concat()
}

pub(crate) fn parse_revision_key(key: &[u8]) -> Result<(RecordHandle, u32), RecordsFailed> {
    let read = || {
        let (rec, rev) = key.split_first_chunk::<16>()?;
        Some((RecordHandle::from_bytes(*rec), u32::from_be_bytes(rev.try_into().ok()?)))
    };
    read().ok_or(RecordsFailed::Row { table: REVISIONS.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_of_a_record_sort_by_number() {
        let rec = RecordHandle::from_bytes([7; 16]);
        assert!(revision_key(rec, 255) < revision_key(rec, 256));
        assert_eq!(parse_revision_key(&revision_key(rec, 256)).unwrap(), (rec, 256));
        assert!(parse_revision_key(b"short").is_err());
    }

    #[test]
    fn a_long_natural_key_is_stored_by_its_digest() {
        let kind: KindId = "ACH".parse().unwrap();
        let long = "长".repeat(2_000);
        assert!(identity_key(&kind, &long).len() < 100);
        assert_ne!(identity_key(&kind, &long), identity_key(&kind, &format!("{long}长")));
        assert_eq!(identity_key(&kind, "A-1"), b"ACH\0A-1");
    }
}
