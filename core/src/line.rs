//! The fields that lines of notes, proofs and policies are made of: decimals and hashes.

use crate::b64;
use crate::digest::Digest;

/// Parses an ASCII decimal without sign and without leading zeros.
pub(crate) fn parse_decimal(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if canonical && digits { text.parse().ok() } else { None }
}

/// Parses a hash in padded standard base64.
pub(crate) fn parse_hash(text: &str) -> Option<Digest> {
    Digest::try_from(b64::decode_std(text).ok()?.as_slice()).ok()
}

/// Prints a hash in padded standard base64.
pub(crate) fn print_hash(hash: &Digest) -> String {
    b64::encode_std(hash.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_for_one_number() {
        assert_eq!(parse_decimal("0"), Some(0));
        assert_eq!(parse_decimal("18446744073709551615"), Some(u64::MAX));
        for bad in ["", "00", "01", "+1", "-1", " 1", "1 ", "1_0", "18446744073709551616", "１"] {
            assert_eq!(parse_decimal(bad), None, "{bad}");
        }
    }

    #[test]
    fn hashes_have_32_bytes() {
        let hash = Digest::of(b"");
        assert_eq!(print_hash(&hash), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        assert_eq!(parse_hash(&print_hash(&hash)), Some(hash));
        assert_eq!(parse_hash("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"), None);
        assert_eq!(parse_hash("AQ=="), None);
    }
}
