//! Code lists: short codes and what people call them.

use serde::Deserialize;

use crate::lang::{Lang, Titles};

/// Lists are read by people and compared pair by pair.
const CODES_MAX: usize = 500;

/// One entry of a code list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// The value a record holds.
    pub code: String,
    /// The Chinese label.
    pub zh: String,
    /// The English label.
    pub en: String,
}

impl Code {
    /// The label in one language.
    #[must_use]
    pub fn label(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }
}

/// A code list of `catalogue/codes/`.
#[derive(Debug, Clone)]
pub struct CodeList {
    name: String,
    editable: bool,
    titles: Titles,
    codes: Vec<Code>,
}

/// A code list that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CodesRefused {
    /// Not the JSON of a code list.
    #[error("not a code list")]
    Json(#[source] serde_json::Error),
    /// A code, or a label of two codes, occurs twice, so that a text would not name one code.
    #[error("{0:?} names two codes")]
    Ambiguous(String),
    /// More codes than a list may have.
    #[error("{0} codes are more than {CODES_MAX}")]
    TooMany(usize),
    /// A code outside capitals, small letters, digits, '-' and '_', or longer than 16.
    #[error("{0:?} is no code: 1 to 16 letters, digits, '-' or '_'")]
    Code(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCodeList {
    title: String,
    #[serde(rename = "x-title-en")]
    title_en: String,
    #[serde(rename = "x-source")]
    _source: String,
    #[serde(default, rename = "x-editable")]
    editable: bool,
    codes: Vec<Code>,
}

impl CodeList {
    pub(crate) fn decode(name: &str, bytes: &[u8]) -> Result<Self, CodesRefused> {
        let raw: RawCodeList = serde_json::from_slice(bytes).map_err(CodesRefused::Json)?;
        if raw.codes.len() > CODES_MAX {
            return Err(CodesRefused::TooMany(raw.codes.len()));
        }
        for (index, code) in raw.codes.iter().enumerate() {
            if !is_code(&code.code) {
                return Err(CodesRefused::Code(code.code.clone()));
            }
            let earlier = raw.codes.iter().take(index);
            for text in [&code.code, &code.zh, &code.en] {
                if earlier.clone().any(|other| names(other, text)) {
                    return Err(CodesRefused::Ambiguous(text.clone()));
                }
            }
        }
        let titles = Titles { zh: raw.title, en: raw.title_en };
        Ok(Self { name: name.to_owned(), editable: raw.editable, titles, codes: raw.codes })
    }

    /// Decodes a list that an institution puts in place of an editable one.
    pub(crate) fn decode_own(name: &str, bytes: &[u8]) -> Result<Self, CodesRefused> {
        Ok(Self { editable: true, ..Self::decode(name, bytes)? })
    }

    /// The name by which fields refer to the list.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The list's title.
    #[must_use]
    pub fn title(&self, lang: Lang) -> &str {
        self.titles.text(lang)
    }

    /// Whether an institution may replace the list by its own (`docs/adr/0011-local-code-lists.md`).
    #[must_use]
    pub fn is_editable(&self) -> bool {
        self.editable
    }

    /// The entries, in the order of the file.
    #[must_use]
    pub fn codes(&self) -> &[Code] {
        &self.codes
    }

    /// Finds an entry by its code or by a label, in any case of letters and without surrounding space.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<&Code> {
        let text = text.trim();
        self.codes.iter().find(|code| names(code, text))
    }

    /// The label of a code; the code itself where the list does not have it.
    #[must_use]
    pub fn label<'a>(&'a self, code: &'a str, lang: Lang) -> &'a str {
        self.codes.iter().find(|c| c.code == code).map_or(code, |c| c.label(lang))
    }
}

/// The form of a code, as a pattern.
pub(crate) const CODE_PATTERN: &str = "^[A-Za-z0-9_-]{1,16}$";

fn is_code(text: &str) -> bool {
    (1..=16).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn names(code: &Code, text: &str) -> bool {
    code.code.eq_ignore_ascii_case(text) || code.zh == text || code.en.eq_ignore_ascii_case(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(codes: &str) -> Result<CodeList, CodesRefused> {
        let text =
            format!(r#"{{"title": "阶段", "x-title-en": "Stage", "x-source": "own", "codes": {codes}}}"#);
        CodeList::decode("stage", text.as_bytes())
    }

    #[test]
    fn a_text_names_a_code_by_code_or_label() {
        let list = list(r#"[{"code": "S1", "zh": "初期", "en": "Early"}]"#).unwrap();
        for text in ["S1", "s1", " 初期 ", "early"] {
            assert_eq!(list.find(text).map(|c| c.code.as_str()), Some("S1"), "{text}");
        }
        assert!(list.find("中试").is_none());
        assert_eq!(list.label("S1", Lang::Zh), "初期");
    }

    #[test]
    fn ambiguous_lists_are_refused() {
        let twice = list(r#"[{"code": "A", "zh": "甲", "en": "a1"}, {"code": "B", "zh": "甲", "en": "b"}]"#);
        assert!(matches!(twice, Err(CodesRefused::Ambiguous(text)) if text == "甲"));
        assert!(matches!(list(r#"[{"code": "甲", "zh": "甲", "en": "a"}]"#), Err(CodesRefused::Code(_))));
        assert!(matches!(list(r#"[{"code": "A"}]"#), Err(CodesRefused::Json(_))));
    }
}
