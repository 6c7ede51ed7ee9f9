//! What a verified statement says, and on whose word that rests.

use safeharbor_core::institution::Issuer;
use serde::Serialize;

use crate::admission::Admission;
use crate::log::VerifiedLog;
use crate::report::{Describe, Page};
use crate::token::{Claims, Token};
use crate::trust::{HubKeySource, LogKeySource, LogTrust};

/// Who says that the key is the issuer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeySource {
    /// The caller, by handing it over.
    Keys,
    /// The registry.
    Log,
}

/// A verified statement.
#[derive(Debug, Serialize)]
pub struct DisclosureReport {
    issuer: String,
    seq: u64,
    prev: String,
    digest: String,
    #[serde(rename = "type")]
    statement_type: &'static str,
    kind: String,
    record: Option<String>,
    revision: Option<u32>,
    catalogue: Option<String>,
    issued_at_claimed: u64,
    key: String,
    key_source: KeySource,
    claims: Claims,
    revealed: usize,
    digests: usize,
    log: Option<LogPlace>,
    /// None where no log was read, so that it is not known.
    admission: Option<Admission>,
}

/// Where a statement stands in a registry.
#[derive(Debug, Serialize)]
pub struct LogPlace {
    origin: String,
    index: u64,
    size: u64,
    institution: Option<String>,
    log_key_source: LogKeySource,
    hub_key_source: HubKeySource,
}

impl LogPlace {
    pub(super) fn of(log: &VerifiedLog, trust: &LogTrust, issuer: &Issuer, index: u64) -> Self {
        let institution = match issuer {
            Issuer::Institution(code) => log.audit().and_then(|audit| audit.directory().institution(code)),
            Issuer::Hub(_) => None,
        };
        Self {
            origin: log.origin().to_owned(),
            index,
            size: log.size(),
            institution: institution.map(|institution| institution.name.clone()),
            log_key_source: trust.source(),
            hub_key_source: log.hub_key_source(),
        }
    }
}

impl DisclosureReport {
    pub(super) fn of(token: &Token<'_>, claims: Claims, source: KeySource) -> Self {
        let statement = &token.statement;
        let envelope = &statement.envelope;
        Self {
            issuer: envelope.iss.to_string(),
            seq: envelope.seq,
            prev: envelope.prev.to_string(),
            digest: statement.digest.to_string(),
            statement_type: envelope.vct.statement.as_str(),
            kind: envelope.vct.kind.to_string(),
            record: envelope.rec.map(|record| record.to_string()),
            revision: envelope.rev,
            catalogue: envelope.cat.map(|cat| cat.to_string()),
            issued_at_claimed: envelope.iat,
            key: statement.key_id().unwrap_or_default().to_owned(),
            key_source: source,
            claims,
            revealed: token.revealed(),
            digests: statement.digests.len(),
            log: None,
            admission: None,
        }
    }

    pub(super) fn logged(self, place: LogPlace, admission: Admission) -> Self {
        Self { log: Some(place), admission: Some(admission), ..self }
    }

    /// Where the statement stands in the log, and how its key came to be its issuer's; none where no log was read.
    #[must_use]
    pub fn into_admission(self) -> Option<(u64, Admission)> {
        Some((self.log?.index, self.admission?))
    }
}

impl Describe for DisclosureReport {
    const COMMAND: &'static str = "disclosure";

    fn describe(&self, page: &mut Page) {
        page.field("issuer", "签发者", &self.issuer);
        if let Some(name) = self.log.as_ref().and_then(|log| log.institution.as_ref()) {
            page.field("institution", "参与单位", name);
        }
        page.field("statement", "声明", format!("{} {}", self.statement_type, self.kind));
        page.field("number", "序号", self.seq);
        if let (Some(record), Some(revision)) = (&self.record, self.revision) {
            page.field("record", "记录", record);
            page.field("revision", "修订", revision);
        }
        page.field("digest", "摘要", &self.digest);
        page.field("key", "签名密钥", &self.key);
        match &self.admission {
            Some(admission) => admission.describe(page),
            None => Admission::describe_unknown(page),
        }
        match &self.log {
            Some(log) => log.describe(page),
            None => page.field(
                "logged",
                "登记",
                page.language().pick(
                    "not asked: you vouch for the key, no log was read",
                    "未查：密钥由您担保，未读取登记簿",
                ),
            ),
        }
        self.describe_claims(page);
    }
}

impl DisclosureReport {
    fn describe_claims(&self, page: &mut Page) {
        page.field("claims", "字段", self.claims.len());
        for (name, value) in &self.claims {
            match value.as_str() {
                Some(text) => page.item(name, text),
                None => page.item(name, value),
            }
        }
        let rest = self.digests.saturating_sub(self.revealed);
        if rest > 0 {
            page.note(
                &format!("{rest} further digests stand in the statement. Which of them hide a claim and which are decoys cannot be told, so the number of hidden claims is not known."),
                &format!("声明中另有 {rest} 个摘要，其中哪些对应未披露字段、哪些是填充无法分辨，因此未披露字段的数量不可知。"),
            );
        }
    }
}

impl LogPlace {
    fn describe(&self, page: &mut Page) {
        page.field("registry", "登记簿", &self.origin);
        page.field("entry", "条目", format!("{} / {}", self.index, self.size));
        self.hub_key_source.describe(page);
        self.log_key_source.describe(page);
    }
}
