//! Ed25519 keys and the seam through which everything is signed.

use std::fmt;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use crate::b64;
use crate::digest::Digest;

/// A raw Ed25519 signature (RFC 8032).
pub type Signature = [u8; 64];

/// An Ed25519 public key of large order, with its thumbprint: whoever looks a key up compares thumbprints.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey {
    key: VerifyingKey,
    thumbprint: Digest,
}

/// Bytes that are not a public key we accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseKeyFailed {
    /// Not 32 bytes that name a point of the curve.
    #[error("not an Ed25519 public key")]
    NotAKey,
    /// A key of small order, under which a signature proves nothing, or with a component of small order:
    /// eight such keys belong to one private key, so an ended key could come back as another one.
    #[error("an Ed25519 key with a component of small order is refused")]
    Weak,
}

/// A signature that does not verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct VerifySignatureFailed;

impl PublicKey {
    /// Accepts 32 bytes as a public key.
    ///
    /// # Errors
    /// Bytes that are no point of the curve, another encoding of it than the canonical one, or a point with a
    /// component of small order.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseKeyFailed> {
        let bytes: &[u8; 32] = bytes.try_into().or(Err(ParseKeyFailed::NotAKey))?;
        let key = VerifyingKey::from_bytes(bytes).or(Err(ParseKeyFailed::NotAKey))?;
        let point = key.to_edwards();
        if point.compress().as_bytes() != bytes {
            return Err(ParseKeyFailed::NotAKey);
        }
        if key.is_weak() || !point.is_torsion_free() {
            return Err(ParseKeyFailed::Weak);
        }
        Ok(Self::of(key))
    }

    fn of(key: VerifyingKey) -> Self {
        let x = b64::encode_url(key.as_bytes());
        let thumbprint = Digest::of(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#).as_bytes());
        Self { key, thumbprint }
    }

    /// The 32 bytes of RFC 8032 section 5.1.5.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Verifies strictly: canonical encodings only, no small-order components.
    ///
    /// # Errors
    /// Any signature that a strict verifier refuses.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), VerifySignatureFailed> {
        let bytes: &Signature = signature.try_into().or(Err(VerifySignatureFailed))?;
        let signature = ed25519_dalek::Signature::from_bytes(bytes);
        self.key.verify_strict(message, &signature).or(Err(VerifySignatureFailed))
    }

    /// The RFC 7638 thumbprint of the key as an RFC 8037 JWK; it is the `kid` of our tokens.
    #[must_use]
    pub const fn thumbprint(&self) -> Digest {
        self.thumbprint
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", b64::encode_url(self.as_bytes()))
    }
}

/// The signing device could not sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the signing device refused: {reason}")]
pub struct SignFailed {
    /// What the device said.
    pub reason: String,
}

/// Whatever holds a private key. Files today; hardware and licensed seals stand behind the same seam.
pub trait Signer: Send + Sync + fmt::Debug {
    /// The key under which [`Signer::sign`] verifies.
    fn public_key(&self) -> PublicKey;

    /// Signs the exact bytes of `message` with Ed25519.
    ///
    /// # Errors
    /// The device is absent, locked or broken.
    fn sign(&self, message: &[u8]) -> Result<Signature, SignFailed>;
}

/// A signer whose private key is in memory; wiped on drop, never printed.
pub struct MemorySigner {
    private: SigningKey,
    public: PublicKey,
}

impl MemorySigner {
    /// Takes 32 random bytes as the private key.
    #[must_use]
    pub fn from_seed(seed: &Zeroizing<[u8; 32]>) -> Self {
        let private = SigningKey::from_bytes(seed);
        let public = PublicKey::of(private.verifying_key());
        Self { private, public }
    }
}

impl Signer for MemorySigner {
    fn public_key(&self) -> PublicKey {
        self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignFailed> {
        Ok(self.private.sign(message).to_bytes())
    }
}

impl fmt::Debug for MemorySigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemorySigner({:?}, private key withheld)", self.public_key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbprint_is_the_one_of_rfc_8037() {
        let x = b64::decode_url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let key = PublicKey::from_bytes(&x).unwrap();
        assert_eq!(key.thumbprint().to_string(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn small_order_keys_are_refused() {
        let mut identity = [0_u8; 32];
        identity[0] = 1;
        assert_eq!(PublicKey::from_bytes(&identity), Err(ParseKeyFailed::Weak));
        assert_eq!(PublicKey::from_bytes(&[1; 31]), Err(ParseKeyFailed::NotAKey));
    }

    #[test]
    fn a_private_key_has_one_public_key() {
        let key = MemorySigner::from_seed(&Zeroizing::new([7; 32])).public_key();
        assert_eq!(PublicKey::from_bytes(key.as_bytes()), Ok(key));
        // The point (0, -1) has order 2; added to a key it gives another one for the same private key.
        let mut minus_one = [0xff_u8; 32];
        (minus_one[0], minus_one[31]) = (0xec, 0x7f);
        let small = VerifyingKey::from_bytes(&minus_one).unwrap();
        let twin = (key.key.to_edwards() + small.to_edwards()).compress().to_bytes();
        assert!(!VerifyingKey::from_bytes(&twin).unwrap().is_weak());
        assert_eq!(PublicKey::from_bytes(&twin), Err(ParseKeyFailed::Weak));
    }

    #[test]
    fn only_the_canonical_encoding_is_a_key() {
        // Where y and p + y both fit 255 bits they are read as the same point.
        let points = (2..=18_u8).filter(|y| {
            let mut canonical = [0_u8; 32];
            canonical[0] = *y;
            VerifyingKey::from_bytes(&canonical).is_ok_and(|key| !key.is_weak())
        });
        let twins: Vec<[u8; 32]> = points
            .map(|y| {
                let mut twin = [0xff_u8; 32];
                (twin[0], twin[31]) = (0xed + y, 0x7f);
                twin
            })
            .collect();
        assert!(!twins.is_empty());
        for twin in twins {
            assert!(VerifyingKey::from_bytes(&twin).is_ok());
            assert_eq!(PublicKey::from_bytes(&twin), Err(ParseKeyFailed::NotAKey));
        }
    }

    #[test]
    fn debug_never_shows_the_private_key() {
        let signer = MemorySigner::from_seed(&Zeroizing::new([7; 32]));
        let text = format!("{signer:?}");
        assert!(text.contains("withheld") && !text.contains("7, 7"), "{text}");
    }
}
