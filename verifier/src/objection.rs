//! Everything that keeps a verdict from being "verified": what is wrong, where, and how sure that makes us.

mod chinese;
mod fault;

use std::error::Error;
use std::path::Path;

use safeharbor_core::digest::Digest;

pub use fault::Fault;

use crate::language::Language;
use crate::output;
use crate::report::Verdict;

/// A fault and where it was met.
#[derive(Debug)]
pub struct Objection {
    /// The file, where one is to blame.
    pub file: Option<String>,
    /// The log index of the entry, where one is to blame.
    pub index: Option<u64>,
    /// The file that was written as evidence.
    pub evidence: Option<String>,
    /// What is wrong.
    pub fault: Box<Fault>,
}

impl From<Fault> for Objection {
    fn from(fault: Fault) -> Self {
        Self { file: None, index: None, evidence: None, fault: Box::new(fault) }
    }
}

impl Objection {
    /// Places the objection at an entry of the log.
    #[must_use]
    pub fn at_index(self, index: u64) -> Self {
        Self { index: Some(index), ..self }
    }

    /// Writes the evidence that the fault holds into `folder`, and says where. Where that fails, the fault stands all the same.
    #[must_use]
    pub fn keep_evidence(self, folder: &Path) -> Self {
        let Fault::Forked { evidence, .. } = self.fault.as_ref() else { return self };
        let text = evidence.to_string();
        let name: String = Digest::of(text.as_bytes()).to_string().chars().take(12).collect();
        let path = folder.join(format!("fork-{name}.evidence"));
        match output::write_durably(&path, text.as_bytes()) {
            Ok(()) => Self { evidence: Some(path.display().to_string()), ..self },
            Err(_unwritable) => self,
        }
    }

    /// How sure the objection makes us.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        self.fault.verdict()
    }

    /// The fault in one language; its causes are in English only.
    #[must_use]
    pub fn reason(&self, language: Language) -> String {
        match language {
            Language::English => self.fault.to_string(),
            Language::Chinese => self.fault.in_chinese(),
        }
    }

    /// What lies behind the fault, from the nearest cause to the first.
    #[must_use]
    pub fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut cause = self.fault.source();
        while let Some(nearest) = cause {
            causes.push(nearest.to_string());
            cause = nearest.source();
        }
        causes
    }
}
