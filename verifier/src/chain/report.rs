//! What is said of an institution's history.

use safeharbor_core::audit::RegistryAudit;
use safeharbor_core::b64;
use safeharbor_core::directory::{Institution, InstitutionType, Standing};
use safeharbor_core::institution::{InstitutionCode, Issuer};
use serde::Serialize;

use super::history::{Event, History, Stretch};
use crate::log::{VerifiedLog, print_standing};
use crate::report::{Describe, Page};
use crate::trust::{HubKeySource, LogKeySource, LogTrust};
use crate::utc::print_utc;

/// The verified history of an institution.
#[derive(Debug, Serialize)]
pub struct ChainReport {
    origin: String,
    size: u64,
    root: String,
    witnessed_at: Option<u64>,
    institution: String,
    name: String,
    #[serde(rename = "type")]
    kind: InstitutionType,
    standing: Standing,
    /// The digest to which the first statement links: that of the statement that admitted the institution.
    admitted: String,
    statements: u64,
    last_index: Option<u64>,
    head: String,
    re_enrolled: bool,
    log_key_source: LogKeySource,
    hub_key_source: HubKeySource,
    history: Vec<Event>,
}

impl ChainReport {
    pub(super) fn of(
        log: &VerifiedLog,
        trust: &LogTrust,
        (code, institution): (InstitutionCode, &Institution),
        history: History,
    ) -> Self {
        let believed = log.believed();
        let head =
            log.audit().map(RegistryAudit::heads).and_then(|heads| heads.get(&Issuer::Institution(code)));
        let last_index = history.events.iter().rev().find_map(|event| match event {
            Event::Stated(stretch) => Some(stretch.last_index),
            Event::Admitted { .. }
            | Event::Standing { .. }
            | Event::Renamed { .. }
            | Event::KeyBegan { .. }
            | Event::KeyEnded { .. }
            | Event::KeyConfirmed { .. } => None,
        });
        Self {
            origin: log.origin().to_owned(),
            size: log.size(),
            root: b64::encode_std(believed.checkpoint.root.as_bytes()),
            witnessed_at: believed.witnessed_at,
            institution: code.to_string(),
            name: institution.name.clone(),
            kind: institution.kind,
            standing: institution.standing,
            admitted: institution.admitted.to_string(),
            statements: head.map_or(0, |head| head.seq),
            last_index,
            head: head.map_or(institution.admitted, |head| head.digest).to_string(),
            re_enrolled: institution.keys.iter().any(|term| term.re_enrolled),
            log_key_source: trust.source(),
            hub_key_source: log.hub_key_source(),
            history: history.events,
        }
    }
}

impl Describe for ChainReport {
    const COMMAND: &'static str = "chain";

    fn describe(&self, page: &mut Page) {
        let language = page.language();
        page.field("institution", "参与单位", format!("{} {}", self.institution, self.name));
        page.field("standing", "状态", print_standing(self.standing, language));
        page.field("registry", "登记簿", &self.origin);
        page.field("entries", "条目数", self.size);
        page.field("root", "树根", &self.root);
        if let Some(time) = self.witnessed_at {
            page.field("witnessed", "见证时间", print_utc(time));
        }
        let gapless = match self.statements {
            0 => language.pick("none", "无").to_owned(),
            count => match language {
                crate::language::Language::English => {
                    format!("1 to {count}, without a gap, each linked to the one before")
                }
                crate::language::Language::Chinese => format!("第 1 至 {count} 号，无缺号，逐一链接前一份"),
            },
        };
        page.field("statements", "声明", gapless);
        if let Some(index) = self.last_index {
            page.field("last entry", "最后条目", index);
        }
        page.field("head", "链首摘要", &self.head);
        self.hub_key_source.describe(page);
        page.field("history", "历史", language.pick("by log index", "按条目序号"));
        self.history.iter().for_each(|event| event.describe(page));
        if self.re_enrolled {
            page.note(
                "a key began without the one before signing for it (re-enrolled): two persons at the hub decided that.",
                "有密钥并非由前一把密钥签名接替（重新入网）：由枢纽两人决定。",
            );
        }
        page.note(
            "sealed entries hold no signature: who signed a statement is checked where it is shown, by `disclosure`.",
            "封存条目不含签名：声明的签名在出示声明时由命令 disclosure 验证。",
        );
        self.log_key_source.describe(page);
    }
}

impl Event {
    fn describe(&self, page: &mut Page) {
        let language = page.language();
        let by = |numbers: &[u32]| match numbers {
            [] => String::new(),
            numbers => {
                let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
                format!(" ({} {})", language.pick("decided by persons", "决定人编号"), numbers.join(", "))
            }
        };
        let (index, text) = match self {
            Self::Admitted { index } => (index, language.pick("admitted", "入网").to_owned()),
            Self::Standing { index, standing, decided_by } => {
                (index, format!("{}{}", print_standing(*standing, language), by(decided_by)))
            }
            Self::Renamed { index, name } => (index, format!("{} {name}", language.pick("named", "更名"))),
            Self::KeyBegan { index, key, signs, ground, decided_by } => {
                let begins = language.pick("key begins", "密钥启用");
                (index, format!("{begins} {key} · {signs} · {ground}{}", by(decided_by)))
            }
            Self::KeyEnded { index, key } => {
                (index, format!("{} {key}", language.pick("key ends", "密钥终止")))
            }
            Self::KeyConfirmed { index, key } => {
                (index, format!("{} {key}", language.pick("six words confirmed", "六词已核对")))
            }
            Self::Stated(stretch) => return stretch.describe(page),
        };
        page.item(&index.to_string(), text);
    }
}

impl Stretch {
    fn describe(&self, page: &mut Page) {
        let language = page.language();
        let Self { first_seq, last_seq, first_index, last_index, key } = self;
        let key = key.as_deref().unwrap_or_default();
        let (statements, under) =
            (language.pick("statements", "声明"), language.pick("under key", "所用密钥"));
        let place = if first_index == last_index {
            first_index.to_string()
        } else {
            format!("{first_index}–{last_index}")
        };
        page.item(&place, format!("{statements} {first_seq}–{last_seq} · {under} {key}"));
    }
}
