//! What a key of an institution signs, and on what grounds it begins.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ReadAnnouncementFailed;
use crate::institution::InstitutionCode;
use crate::json::Object;
use crate::key::{PublicKey, SignFailed, Signer};
use crate::sdjwt::{Algorithm, Jws, sign_jws};

/// The `typ` header of the proof with which a statement key names the next one.
pub const ROTATION_TYPE: &str = "safeharbor-rotate+jwt";
/// The most bytes a rotation's proof may have.
const PROOF_BYTES_MAX: usize = 4096;

/// What a key of an institution signs: one key, one use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeySigns {
    /// Statements.
    Statements,
    /// Cosignatures of checkpoints.
    Checkpoints,
    /// Presentations of certificates (`cnf`).
    Presentations,
}

impl KeySigns {
    /// The word in the `use` claim.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Statements => "statements",
            Self::Checkpoints => "checkpoints",
            Self::Presentations => "presentations",
        }
    }
}

/// On what grounds a key begins. Keys that sign no statements are vouched for by the statement key when they are
/// asked for, and begin without a ground of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyGround {
    /// It is the first of its institution.
    Admission,
    /// The key before signed for it.
    Rotation {
        /// A JWS of type [`ROTATION_TYPE`].
        proof: String,
    },
    /// The key before was lost or given up; two persons at the hub decided. Verifiers say so.
    ReEnrolment,
}

impl KeyGround {
    /// The word in the `ground` claim.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Admission => "admission",
            Self::Rotation { .. } => "rotation",
            Self::ReEnrolment => "re-enrolled",
        }
    }

    /// The ground of a key that `before` signs for.
    ///
    /// # Errors
    /// The signing device refuses.
    pub fn rotation(
        code: InstitutionCode,
        next: &PublicKey,
        before: &dyn Signer,
    ) -> Result<Self, SignFailed> {
        let proof = sign_jws(Algorithm::default(), ROTATION_TYPE, &rotation_claims(code, next), before)?;
        Ok(Self::Rotation { proof })
    }

    /// Whether `before` signed for `next` as the key of `code`.
    #[must_use]
    pub fn is_signed_by(&self, before: &PublicKey, code: InstitutionCode, next: &PublicKey) -> bool {
        let Self::Rotation { proof } = self else { return false };
        let Ok(proof) = Jws::parse(proof) else { return false };
        proof.expect_type(ROTATION_TYPE).is_ok()
            && proof.payload == rotation_claims(code, next)
            && proof.verify(before).is_ok()
    }

    pub(super) fn put_into(&self, claims: &mut Object) {
        claims.insert("ground".to_owned(), self.as_str().into());
        if let Self::Rotation { proof } = self {
            claims.insert("proof".to_owned(), proof.as_str().into());
        }
    }

    pub(super) fn read(claims: &Object) -> Result<Self, ReadAnnouncementFailed> {
        match claims.get("ground").and_then(Value::as_str) {
            Some("admission") => Ok(Self::Admission),
            Some("re-enrolled") => Ok(Self::ReEnrolment),
            Some("rotation") => {
                let proof = claims.get("proof").and_then(Value::as_str);
                let proof = proof.filter(|proof| proof.len() <= PROOF_BYTES_MAX);
                let proof = proof.ok_or(ReadAnnouncementFailed("proof"))?.to_owned();
                Ok(Self::Rotation { proof })
            }
            Some(_) | None => Err(ReadAnnouncementFailed("ground")),
        }
    }
}

fn rotation_claims(code: InstitutionCode, next: &PublicKey) -> Object {
    let mut claims = Object::new();
    claims.insert("institution".to_owned(), code.as_str().into());
    claims.insert("next".to_owned(), next.thumbprint().to_string().into());
    claims
}
