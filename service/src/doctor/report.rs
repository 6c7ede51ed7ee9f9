//! A report: findings in the order in which they were looked for.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock;
use crate::speech::{Exit, Language, moment, padded};

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Words {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Words {
    /// The two texts.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }

    /// The one that is in the person's language.
    #[must_use]
    pub fn pick(&self, language: Language) -> &str {
        language.pick(&self.zh, &self.en)
    }
}

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, and a person should look at it.
    Warning,
    /// It does not work.
    Failed,
    /// It could not be looked at, for the reason that the cause says; what was found before often explains it.
    NotChecked,
}

impl State {
    fn words(self, language: Language) -> &'static str {
        match self {
            Self::Ok => language.pick("正常", "ok"),
            Self::Warning => language.pick("注意", "warning"),
            Self::Failed => language.pick("故障", "FAILED"),
            Self::NotChecked => language.pick("未检查", "not checked"),
        }
    }
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Names the check for programs; stays the same for good.
    pub id: Cow<'static, str>,
    /// How it stands.
    pub state: State,
    /// What was seen, or why it was not looked at.
    pub cause: Words,
    /// What to do; empty where there is nothing.
    pub remedy: Words,
}

impl Finding {
    /// All is well.
    #[must_use]
    pub fn ok(id: &'static str, seen: Words) -> Self {
        Self { id: Cow::Borrowed(id), state: State::Ok, cause: seen, remedy: Words::default() }
    }

    /// A person should look at it.
    #[must_use]
    pub const fn warning(id: &'static str, cause: Words, remedy: Words) -> Self {
        Self { id: Cow::Borrowed(id), state: State::Warning, cause, remedy }
    }

    /// It does not work.
    #[must_use]
    pub const fn failed(id: &'static str, cause: Words, remedy: Words) -> Self {
        Self { id: Cow::Borrowed(id), state: State::Failed, cause, remedy }
    }

    /// It was not looked at.
    #[must_use]
    pub fn not_checked(id: &'static str, why: Words) -> Self {
        Self { id: Cow::Borrowed(id), state: State::NotChecked, cause: why, remedy: Words::default() }
    }
}

/// What was found, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// In milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// In the order of the checks.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Nothing found yet.
    #[must_use]
    pub const fn at(at_ms: u64) -> Self {
        Self { at_ms, findings: Vec::new() }
    }

    /// Adds what was found.
    pub fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// What a check found; none if it was not made.
    #[must_use]
    pub fn finding(&self, id: &str) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.id == id)
    }

    /// How the command ends: 0 where nothing is wrong, 1 with a warning or a failure, 3 where nothing could be looked at.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let any = |wanted: &[State]| self.findings.iter().any(|finding| wanted.contains(&finding.state));
        if any(&[State::Warning, State::Failed]) {
            Exit::Refused
        } else if any(&[State::Ok]) {
            Exit::Done
        } else {
            Exit::Unavailable
        }
    }

    /// For programs. Fields are added, never changed.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "format": 1, "at": clock::to_rfc3339(self.at_ms), "exit": self.exit().code(),
            "findings": self.findings,
        })
    }

    /// For people: a line a check, and what to do below it.
    #[must_use]
    pub fn to_text(&self, language: Language) -> String {
        let mut text = format!("{} {}\n", language.pick("检查时间", "Checked"), moment(self.at_ms));
        let name_width = self.findings.iter().map(|finding| finding.id.len()).max().unwrap_or_default();
        for Finding { id, state, cause, remedy } in &self.findings {
            let (state, id) = (padded(state.words(language), 12), padded(id, name_width));
            text.push_str(&format!("  {state}{id}  {}\n", one_line(cause.pick(language))));
            let remedy = one_line(remedy.pick(language));
            if !remedy.is_empty() {
                text.push_str(&format!("  {}→ {remedy}\n", " ".repeat(12)));
            }
        }
        text
    }
}

/// Names that others gave themselves, as in certificates, must not draw on the terminal.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Words {
        Words::new(format!("中{text}"), text)
    }

    fn report() -> Report {
        let mut report = Report::at(1_778_311_773_120);
        report.add(Finding::ok("dns", words("resolves")));
        report.add(Finding::not_checked("greeting", words("no\u{1b}[2J way")));
        report
    }

    #[test]
    fn programs_read_the_same_fields_for_good() {
        let mut report = report();
        report.add(Finding::failed("tcp", words("refused"), words("ask")));
        let expected = json!({
            "format": 1, "at": "2026-05-09T07:29:33.120Z", "exit": 1,
            "findings": [
                { "id": "dns", "state": "ok", "cause": { "zh": "中resolves", "en": "resolves" }, "remedy": { "zh": "", "en": "" } },
                { "id": "greeting", "state": "not-checked", "cause": { "zh": "中no\u{1b}[2J way", "en": "no\u{1b}[2J way" },
                  "remedy": { "zh": "", "en": "" } },
                { "id": "tcp", "state": "failed", "cause": { "zh": "中refused", "en": "refused" }, "remedy": { "zh": "中ask", "en": "ask" } },
            ],
        });
        assert_eq!(report.to_json(), expected);
    }

    #[test]
    fn the_exit_code_says_whether_a_person_must_look() {
        assert_eq!(report().exit(), Exit::Done);
        assert_eq!(Report::at(0).exit(), Exit::Unavailable);
        for finding in
            [Finding::warning("x", words(""), words("")), Finding::failed("x", words(""), words(""))]
        {
            let mut report = report();
            report.add(finding);
            assert_eq!(report.exit(), Exit::Refused);
        }
    }

    #[test]
    fn people_read_their_language_and_nothing_draws_on_the_terminal() {
        let text = report().to_text(Language::Zh);
        assert!(text.contains("正常        dns") && text.contains("中resolves"), "{text}");
        assert!(!report().to_text(Language::En).contains('\u{1b}'));
    }
}
