//! The hub's judgement of what a disclosure reveals.

use std::collections::BTreeSet;
use std::fmt;

use safeharbor_core::code::Code;
use serde_json::Value;

use crate::class::{ByState, Ceiling, Class};
use crate::kind::Kind;
use crate::lang::{Lang, Titles};
use crate::personal_id::{holds_personal_id, value_holds_personal_id};

/// Why the content of a disclosure is refused; holds no value.
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The stable code.
    pub code: Code,
    /// The field, where it is one of the kind's.
    pub field: Option<String>,
    reason: Titles,
}

impl Refusal {
    fn new(code: Code, field: Option<&str>, zh: &str, en: &str) -> Self {
        Self {
            code,
            field: field.map(str::to_owned),
            reason: Titles { zh: zh.to_owned(), en: en.to_owned() },
        }
    }

    /// The reason for the institution's staff.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        let reason = self.reason.text(lang);
        match (&self.field, lang) {
            (None, _) => reason.to_owned(),
            (Some(field), Lang::Zh) => format!("字段 {field}：{reason}"),
            (Some(field), Lang::En) => format!("field {field}: {reason}"),
        }
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refusal({}, {:?})", self.code, self.field)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Lang::En))
    }
}

impl std::error::Error for Refusal {}

impl Kind {
    /// Judges what a disclosure reveals and how many digests it has.
    ///
    /// # Errors
    /// A number of digests other than the kind's, a name that is no field's or comes twice, a ceiling below the hub, a
    /// value that does not fit the field or is an identity card number.
    pub fn judge(&self, revealed: &[(String, Value)], digest_count: usize) -> Result<(), Refusal> {
        if digest_count != self.digests() {
            let zh = format!("摘要数应为 {}", self.digests());
            let en = format!("the number of digests must be {}", self.digests());
            return Err(Refusal::new(Code::DigestCount, None, &zh, &en));
        }
        let mut seen = BTreeSet::new();
        for (name, value) in revealed {
            self.judge_field(name, value)?;
            if !seen.insert(name) {
                return Err(Refusal::new(
                    Code::ValueInvalid,
                    Some(name),
                    "披露了两次",
                    "it is revealed twice",
                ));
            }
        }
        Ok(())
    }

    fn judge_field(&self, name: &str, value: &Value) -> Result<(), Refusal> {
        let unknown = || {
            Refusal::new(
                Code::FieldUnknown,
                None,
                "披露了该类记录没有的字段",
                "a revealed field is none of the kind's",
            )
        };
        let field = self.field(name).ok_or_else(unknown)?;
        if field.ceiling().most_open() < Ceiling::Hub || field.class() == &ByState::Constant(Class::CX) {
            let (zh, en) =
                ("超出披露上限，区级枢纽不接收", "it is above its ceiling; the hub does not take it");
            return Err(Refusal::new(Code::CeilingExceeded, Some(name), zh, en));
        }
        if holds_personal_id(name) || value_holds_personal_id(value) {
            let (zh, en) = ("含有居民身份证号", "it holds an identity card number");
            return Err(Refusal::new(Code::ValueInvalid, Some(name), zh, en));
        }
        if field.gate().is_some_and(|gate| value.as_str() != Some(gate)) {
            let (zh, en) = ("不是“公开”", "the gate's value is not the one that passes");
            return Err(Refusal::new(Code::ValueInvalid, Some(name), zh, en));
        }
        if !field.accepts_stated(value) {
            let (zh, en) = ("值不符合该类记录的定义", "the value does not fit the kind's schema");
            return Err(Refusal::new(Code::ValueInvalid, Some(name), zh, en));
        }
        Ok(())
    }
}
