//! Reading a policy file line by line.

use std::str::FromStr;

use super::Policy;
use super::build::{BuildPolicyFailed, NONE, PolicyBuilder};
use crate::b64;
use crate::institution::{Issuer, ParseIssuerFailed};
use crate::key::{ParseKeyFailed, PublicKey};
use crate::line;
use crate::note::{ParseVerifierKeyFailed, VerifierKey};

/// The most bytes a policy file may have.
pub const POLICY_BYTES_MAX: usize = 1 << 20;

/// A policy file that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParsePolicyFailed {
    /// More bytes than [`POLICY_BYTES_MAX`].
    #[error("a policy of {0} bytes is too long")]
    TooLong(usize),
    /// The last line has no newline: the file may be cut off.
    #[error("the last line does not end in a newline")]
    CutOff,
    /// A line that is refused.
    #[error("line {at} of the policy is refused")]
    Line {
        /// The number of the line, from 1.
        at: usize,
        /// Why.
        #[source]
        source: ParseLineFailed,
    },
    /// The lines make no policy.
    #[error("the policy is incomplete")]
    Incomplete(#[source] BuildPolicyFailed),
}

/// A line of a policy file that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseLineFailed {
    /// A control character other than the tab.
    #[error("a policy holds no control characters but tab and newline")]
    Control,
    /// A word that begins no line, or a number of words that the line does not take.
    #[error("not a log, witness, group or quorum line")]
    Form,
    /// A threshold that is neither `all` nor `any` nor a decimal.
    #[error("{0:?} is no threshold: all, any or a number")]
    Threshold(String),
    /// The key of a log or witness is malformed.
    #[error("the verifier key is refused")]
    VerifierKey(#[source] ParseVerifierKeyFailed),
    /// A `# safeharbor hub-key` comment without exactly an issuer and a key.
    #[error("a hub key is # safeharbor hub-key <iss> <base64 of 32 bytes>")]
    HubKeyForm,
    /// The issuer of a hub key is malformed.
    #[error("the issuer of the hub key is refused")]
    Issuer(#[source] ParseIssuerFailed),
    /// The hub key is malformed.
    #[error("the hub key is refused")]
    HubKey(#[source] ParseKeyFailed),
    /// The line contradicts the format or an earlier line.
    #[error(transparent)]
    Build(#[from] BuildPolicyFailed),
}

impl FromStr for Policy {
    type Err = ParsePolicyFailed;

    /// Reads a policy file; text outside UTF-8, which the specification allows, is refused by the type.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > POLICY_BYTES_MAX {
            return Err(ParsePolicyFailed::TooLong(text.len()));
        }
        let lines = text.strip_suffix('\n').ok_or(ParsePolicyFailed::CutOff)?;
        let mut policy = PolicyBuilder::default();
        for (at, line) in (1..).zip(lines.split('\n')) {
            policy = parse_line(policy, line).map_err(|source| ParsePolicyFailed::Line { at, source })?;
        }
        policy.build().map_err(ParsePolicyFailed::Incomplete)
    }
}

fn parse_line(policy: PolicyBuilder, line: &str) -> Result<PolicyBuilder, ParseLineFailed> {
    if line.contains(|c: char| (c < ' ' && c != '\t') || c == '\u{7f}') {
        return Err(ParseLineFailed::Control);
    }
    let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
    match *words.as_slice() {
        [] => Ok(policy),
        ["#", "safeharbor", "hub-key", ref rest @ ..] => parse_hub_key(policy, rest),
        [word, ..] if word.starts_with('#') => Ok(policy),
        ["log", key] => Ok(policy.log(parse_key(key)?, None)?),
        ["log", key, url] => Ok(policy.log(parse_key(key)?, Some(url))?),
        ["witness", name, key] => Ok(policy.witness(name, parse_key(key)?, None)?),
        ["witness", name, key, url] => Ok(policy.witness(name, parse_key(key)?, Some(url))?),
        ["group", name, threshold, ref members @ ..] => {
            Ok(policy.group(name, parse_threshold(threshold, members.len())?, members)?)
        }
        ["quorum", NONE] => Ok(policy.quorum_none()?),
        ["quorum", name] => Ok(policy.quorum(name)?),
        _ => Err(ParseLineFailed::Form),
    }
}

fn parse_key(text: &str) -> Result<VerifierKey, ParseLineFailed> {
    text.parse().map_err(ParseLineFailed::VerifierKey)
}

fn parse_threshold(text: &str, members: usize) -> Result<usize, ParseLineFailed> {
    match text {
        "all" => Ok(members),
        "any" => Ok(1),
        _ => {
            let number = line::parse_decimal(text).and_then(|number| usize::try_from(number).ok());
            number.ok_or_else(|| ParseLineFailed::Threshold(text.to_owned()))
        }
    }
}

fn parse_hub_key(policy: PolicyBuilder, words: &[&str]) -> Result<PolicyBuilder, ParseLineFailed> {
    let &[issuer, key] = words else { return Err(ParseLineFailed::HubKeyForm) };
    let issuer: Issuer = issuer.parse().map_err(ParseLineFailed::Issuer)?;
    let key = b64::decode_std(key).or(Err(ParseLineFailed::HubKeyForm))?;
    let key = PublicKey::from_bytes(&key).map_err(ParseLineFailed::HubKey)?;
    Ok(policy.hub_key(issuer, key)?)
}
