//! What a monitor tells, one line each.

use serde_json::{Value, json};

use crate::language::Language;
use crate::objection::{Fault, Objection};
use crate::report::{Format, Verdict};
use crate::utc::print_utc;

/// Something to tell.
#[derive(Debug)]
pub enum Event {
    /// The registry grew, and everything new is verified.
    Grown {
        /// How many entries were verified before.
        from: u64,
        /// How many there are.
        to: u64,
    },
    /// An entry of an institution that is watched.
    Entry {
        /// Its log index.
        index: u64,
        /// Whose.
        issuer: String,
        /// Its number.
        seq: u64,
        /// The statement's digest.
        digest: String,
    },
    /// Nothing shows that the registry still signs.
    Silent {
        /// The last sign of life, in seconds since 1970 UTC.
        since: u64,
        /// Whether it does not even answer.
        unreachable: bool,
    },
    /// The registry is not verified.
    Objection(Objection),
}

impl Event {
    /// Whether it proves to anybody that the registry forked: there is nothing left to follow then.
    #[must_use]
    pub fn is_proof(&self) -> bool {
        matches!(self, Self::Objection(objection) if matches!(*objection.fault, Fault::Forked { .. }))
    }

    /// How bad it is.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Grown { .. } | Self::Entry { .. } => Verdict::Verified,
            Self::Silent { .. } => Verdict::Alarm,
            Self::Objection(objection) => objection.verdict(),
        }
    }

    /// Prints one line.
    #[must_use]
    pub fn print(&self, now: u64, format: Format, language: Language) -> String {
        let time = print_utc(now);
        match format {
            Format::Text => format!("{time} {}\n", self.text(language)),
            Format::Json => {
                let mut line = self.json();
                if let Value::Object(members) = &mut line {
                    members.insert("time".to_owned(), time.into());
                    members.insert("verdict".to_owned(), json!(self.verdict()));
                }
                format!("{line}\n")
            }
        }
    }

    fn text(&self, language: Language) -> String {
        match self {
            Self::Grown { from, to } => match language {
                Language::English => format!("VERIFIED {to} entries, {} new", to.saturating_sub(*from)),
                Language::Chinese => format!("验证通过 {to} 条，新增 {} 条", to.saturating_sub(*from)),
            },
            Self::Entry { index, issuer, seq, digest } => match language {
                Language::English => format!("entry {index}: statement {seq} of {issuer}, {digest}"),
                Language::Chinese => format!("条目 {index}：{issuer} 的第 {seq} 号声明，{digest}"),
            },
            Self::Silent { since, unreachable } => {
                let since = print_utc(*since);
                match (language, unreachable) {
                    (Language::English, true) => format!("ALARM the registry has not answered since {since}"),
                    (Language::Chinese, true) => format!("警报 登记簿自 {since} 起没有回应"),
                    (Language::English, false) => {
                        format!("ALARM the last checkpoint is of {since}: the registry no longer signs")
                    }
                    (Language::Chinese, false) => format!("警报 最后的检查点出自 {since}：登记簿已不再签名"),
                }
            }
            Self::Objection(objection) => {
                let place = [
                    objection.file.as_ref().map(|file| format!(" [{file}]")),
                    objection.index.map(|index| format!(" [{} {index}]", language.pick("entry", "条目"))),
                    objection
                        .evidence
                        .as_ref()
                        .map(|path| format!(" [{} {path}]", language.pick("evidence", "证据"))),
                ];
                let place: String = place.into_iter().flatten().collect();
                format!("{} {}{place}", objection.verdict().word(language), objection.reason(language))
            }
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Grown { from, to } => json!({ "event": "grown", "from": from, "to": to }),
            Self::Entry { index, issuer, seq, digest } => {
                json!({ "event": "entry", "index": index, "issuer": issuer, "seq": seq, "digest": digest })
            }
            Self::Silent { since, unreachable } => {
                json!({ "event": "silent", "since": since, "unreachable": unreachable })
            }
            Self::Objection(objection) => {
                let reason = objection.reason(Language::English);
                let causes = objection.causes();
                json!({ "event": "objection", "reason": reason, "causes": causes, "file": objection.file,
                        "index": objection.index, "evidence": objection.evidence })
            }
        }
    }
}
