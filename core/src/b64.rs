//! The two base64 alphabets of the formats, each strict: one text for one byte string.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// A text that is not the one canonical encoding of any byte string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not canonical base64")]
pub struct DecodeFailed;

/// Encodes as base64url without padding (RFC 4648 section 5), the alphabet of JOSE.
#[must_use]
pub fn encode_url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes base64url without padding.
///
/// # Errors
/// Refuses padding, foreign characters and non-zero trailing bits.
pub fn decode_url(text: &str) -> Result<Vec<u8>, DecodeFailed> {
    URL_SAFE_NO_PAD.decode(text).or(Err(DecodeFailed))
}

/// Encodes as padded standard base64 (RFC 4648 section 4), the alphabet of signed notes.
#[must_use]
pub fn encode_std(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Decodes padded standard base64.
///
/// # Errors
/// Refuses missing padding, foreign characters and non-zero trailing bits.
pub fn decode_std(text: &str) -> Result<Vec<u8>, DecodeFailed> {
    STANDARD.decode(text).or(Err(DecodeFailed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_for_one_byte_string() {
        assert_eq!(decode_url("AQ").unwrap(), [1]);
        assert_eq!(decode_std("AQ==").unwrap(), [1]);
        for bad in ["AR", "AQ==", "A Q", "A", "+/"] {
            assert_eq!(decode_url(bad), Err(DecodeFailed), "{bad}");
        }
        for bad in ["AR==", "AQ", "AQ=", "-_=="] {
            assert_eq!(decode_std(bad), Err(DecodeFailed), "{bad}");
        }
    }
}
