//! Forks: two statements validly signed for one number, both kept for a person.

use std::path::PathBuf;
use std::sync::Mutex;

use safeharbor_core::institution::Issuer;
use safeharbor_service::evidence::Evidence;

use crate::intake::Checked;
use crate::journal::JournalReader;
use crate::shared::Shared;

/// Where forks are kept.
#[derive(Debug)]
pub struct Forks {
    evidence: Evidence,
    list: Mutex<PathBuf>,
}

impl Forks {
    /// Keeps statements in `evidence` and a list of forks in `list` (JSON Lines).
    #[must_use]
    pub const fn new(evidence: Evidence, list: PathBuf) -> Self {
        Self { evidence, list: Mutex::new(list) }
    }

    /// Keeps a statement whose number is taken, and the one that stands. A failure to keep is logged: it must
    /// not stop the chains of others.
    pub(crate) fn keep(&self, checked: &Checked, shared: &Shared) {
        let (code, seq) = (checked.code, checked.place.seq);
        tracing::error!(%code, seq, "fork: another statement with this number is logged; both are kept");
        if let Err(refused) = self.try_keep(checked, shared) {
            tracing::error!(%code, seq, error = %refused, "the fork's statements could not be kept");
        }
    }

    fn try_keep(&self, checked: &Checked, shared: &Shared) -> Result<(), Box<dyn std::error::Error>> {
        let later = self.evidence.put(checked.jwt.as_bytes())?;
        let issuer = Issuer::Institution(checked.code);
        let first = match find_jwt(shared, &issuer, checked.place.seq)? {
            Some(jwt) => Some(self.evidence.put(jwt.as_bytes())?),
            None => None,
        };
        let line = serde_json::json!({
            "institution": checked.code, "seq": checked.place.seq, "digest": checked.place.digest.to_string(),
            "later": later.to_string(), "first": first.map(|digest| digest.to_string()),
        });
        let list = self.list.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let known = std::fs::read_to_string(list.as_path()).unwrap_or_default();
        let line = line.to_string();
        if !known.lines().any(|known| known == line) {
            safeharbor_service::durable_file::write_durably(&list, format!("{known}{line}\n").as_bytes())?;
        }
        Ok(())
    }
}

/// Finds the JWT of a logged statement in the journal.
///
/// # Errors
/// The journal cannot be read.
pub fn find_jwt(
    shared: &Shared,
    issuer: &Issuer,
    seq: u64,
) -> Result<Option<String>, crate::journal::JournalFailed> {
    let run = shared.ledger().runs().find(issuer, seq);
    let Some((run, index)) = run.and_then(|run| Some((run, run.index_of(seq)?))) else { return Ok(None) };
    let mut reader = JournalReader::from_position(&shared.journal_folder, run.position)?;
    while let Some(stored) = reader.next_frame()? {
        if stored.frame.index == index {
            return Ok(Some(stored.frame.jwt));
        }
    }
    Ok(None)
}
