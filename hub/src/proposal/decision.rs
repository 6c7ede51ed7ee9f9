//! What two persons can decide. To add one: a variant, and its line in each of the functions here.

use safeharbor_core::digest::Digest;
use safeharbor_core::directory::{Deciders, Standing};
use safeharbor_core::institution::InstitutionCode;
use safeharbor_service::person::Person;
use safeharbor_service::speech::Language;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::catalogues::{may_publish, publish};
use crate::command::{CatalogueRefused, CommandFailed};
use crate::office::{Desk, Office};
use crate::re_enrolment;
use crate::standing::set_standing;

/// What is to be done once two persons want it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "kebab-case")]
pub enum Decision {
    /// A suspended institution's statements are taken again.
    Reinstate {
        /// Whose.
        code: InstitutionCode,
    },
    /// An institution may replace lost keys, by one invitation.
    ReEnrol {
        /// Whose.
        code: InstitutionCode,
    },
    /// An institution's statements are taken no more, for good.
    Revoke {
        /// Whose.
        code: InstitutionCode,
    },
    /// A catalogue version is published.
    Catalogue {
        /// Its digest; its files are kept already.
        cat: Digest,
    },
}

/// What was decided cannot be done as things stand; for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this cannot be done as things stand: {0}")]
pub struct NotApplicable(pub String);

impl Decision {
    /// The word in the audit log.
    #[must_use]
    pub const fn action(&self) -> &'static str {
        match self {
            Self::Reinstate { .. } => "reinstate institution",
            Self::ReEnrol { .. } => "re-enrol institution",
            Self::Revoke { .. } => "revoke institution",
            Self::Catalogue { .. } => "publish catalogue",
        }
    }

    /// What it is done to, in the audit log.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::Reinstate { code } | Self::ReEnrol { code } | Self::Revoke { code } => code.to_string(),
            Self::Catalogue { cat } => cat.to_string(),
        }
    }

    /// What it is, for people.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match self {
            Self::Reinstate { code } => language.pick(format!("恢复 {code}"), format!("reinstate {code}")),
            Self::ReEnrol { code } => language.pick(
                format!("允许 {code} 更换丢失的密钥（重新登记），随后：invite {code} --re-enrol"),
                format!("let {code} replace lost keys (re-enrolment), then: invite {code} --re-enrol"),
            ),
            Self::Revoke { code } => language.pick(format!("撤销 {code}"), format!("revoke {code}")),
            Self::Catalogue { cat } => {
                language.pick(format!("公布目录版本 {cat}"), format!("publish catalogue version {cat}"))
            }
        }
    }

    /// What comes of it, for people.
    #[must_use]
    pub fn effect(&self, language: Language) -> &'static str {
        match self {
            Self::Reinstate { .. } => language.pick(
                "重新接收该单位的声明；其节点几秒内自动继续报送。",
                "Its statements are taken again; its node goes on by itself within seconds.",
            ),
            Self::ReEnrol { .. } => language.pick(
                "该单位可凭一个新的邀请码换用新密钥，登记簿注明“重新登记”；旧密钥不再有效，此前的声明不受影响。",
                "The institution may take new keys by one invitation, marked re-enrolled in the registry; its old key ends, statements before that stand.",
            ),
            Self::Revoke { .. } => language.pick(
                "永久不再接收该单位的声明，无法恢复；已登记的内容保留。",
                "Its statements are never taken again, and this cannot be undone; what is in the registry stays.",
            ),
            Self::Catalogue { .. } => language.pick(
                "公布后各节点会收到这一版本，是否采用由各单位的人员决定；不会自动启用。",
                "The nodes are offered this version; a person of each institution decides whether to take it. None is taken by itself.",
            ),
        }
    }

    /// Whether nothing can undo it.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Revoke { .. } => true,
            Self::Reinstate { .. } | Self::ReEnrol { .. } | Self::Catalogue { .. } => false,
        }
    }

    /// Suspends an institution, which one person decides; noted before it is done.
    ///
    /// # Errors
    /// It is not active, the audit log cannot be written, or the statement cannot be logged.
    pub(crate) async fn suspend(
        office: &Office,
        code: InstitutionCode,
        by: &Person,
    ) -> Result<(), CommandFailed> {
        let _deciding = office.deciding().await;
        let situation =
            standing_of(office, code, &[Standing::Active]).map_err(super::ProposalFailed::from)?;
        let detail = json!({ "situation": situation });
        office.audit.append(Some(by), "suspend institution", code.as_str(), detail)?;
        let deciders = Deciders::new([by.id.0]);
        Ok(set_standing(&office.shared, &office.orders, code, Standing::Suspended, deciders).await?)
    }

    /// What it is about, as it stands: a text that is another one as soon as the decision was carried out, or anything else
    /// changed that it rests on.
    ///
    /// # Errors
    /// It cannot be done as things stand.
    pub(super) fn situation(&self, desk: &Desk) -> Result<String, NotApplicable> {
        match self {
            Self::ReEnrol { code } => {
                let none = || {
                    NotApplicable(format!(
                        "{code} has no keys to replace, or was revoked 没有可更换的密钥或已撤销"
                    ))
                };
                let found = re_enrolment::situation(desk, *code);
                found.map_err(|failed| NotApplicable(failed.to_string()))?.ok_or_else(none)
            }
            Self::Reinstate { code } => standing_of(desk, *code, &[Standing::Suspended]),
            Self::Revoke { code } => standing_of(desk, *code, &[Standing::Active, Standing::Suspended]),
            Self::Catalogue { cat } => newest_before(desk, *cat),
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// The statement cannot be logged.
    pub(super) async fn carry_out(&self, office: &Office, deciders: Deciders) -> Result<(), CommandFailed> {
        let (code, standing) = match self {
            Self::ReEnrol { code } => return Ok(re_enrolment::permit(office, *code, &deciders)?),
            Self::Reinstate { code } => (*code, Standing::Active),
            Self::Revoke { code } => (*code, Standing::Revoked),
            Self::Catalogue { cat } => {
                publish(office, *cat, deciders).await.map_err(CatalogueRefused::from)?;
                return Ok(());
            }
        };
        Ok(set_standing(&office.shared, &office.orders, code, standing, deciders).await?)
    }
}

/// Which version was published last, that another one would follow; the same in both languages, since it is compared.
fn newest_before(desk: &Desk, cat: Digest) -> Result<String, NotApplicable> {
    may_publish(desk, cat).map_err(|refused| NotApplicable(refused.to_string()))?;
    let directory = desk.shared.directory();
    let newest = directory.catalogues().last();
    let statement = newest.and_then(|newest| desk.shared.ledger().catalogue_statement(newest));
    let (cat, entry) = newest.zip(statement.map(|statement| statement.index)).unzip();
    let none = || "none 无".to_owned();
    let cat = cat.map_or_else(none, ToString::to_string);
    let entry = entry.map_or_else(none, |entry| entry.to_string());
    Ok(format!("newest version 最新版本 {cat}, entry 登记簿条目 {entry}"))
}

/// Which standing the institution has and by which entry; the same in both languages, since it is compared.
fn standing_of(desk: &Desk, code: InstitutionCode, among: &[Standing]) -> Result<String, NotApplicable> {
    let directory = desk.shared.directory();
    let institution = directory.institution(&code);
    let institution =
        institution.ok_or_else(|| NotApplicable(format!("{code} was never admitted 从未接纳")))?;
    let standing = match institution.standing {
        Standing::Active => "active 有效",
        Standing::Suspended => "suspended 已暂停",
        Standing::Revoked => "revoked 已撤销",
    };
    let situation = format!("{code} {standing}, entry 登记簿条目 {}", institution.standing_since);
    if among.contains(&institution.standing) { Ok(situation) } else { Err(NotApplicable(situation)) }
}
