//! Printing a verdict: as text for people, as JSON for programs.

mod page;

use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;

pub use page::Page;

use crate::language::Language;
use crate::objection::Objection;

/// What the program has to say in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything holds.
    Verified,
    /// Something is wrong with what was to be verified.
    Refuted,
    /// Something that the verdict needs is missing.
    CouldNotTell,
    /// Nothing is refuted, and yet somebody must look: the registry is behind, or silent.
    Alarm,
}

/// How the verdict is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Lines for people.
    Text,
    /// One JSON object.
    Json,
}

/// A report of something verified.
pub trait Describe: Serialize {
    /// The command that makes such reports.
    const COMMAND: &'static str;

    /// Writes the report onto a page.
    fn describe(&self, page: &mut Page);
}

#[derive(Serialize)]
struct Printed<'a, R: Serialize> {
    command: &'static str,
    verdict: Verdict,
    #[serde(flatten)]
    report: Option<&'a R>,
    #[serde(flatten)]
    refusal: Option<Refusal>,
}

#[derive(Serialize)]
struct Refusal {
    reason: String,
    causes: Vec<String>,
    file: Option<String>,
    index: Option<u64>,
    evidence: Option<String>,
}

impl Verdict {
    /// The exit code of the program; 2 is wrong usage, which never gets this far.
    #[must_use]
    pub fn exit_code(self) -> ExitCode {
        match self {
            Self::Verified => ExitCode::SUCCESS,
            Self::Refuted => ExitCode::from(1),
            Self::CouldNotTell => ExitCode::from(3),
            Self::Alarm => ExitCode::from(4),
        }
    }

    pub(crate) fn word(self, language: Language) -> &'static str {
        match self {
            Self::Verified => language.pick("VERIFIED", "验证通过"),
            Self::Refuted => language.pick("REFUTED", "验证不通过"),
            Self::CouldNotTell => language.pick("COULD NOT TELL", "无法判断"),
            Self::Alarm => language.pick("ALARM", "警报"),
        }
    }
}

/// Prints an outcome.
#[must_use]
pub fn render<R: Describe>(outcome: &Result<R, Objection>, format: Format, language: Language) -> String {
    match format {
        Format::Text => render_text(outcome, language),
        Format::Json => render_json(outcome),
    }
}

fn render_text<R: Describe>(outcome: &Result<R, Objection>, language: Language) -> String {
    let mut page = Page::new(language);
    match outcome {
        Ok(report) => {
            page.line(Verdict::Verified.word(language));
            report.describe(&mut page);
        }
        Err(objection) => describe_objection(objection, &mut page),
    }
    page.print()
}

fn describe_objection(objection: &Objection, page: &mut Page) {
    let language = page.language();
    let separator = language.pick(": ", "：");
    page.line(&format!("{}{separator}{}", objection.verdict().word(language), objection.reason(language)));
    for cause in objection.causes() {
        page.field("because", "原因", cause);
    }
    if let Some(file) = &objection.file {
        page.field("file", "文件", file);
    }
    if let Some(index) = objection.index {
        page.field("entry", "条目", index);
    }
    if let Some(evidence) = &objection.evidence {
        page.field("evidence", "证据", evidence);
    }
}

fn render_json<R: Describe>(outcome: &Result<R, Objection>) -> String {
    let (verdict, refusal) = match outcome {
        Ok(_) => (Verdict::Verified, None),
        Err(objection) => (objection.verdict(), Some(refusal(objection))),
    };
    let printed = Printed { command: R::COMMAND, verdict, report: outcome.as_ref().ok(), refusal };
    // Reports hold nothing but strings, numbers, lists and string-keyed maps, which always serialise.
    let mut text = serde_json::to_string_pretty(&printed).unwrap_or_default();
    text.push('\n');
    text
}

fn refusal(objection: &Objection) -> Refusal {
    Refusal {
        reason: objection.reason(Language::English),
        causes: objection.causes(),
        file: objection.file.clone(),
        index: objection.index,
        evidence: objection.evidence.clone(),
    }
}
