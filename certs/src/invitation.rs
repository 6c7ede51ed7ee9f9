//! Invitations: one short token with everything a node needs to reach the right hub and be let in once.
//!
//! `SHG1-` and base64url of: expiry (u32, seconds since 1970 UTC), 16 secret bytes, the first 16 bytes of the SHA-256 of the
//! authority's certificate, the address (`host:port`, one length byte before it), 4 bytes of SHA-256 over all of that.

use std::fmt;

use safeharbor_core::b64;
use safeharbor_core::digest::Digest;
use zeroize::Zeroizing;

const PREFIX: &str = "SHG1-";
const SECRET_BYTES: usize = 16;
/// Bytes that an invitation keeps of an authority's fingerprint.
pub const PIN_BYTES: usize = 16;
const CHECK_BYTES: usize = 4;
/// Longer than any token we make.
const TOKEN_CHARACTERS_MAX: usize = 512;

/// Names an invitation without giving its secret away: the SHA-256 of the secret.
#[must_use]
pub fn id_of(secret: &[u8]) -> Digest {
    Digest::of(secret)
}

/// One invitation, as the token carries it. Its `Debug` withholds the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Invitation {
    /// 128 random bits, known to the hub by their hash alone.
    pub secret: Zeroizing<[u8; SECRET_BYTES]>,
    /// The hub's address, `host:port`.
    pub address: String,
    /// Until when it can be taken up, in seconds since 1970 UTC.
    pub expires_s: u32,
    /// The first half of the SHA-256 of the authority's certificate (DER): who finds another one with it needs 2^128 attempts.
    pub authority: [u8; PIN_BYTES],
}

/// A text that is no invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseInvitationFailed {
    /// It does not begin as tokens do.
    #[error("an invitation begins with SHG1-")]
    Prefix,
    /// A character is missing, changed or added.
    #[error(
        "the invitation is damaged: a character is missing, changed or added; copy the whole token again"
    )]
    Damaged,
}

impl Invitation {
    /// The token; handle it like a password until it is taken up.
    #[must_use]
    pub fn to_token(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(128));
        bytes.extend_from_slice(&self.expires_s.to_be_bytes());
        bytes.extend_from_slice(self.secret.as_slice());
        bytes.extend_from_slice(&self.authority);
        bytes.push(u8::try_from(self.address.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(self.address.as_bytes());
        let check = Digest::of(&bytes);
        bytes.extend_from_slice(check.as_bytes().first_chunk::<CHECK_BYTES>().map_or(&[], |check| check));
        let encoded = Zeroizing::new(b64::encode_url(&bytes));
        Zeroizing::new(format!("{PREFIX}{}", *encoded))
    }

    /// Reads a token; white space around and inside it, which mail programs add, is let pass.
    ///
    /// # Errors
    /// It is no token, or not as it was made.
    pub fn parse(text: &str) -> Result<Self, ParseInvitationFailed> {
        let text: Zeroizing<String> = Zeroizing::new(text.chars().filter(|c| !c.is_whitespace()).collect());
        let encoded = text.strip_prefix(PREFIX).ok_or(ParseInvitationFailed::Prefix)?;
        if text.len() > TOKEN_CHARACTERS_MAX {
            return Err(ParseInvitationFailed::Damaged);
        }
        let bytes = Zeroizing::new(b64::decode_url(encoded).or(Err(ParseInvitationFailed::Damaged))?);
        Self::read(&bytes).ok_or(ParseInvitationFailed::Damaged)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (content, check) = bytes.split_last_chunk::<CHECK_BYTES>()?;
        if Digest::of(content).as_bytes().first_chunk() != Some(check) {
            return None;
        }
        let (expires, rest) = content.split_first_chunk::<4>()?;
        let (secret, rest) = rest.split_first_chunk::<SECRET_BYTES>()?;
        let (authority, rest) = rest.split_first_chunk::<PIN_BYTES>()?;
        let (length, address) = rest.split_first()?;
        let address = std::str::from_utf8(address).ok()?;
        let well_formed = address.len() == usize::from(*length)
            && address
                .rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
            && !address.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/');
        well_formed.then(|| Self {
            secret: Zeroizing::new(*secret),
            address: address.to_owned(),
            expires_s: u32::from_be_bytes(*expires),
            authority: *authority,
        })
    }

    /// Names the invitation without giving its secret away.
    #[must_use]
    pub fn id(&self) -> Digest {
        id_of(self.secret.as_slice())
    }
}

/// What an invitation keeps of an authority's fingerprint.
#[must_use]
pub fn pin_of(fingerprint: &Digest) -> [u8; PIN_BYTES] {
    fingerprint.as_bytes().first_chunk().copied().unwrap_or_default()
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invitation({} of {}, secret withheld)", self.id(), self.address)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn invitation() -> Invitation {
        Invitation {
            secret: Zeroizing::new([7; 16]),
            address: "hub.haidian.example:7443".to_owned(),
            expires_s: 1_800_000_000,
            authority: [9; 16],
        }
    }

    #[test]
    fn a_token_is_read_as_it_was_made_also_wrapped_by_a_mail_program() {
        let token = invitation().to_token();
        assert_eq!(Invitation::parse(&token), Ok(invitation()));
        let (head, tail) = token.split_at(40);
        assert_eq!(Invitation::parse(&format!("  {head}\r\n {tail}\n")), Ok(invitation()));
        assert!(token.len() < 100, "{} characters", token.len());
    }

    #[test]
    fn every_changed_or_missing_character_is_noticed() {
        let token = invitation().to_token();
        for at in PREFIX.len()..token.len() {
            let mut changed: Vec<char> = token.chars().collect();
            changed[at] = if changed[at] == 'A' { 'B' } else { 'A' };
            let changed: String = changed.into_iter().collect();
            assert_ne!(Invitation::parse(&changed), Ok(invitation()), "{at}");
            assert!(Invitation::parse(&token[..at]).is_err(), "{at}");
        }
        assert_eq!(Invitation::parse("hello"), Err(ParseInvitationFailed::Prefix));
    }

    #[test]
    fn the_secret_is_never_printed() {
        let shown = format!("{:?}", invitation());
        assert!(!shown.contains("7, 7") && !shown.contains("BwcH"), "{shown}");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}", bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            Invitation::parse(&text).ok();
            Invitation::parse(&format!("SHG1-{}", b64::encode_url(&bytes))).ok();
        }
    }
}
