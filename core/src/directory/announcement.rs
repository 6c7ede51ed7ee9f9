//! What the hub's public statements say about institutions, keys and catalogues.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::deciders::Deciders;
use super::key_ground::{KeyGround, KeySigns};
use crate::digest::Digest;
use crate::institution::InstitutionCode;
use crate::json::Object;
use crate::key::PublicKey;
use crate::sdjwt::{public_key_from_jwk, public_key_to_jwk};
use crate::statement::{Statement, StatementType};

/// The most characters an institution's name may have.
pub const NAME_CHARS_MAX: usize = 200;

/// What an institution is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstitutionType {
    /// 高等学校.
    University,
    /// 科研院所.
    Institute,
    /// 医疗卫生机构.
    Hospital,
    /// 国有企业.
    StateOwnedEnterprise,
    /// 交易平台.
    TradingPlatform,
    /// 园区或孵化器.
    Park,
    /// 基金或银行.
    Fund,
    /// 区级部门.
    DistrictBureau,
}

/// Whether an institution's statements are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// They are.
    Active,
    /// They are not, until reinstated; reading and witnessing go on.
    Suspended,
    /// They are not, for good.
    Revoked,
}

impl Standing {
    /// The word in the `standing` claim.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
        }
    }
}

/// A public statement's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Announcement {
    /// A statement key of the hub itself begins.
    HubKey {
        /// The key.
        key: PublicKey,
    },
    /// An institution is admitted, or its name, type or standing changes.
    Institution {
        /// Its code.
        code: InstitutionCode,
        /// Its name.
        name: String,
        /// What it is.
        kind: InstitutionType,
        /// Whether its statements are taken.
        standing: Standing,
        /// Who decided it; reinstating and revoking take two persons.
        decided_by: Deciders,
    },
    /// A key of an institution begins; the one of the same use before it ends with this entry.
    KeyBegins {
        /// Whose key.
        code: InstitutionCode,
        /// The key.
        key: PublicKey,
        /// What it signs.
        signs: KeySigns,
        /// On what grounds.
        ground: KeyGround,
        /// Who decided it; a re-enrolment takes two persons.
        decided_by: Deciders,
    },
    /// A key of an institution ends with this entry.
    KeyEnds {
        /// Whose key.
        code: InstitutionCode,
        /// The key.
        key: PublicKey,
    },
    /// A person at the hub compared the six words of a statement key with the institution, by another channel.
    KeyConfirmed {
        /// Whose key.
        code: InstitutionCode,
        /// The key.
        key: PublicKey,
    },
    /// A catalogue version is published.
    Catalogue {
        /// Its digest.
        cat: Digest,
        /// Who decided it; all but the first version take two persons.
        decided_by: Deciders,
    },
    /// A public statement that does not concern the directory.
    Other,
}

/// Claims that are no announcement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the claim {0:?} is missing or malformed")]
pub struct ReadAnnouncementFailed(pub &'static str);

impl Announcement {
    /// The type of the statement that makes this announcement.
    #[must_use]
    pub const fn statement_type(&self) -> StatementType {
        match self {
            Self::HubKey { .. }
            | Self::KeyBegins { .. }
            | Self::KeyEnds { .. }
            | Self::KeyConfirmed { .. } => StatementType::Key,
            Self::Institution { .. } => StatementType::Institution,
            Self::Catalogue { .. } => StatementType::Catalogue,
            Self::Other => StatementType::Policy,
        }
    }

    /// The plain claims of the statement; a catalogue's digest is in the envelope (`cat`).
    #[must_use]
    pub fn to_claims(&self) -> Object {
        match self {
            Self::HubKey { key } => key_claims("begins", None, (key, KeySigns::Statements)),
            Self::KeyBegins { code, key, signs, ground, decided_by } => {
                let mut claims = key_claims("begins", Some(code), (key, *signs));
                ground.put_into(&mut claims);
                decided_by.put_into(&mut claims);
                claims
            }
            // What a key signs is known from its beginning; the claim is there for people who read the log.
            Self::KeyEnds { code, key } => key_claims("ends", Some(code), (key, KeySigns::Statements)),
            Self::KeyConfirmed { code, key } => {
                key_claims("confirmed", Some(code), (key, KeySigns::Statements))
            }
            Self::Institution { code, name, kind, standing, decided_by } => {
                let mut claims = Object::new();
                claims.insert("institution".to_owned(), code.as_str().into());
                claims.insert("name".to_owned(), name.as_str().into());
                claims.insert("type".to_owned(), serde_json::to_value(kind).unwrap_or_default());
                claims.insert("standing".to_owned(), standing.as_str().into());
                decided_by.put_into(&mut claims);
                claims
            }
            Self::Catalogue { decided_by, .. } => {
                let mut claims = Object::new();
                decided_by.put_into(&mut claims);
                claims
            }
            Self::Other => Object::new(),
        }
    }

    /// The institution it is about; none where it is about the hub itself or everybody.
    #[must_use]
    pub const fn about(&self) -> Option<InstitutionCode> {
        match self {
            Self::Institution { code, .. }
            | Self::KeyBegins { code, .. }
            | Self::KeyEnds { code, .. }
            | Self::KeyConfirmed { code, .. } => Some(*code),
            Self::HubKey { .. } | Self::Catalogue { .. } | Self::Other => None,
        }
    }

    /// Reads a public statement.
    ///
    /// # Errors
    /// The first claim that is missing or malformed.
    pub fn read(statement: &Statement<'_>) -> Result<Self, ReadAnnouncementFailed> {
        let claims = &statement.claims;
        match statement.envelope.vct.statement {
            StatementType::Institution => Ok(Self::Institution {
                code: parse_code(claims)?.ok_or(ReadAnnouncementFailed("institution"))?,
                name: parse_name(claims)?,
                kind: parse_word(claims, "type")?,
                standing: parse_word(claims, "standing")?,
                decided_by: Deciders::read(claims)?,
            }),
            StatementType::Key => read_key(claims),
            StatementType::Catalogue => {
                let cat = statement.envelope.cat.ok_or(ReadAnnouncementFailed("cat"))?;
                Ok(Self::Catalogue { cat, decided_by: Deciders::read(claims)? })
            }
            StatementType::Status | StatementType::Policy | StatementType::Release => Ok(Self::Other),
            StatementType::Disclosure
            | StatementType::Withdrawal
            | StatementType::Filing
            | StatementType::Summary
            | StatementType::Determination => Err(ReadAnnouncementFailed("vct")),
        }
    }
}

fn key_claims(event: &str, code: Option<&InstitutionCode>, (key, signs): (&PublicKey, KeySigns)) -> Object {
    let mut claims = Object::new();
    claims.insert("event".to_owned(), event.into());
    claims.insert("use".to_owned(), signs.as_str().into());
    claims.insert("jwk".to_owned(), public_key_to_jwk(key));
    if let Some(code) = code {
        claims.insert("institution".to_owned(), code.as_str().into());
    }
    claims
}

fn read_key(claims: &Object) -> Result<Announcement, ReadAnnouncementFailed> {
    let signs: KeySigns = parse_word(claims, "use")?;
    let key = claims.get("jwk").and_then(public_key_from_jwk).ok_or(ReadAnnouncementFailed("jwk"))?;
    match (text(claims, "event")?, parse_code(claims)?) {
        ("begins", None) if signs == KeySigns::Statements => Ok(Announcement::HubKey { key }),
        ("begins", None) => Err(ReadAnnouncementFailed("use")),
        ("begins", Some(code)) => {
            let (ground, decided_by) = (KeyGround::read(claims)?, Deciders::read(claims)?);
            Ok(Announcement::KeyBegins { code, key, signs, ground, decided_by })
        }
        ("ends", Some(code)) => Ok(Announcement::KeyEnds { code, key }),
        ("confirmed", Some(code)) => Ok(Announcement::KeyConfirmed { code, key }),
        _ => Err(ReadAnnouncementFailed("event")),
    }
}

fn text<'a>(claims: &'a Object, name: &'static str) -> Result<&'a str, ReadAnnouncementFailed> {
    claims.get(name).and_then(Value::as_str).ok_or(ReadAnnouncementFailed(name))
}

/// Names are printed on terminals and pages, so they are short and hold no control characters.
fn parse_name(claims: &Object) -> Result<String, ReadAnnouncementFailed> {
    let name = text(claims, "name")?;
    let well_formed = (1..=NAME_CHARS_MAX).contains(&name.chars().count());
    if well_formed && !name.trim().is_empty() && !name.chars().any(char::is_control) {
        Ok(name.to_owned())
    } else {
        Err(ReadAnnouncementFailed("name"))
    }
}

fn parse_code(claims: &Object) -> Result<Option<InstitutionCode>, ReadAnnouncementFailed> {
    match claims.get("institution") {
        None => Ok(None),
        Some(_) => {
            text(claims, "institution")?.parse().map(Some).or(Err(ReadAnnouncementFailed("institution")))
        }
    }
}

fn parse_word<T: serde::de::DeserializeOwned>(
    claims: &Object,
    name: &'static str,
) -> Result<T, ReadAnnouncementFailed> {
    let value = claims.get(name).cloned().unwrap_or_default();
    serde_json::from_value(value).or(Err(ReadAnnouncementFailed(name)))
}
