//! What a person should look at before a text leaves: phone, e-mail, identity card and bank card numbers, and names.
//!
//! It helps the person who approves and is not the gate: it finds what looks like such a number or address, in any width
//! of digits, broken up by marks or by characters without width. A text in which it finds nothing may still give
//! somebody away.

mod number;

use std::ops::Range;

use serde_json::Value;

use crate::field::Subject;
use crate::kind::Kind;
use crate::personal_id::has_no_width;
use crate::{Lang, Record, ValueType};

/// Names looked for in one text.
const NAMES_MAX: usize = 200;

/// What a text seems to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// A mobile number of mainland China.
    Mobile,
    /// A landline number of mainland China with its area code.
    Landline,
    /// An e-mail address.
    Email,
    /// An identity card number of 18 characters whose check character is right (GB 11643).
    PersonalId,
    /// A number that could be an identity card number of the old form of 15 digits.
    OldPersonalId,
    /// A number of 16 to 19 digits whose check digit is one of bank cards (Luhn).
    BankCard,
    /// The name of a person of the same record.
    Name,
}

/// A place in a text that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Find {
    /// What it seems to be.
    pub mark: Mark,
    /// Which characters of the text, counted from 0.
    pub characters: Range<usize>,
}

impl Mark {
    /// The word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::Landline => "landline",
            Self::Email => "email",
            Self::PersonalId => "personal_id",
            Self::OldPersonalId => "old_personal_id",
            Self::BankCard => "bank_card",
            Self::Name => "name",
        }
    }

    /// The words for people.
    #[must_use]
    pub const fn title(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Mobile, Lang::Zh) => "疑似手机号码",
            (Self::Mobile, Lang::En) => "mobile number?",
            (Self::Landline, Lang::Zh) => "疑似固定电话",
            (Self::Landline, Lang::En) => "landline number?",
            (Self::Email, Lang::Zh) => "电子邮箱",
            (Self::Email, Lang::En) => "e-mail address",
            (Self::PersonalId, Lang::Zh) => "身份证号",
            (Self::PersonalId, Lang::En) => "identity card number",
            (Self::OldPersonalId, Lang::Zh) => "疑似 15 位旧身份证号",
            (Self::OldPersonalId, Lang::En) => "old identity card number?",
            (Self::BankCard, Lang::Zh) => "疑似银行卡号",
            (Self::BankCard, Lang::En) => "bank card number?",
            (Self::Name, Lang::Zh) => "本记录中人员的姓名",
            (Self::Name, Lang::En) => "name of a person of the record",
        }
    }
}

/// A character that counts, with its place in the text.
#[derive(Debug, Clone, Copy)]
struct Glyph {
    at: usize,
    c: char,
}

/// Everything in `text` that a person should look at, in the order of the text. `names` are looked for as they are.
#[must_use]
pub fn scan(text: &str, names: &[String]) -> Vec<Find> {
    let glyphs: Vec<Glyph> = text
        .chars()
        .enumerate()
        .filter(|(_, c)| !has_no_width(*c))
        .map(|(at, c)| Glyph { at, c: fold(c) })
        .collect();
    let mut finds = number::numbers(&glyphs);
    finds.extend(emails(&glyphs));
    for name in names.iter().take(NAMES_MAX) {
        finds.extend(names_in(&glyphs, name));
    }
    finds.sort_by_key(|find| (find.characters.start, find.mark));
    finds.dedup();
    finds
}

/// What a person should look at in one value of a record: every text in it, with its finds. Codes and dates have none.
#[must_use]
pub fn scan_field(kind: &Kind, record: &Record, name: &str) -> Vec<(String, Vec<Find>)> {
    let (Some(field), Some(value)) = (kind.field(name), record.get(name)) else { return Vec::new() };
    let is_plain = matches!(field.value_type().item(), ValueType::Text | ValueType::Group);
    if !is_plain || field.codes().is_some() {
        return Vec::new();
    }
    let is_about_persons = field.subject() == Some(Subject::Person);
    let names = if is_about_persons { Vec::new() } else { names_of(kind, record) };
    let mut texts = Vec::new();
    collect_texts(value, &mut texts);
    let scanned = texts.into_iter().map(|text| (text.to_owned(), scan(text, &names)));
    scanned.filter(|(_, finds)| !finds.is_empty()).collect()
}

/// The texts in the fields about persons.
fn names_of(kind: &Kind, record: &Record) -> Vec<String> {
    let about_persons = kind.fields().iter().filter(|field| field.subject() == Some(Subject::Person));
    let mut texts = Vec::new();
    for field in about_persons.filter(|field| field.codes().is_none()) {
        if let Some(value) = record.get(field.name()) {
            collect_texts(value, &mut texts);
        }
    }
    texts.into_iter().map(str::to_owned).collect()
}

fn collect_texts<'v>(value: &'v Value, texts: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect_texts(item, texts)),
        Value::Object(members) => members.values().for_each(|member| collect_texts(member, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The half-width form of a full-width character, in lower case.
fn fold(c: char) -> char {
    let half = match c {
        '\u{ff01}'..='\u{ff5e}' => u32::from(c).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or(c),
        '\u{3000}' => ' ',
        _ => c,
    };
    half.to_ascii_lowercase()
}

fn emails(glyphs: &[Glyph]) -> Vec<Find> {
    let is_local = |glyph: &Glyph| glyph.c.is_ascii_alphanumeric() || "._%+-".contains(glyph.c);
    let is_host = |glyph: &Glyph| glyph.c.is_ascii_alphanumeric() || ".-".contains(glyph.c);
    let mut finds = Vec::new();
    for at in (0..glyphs.len()).filter(|at| glyphs.get(*at).is_some_and(|glyph| glyph.c == '@')) {
        let (before, after) =
            (glyphs.get(..at).unwrap_or_default(), glyphs.get(at + 1..).unwrap_or_default());
        let local = before.iter().rev().take_while(|glyph| is_local(glyph)).count();
        let host: Vec<&Glyph> = after.iter().take_while(|glyph| is_host(glyph)).collect();
        let text: String = host.iter().map(|glyph| glyph.c).collect();
        let text = text.trim_end_matches(['.', '-']);
        let has_dot = text.trim_start_matches('.').contains('.');
        let last = host.get(text.len().saturating_sub(1)).map(|glyph| glyph.at);
        let first = glyphs.get(at.saturating_sub(local)).map(|glyph| glyph.at);
        if let (true, true, Some(first), Some(last)) = (local > 0, has_dot, first, last) {
            finds.push(Find { mark: Mark::Email, characters: first..last + 1 });
        }
    }
    finds
}

/// Where a name stands, whatever space is between its characters; names of one character are too common to be looked for.
fn names_in(glyphs: &[Glyph], name: &str) -> Vec<Find> {
    let wanted: Vec<char> =
        name.chars().filter(|c| !has_no_width(*c) && !c.is_whitespace()).map(fold).collect();
    if wanted.len() < 2 {
        return Vec::new();
    }
    let solid: Vec<&Glyph> = glyphs.iter().filter(|glyph| !glyph.c.is_whitespace()).collect();
    let is_name = |window: &&[&Glyph]| window.iter().map(|glyph| glyph.c).eq(wanted.iter().copied());
    let found = solid.windows(wanted.len()).filter(is_name);
    let place = |window: &[&Glyph]| Some(window.first()?.at..window.last()?.at + 1);
    found.filter_map(place).map(|characters| Find { mark: Mark::Name, characters }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marks(text: &str) -> Vec<Mark> {
        scan(text, &["张三".to_owned(), "Ann Lee".to_owned(), "李".to_owned()])
            .iter()
            .map(|find| find.mark)
            .collect()
    }

    #[test]
    fn what_gives_somebody_away_is_marked() {
        for (text, mark) in [
            ("联系13800138000即可", Mark::Mobile),
            ("１３８００１３８０００", Mark::Mobile),
            ("138-0013-8000", Mark::Mobile),
            ("+86 138 0013 8000", Mark::Mobile),
            ("008613800138000", Mark::Mobile),
            ("138\u{200b}0013\u{200d}8000", Mark::Mobile),
            ("١٣٨٠٠١٣٨٠٠٠", Mark::Mobile),
            ("电话010-62751234", Mark::Landline),
            ("（010）6275 1234", Mark::Landline),
            ("0571-8765432", Mark::Landline),
            ("01062751234", Mark::Landline),
            ("邮箱 zhang.san@pku.edu.cn。", Mark::Email),
            ("ｚｈａｎｇ＠ｐｋｕ．ｅｄｕ．ｃｎ", Mark::Email),
            ("身份证11010519491231002X", Mark::PersonalId),
            ("110105 19491231 002x", Mark::PersonalId),
            ("旧证110105491231002", Mark::OldPersonalId),
            ("卡号6222021234567890128", Mark::BankCard),
            ("4111 1111 1111 1111", Mark::BankCard),
            ("由张三发明", Mark::Name),
            ("由张 三发明", Mark::Name),
            ("by ann  lee", Mark::Name),
        ] {
            assert_eq!(marks(text), [mark], "{text}");
        }
    }

    #[test]
    fn what_is_something_else_is_not() {
        for text in [
            "2020-01-01 2021-02-02",
            "12345678901",
            "23800138000",
            "1380013800",
            "138001380001",
            "专利号ZL201910110000.1",
            "2019110100000123456789",
            "91110108551385082Q",
            "110105491331002",
            "4111111111111112",
            "9622021234567890128",
            "a@b",
            "@pku.edu.cn",
            "价格 1,380,013.80 元",
            "李",
            "",
        ] {
            assert_eq!(marks(text), [], "{text}");
        }
    }

    #[test]
    fn the_place_is_that_of_the_text() {
        let text = "电话：138\u{200b}0013 8000。";
        let find = scan(text, &[]).remove(0);
        let shown: String = text.chars().skip(find.characters.start).take(find.characters.len()).collect();
        assert_eq!(shown, "138\u{200b}0013 8000");
    }

    proptest! {
        #[test]
        fn no_text_panics_and_every_place_is_in_the_text(text in "\\PC{0,80}", name in "\\PC{0,8}") {
            let length = text.chars().count();
            for find in scan(&text, &[name]) {
                prop_assert!(find.characters.start < find.characters.end && find.characters.end <= length);
            }
        }

        #[test]
        fn digits_and_marks_do_not_panic(text in "[0-9xX０-９ +().@-]{0,60}") {
            let _finds = scan(&text, &[]);
        }

        #[test]
        fn a_mobile_number_is_found_between_any_words(
            before in "[a-z一-龥，。]{0,20}", after in "[a-z一-龥，。]{0,20}", rest in 100_000_000_u64..1_000_000_000,
        ) {
            let text = format!("{before}1{}{after}", 3_000_000_000 + rest);
            prop_assert!(marks(&text).contains(&Mark::Mobile), "{}", text);
        }

        #[test]
        fn an_identity_number_is_found_between_any_words(before in "[a-z一-龥，]{0,20}", after in "[b-w一-龥，]{0,20}") {
            let text = format!("{before}11010519491231002X{after}");
            prop_assert!(marks(&text).contains(&Mark::PersonalId), "{}", text);
        }
    }
}
