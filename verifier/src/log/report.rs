//! What a verified registry holds: size, root, institutions with their statements and keys.

use safeharbor_core::audit::RegistryAudit;
use safeharbor_core::b64;
use safeharbor_core::directory::{Directory, Institution, InstitutionType, KeyTerm, Standing};
use safeharbor_core::institution::{InstitutionCode, Issuer};
use serde::Serialize;

use super::walk::VerifiedLog;
use crate::language::Language;
use crate::report::{Describe, Page};
use crate::trust::{HubKeySource, LogKeySource, LogTrust};
use crate::utc::print_utc;

/// A verified registry.
#[derive(Debug, Serialize)]
pub struct LogReport {
    origin: String,
    size: u64,
    root: String,
    bundles: u64,
    tiles: u64,
    log_key_source: LogKeySource,
    witnesses: Vec<String>,
    witnessed_at: Option<u64>,
    witnessed_at_utc: Option<String>,
    hub: Option<HubReport>,
    institutions: Vec<InstitutionReport>,
}

/// The hub of a registry.
#[derive(Debug, Serialize)]
struct HubReport {
    issuer: String,
    key_source: HubKeySource,
    statements: u64,
    keys: Vec<KeyReport>,
}

/// An institution in a registry.
#[derive(Debug, Serialize)]
struct InstitutionReport {
    code: String,
    name: String,
    #[serde(rename = "type")]
    kind: InstitutionType,
    standing: Standing,
    statements: u64,
    keys: Vec<KeyReport>,
}

/// A key and the entries for which it is valid.
#[derive(Debug, Serialize)]
struct KeyReport {
    id: String,
    from: u64,
    until: Option<u64>,
}

impl LogReport {
    pub(super) fn of(log: &VerifiedLog, trust: &LogTrust) -> Self {
        let believed = log.believed();
        let institutions = log.audit().map_or_else(Vec::new, |audit| {
            let institutions = audit.directory().institutions();
            institutions.map(|(code, institution)| InstitutionReport::of(audit, code, institution)).collect()
        });
        Self {
            origin: log.origin().to_owned(),
            size: log.size(),
            root: b64::encode_std(believed.checkpoint.root.as_bytes()),
            bundles: log.bundles(),
            tiles: log.tiles(),
            log_key_source: trust.source(),
            witnesses: believed.witnesses.iter().map(|(name, _)| name.clone()).collect(),
            witnessed_at: believed.witnessed_at,
            witnessed_at_utc: believed.witnessed_at.map(print_utc),
            hub: log.audit().map(|audit| HubReport::of(audit, log.hub_key_source())),
            institutions,
        }
    }
}

fn statements(audit: &RegistryAudit, issuer: &Issuer) -> u64 {
    audit.heads().get(issuer).map_or(0, |head| head.seq)
}

fn keys(terms: &[KeyTerm]) -> Vec<KeyReport> {
    let key = |term: &KeyTerm| KeyReport {
        id: term.key.thumbprint().to_string(),
        from: term.from,
        until: term.until,
    };
    terms.iter().map(key).collect()
}

impl HubReport {
    fn of(audit: &RegistryAudit, key_source: HubKeySource) -> Self {
        let directory: &Directory = audit.directory();
        Self {
            issuer: directory.hub().to_string(),
            key_source,
            statements: statements(audit, directory.hub()),
            keys: keys(directory.hub_keys()),
        }
    }
}

impl InstitutionReport {
    fn of(audit: &RegistryAudit, code: &InstitutionCode, institution: &Institution) -> Self {
        Self {
            code: code.to_string(),
            name: institution.name.clone(),
            kind: institution.kind,
            standing: institution.standing,
            statements: statements(audit, &Issuer::Institution(*code)),
            keys: keys(&institution.keys),
        }
    }
}

impl Describe for LogReport {
    const COMMAND: &'static str = "log";

    fn describe(&self, page: &mut Page) {
        page.field("registry", "登记簿", &self.origin);
        page.field("entries", "条目数", self.size);
        page.field("root", "树根", &self.root);
        page.field("bundles", "条目文件", self.bundles);
        page.field("tiles", "瓦片", self.tiles);
        if let Some(time) = &self.witnessed_at_utc {
            page.field("witnessed", "见证时间", format!("{time} ({})", self.witnesses.join(", ")));
        }
        if let Some(hub) = &self.hub {
            hub.describe(page);
        }
        page.field("institutions", "参与单位", self.institutions.len());
        self.institutions.iter().for_each(|institution| institution.describe(page));
        self.log_key_source.describe(page);
    }
}

impl HubReport {
    fn describe(&self, page: &mut Page) {
        page.field("hub", "枢纽", &self.issuer);
        self.key_source.describe(page);
        page.field("hub statements", "枢纽声明数", self.statements);
        self.keys.iter().for_each(|key| key.describe(page));
    }
}

impl InstitutionReport {
    fn describe(&self, page: &mut Page) {
        let language = page.language();
        let standing = print_standing(self.standing, language);
        let statements = language.pick("statements", "份声明");
        page.item(&self.code, format!("{} · {standing} · {} {statements}", self.name, self.statements));
        self.keys.iter().for_each(|key| key.describe(page));
    }
}

impl KeyReport {
    fn describe(&self, page: &mut Page) {
        let language = page.language();
        let until = match self.until {
            Some(until) => format!("{} {until}", language.pick("to", "至")),
            None => language.pick("on", "起").to_owned(),
        };
        let entries = language.pick("from entry", "条目");
        page.item(language.pick("  key", "  密钥"), format!("{} · {entries} {} {until}", self.id, self.from));
    }
}

/// The word for a standing.
pub(crate) fn print_standing(standing: Standing, language: Language) -> &'static str {
    match standing {
        Standing::Active => language.pick("active", "有效"),
        Standing::Suspended => language.pick("suspended", "中止"),
        Standing::Revoked => language.pick("revoked", "撤销"),
    }
}
