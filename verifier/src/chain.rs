//! `chain`: one institution's history in a registry, shown to have no gap.

mod history;
mod report;

use clap::Args;
use safeharbor_core::institution::{InstitutionCode, Issuer};

pub use report::ChainReport;

use crate::log::{AuditState, Companion, Course, Depth, LogFiles, Seen, SourceArguments, walk};
use crate::objection::{Fault, Objection};
use crate::progress::Progress;
use crate::trust::LogTrust;
use history::History;

/// Arguments of `chain`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The institution's code (统一社会信用代码).
    #[arg(value_name = "INSTITUTION")]
    institution: InstitutionCode,
    #[command(flatten)]
    source: SourceArguments,
}

/// Reads the registry and shows the institution's history.
///
/// # Errors
/// A registry that is not verified, or that does not know the institution.
pub fn run(arguments: &Arguments, progress: &Progress) -> Result<ChainReport, Objection> {
    let trust = arguments.source.trust()?;
    verify(&arguments.source.open()?, &trust, arguments.institution, progress)
}

/// Verifies that the institution's statements are numbered from 1 without a gap, each linked to the one before, each where a
/// statement key of the institution was valid and its standing allowed it.
///
/// # Errors
/// A registry that is not verified, or that does not know the institution.
pub fn verify(
    files: &dyn LogFiles,
    trust: &LogTrust,
    code: InstitutionCode,
    progress: &Progress,
) -> Result<ChainReport, Objection> {
    let mut history = Following { issuer: Issuer::Institution(code), history: History::new(code) };
    // The root over all entries makes every link of the chain a signed one; stored tiles add nothing to that.
    let course = Course { files, trust, depth: Depth::Entries, progress };
    let log = walk(course, AuditState::begin(), &mut history)?;
    let institution = log.audit().and_then(|audit| audit.directory().institution(&code));
    let institution = institution.ok_or(Fault::InstitutionUnknown { institution: code, size: log.size() })?;
    Ok(ChainReport::of(&log, trust, (code, institution), history.history))
}

struct Following {
    issuer: Issuer,
    history: History,
}

impl Companion for Following {
    fn see(&mut self, seen: Seen<'_>) {
        if seen.entry.iss == self.issuer {
            self.history.state(seen.index, seen.entry);
        } else if let Some(announcement) = seen.announcement {
            self.history.announce(seen.index, announcement);
        }
    }
}
