//! Cosignatures of checkpoints (C2SP tlog-cosignature, cosignature/v1): a witness saw this tree at this time.

use crate::key::{PublicKey, Signature, Signer, VerifySignatureFailed};
use crate::note::{NoteFailed, NoteKey, SignatureLine, VerifierKey};

/// The last moment a cosignature may state.
pub const TIME_MAX: u64 = i64::MAX.cast_unsigned();

/// A signature on a note that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyCosignatureFailed {
    /// Not 8 bytes of time and 64 of signature.
    #[error("a cosignature has 72 bytes, not {0}")]
    Length(usize),
    /// A time beyond [`TIME_MAX`].
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

/// Cosigns the text of a checkpoint as `name` at `time` (POSIX seconds).
///
/// # Errors
/// A name that cannot stand in a note, a time beyond [`TIME_MAX`], or a signing device that refuses.
pub fn cosign(text: &str, name: &str, time: u64, signer: &dyn Signer) -> Result<SignatureLine, NoteFailed> {
    let key = VerifierKey::cosignature(name, signer.public_key());
    let key = key.map_err(|_name| NoteFailed::Name(name.to_owned()))?;
    if time > TIME_MAX {
        let source = VerifyCosignatureFailed::Time(time);
        return Err(NoteFailed::Signature { name: name.to_owned(), source });
    }
    let signature = signer.sign(&message(text, time)).map_err(NoteFailed::Sign)?;
    Ok(SignatureLine::new(&key, [&time.to_be_bytes(), signature.as_slice()].concat()))
}

/// Verifies one cosignature line over the text of a checkpoint and returns its time in POSIX seconds.
///
/// # Errors
/// A key that does not cosign, a line by another key, or a signature that does not verify.
pub fn verify_cosignature(
    text: &str,
    key: &VerifierKey,
    line: &SignatureLine,
) -> Result<u64, VerifyCosignatureFailed> {
    let NoteKey::Cosignature(public) = key.key() else {
        return Err(VerifyCosignatureFailed::Type);
    };
    if !key.is_key_of(line) {
        return Err(VerifyCosignatureFailed::OtherKey);
    }
    verify_bytes(text, public, line.signature())
}

/// Verifies the 72 bytes of a cosignature over the text of a checkpoint and returns its time.
pub(crate) fn verify_bytes(
    text: &str,
    key: &PublicKey,
    bytes: &[u8],
) -> Result<u64, VerifyCosignatureFailed> {
    let length = VerifyCosignatureFailed::Length(bytes.len());
    let (time, signature) = bytes.split_first_chunk().ok_or(length)?;
    let signature: &Signature = signature.try_into().or(Err(length))?;
    let time = u64::from_be_bytes(*time);
    if time > TIME_MAX {
        return Err(VerifyCosignatureFailed::Time(time));
    }
    key.verify(&message(text, time), signature).map_err(VerifyCosignatureFailed::Signature)?;
    Ok(time)
}

/// The exact bytes a cosigner signs.
fn message(text: &str, time: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
}
