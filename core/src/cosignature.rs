//! Cosignatures of checkpoints (C2SP tlog-cosignature, cosignature/v1): a witness saw this tree at this time.

use crate::key::{PublicKey, Signature, Signer};
use crate::note::{NoteFailed, NoteKey, SignatureLine, VerifierKey, VerifyLineFailed};

/// The last moment a cosignature may state.
pub const TIME_MAX: u64 = i64::MAX.cast_unsigned();

/// Cosigns the text of a checkpoint as `name` at `time` (POSIX seconds).
///
/// # Errors
/// A name that cannot stand in a note, a time beyond [`TIME_MAX`], or a signing device that refuses.
pub fn cosign(text: &str, name: &str, time: u64, signer: &dyn Signer) -> Result<SignatureLine, NoteFailed> {
    let key = VerifierKey::cosignature(name, signer.public_key());
    let key = key.map_err(|_name| NoteFailed::Name(name.to_owned()))?;
    if time > TIME_MAX {
        let source = VerifyLineFailed::Time(time);
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
) -> Result<u64, VerifyLineFailed> {
    let NoteKey::Cosignature(public) = key.key() else {
        return Err(VerifyLineFailed::Type);
    };
    if !key.is_key_of(line) {
        return Err(VerifyLineFailed::OtherKey);
    }
    verify_bytes(text, public, line.signature())
}

/// Verifies the 72 bytes of a cosignature over the text of a checkpoint and returns its time.
pub(crate) fn verify_bytes(text: &str, key: &PublicKey, bytes: &[u8]) -> Result<u64, VerifyLineFailed> {
    let length = VerifyLineFailed::Length(bytes.len());
    let (time, signature) = bytes.split_first_chunk().ok_or(length)?;
    let signature: &Signature = signature.try_into().or(Err(length))?;
    let time = u64::from_be_bytes(*time);
    if time > TIME_MAX {
        return Err(VerifyLineFailed::Time(time));
    }
    key.verify(&message(text, time), signature).map_err(VerifyLineFailed::Signature)?;
    Ok(time)
}

/// The exact bytes a cosigner signs.
fn message(text: &str, time: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::key::{MemorySigner, VerifySignatureFailed};

    /// The text of the example in C2SP tlog-cosignature.
    const TEXT: &str =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    const TIME: u64 = 1_679_315_147;

    fn signer() -> MemorySigner {
        MemorySigner::from_seed(&Zeroizing::new([4; 32]))
    }

    fn key() -> VerifierKey {
        VerifierKey::cosignature("w", signer().public_key()).unwrap()
    }

    #[test]
    fn the_signed_bytes_are_those_of_the_specification() {
        let line = cosign(TEXT, "w", TIME, &signer()).unwrap();
        let (time, signature) = line.signature().split_at(8);
        assert_eq!(time, [0, 0, 0, 0, 0x64, 0x18, 0x50, 0xcb]);
        let message = format!("cosignature/v1\ntime 1679315147\n{TEXT}");
        assert_eq!(signature, signer().sign(message.as_bytes()).unwrap());
        assert_eq!(verify_cosignature(TEXT, &key(), &line), Ok(TIME));
    }

    #[test]
    fn false_cosignatures_are_refused() {
        use VerifyLineFailed as Failed;
        let line = cosign(TEXT, "w", TIME, &signer()).unwrap();
        let false_signature = Err(Failed::Signature(VerifySignatureFailed));
        assert_eq!(verify_cosignature("other\n", &key(), &line), false_signature);
        let mut later = line.signature().to_vec();
        later[7] ^= 1;
        let check = |bytes, expected| {
            assert_eq!(verify_cosignature(TEXT, &key(), &SignatureLine::new(&key(), bytes)), expected);
        };
        check(later, false_signature);
        check(line.signature()[..71].to_vec(), Err(Failed::Length(71)));
        check([line.signature(), &[0]].concat(), Err(Failed::Length(73)));
        check([&[0x80][..], &line.signature()[1..]].concat(), Err(Failed::Time(TIME | 1 << 63)));
    }

    #[test]
    fn only_the_right_key_is_tried() {
        let line = cosign(TEXT, "w", TIME, &signer()).unwrap();
        let other = VerifierKey::cosignature("x", signer().public_key()).unwrap();
        assert_eq!(verify_cosignature(TEXT, &other, &line), Err(VerifyLineFailed::OtherKey));
        let plain = VerifierKey::ed25519("w", signer().public_key()).unwrap();
        assert_eq!(verify_cosignature(TEXT, &plain, &line), Err(VerifyLineFailed::Type));
    }

    #[test]
    fn times_beyond_63_bits_are_not_signed() {
        assert!(cosign(TEXT, "w", TIME_MAX, &signer()).is_ok());
        let refused = cosign(TEXT, "w", TIME_MAX + 1, &signer());
        assert!(matches!(refused, Err(NoteFailed::Signature { .. })), "{refused:?}");
        assert_eq!(cosign(TEXT, "a b", TIME, &signer()), Err(NoteFailed::Name("a b".into())));
    }
}
