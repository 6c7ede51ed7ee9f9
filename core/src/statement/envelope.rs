//! The plain claims of every statement.

use serde_json::Value;

use super::types::Vct;
use crate::digest::Digest;
use crate::institution::Issuer;
use crate::json::Object;
use crate::record::RecordHandle;

/// The plain claims of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Who speaks.
    pub iss: Issuer,
    /// When it was signed by the issuer's clock, in seconds since 1970 UTC; informational, never compared.
    pub iat: u64,
    /// The number in the issuer's chain, from 1.
    pub seq: u64,
    /// The digest of the issuer's statement before.
    pub prev: Digest,
    /// What is stated, about which kind.
    pub vct: Vct,
    /// The record's handle.
    pub rec: Option<RecordHandle>,
    /// The record's revision, from 1.
    pub rev: Option<u32>,
    /// The catalogue version the statement was made under.
    pub cat: Option<Digest>,
}

/// Claims that are no envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadEnvelopeFailed {
    /// The claim is missing or malformed.
    #[error("the claim {0:?} is missing or malformed")]
    Claim(&'static str),
    /// A claim that has no business in the clear.
    #[error("the claim {0:?} does not belong into the envelope")]
    Unexpected(String),
}

impl Envelope {
    /// Moves the envelope's claims out of a payload; what remains is not part of it.
    ///
    /// # Errors
    /// The first claim that is missing or malformed, and an issuer that cannot make such a statement.
    pub fn take_from(payload: &mut Object) -> Result<Self, ReadEnvelopeFailed> {
        let envelope = Self {
            iss: parse_text(payload, "iss")?.ok_or(ReadEnvelopeFailed::Claim("iss"))?,
            iat: take_number(payload, "iat")?.ok_or(ReadEnvelopeFailed::Claim("iat"))?,
            seq: take_number(payload, "seq")?
                .filter(|seq| *seq > 0)
                .ok_or(ReadEnvelopeFailed::Claim("seq"))?,
            prev: parse_text(payload, "prev")?.ok_or(ReadEnvelopeFailed::Claim("prev"))?,
            vct: parse_text::<Vct>(payload, "vct")?.ok_or(ReadEnvelopeFailed::Claim("vct"))?,
            rec: parse_text(payload, "rec")?,
            rev: take_number(payload, "rev")?.map(parse_revision).transpose()?,
            cat: parse_text(payload, "cat")?,
        };
        let names_record = envelope.vct.statement.names_record();
        if names_record != envelope.rec.is_some() {
            return Err(ReadEnvelopeFailed::Claim("rec"));
        }
        if names_record != envelope.rev.is_some() {
            return Err(ReadEnvelopeFailed::Claim("rev"));
        }
        let by_institution = matches!(envelope.iss, Issuer::Institution(_));
        if by_institution != envelope.vct.statement.is_institutions() {
            return Err(ReadEnvelopeFailed::Claim("iss"));
        }
        Ok(envelope)
    }

    /// Writes the claims into a payload.
    pub(super) fn put_into(&self, payload: &mut Object) {
        let mut put = |name: &str, value: Value| payload.insert(name.to_owned(), value);
        put("iss", self.iss.to_string().into());
        put("iat", self.iat.into());
        put("seq", self.seq.into());
        put("prev", self.prev.to_string().into());
        put("vct", self.vct.to_string().into());
        if let Some(rec) = self.rec {
            put("rec", rec.to_string().into());
        }
        if let Some(rev) = self.rev {
            put("rev", rev.into());
        }
        if let Some(cat) = self.cat {
            put("cat", cat.to_string().into());
        }
    }
}

/// Whether a claim of this name always stands in the clear: the envelope's, and those of JWT and SD-JWT.
pub(super) fn is_in_the_clear(name: &str) -> bool {
    const NAMES: [&str; 14] = [
        "iss", "iat", "seq", "prev", "vct", "rec", "rev", "cat", "nbf", "exp", "aud", "cnf", "status",
        "_sd_alg",
    ];
    NAMES.contains(&name)
}

/// Whether a value holds placeholders of concealed claims or array elements.
pub(super) fn conceals(value: &Value) -> bool {
    match value {
        Value::Object(object) => {
            object.contains_key("_sd") || object.contains_key("...") || object.values().any(conceals)
        }
        Value::Array(array) => array.iter().any(conceals),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Moves `_sd` and `_sd_alg` out of a payload; the digests must be sorted and without repetition.
pub(super) fn take_digests(payload: &mut Object) -> Result<Option<Vec<Digest>>, ReadEnvelopeFailed> {
    let failed = ReadEnvelopeFailed::Claim("_sd");
    let texts = match (payload.remove("_sd"), payload.remove("_sd_alg")) {
        (None, None) => return Ok(None),
        (Some(Value::Array(texts)), Some(Value::String(hash))) if hash == "sha-256" => texts,
        (Some(_), Some(Value::String(hash))) if hash == "sha-256" => return Err(failed),
        _ => return Err(ReadEnvelopeFailed::Claim("_sd_alg")),
    };
    let texts: Option<Vec<&str>> = texts.iter().map(Value::as_str).collect();
    let texts = texts.ok_or_else(|| failed.clone())?;
    if !texts.is_sorted_by(|a, b| a < b) {
        return Err(failed);
    }
    texts.into_iter().map(|text| text.parse().or(Err(failed.clone()))).collect::<Result<_, _>>().map(Some)
}

fn parse_revision(number: u64) -> Result<u32, ReadEnvelopeFailed> {
    u32::try_from(number).ok().filter(|rev| *rev > 0).ok_or(ReadEnvelopeFailed::Claim("rev"))
}

fn parse_text<T: std::str::FromStr>(
    payload: &mut Object,
    name: &'static str,
) -> Result<Option<T>, ReadEnvelopeFailed> {
    match payload.remove(name) {
        None => Ok(None),
        Some(value) => {
            let parsed = value.as_str().and_then(|text| text.parse().ok());
            parsed.map(Some).ok_or(ReadEnvelopeFailed::Claim(name))
        }
    }
}

fn take_number(payload: &mut Object, name: &'static str) -> Result<Option<u64>, ReadEnvelopeFailed> {
    match payload.remove(name) {
        None => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or(ReadEnvelopeFailed::Claim(name)),
    }
}
