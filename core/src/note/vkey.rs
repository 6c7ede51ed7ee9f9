//! Verifier keys: who may sign a note, and with which algorithm.

use std::fmt;
use std::str::FromStr;

use super::{NoteFailed, SignatureLine, VerifyLineFailed, is_name};
use crate::b64;
use crate::cosignature;
use crate::digest::Digest;
use crate::key::{ParseKeyFailed, PublicKey};

/// The type byte of Ed25519 signatures over the text of a note.
const ED25519: u8 = 0x01;
/// The type byte of cosignature/v1.
const COSIGNATURE: u8 = 0x04;
/// The type byte of ML-DSA-44 cosignatures, and the length of their public keys.
const ML_DSA_44: u8 = 0x06;
const ML_DSA_44_KEY_BYTES: usize = 1312;

/// The first four bytes of a hash over name, type and key; together with the name it names one key.
pub type KeyId = [u8; 4];

/// A public key with the name and the signature type under which it signs notes
/// (C2SP signed-note, "verifier keys").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    key: NoteKey,
    id: KeyId,
}

/// What a verifier key verifies with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoteKey {
    /// Ed25519 over the text of the note (type 0x01).
    Ed25519(PublicKey),
    /// Ed25519 cosignature/v1 of a checkpoint (type 0x04).
    Cosignature(PublicKey),
    /// A key of a type that is kept and printed but verifies nothing: ML-DSA-44 (type 0x06).
    Unsupported {
        /// The type byte.
        kind: u8,
        /// The key without its type byte.
        bytes: Vec<u8>,
    },
}

/// A text that is no verifier key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseVerifierKeyFailed {
    /// Not three parts with `+` between them, the second of 8 hexadecimal digits, the third base64.
    #[error("a verifier key is <name>+<8 hex digits>+<base64>")]
    Form,
    /// A name that is empty or holds a space, a plus sign or a control character.
    #[error("{0:?} cannot be the name of a key")]
    Name(String),
    /// A signature type other than 0x01, 0x04 and 0x06.
    #[error("signature type {0:#04x} is unknown")]
    Type(u8),
    /// The Ed25519 key is refused.
    #[error("the public key is refused")]
    Key(#[source] ParseKeyFailed),
    /// The key has not the length of its type.
    #[error("a key of type {kind:#04x} does not have {found} bytes")]
    Length {
        /// The type byte.
        kind: u8,
        /// The length found.
        found: usize,
    },
    /// The key id is not that of name, type and key.
    #[error("the key id does not belong to this name and key")]
    Id,
}

impl VerifierKey {
    /// Names an Ed25519 key that signs notes (type 0x01).
    ///
    /// # Errors
    /// A name that cannot stand in a note.
    pub fn ed25519(name: &str, key: PublicKey) -> Result<Self, ParseVerifierKeyFailed> {
        Self::new(name, NoteKey::Ed25519(key))
    }

    /// Names an Ed25519 key that cosigns checkpoints (type 0x04).
    ///
    /// # Errors
    /// A name that cannot stand in a note.
    pub fn cosignature(name: &str, key: PublicKey) -> Result<Self, ParseVerifierKeyFailed> {
        Self::new(name, NoteKey::Cosignature(key))
    }

    fn new(name: &str, key: NoteKey) -> Result<Self, ParseVerifierKeyFailed> {
        if !is_name(name) {
            return Err(ParseVerifierKeyFailed::Name(name.to_owned()));
        }
        let id = key_id(name, &key.encode());
        Ok(Self { name: name.to_owned(), key, id })
    }

    /// The name that stands in signature lines.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key id that stands in signature lines.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The key itself.
    #[must_use]
    pub const fn key(&self) -> &NoteKey {
        &self.key
    }

    /// The Ed25519 key, whatever it signs; none for an unsupported type.
    #[must_use]
    pub const fn public_key(&self) -> Option<&PublicKey> {
        match &self.key {
            NoteKey::Ed25519(key) | NoteKey::Cosignature(key) => Some(key),
            NoteKey::Unsupported { .. } => None,
        }
    }

    /// The signature type byte.
    #[must_use]
    pub const fn type_byte(&self) -> u8 {
        self.key.type_byte()
    }

    /// Whether `line` claims to be made with this key.
    #[must_use]
    pub fn is_key_of(&self, line: &SignatureLine) -> bool {
        self.id == line.key_id() && self.name == line.name()
    }

    /// Verifies one signature over `text` and returns the time it states, where its type states one.
    pub(super) fn verify(&self, text: &str, line: &SignatureLine) -> Result<Option<u64>, NoteFailed> {
        let refused = |source| NoteFailed::Signature { name: self.name.clone(), source };
        match &self.key {
            NoteKey::Ed25519(key) => {
                let verified = key.verify(text.as_bytes(), line.signature());
                verified.map(|()| None).map_err(|cause| refused(VerifyLineFailed::Signature(cause)))
            }
            NoteKey::Cosignature(key) => {
                cosignature::verify_bytes(text, key, line.signature()).map(Some).map_err(refused)
            }
            NoteKey::Unsupported { .. } => Err(refused(VerifyLineFailed::Type)),
        }
    }
}

impl NoteKey {
    const fn type_byte(&self) -> u8 {
        match self {
            Self::Ed25519(_) => ED25519,
            Self::Cosignature(_) => COSIGNATURE,
            Self::Unsupported { kind, .. } => *kind,
        }
    }

    /// The type byte followed by the key.
    fn encode(&self) -> Vec<u8> {
        let bytes: &[u8] = match self {
            Self::Ed25519(key) | Self::Cosignature(key) => key.as_bytes(),
            Self::Unsupported { bytes, .. } => bytes,
        };
        [&[self.type_byte()], bytes].concat()
    }

    fn decode(bytes: &[u8]) -> Result<Self, ParseVerifierKeyFailed> {
        let (&kind, bytes) = bytes.split_first().ok_or(ParseVerifierKeyFailed::Form)?;
        let key = || PublicKey::from_bytes(bytes).map_err(ParseVerifierKeyFailed::Key);
        match kind {
            ED25519 => key().map(Self::Ed25519),
            COSIGNATURE => key().map(Self::Cosignature),
            ML_DSA_44 if bytes.len() == ML_DSA_44_KEY_BYTES => {
                Ok(Self::Unsupported { kind, bytes: bytes.to_vec() })
            }
            ML_DSA_44 => Err(ParseVerifierKeyFailed::Length { kind, found: bytes.len() }),
            _ => Err(ParseVerifierKeyFailed::Type(kind)),
        }
    }
}

/// SHA-256(name || 0x0A || type byte || key), first four bytes (C2SP signed-note, "Signatures").
fn key_id(name: &str, typed_key: &[u8]) -> KeyId {
    let hash = Digest::of_parts(&[name.as_bytes(), b"\n", typed_key]);
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

impl FromStr for VerifierKey {
    type Err = ParseVerifierKeyFailed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(ParseVerifierKeyFailed::Form);
        };
        let hex = id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = u32::from_str_radix(id, 16).ok().filter(|_| hex).ok_or(ParseVerifierKeyFailed::Form)?;
        let bytes = b64::decode_std(key).or(Err(ParseVerifierKeyFailed::Form))?;
        let parsed = Self::new(name, NoteKey::decode(&bytes)?)?;
        if id.to_be_bytes() == parsed.id { Ok(parsed) } else { Err(ParseVerifierKeyFailed::Id) }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = u32::from_be_bytes(self.id);
        write!(f, "{}+{id:08x}+{}", self.name, b64::encode_std(&self.key.encode()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example key of golang.org/x/mod/sumdb/note.
    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn a_published_key_round_trips() {
        let key: VerifierKey = PETER.parse().unwrap();
        assert_eq!((key.name(), key.id(), key.type_byte()), ("PeterNeumann", [0xc7, 0x4f, 0x20, 0xa3], 1));
        assert_eq!(key.to_string(), PETER);
        let public = *key.public_key().unwrap();
        assert_eq!(VerifierKey::ed25519("PeterNeumann", public), Ok(key.clone()));
        assert_ne!(VerifierKey::cosignature("PeterNeumann", public).unwrap().id(), key.id());
    }

    #[test]
    fn keys_of_a_later_type_are_kept() {
        let typed = [&[ML_DSA_44][..], &[7; ML_DSA_44_KEY_BYTES]].concat();
        let id = u32::from_be_bytes(key_id("w", &typed));
        let text = format!("w+{id:08x}+{}", b64::encode_std(&typed));
        let key: VerifierKey = text.parse().unwrap();
        assert_eq!((key.to_string(), key.public_key(), key.type_byte()), (text, None, 6));
    }

    fn check(text: &str, expected: &ParseVerifierKeyFailed) {
        assert_eq!(text.parse::<VerifierKey>().as_ref(), Err(expected), "{text}");
    }

    #[test]
    fn malformed_keys_are_refused() {
        use ParseVerifierKeyFailed as Failed;
        check("", &Failed::Form);
        check("PeterNeumann+c74f20a3", &Failed::Form);
        check(&PETER.replace("c74f20a3", "-74f20a3"), &Failed::Form);
        check(&PETER.replace("c74f20a3", "c74f20a"), &Failed::Form);
        check(&PETER.replace("c74f20a3", "c74f20a30"), &Failed::Form);
        check(&PETER.replace("c74f20a3", "c74f20a4"), &Failed::Id);
        check(&PETER.replace("Peter", "Paul"), &Failed::Id);
        check(&PETER.replace("Peter", "Peter "), &Failed::Name("Peter Neumann".into()));
        check(&PETER.replace("PeterNeumann", ""), &Failed::Name(String::new()));
        check("a+00000000+", &Failed::Form);
        check("a+00000000+AQ==", &Failed::Key(ParseKeyFailed::NotAKey));
        check("a+00000000+Ag==", &Failed::Type(2));
        check("a+00000000+BgA=", &Failed::Length { kind: 6, found: 1 });
    }
}
