//! Checking a hub's folder: everything is derived again from the journal and compared with what is stored. Nothing is changed.

mod checkpoint;
mod finding;
mod index;
mod journal;
mod registry;
mod signatures;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::Path;

use safeharbor_service::folder::{DataFolder, OpenFolderFailed, Role};
use safeharbor_service::settings::LoadSettingsFailed;
use serde::Serialize;

use crate::folder::{Paths, Settings};
use finding::Findings;
use journal::JournalCheck;
use registry::RegistryCheck;

pub use finding::{Finding, Severity};

/// What a check came to.
#[derive(Debug, Serialize)]
pub struct FsckReport {
    /// How many entries the journal yields.
    pub entries: u64,
    /// The size of the published checkpoint.
    pub published: Option<u64>,
    /// The largest size that was signed.
    pub signed: u64,
    /// How many entries the index covers.
    pub indexed: Option<u64>,
    /// How many tiles and bundles were compared.
    pub files: u64,
    /// What was found; empty where all is in order.
    pub findings: Vec<Finding>,
}

/// A folder that cannot be checked.
#[derive(Debug, thiserror::Error)]
pub enum FsckFailed {
    /// It is no hub's, or a process has it.
    #[error(transparent)]
    Folder(#[from] OpenFolderFailed),
    /// Its settings say neither origin nor name.
    #[error("the settings cannot be loaded")]
    Settings(#[from] LoadSettingsFailed),
}

impl FsckReport {
    /// Whether something is not what it must be.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Damage)
    }
}

/// Checks the hub in `folder`, which must not be running; `progress` is told entries done and, roughly, of how many.
///
/// # Errors
/// The folder is no hub's or in use.
pub fn check(folder: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<FsckReport, FsckFailed> {
    let _held = DataFolder::open(folder, Role::Hub)?;
    let paths = Paths::new(folder);
    let settings = Settings::load(&paths, &[])?;
    let mut findings = Findings::new(folder);
    let published = checkpoint::published(&paths, &settings, &mut findings);
    let signed = checkpoint::signed(&paths, published.is_some(), &mut findings);
    let indexed = index::load(&paths.index(), &mut findings);
    let on_disk = indexed.as_ref().map_or(0, |indexed| indexed.size);
    let published_size = published.as_ref().map(|checkpoint| checkpoint.size);
    let expected = on_disk.max(published_size.unwrap_or(0));
    let wanted: BTreeSet<u64> =
        [Some(on_disk), published_size, signed.map(|(size, _)| size)].into_iter().flatten().collect();
    let signed_size = signed.map_or(0, |(size, _)| size);
    let all = expected.max(signed_size);
    let files = RegistryCheck::new(paths.registry(), expected);
    let identity = (&settings.issuer(), settings.origin.as_str());
    let mut journal = JournalCheck::new(&paths.journal(), identity, files, wanted, &mut findings);
    journal.run(all, &mut |done| progress(done, all));
    let JournalCheck { ledger, tree, files, roots, .. } = journal;
    checkpoint::compare(&paths, published.as_ref(), signed, &roots, &mut findings);
    if let Some(indexed) = &indexed {
        index::compare(&paths.index(), indexed, &ledger, &mut findings);
    }
    Ok(FsckReport {
        entries: tree.size(),
        published: published_size,
        signed: signed_size,
        indexed: indexed.map(|indexed| indexed.size),
        files: files.files,
        findings: findings.into_found(),
    })
}
