//! Classes, ceilings, states and types in plain words.

use std::fmt::Display;

use crate::class::{ByState, Ceiling, Class};
use crate::derive::Derivation;
use crate::field::Subject;
use crate::lang::{Lang, Titles, in_sentence};
use crate::value_type::ValueType;

/// A text in one language and in the other.
pub(super) fn both(make: impl Fn(Lang) -> String) -> Titles {
    Titles { zh: make(Lang::Zh), en: make(Lang::En) }
}

pub(super) const fn pick<'t>(lang: Lang, zh: &'t str, en: &'t str) -> &'t str {
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}

/// From one text to another.
pub(super) fn from_to(from: &Titles, to: &Titles) -> Titles {
    Titles {
        zh: format!("由“{}”改为“{}”", from.zh, to.zh), en: format!("from {:?} to {:?}", from.en, to.en)
    }
}

pub(super) fn class(rule: &ByState<Class>) -> Titles {
    both(|lang| by_state(rule, lang, |class| format!("{} {class}", class_word(class, lang))))
}

pub(super) fn ceiling(rule: &ByState<Ceiling>) -> Titles {
    both(|lang| by_state(rule, lang, |ceiling| ceiling_word(ceiling, lang).to_owned()))
}

fn by_state<T: Copy>(rule: &ByState<T>, lang: Lang, word: impl Fn(T) -> String) -> String {
    match rule {
        ByState::Constant(value) => word(*value),
        ByState::Table { state, when_true, when_false } => {
            let (yes, no, state) = (word(*when_true), word(*when_false), state_word(state, lang));
            match lang {
                Lang::Zh => format!("{state}时{yes}，否则{no}"),
                Lang::En => format!("{yes} once {state}, {no} before"),
            }
        }
    }
}

pub(super) const fn class_word(class: Class, lang: Lang) -> &'static str {
    match class {
        Class::C0 => pick(lang, "公开", "public"),
        Class::C1 => pick(lang, "可随记录发往枢纽", "may go to the hub with its record"),
        Class::C2 => pick(lang, "只以汇总数离开", "leaves in aggregates only"),
        Class::C3 => pick(lang, "留在本单位", "stays here"),
        Class::CX => pick(lang, "不得保存", "must not be stored"),
    }
}

const fn ceiling_word(ceiling: Ceiling, lang: Lang) -> &'static str {
    match ceiling {
        Ceiling::Never => pick(lang, "不给任何人", "to nobody"),
        Ceiling::Reviewer => pick(lang, "至多给一名核验人员", "to one reviewer at most"),
        Ceiling::Hub => pick(lang, "至多到枢纽", "to the hub at most"),
    }
}

/// What people call a state.
pub(super) fn state_word(state: &str, lang: Lang) -> String {
    match state {
        "published" => pick(lang, "成果公开", "published").to_owned(),
        "noticed" => pick(lang, "公示", "noticed").to_owned(),
        other => in_sentence(other),
    }
}

pub(super) fn subject(subject: Option<Subject>) -> Titles {
    both(|lang| {
        match subject {
            None => pick(lang, "无", "none"),
            Some(Subject::Person) => pick(lang, "个人", "a person"),
            Some(Subject::Counterparty) => pick(lang, "交易对方", "a counterparty"),
            Some(Subject::Price) => pick(lang, "价格", "a price"),
        }
        .to_owned()
    })
}

pub(super) fn value_type(value_type: &ValueType) -> Titles {
    both(|lang| type_word(value_type, lang))
}

fn type_word(value_type: &ValueType, lang: Lang) -> String {
    match value_type {
        ValueType::Text => pick(lang, "文本", "text").to_owned(),
        ValueType::Date => pick(lang, "日期", "date").to_owned(),
        ValueType::Month => pick(lang, "年月", "month").to_owned(),
        ValueType::Institution => pick(lang, "统一社会信用代码", "institution code").to_owned(),
        ValueType::Integer => pick(lang, "整数", "whole number").to_owned(),
        ValueType::Number => pick(lang, "数", "number").to_owned(),
        ValueType::Flag => pick(lang, "是否", "yes or no").to_owned(),
        ValueType::Group => pick(lang, "分组", "group").to_owned(),
        ValueType::List(item) => {
            let item = type_word(item, lang);
            match lang {
                Lang::Zh => format!("多个{item}"),
                Lang::En => format!("list of {item}"),
            }
        }
    }
}

pub(super) fn derivation(derivation: Option<&Derivation>) -> Titles {
    both(|lang| match derivation {
        None => pick(lang, "无", "none").to_owned(),
        Some(Derivation::Month { month_of }) => format!("{} {month_of}", pick(lang, "年月：", "month of")),
        Some(Derivation::Band { band_of, bounds, codes }) => format!(
            "{} {band_of} {bounds:?} {}",
            pick(lang, "分档：", "band of"),
            in_sentence(&codes.join(" "))
        ),
    })
}

/// A word of the catalogue that may be missing.
pub(super) fn optional(word: Option<&str>) -> Titles {
    both(|lang| word.map_or_else(|| pick(lang, "无", "none").to_owned(), in_sentence))
}

/// The same words in both languages.
pub(super) fn same(text: impl Display) -> Titles {
    let text = in_sentence(&text.to_string());
    Titles { zh: text.clone(), en: text }
}
