//! What an export for others left out, and why: counts and names of fields, no values.

use std::collections::BTreeMap;

use safeharbor_rules::{Class, Lang};

/// Why something was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The record is not published, or it cannot be told.
    NotPublished,
    /// The record is held back, or what left of it was withdrawn.
    HeldBack,
    /// The profile has no entity for such a record.
    NoEntity,
    /// The field's class in the record keeps it here.
    Class(Class),
    /// The field's ceiling in the record is below the hub.
    Ceiling,
    /// The profile has no element for the field.
    NoElement,
}

/// One thing that was left out, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Omission {
    /// The field's name; none where whole records were left out.
    pub field: Option<String>,
    /// Why.
    pub why: Why,
    /// In how many records.
    pub count: u64,
}

/// Everything that was left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    counts: BTreeMap<(Option<String>, Why), u64>,
}

impl LeftOut {
    pub(super) fn record(&mut self, why: Why) {
        self.add(None, why);
    }

    pub(super) fn field(&mut self, name: &str, why: Why) {
        self.add(Some(name.to_owned()), why);
    }

    fn add(&mut self, field: Option<String>, why: Why) {
        let count = self.counts.entry((field, why)).or_default();
        *count = count.saturating_add(1);
    }

    /// Whole records first, then fields by name.
    pub fn omissions(&self) -> impl Iterator<Item = Omission> {
        self.counts.iter().map(|((field, why), count)| Omission {
            field: field.clone(),
            why: *why,
            count: *count,
        })
    }
}

impl Why {
    /// The reason for people.
    #[must_use]
    pub fn text(self, lang: Lang) -> String {
        let (zh, en) = match self {
            Self::NotPublished => ("未公开或无法判明是否公开", "not published, or it cannot be told"),
            Self::HeldBack => ("已暂停外传或已撤回", "held back or withdrawn"),
            Self::NoEntity => ("CERIF 中没有对应的实体", "CERIF has no entity for it"),
            Self::Ceiling => ("披露上限低于枢纽", "its ceiling is below the hub"),
            Self::NoElement => ("CERIF 中没有对应的元素", "CERIF has no element for it"),
            Self::Class(class) => {
                return match lang {
                    Lang::Zh => format!("等级 {class}，不得给他人"),
                    Lang::En => format!("class {class}: not for others"),
                };
            }
        };
        match lang {
            Lang::Zh => zh.to_owned(),
            Lang::En => en.to_owned(),
        }
    }
}
