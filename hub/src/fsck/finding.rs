//! What a check found: what is wrong, in which file, at which byte, in which entry.

use std::path::{Path, PathBuf};

use safeharbor_service::doctor::Words;
use safeharbor_service::speech::Language;
use serde::Serialize;

/// More of one severity would tell nothing new. Notes never take the place of damage.
const FINDINGS_MAX: usize = 200;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Something is not what it must be.
    Damage,
    /// Worth knowing; the next start puts it right, or it does no harm.
    Note,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The file, below the data folder.
    pub file: String,
    /// The byte in the file, where one is to blame.
    pub position: Option<u64>,
    /// The log index of the entry, where one is to blame.
    pub entry: Option<u64>,
    /// What is wrong.
    pub what: Words,
}

/// Where in a file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    pub(super) position: Option<u64>,
    pub(super) entry: Option<u64>,
}

/// What was found so far.
#[derive(Debug)]
pub(super) struct Findings {
    folder: PathBuf,
    found: Vec<Finding>,
}

impl Place {
    pub(super) const fn entry(index: u64) -> Self {
        Self { position: None, entry: Some(index) }
    }

    pub(super) const fn at(position: u64) -> Self {
        Self { position: Some(position), entry: None }
    }

    pub(super) const fn of(self, index: u64) -> Self {
        Self { entry: Some(index), ..self }
    }
}

impl Findings {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), found: Vec::new() }
    }

    pub(super) fn damage(&mut self, file: &Path, place: Place, what: Words) {
        self.add(Severity::Damage, file, place, what);
    }

    pub(super) fn note(&mut self, file: &Path, place: Place, what: Words) {
        self.add(Severity::Note, file, place, what);
    }

    fn add(&mut self, severity: Severity, file: &Path, place: Place, what: Words) {
        if self.found.iter().filter(|finding| finding.severity == severity).count() < FINDINGS_MAX {
            let file = file.strip_prefix(&self.folder).unwrap_or(file).display().to_string();
            let Place { position, entry } = place;
            self.found.push(Finding { severity, file, position, entry, what });
        }
    }

    pub(super) fn into_found(self) -> Vec<Finding> {
        self.found
    }
}

impl Finding {
    /// Prints one line.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let head = match self.severity {
            Severity::Damage => language.pick("损坏", "DAMAGED"),
            Severity::Note => language.pick("注意", "note"),
        };
        let mut text = format!("{head}  {}", self.file);
        if let Some(position) = self.position {
            text.push_str(&language.pick(format!("，第 {position} 字节"), format!(", byte {position}")));
        }
        if let Some(entry) = self.entry {
            text.push_str(&language.pick(format!("，第 {entry} 条"), format!(", entry {entry}")));
        }
        format!("{text}: {}", self.what.pick(language))
    }
}
