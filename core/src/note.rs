//! Signed notes (C2SP signed-note): a text and the lines under it that sign it.

mod vkey;

use std::fmt;
use std::str::FromStr;

pub use vkey::{KeyId, NoteKey, ParseVerifierKeyFailed, VerifierKey};

use crate::b64;
use crate::key::{SignFailed, Signer, VerifySignatureFailed};

/// The most bytes a note may have.
pub const NOTE_BYTES_MAX: usize = 1 << 20;
/// The most signature lines a note may have.
pub const SIGNATURE_LINES_MAX: usize = 100;

/// How a signature line begins: U+2014 and a space.
const DASH: &str = "— ";

/// A text with its signature lines, none of them verified yet.
///
/// Printing gives back exactly the bytes that were parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<SignatureLine>,
}

/// One signature line: name, key id and signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureLine {
    name: String,
    key_id: KeyId,
    signature: Vec<u8>,
}

/// A signature that verified, and with which of the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedSignature<'k> {
    /// The key it verifies with.
    pub key: &'k VerifierKey,
    /// The time a cosignature states, in POSIX seconds; none for plain signatures.
    pub time: Option<u64>,
}

/// A note that cannot be read, signed or believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteFailed {
    /// More bytes than [`NOTE_BYTES_MAX`].
    #[error("a note of {0} bytes is too long")]
    TooLong(usize),
    /// Not UTF-8, or a control character other than the newline.
    #[error("a note is UTF-8 without control characters")]
    Characters,
    /// No text ending in a newline, or no blank line before the signatures.
    #[error("a note is a text ending in a newline, a blank line and signature lines")]
    Form,
    /// A line under the blank line that is no signature line.
    #[error("signature line {0} is malformed")]
    Line(usize),
    /// More signature lines than [`SIGNATURE_LINES_MAX`].
    #[error("a note with more than {SIGNATURE_LINES_MAX} signature lines is refused")]
    TooManyLines,
    /// The name of the signer cannot stand in a signature line.
    #[error("{0:?} cannot be the name of a key")]
    Name(String),
    /// A signature under a known name and key id that does not verify.
    #[error("the signature of {name:?} is refused")]
    Signature {
        /// The name of the key.
        name: String,
        /// Why it is refused.
        #[source]
        source: VerifyLineFailed,
    },
    /// No signature is by a known key.
    #[error("no signature is by a known key")]
    NoneKnown,
    /// The signing device refused.
    #[error("the note could not be signed")]
    Sign(#[source] SignFailed),
}

/// A signature line that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyLineFailed {
    /// Not 8 bytes of time and 64 of signature.
    #[error("a cosignature has 72 bytes, not {0}")]
    Length(usize),
    /// A time beyond [`crate::cosignature::TIME_MAX`].
    #[error("the time {0} of the cosignature is out of range")]
    Time(u64),
    /// The key does not cosign.
    #[error("the key is of another type")]
    Type,
    /// The line names another key.
    #[error("the line is by another key")]
    OtherKey,
    /// The signature does not verify.
    #[error(transparent)]
    Signature(VerifySignatureFailed),
}

/// Whether `name` may name a key: not empty, without Unicode space, `+` and control characters.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let refused = |c: char| c.is_whitespace() || c == '+' || c < ' ';
    !name.is_empty() && !name.chars().any(refused)
}

/// Whether `text` may be signed: it ends in a newline and holds no other control character.
fn is_text(text: &str) -> bool {
    text.ends_with('\n') && !text.chars().any(|c| c < ' ' && c != '\n')
}

impl SignedNote {
    /// Reads a note; no signature is verified yet.
    ///
    /// # Errors
    /// Anything but the format, more than [`NOTE_BYTES_MAX`] bytes or [`SIGNATURE_LINES_MAX`] signature lines.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteFailed> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(NoteFailed::TooLong(bytes.len()));
        }
        let note = std::str::from_utf8(bytes).or(Err(NoteFailed::Characters))?;
        if note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(NoteFailed::Characters);
        }
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteFailed::Form)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteFailed::Form)?;
        let mut signatures = Vec::new();
        for (at, line) in (1..).zip(lines.split('\n')) {
            if at > SIGNATURE_LINES_MAX {
                return Err(NoteFailed::TooManyLines);
            }
            signatures.push(SignatureLine::parse(line).ok_or(NoteFailed::Line(at))?);
        }
        Ok(Self { text: format!("{text}\n"), signatures })
    }

    /// The signed text with its last newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines in their order.
    #[must_use]
    pub fn signatures(&self) -> &[SignatureLine] {
        &self.signatures
    }

    /// Verifies every signature made with one of `keys` and returns them in the order of the lines.
    ///
    /// Lines under other names or key ids are ignored, and so are those of keys whose type is unsupported.
    ///
    /// # Errors
    /// A known signature that does not verify, or none that is known (C2SP signed-note, "Signatures").
    pub fn verify<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k VerifierKey>,
    ) -> Result<Vec<VerifiedSignature<'k>>, NoteFailed> {
        let supported = |key: &&VerifierKey| key.public_key().is_some();
        let keys: Vec<&VerifierKey> = keys.into_iter().filter(supported).collect();
        let mut verified = Vec::new();
        for line in &self.signatures {
            for key in keys.iter().filter(|key| key.is_key_of(line)) {
                verified.push(VerifiedSignature { key, time: key.verify(&self.text, line)? });
            }
        }
        if verified.is_empty() { Err(NoteFailed::NoneKnown) } else { Ok(verified) }
    }

    /// The note with the lines of `keys` alone; nothing is verified here.
    #[must_use]
    pub fn signed_by(&self, keys: &[&VerifierKey]) -> Self {
        let of_keys = |line: &&SignatureLine| keys.iter().any(|key| key.is_key_of(line));
        let signatures = self.signatures.iter().filter(of_keys).cloned().collect();
        Self { text: self.text.clone(), signatures }
    }

    /// Appends a signature line.
    ///
    /// # Errors
    /// The note would have more than [`SIGNATURE_LINES_MAX`] signature lines.
    pub fn append(&mut self, line: SignatureLine) -> Result<(), NoteFailed> {
        if self.signatures.len() >= SIGNATURE_LINES_MAX {
            return Err(NoteFailed::TooManyLines);
        }
        self.signatures.push(line);
        Ok(())
    }
}

impl SignatureLine {
    /// Puts a line together from a key's name and id and the bytes of a signature.
    #[must_use]
    pub fn new(key: &VerifierKey, signature: Vec<u8>) -> Self {
        Self { name: key.name().to_owned(), key_id: key.id(), signature }
    }

    fn parse(line: &str) -> Option<Self> {
        let (name, base64) = line.strip_prefix(DASH)?.split_once(' ')?;
        let bytes = b64::decode_std(base64).ok()?;
        let (key_id, signature) = bytes.split_first_chunk()?;
        if !is_name(name) || signature.is_empty() {
            return None;
        }
        Some(Self { name: name.to_owned(), key_id: *key_id, signature: signature.to_vec() })
    }

    /// The name of the key.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key id.
    #[must_use]
    pub const fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The bytes after the key id.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

/// A text that is no signature line ending in a newline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a signature line")]
pub struct ParseLineFailed;

impl FromStr for SignatureLine {
    type Err = ParseLineFailed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_suffix('\n').and_then(Self::parse).ok_or(ParseLineFailed)
    }
}

/// Prints the line with its newline.
impl fmt::Display for SignatureLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.key_id, self.signature.as_slice()].concat();
        writeln!(f, "{DASH}{} {}", self.name, b64::encode_std(&bytes))
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| line.fmt(f))
    }
}

/// Signs `text` as `name` with Ed25519 (type 0x01); the signature covers the last newline, not the blank line.
///
/// # Errors
/// A text or name that cannot stand in a note, or a signing device that refuses.
pub fn sign_note(text: &str, name: &str, signer: &dyn Signer) -> Result<SignedNote, NoteFailed> {
    if !is_text(text) {
        return Err(NoteFailed::Form);
    }
    let key = VerifierKey::ed25519(name, signer.public_key());
    let key = key.map_err(|_name| NoteFailed::Name(name.to_owned()))?;
    let signature = signer.sign(text.as_bytes()).map_err(NoteFailed::Sign)?;
    let line = SignatureLine::new(&key, signature.to_vec());
    Ok(SignedNote { text: text.to_owned(), signatures: vec![line] })
}

#[cfg(test)]
mod tests;
