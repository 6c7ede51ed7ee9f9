//! Forks: two statements validly signed for one number, both kept for a person.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use safeharbor_core::digest::Digest;
use safeharbor_core::institution::{InstitutionCode, Issuer};
use safeharbor_service::evidence::Evidence;

use crate::intake::Checked;
use crate::journal::JournalReader;
use crate::shared::Shared;

/// Forks of one institution that are kept until the hub is started again.
const FORKS_MAX: usize = 16;

/// Where forks are kept.
#[derive(Debug)]
pub struct Forks {
    evidence: Evidence,
    list: PathBuf,
    kept: Mutex<BTreeMap<InstitutionCode, BTreeSet<Digest>>>,
}

impl Forks {
    /// Keeps statements in `evidence` and a list of forks in `list` (JSON Lines).
    #[must_use]
    pub const fn new(evidence: Evidence, list: PathBuf) -> Self {
        Self { evidence, list, kept: Mutex::new(BTreeMap::new()) }
    }

    /// Keeps a statement whose number is taken, and the one that stands. A failure to keep is logged: it must
    /// not stop the chains of others.
    pub(crate) fn keep(&self, checked: &Checked, shared: &Shared) {
        let (code, seq) = (checked.code, checked.place.seq);
        if !self.is_wanted(code, checked.place.digest) {
            return;
        }
        tracing::error!(%code, seq, "fork: another statement with this number is logged; both are kept");
        if let Err(refused) = self.try_keep(checked, shared) {
            tracing::error!(%code, seq, error = %refused, "the fork's statements could not be kept");
        }
    }

    /// One fork is proof enough; a node that makes them without end must not fill the disk or hold others up.
    fn is_wanted(&self, code: InstitutionCode, digest: Digest) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.entry(code).or_default();
        kept.len() < FORKS_MAX && kept.insert(digest)
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
        let mut list = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.list)?;
        list.write_all(format!("{line}\n").as_bytes())?;
        Ok(list.sync_data()?)
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
