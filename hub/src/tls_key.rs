//! TLS keys of connections: whether one still speaks for its institution.
//!
//! A TLS key is good because a statement key proved it, so it ends with that key: when it is ended, and when the institution
//! re-enrols. A rotation, which the key before signed for, ends none. Revoked institutions are not spoken for.

use safeharbor_core::code::Code;
use safeharbor_core::digest::Digest;
use safeharbor_core::directory::{Institution, KeySigns, Standing};
use safeharbor_core::institution::InstitutionCode;
use safeharbor_service::speech::chain_of;

use crate::certificates;
use crate::key_register::{KeyRegister, Registered, Usage};
use crate::office::Desk;
use crate::office::drawer::DrawerFailed;

/// What the certificate of a connection says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// The institution in its one SAN.
    pub institution: InstitutionCode,
    /// The name of its key: SHA-256 of the SubjectPublicKeyInfo.
    pub key: Digest,
    /// When it ends, in Unix milliseconds.
    pub until_ms: u64,
}

/// A certificate that holds for TLS, and does not speak for its institution.
#[derive(Debug, thiserror::Error)]
pub enum ShownRefused {
    /// The institution was never admitted.
    #[error("the institution of the certificate was never admitted")]
    Unknown,
    /// It was revoked.
    #[error("the institution was revoked, which is for good")]
    Revoked,
    /// The hub issued nothing for this key, or does not remember it.
    #[error("the hub knows no such TLS key of the institution; renew the certificate")]
    KeyUnknown,
    /// The statement key that proved it was ended or replaced.
    #[error(
        "the TLS key ended with the statement key that proved it; renew the certificate by the key in force"
    )]
    KeyEnded,
    /// It and the institution's last one have ended.
    #[error("the institution's last certificate has ended; renew it")]
    CertificateEnded,
    /// The office cannot be read.
    #[error("the hub cannot look the key up; ask again")]
    Drawer(#[from] DrawerFailed),
}

impl ShownRefused {
    /// The code it is refused with.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unknown => Code::InstitutionUnknown,
            Self::Revoked => Code::StandingRefused,
            Self::KeyUnknown | Self::KeyEnded | Self::CertificateEnded => Code::IdentityRefused,
            Self::Drawer(failed) => {
                tracing::error!(error = chain_of(failed), "a TLS key cannot be looked up");
                Code::Internal
            }
        }
    }
}

/// Verifies that what a connection shows speaks for its institution at this moment.
///
/// A certificate that ended on an open connection is good for as long as the institution's last one is, so that renewing
/// drops nothing.
///
/// # Errors
/// Any of [`ShownRefused`].
pub fn verify_shown(desk: &Desk, shown: &Shown) -> Result<(), ShownRefused> {
    let directory = desk.shared.directory();
    let institution = directory.institution(&shown.institution).ok_or(ShownRefused::Unknown)?;
    if institution.standing == Standing::Revoked {
        return Err(ShownRefused::Revoked);
    }
    let known = KeyRegister::of(desk).find(&shown.key)?.ok_or(ShownRefused::KeyUnknown)?;
    if known.usage != Usage::Tls || known.owner != shown.institution.as_str() {
        return Err(ShownRefused::KeyUnknown);
    }
    if !stands(institution, &known) {
        return Err(ShownRefused::KeyEnded);
    }
    let now_ms = desk.clock.now_ms();
    if now_ms < shown.until_ms {
        return Ok(());
    }
    let last = certificates::last_of(desk, &shown.institution)?;
    let renewed = last.is_some_and(|last| now_ms < last.until_ms);
    if renewed { Ok(()) } else { Err(ShownRefused::CertificateEnded) }
}

/// Whether the statement key that proved a TLS key is in force, or handed on by rotation to the one that is. A key from before
/// proofs were noted counts as proven by the first one.
pub(crate) fn stands(institution: &Institution, key: &Registered) -> bool {
    let mut terms = institution.statement_keys();
    let proven = match &key.proven_by {
        Some(proven_by) => terms.any(|term| term.key.thumbprint() == *proven_by),
        None => terms.next().is_some(),
    };
    proven && terms.all(|later| !later.re_enrolled) && institution.current_key(KeySigns::Statements).is_some()
}
