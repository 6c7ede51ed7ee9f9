//! Institution codes (统一社会信用代码, GB 32100-2015) and issuers.

use std::fmt;
use std::str::FromStr;

/// The 31 characters of GB 32100-2015, in the order of their values; I, O, S, V and Z are not used.
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// An 18-character unified social credit code (统一社会信用代码) with a valid check character.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstitutionCode([u8; 18]);

/// A text that is not an institution code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseCodeFailed {
    /// The text does not have 18 characters.
    #[error("an institution code has 18 characters, this has {0}")]
    Length(usize),
    /// A character outside the alphabet of GB 32100.
    #[error(
        "character {0:?} does not occur in institution codes (digits and capitals without I, O, S, V, Z)"
    )]
    Character(char),
    /// The last character does not match the 17 before it.
    #[error("the check character should be {expected:?}, not {found:?}")]
    Check {
        /// What the 17 characters call for.
        expected: char,
        /// What stands there.
        found: char,
    },
}

impl InstitutionCode {
    /// Completes 17 characters with their check character (GB 32100-2015 section 5.2: weights 3^i mod 31).
    ///
    /// # Errors
    /// A length other than 17 (reported as that plus one) or a foreign character.
    pub fn complete(first_17: &str) -> Result<Self, ParseCodeFailed> {
        let found = first_17.chars().count().saturating_add(1);
        let bytes: [u8; 17] = first_17.as_bytes().try_into().or(Err(ParseCodeFailed::Length(found)))?;
        let check = check_character(&bytes)?;
        let mut code = [check; 18];
        for (slot, byte) in code.iter_mut().zip(bytes) {
            *slot = byte;
        }
        Ok(Self(code))
    }

    /// The 18 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII characters of `ALPHABET` are ever stored.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn check_character(first_17: &[u8; 17]) -> Result<u8, ParseCodeFailed> {
    let mut weight = 1_usize;
    let mut sum = 0_usize;
    for &byte in first_17 {
        let value =
            ALPHABET.iter().position(|&c| c == byte).ok_or(ParseCodeFailed::Character(char::from(byte)))?;
        sum = sum.wrapping_add(value.wrapping_mul(weight));
        weight = weight.wrapping_mul(3) % 31;
    }
    let index = 31_usize.wrapping_sub(sum % 31) % 31;
    Ok(ALPHABET.get(index).copied().unwrap_or(b'0'))
}

impl FromStr for InstitutionCode {
    type Err = ParseCodeFailed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes: [u8; 18] =
            text.as_bytes().try_into().or(Err(ParseCodeFailed::Length(text.chars().count())))?;
        let [first @ .., found] = bytes;
        let expected = check_character(&first)?;
        if !ALPHABET.contains(&found) {
            return Err(ParseCodeFailed::Character(char::from(found)));
        }
        if expected != found {
            return Err(ParseCodeFailed::Check { expected: expected.into(), found: found.into() });
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for InstitutionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for InstitutionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for InstitutionCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for InstitutionCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Who a statement speaks for: the `iss` claim and the second line of a registry entry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Issuer {
    /// `urn:uscc:<18 characters>`.
    Institution(InstitutionCode),
    /// `https://<hub>`: the host name, lower case, without scheme.
    Hub(String),
}

/// A text that names no issuer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseIssuerFailed {
    /// Neither `urn:uscc:` nor `https://`.
    #[error("an issuer is urn:uscc:<code> or https://<hub>")]
    Scheme,
    /// The code behind `urn:uscc:` is not one.
    #[error("the issuer's institution code is refused")]
    Code(#[source] ParseCodeFailed),
    /// The host name behind `https://` is not one.
    #[error("the hub's host name may hold lower-case letters, digits, '.', '-' and ':' and a path of these")]
    Host,
}

impl FromStr for Issuer {
    type Err = ParseIssuerFailed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(code) = text.strip_prefix("urn:uscc:") {
            return code.parse().map(Self::Institution).map_err(ParseIssuerFailed::Code);
        }
        let host = text.strip_prefix("https://").ok_or(ParseIssuerFailed::Scheme)?;
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-:/".contains(c);
        if host.is_empty() || host.len() > 253 || !host.chars().all(allowed) {
            return Err(ParseIssuerFailed::Host);
        }
        Ok(Self::Hub(host.to_owned()))
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Institution(code) => write!(f, "urn:uscc:{code}"),
            Self::Hub(host) => write!(f, "https://{host}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_codes_are_accepted() {
        // Peking University and Tsinghua University, as printed on their own sites.
        for code in ["12100000400002259P", "12100000400000624D"] {
            assert_eq!(code.parse::<InstitutionCode>().map(|c| c.to_string()).as_deref(), Ok(code));
        }
    }

    #[test]
    fn a_wrong_check_character_is_named() {
        let refused = "12100000400002259A".parse::<InstitutionCode>();
        assert_eq!(refused, Err(ParseCodeFailed::Check { expected: 'P', found: 'A' }));
        assert_eq!("12".parse::<InstitutionCode>(), Err(ParseCodeFailed::Length(2)));
        assert_eq!("1210000040000225OP".parse::<InstitutionCode>(), Err(ParseCodeFailed::Character('O')));
    }

    #[test]
    fn complete_finds_the_check_character() {
        assert_eq!(InstitutionCode::complete("12100000400002259").unwrap().as_str(), "12100000400002259P");
        assert_eq!(InstitutionCode::complete("1"), Err(ParseCodeFailed::Length(2)));
    }

    #[test]
    fn issuers_round_trip() {
        for text in ["urn:uscc:12100000400002259P", "https://hub.example.org"] {
            assert_eq!(text.parse::<Issuer>().unwrap().to_string(), text);
        }
        for bad in ["http://hub", "https://", "https://UPPER", "urn:uscc:1", "https://a b"] {
            assert!(bad.parse::<Issuer>().is_err(), "{bad}");
        }
    }
}
