//! Entry bundles: up to 256 entries, each behind its length in two bytes (C2SP tlog-tiles, "Log entries").

use super::TILE_WIDTH;

/// The most bytes an entry may have, because its length is written in 16 bits.
pub const ENTRY_BYTES_MAX: usize = 65_535;

/// Bytes or entries that make no bundle of the width asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BundleFailed {
    /// An entry of more than [`ENTRY_BYTES_MAX`] bytes.
    #[error("entry {at} of the bundle has {bytes} bytes, the most is {ENTRY_BYTES_MAX}")]
    EntryTooLong {
        /// The place of the entry in the bundle.
        at: usize,
        /// Its length.
        bytes: usize,
    },
    /// No entry at all, or more than 256.
    #[error("a bundle has 1 to {TILE_WIDTH} entries, not {0}")]
    Width(usize),
    /// The bytes end within an entry, or before the last one.
    #[error("the bundle is cut off in entry {0}")]
    CutOff(u16),
    /// There are bytes after the last entry.
    #[error("{0} bytes follow the last entry of the bundle")]
    Trailing(usize),
}

/// Writes entries as a bundle.
///
/// # Errors
/// No entries, more than 256, or one of more than [`ENTRY_BYTES_MAX`] bytes.
pub fn encode_bundle<E: AsRef<[u8]>>(entries: &[E]) -> Result<Vec<u8>, BundleFailed> {
    if !(1..=usize::from(TILE_WIDTH)).contains(&entries.len()) {
        return Err(BundleFailed::Width(entries.len()));
    }
    let mut bytes = Vec::new();
    for (at, entry) in entries.iter().map(AsRef::as_ref).enumerate() {
        let too_long = BundleFailed::EntryTooLong { at, bytes: entry.len() };
        let length = u16::try_from(entry.len()).or(Err(too_long))?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Ok(bytes)
}

/// Reads the `width` entries of a bundle.
///
/// # Errors
/// Fewer or more bytes than these entries take.
pub fn decode_bundle(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, BundleFailed> {
    if !(1..=TILE_WIDTH).contains(&width) {
        return Err(BundleFailed::Width(usize::from(width)));
    }
    let mut rest = bytes;
    let mut entries = Vec::new();
    for at in 0..width {
        let (entry, after) = split_entry(rest).ok_or(BundleFailed::CutOff(at))?;
        entries.push(entry);
        rest = after;
    }
    if rest.is_empty() { Ok(entries) } else { Err(BundleFailed::Trailing(rest.len())) }
}

fn split_entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundles_round_trip() {
        let bytes = encode_bundle(&["one", "", "three"]).unwrap();
        assert_eq!(bytes, b"\0\x03one\0\0\0\x05three");
        assert_eq!(decode_bundle(&bytes, 3).unwrap(), [&b"one"[..], b"", b"three"]);
    }

    #[test]
    fn entries_may_have_65535_bytes_and_no_more() {
        let entry = vec![7; ENTRY_BYTES_MAX + 1];
        let most = encode_bundle(&[&entry[1..]]).unwrap();
        assert_eq!(decode_bundle(&most, 1).unwrap(), [&entry[1..]]);
        let refused = BundleFailed::EntryTooLong { at: 1, bytes: ENTRY_BYTES_MAX + 1 };
        assert_eq!(encode_bundle(&[b"", entry.as_slice()]), Err(refused));
    }

    #[test]
    fn other_widths_are_refused() {
        let bytes = b"\0\x03one\0\0";
        assert_eq!(decode_bundle(bytes, 1), Err(BundleFailed::Trailing(2)));
        assert_eq!(decode_bundle(bytes, 3), Err(BundleFailed::CutOff(2)));
        assert_eq!(decode_bundle(&bytes[..4], 1), Err(BundleFailed::CutOff(0)));
        assert_eq!(decode_bundle(b"", 0), Err(BundleFailed::Width(0)));
        assert_eq!(decode_bundle(b"", 257), Err(BundleFailed::Width(257)));
        assert_eq!(encode_bundle::<&[u8]>(&[]), Err(BundleFailed::Width(0)));
        assert_eq!(encode_bundle(&[b""; 257]), Err(BundleFailed::Width(257)));
    }
}
