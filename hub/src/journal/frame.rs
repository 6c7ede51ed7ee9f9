//! One frame: a statement as logged, its verdict, and its revealed disclosures under a key of their own.
//!
//! Bytes: body length u32 LE · CRC-32 u32 LE over the length and the body · key slot 32 bytes · body.
//! The slot is outside the checksum, so that overwriting it leaves a sound frame.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use safeharbor_core::code::Code;
use safeharbor_core::statement::{STATEMENT_BYTES_MAX, SUBMISSION_BYTES_MAX};

/// Bytes before the body.
pub(super) const HEADER_BYTES: usize = 40;
/// Where the key slot begins in a frame.
pub(super) const KEY_OFFSET: u64 = 8;
/// The most bytes a body may have: a statement, its disclosures and what is put around them.
pub(super) const BODY_BYTES_MAX: usize = STATEMENT_BYTES_MAX + SUBMISSION_BYTES_MAX + 1024;

/// The key of one frame's disclosures; all zeros once erased, or where nothing was revealed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FrameKey([u8; 32]);

impl FrameKey {
    /// No key: nothing can be opened.
    pub const NONE: Self = Self([0; 32]);

    /// Takes 32 random bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether the slot is empty.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }
}

impl std::fmt::Debug for FrameKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_none() { "FrameKey(none)" } else { "FrameKey(withheld)" })
    }
}

/// One logged statement as it stands in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its index in the registry.
    pub index: u64,
    /// When it was logged, in milliseconds since 1970 UTC by the hub's clock.
    pub logged_ms: u64,
    /// Why its content was refused, if it was; its disclosures are not kept then.
    pub refused: Option<Code>,
    /// The issuer-signed JWT.
    pub jwt: String,
    /// The key of `sealed`.
    pub key: FrameKey,
    /// The revealed disclosures, joined by `~` and encrypted; empty where nothing was revealed.
    pub sealed: Vec<u8>,
}

/// Bytes that are not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeFrameFailed {
    /// Fewer bytes than the frame says it has.
    #[error("the frame is cut short")]
    Short,
    /// More bytes than any frame may have.
    #[error("the frame's length is impossible")]
    Length,
    /// The checksum does not match.
    #[error("the frame's checksum does not match")]
    Checksum,
    /// The checksum matches and the content is still not a frame's.
    #[error("the frame's content is malformed")]
    Content,
}

/// Disclosures that could not be encrypted or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the frame's disclosures cannot be encrypted or opened")]
pub struct SealFailed;

/// Encrypts disclosures under a key that is used for nothing else (AES-256-GCM, so the nonce may be constant).
///
/// # Errors
/// The library refuses the key or the length.
pub fn seal(disclosures: &[String], key: &FrameKey) -> Result<Vec<u8>, SealFailed> {
    if disclosures.is_empty() {
        return Ok(Vec::new());
    }
    let mut bytes = disclosures.join("~").into_bytes();
    cipher(key)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key([0; NONCE_LEN]), Aad::empty(), &mut bytes)
        .or(Err(SealFailed))?;
    Ok(bytes)
}

/// Opens a frame's disclosures; `None` once they are erased.
///
/// # Errors
/// The ciphertext does not belong to the key.
pub fn unseal(frame: &Frame) -> Result<Option<Vec<String>>, SealFailed> {
    if frame.sealed.is_empty() {
        return Ok(Some(Vec::new()));
    }
    if frame.key.is_none() {
        return Ok(None);
    }
    let mut bytes = frame.sealed.clone();
    let plain = cipher(&frame.key)?
        .open_in_place(Nonce::assume_unique_for_key([0; NONCE_LEN]), Aad::empty(), &mut bytes)
        .or(Err(SealFailed))?;
    let text = std::str::from_utf8(plain).or(Err(SealFailed))?;
    Ok(Some(text.split('~').map(str::to_owned).collect()))
}

fn cipher(key: &FrameKey) -> Result<LessSafeKey, SealFailed> {
    UnboundKey::new(&AES_256_GCM, &key.0).map(LessSafeKey::new).or(Err(SealFailed))
}

impl Frame {
    /// Appends the frame's bytes.
    pub fn encode_to(&self, out: &mut Vec<u8>) {
        let mut body =
            Vec::with_capacity(self.jwt.len().saturating_add(self.sealed.len()).saturating_add(32));
        body.extend_from_slice(&self.index.to_le_bytes());
        body.extend_from_slice(&self.logged_ms.to_le_bytes());
        let refused = self.refused.map_or("", Code::as_str);
        for part in [refused.as_bytes(), self.jwt.as_bytes(), &self.sealed] {
            body.extend_from_slice(&length_bytes(part.len()));
            body.extend_from_slice(part);
        }
        let length = length_bytes(body.len());
        out.extend_from_slice(&length);
        out.extend_from_slice(&checksum(length, &body).to_le_bytes());
        out.extend_from_slice(&self.key.0);
        out.extend_from_slice(&body);
    }

    /// Reads the first frame of `bytes`, and how many bytes it takes.
    ///
    /// # Errors
    /// Any of [`DecodeFrameFailed`].
    pub fn decode(bytes: &[u8]) -> Result<(Self, usize), DecodeFrameFailed> {
        let mut rest = bytes;
        let length_field: [u8; 4] = take(&mut rest)?;
        let expected = u32::from_le_bytes(take(&mut rest)?);
        let key = FrameKey(take(&mut rest)?);
        let length = usize::try_from(u32::from_le_bytes(length_field)).or(Err(DecodeFrameFailed::Length))?;
        if length > BODY_BYTES_MAX {
            return Err(DecodeFrameFailed::Length);
        }
        let body = rest.get(..length).ok_or(DecodeFrameFailed::Short)?;
        if checksum(length_field, body) != expected {
            return Err(DecodeFrameFailed::Checksum);
        }
        let frame = Self::decode_body(body, key).ok_or(DecodeFrameFailed::Content)?;
        Ok((frame, length.saturating_add(HEADER_BYTES)))
    }

    fn decode_body(body: &[u8], key: FrameKey) -> Option<Self> {
        let mut rest = body;
        let index = u64::from_le_bytes(take(&mut rest).ok()?);
        let logged_ms = u64::from_le_bytes(take(&mut rest).ok()?);
        let mut part = || {
            let length = usize::try_from(u32::from_le_bytes(take(&mut rest).ok()?)).ok()?;
            let (part, after) = rest.split_at_checked(length)?;
            rest = after;
            Some(part)
        };
        let refused = std::str::from_utf8(part()?).ok()?;
        let refused = if refused.is_empty() { None } else { Some(refused.parse().ok()?) };
        let jwt = std::str::from_utf8(part()?).ok()?.to_owned();
        let sealed = part()?.to_vec();
        rest.is_empty().then_some(Self { index, logged_ms, refused, jwt, key, sealed })
    }
}

/// Lengths here are bounded by [`BODY_BYTES_MAX`], far below 4 GiB; the checksum guards the rest.
fn length_bytes(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

fn checksum(length: [u8; 4], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(body);
    hasher.finalize()
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], DecodeFrameFailed> {
    let (head, after) = rest.split_first_chunk::<N>().ok_or(DecodeFrameFailed::Short)?;
    *rest = after;
    Ok(*head)
}
