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

/// Decodes base64url of exactly 32 bytes, such as a digest, without touching the heap: a statement has dozens.
///
/// # Errors
/// As [`decode_url`], and for any other length.
pub fn decode_url_32(text: &str) -> Result<[u8; 32], DecodeFailed> {
    // 43 characters are at most 33 bytes to the decoder, before it has seen the last group.
    let mut buffer = [0; 36];
    if text.len() != 43 {
        return Err(DecodeFailed);
    }
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut buffer).or(Err(DecodeFailed))?;
    let bytes = buffer.get(..length).ok_or(DecodeFailed)?;
    bytes.try_into().or(Err(DecodeFailed))
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
        let digest = encode_url(&[7; 32]);
        assert_eq!(decode_url_32(&digest), Ok([7; 32]));
        for bad in [&encode_url(&[7; 31]), &encode_url(&[7; 33]), &digest.replace('w', "+"), ""] {
            assert_eq!(decode_url_32(bad), Err(DecodeFailed), "{bad}");
        }
        for bad in ["AR", "AQ==", "A Q", "A", "+/"] {
            assert_eq!(decode_url(bad), Err(DecodeFailed), "{bad}");
        }
        for bad in ["AR==", "AQ", "AQ=", "-_=="] {
            assert_eq!(decode_std(bad), Err(DecodeFailed), "{bad}");
        }
    }
}
