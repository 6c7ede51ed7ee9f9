//! The base of trust: the keys and policies that the caller hands over, and what they make of a checkpoint.

use std::path::Path;

use safeharbor_core::checkpoint::verify_checkpoint;
use safeharbor_core::institution::Issuer;
use safeharbor_core::json::ParseJsonFailed;
use safeharbor_core::key::PublicKey;
use safeharbor_core::note::{NoteKey, ParseVerifierKeyFailed, VerifierKey};
use safeharbor_core::policy::{POLICY_BYTES_MAX, ParsePolicyFailed, Policy, WitnessedCheckpoint};
use serde::Serialize;

use crate::input;
use crate::objection::{Fault, Objection};
use crate::report::Page;

/// The most bytes a file with a verifier key may have.
pub const VKEY_BYTES_MAX: usize = 8192;

/// A file that cannot be the base of trust.
#[derive(Debug, thiserror::Error)]
pub enum TrustFailed {
    /// Not UTF-8.
    #[error("the bytes are not UTF-8")]
    NotText(#[source] std::str::Utf8Error),
    /// Not a policy.
    #[error("this is no trust policy")]
    Policy(#[source] ParsePolicyFailed),
    /// Not a verifier key.
    #[error("this is no verifier key")]
    VerifierKey(#[source] ParseVerifierKeyFailed),
    /// A verifier key that does not sign checkpoints as their log.
    #[error("the key {0:?} is not of a type with which logs sign")]
    NotALog(String),
    /// Not JSON.
    #[error("this is no key file")]
    Json(#[source] ParseJsonFailed),
    /// No key that could verify a statement.
    #[error("the file holds no Ed25519 key (JWK with kty OKP and crv Ed25519)")]
    NoKey,
    /// No certificate of an authority.
    #[error("the file holds no certificate (PEM)")]
    NoCertificate,
}

/// Who vouches for the key of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogKeySource {
    /// A trust policy that the caller passed.
    Policy,
    /// A verifier key that the caller passed.
    Vkey,
    /// Only the folder of the log itself.
    LogItself,
}

/// Who vouches for the statement key of the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HubKeySource {
    /// A trust policy that the caller passed.
    Policy,
    /// Only the log itself, whose first key statement introduces it.
    LogItself,
}

/// What a log is believed on.
#[derive(Debug, Clone)]
pub struct LogTrust {
    base: Base,
    source: LogKeySource,
}

#[derive(Debug, Clone)]
enum Base {
    Vkey(VerifierKey),
    Policy(Policy),
    Both(Policy, VerifierKey),
}

impl LogTrust {
    /// Believes what this key signs.
    #[must_use]
    pub const fn by_vkey(vkey: VerifierKey) -> Self {
        Self { base: Base::Vkey(vkey), source: LogKeySource::Vkey }
    }

    /// Believes what meets this policy.
    #[must_use]
    pub const fn by_policy(policy: Policy) -> Self {
        Self { base: Base::Policy(policy), source: LogKeySource::Policy }
    }

    /// Believes what this key signs and meets this policy.
    #[must_use]
    pub const fn by_both(policy: Policy, vkey: VerifierKey) -> Self {
        Self { base: Base::Both(policy, vkey), source: LogKeySource::Vkey }
    }

    /// Believes the key that lies in the folder of the log itself, for want of a better one.
    #[must_use]
    pub const fn of_log_itself(vkey: VerifierKey) -> Self {
        Self { base: Base::Vkey(vkey), source: LogKeySource::LogItself }
    }

    /// Loads what the caller passed; where that is nothing, the key in the folder of the log.
    ///
    /// # Errors
    /// A file that is missing, unreadable, too large or malformed.
    pub fn load(policy: Option<&Path>, vkey: Option<&Path>, log: &Path) -> Result<Self, Objection> {
        match (policy, vkey) {
            (None, None) => Ok(Self::of_log_itself(load_vkey(&log.join("vkey"))?)),
            (None, Some(vkey)) => Ok(Self::by_vkey(load_vkey(vkey)?)),
            (Some(policy), None) => Ok(Self::by_policy(load_policy(policy)?)),
            (Some(policy), Some(vkey)) => Ok(Self::by_both(load_policy(policy)?, load_vkey(vkey)?)),
        }
    }

    /// Who vouches for the key of the log.
    #[must_use]
    pub const fn source(&self) -> LogKeySource {
        self.source
    }

    /// The keys with which a log that is believed signs.
    #[must_use]
    pub fn logs(&self) -> Vec<VerifierKey> {
        match &self.base {
            Base::Vkey(vkey) | Base::Both(_, vkey) => vec![vkey.clone()],
            Base::Policy(policy) => policy.logs().iter().map(|log| log.key.clone()).collect(),
        }
    }

    /// Verifies a checkpoint under everything that is believed.
    ///
    /// # Errors
    /// A checkpoint that is malformed, not signed by the log, or without the quorum of the policy.
    pub fn verify_checkpoint(&self, note: &[u8]) -> Result<WitnessedCheckpoint, Fault> {
        let by_vkey = |vkey| verify_checkpoint(note, vkey).map_err(Fault::Checkpoint);
        let by_policy = |policy: &Policy| policy.verify_checkpoint(note).map_err(Fault::Policy);
        match &self.base {
            Base::Vkey(vkey) => {
                let checkpoint = by_vkey(vkey)?;
                Ok(WitnessedCheckpoint { checkpoint, witnesses: Vec::new(), witnessed_at: None })
            }
            Base::Policy(policy) => by_policy(policy),
            Base::Both(policy, vkey) => {
                by_vkey(vkey)?;
                by_policy(policy)
            }
        }
    }

    /// The hub keys that the policy names; none where nothing is said about hubs.
    #[must_use]
    pub fn hub_keys(&self) -> Option<&[(Issuer, PublicKey)]> {
        match &self.base {
            Base::Vkey(_) => None,
            Base::Policy(policy) | Base::Both(policy, _) => {
                Some(policy.hub_keys()).filter(|keys| !keys.is_empty())
            }
        }
    }
}

impl LogKeySource {
    /// Writes a warning where nobody but the log vouches for its key.
    pub(crate) fn describe(self, page: &mut Page) {
        if self == Self::LogItself {
            page.note(
                "the key of the log was taken from its own folder: nobody else vouches for it. Pass --vkey or --policy.",
                "登记簿密钥取自其自身文件夹，没有他人为其担保。请使用 --vkey 或 --policy。",
            );
        }
    }
}

impl HubKeySource {
    /// Writes who vouches for the hub's key.
    pub(crate) fn describe(self, page: &mut Page) {
        let value = match self {
            Self::Policy => page.language().pick("as the policy names it", "与信任策略所列一致"),
            Self::LogItself => {
                page.language().pick("as the log itself introduces it", "由登记簿自身引入，未经策略核对")
            }
        };
        page.field("hub key", "枢纽密钥", value);
    }
}

/// Loads a trust policy.
///
/// # Errors
/// A file that is missing, unreadable, too large or malformed.
pub fn load_policy(path: &Path) -> Result<Policy, Objection> {
    let bytes = input::read_file(path, POLICY_BYTES_MAX)?;
    parse_policy(&bytes).map_err(|failed| Fault::Trust(failed).in_file(path.display()))
}

/// Reads a trust policy.
///
/// # Errors
/// Bytes that are no policy.
pub fn parse_policy(bytes: &[u8]) -> Result<Policy, TrustFailed> {
    let text = std::str::from_utf8(bytes).map_err(TrustFailed::NotText)?;
    text.parse().map_err(TrustFailed::Policy)
}

/// Loads the verifier key of a log.
///
/// # Errors
/// A file that is missing, unreadable, too large or malformed.
pub fn load_vkey(path: &Path) -> Result<VerifierKey, Objection> {
    let bytes = input::read_file(path, VKEY_BYTES_MAX)?;
    parse_vkey(&bytes).map_err(|failed| Fault::Trust(failed).in_file(path.display()))
}

/// Reads the verifier key of a log.
///
/// # Errors
/// Bytes that are no verifier key with which logs sign.
pub fn parse_vkey(bytes: &[u8]) -> Result<VerifierKey, TrustFailed> {
    let text = std::str::from_utf8(bytes).map_err(TrustFailed::NotText)?;
    let key: VerifierKey = text.trim_end().parse().map_err(TrustFailed::VerifierKey)?;
    match key.key() {
        NoteKey::Ed25519(_) => Ok(key),
        NoteKey::Cosignature(_) | NoteKey::Unsupported { .. } => {
            Err(TrustFailed::NotALog(key.name().to_owned()))
        }
    }
}
