//! Opening a node's data folder: lock, keys, store, audit log.

use std::path::PathBuf;
use std::sync::Arc;

use safeharbor_core::institution::InstitutionCode;
use safeharbor_core::key::Signer;
use safeharbor_service::audit::{AuditFailed, AuditLog};
use safeharbor_service::clock::{Clock, SystemClock};
use safeharbor_service::evidence::{Evidence, EvidenceFailed};
use safeharbor_service::folder::{DataFolder, OpenFolderFailed, Role};
use safeharbor_service::key_file::{self, KeyUse, LoadKeyFailed};
use safeharbor_service::random::{Random, SystemRandom};
use safeharbor_service::store::{SledSettings, SledStore, StoreFailed};
use serde::{Deserialize, Serialize};

use crate::context::{Context, Parts};
use crate::job::JobFailed;
use crate::layout::Layout;
use crate::outbox::OutboxFailed;
use crate::own_keys::OwnKeys;
use crate::own_lists::{CatalogueFailed, load_catalogue, pin_catalogue};
use crate::policy::PolicyFailed;
use crate::rotation;
use crate::settings::Settings;

/// Whose node a data folder is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// The institution's code.
    pub institution: InstitutionCode,
    /// Its name.
    pub name: String,
}

/// Time and randomness, handed down from `main`.
#[derive(Debug, Clone)]
pub struct Seams {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

impl Seams {
    /// The operating system's.
    #[must_use]
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock), random: Arc::new(SystemRandom) }
    }
}

/// A node could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenFailed {
    /// The data folder cannot be taken into use.
    #[error("the data folder cannot be opened")]
    Folder(#[from] OpenFolderFailed),
    /// Joining again was killed while files took their places.
    #[error("joining again is not finished: run `join` once more 重新登记尚未完成：请再次运行 join")]
    JoinUnfinished,
    /// It does not say whose node it is.
    #[error("{} does not say whose node this is", path.display())]
    Owner {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: std::io::Error,
    },
    /// The catalogue, or a code list the institution sets itself, cannot be used.
    #[error("the node has no catalogue")]
    Catalogue(#[from] CatalogueFailed),
    /// The statement key cannot be loaded.
    #[error("the node cannot sign")]
    Key(#[from] LoadKeyFailed),
    /// The store cannot be opened.
    #[error("the store cannot be opened")]
    Store(#[from] StoreFailed),
    /// The audit log cannot be opened.
    #[error("the audit log cannot be opened")]
    Audit(#[from] AuditFailed),
    /// The evidence folder cannot be opened.
    #[error("the evidence folder cannot be opened")]
    Evidence(#[from] EvidenceFailed),
    /// The outbox cannot be read.
    #[error("the outbox cannot be opened")]
    Outbox(#[from] OutboxFailed),
    /// Jobs of an earlier process cannot be closed.
    #[error("the jobs cannot be read")]
    Jobs(#[from] JobFailed),
    /// An accepted policy could not be applied to the end.
    #[error("the accepted policy cannot be applied")]
    Policy(#[from] PolicyFailed),
}

impl OpenFailed {
    /// Whether another process has the folder open.
    #[must_use]
    pub const fn is_in_use(&self) -> bool {
        matches!(self, Self::Folder(OpenFolderFailed::InUse { .. }))
    }
}

/// An open node; the folder is let go after everything in it.
#[derive(Debug)]
pub struct Node {
    /// What its parts share.
    pub context: Arc<Context>,
    _folder: DataFolder,
}

/// Opens a node that was set up, alone.
///
/// # Errors
/// The folder is in use or not a node's, or something in it cannot be opened.
pub fn open(layout: &Layout, settings: &Settings, seams: &Seams) -> Result<Node, OpenFailed> {
    let folder = DataFolder::open(layout.root(), Role::Node)?;
    if Layout::at(&layout.re_enrolment()).membership().exists() {
        return Err(OpenFailed::JoinUnfinished);
    }
    let owner = load_owner(layout)?;
    let signer: Arc<dyn Signer> = Arc::new(key_file::load(&layout.statement_key(), KeyUse::Statement)?);
    let sled =
        SledSettings { cache_bytes: settings.store.cache_bytes, reserve_bytes: settings.store.reserve_bytes };
    let catalogue = load_catalogue(layout)?;
    pin_catalogue(layout, &catalogue, seams.clock.now_ms())?;
    let context = Context::new(Parts {
        institution: owner.institution,
        name: owner.name,
        layout: layout.clone(),
        store: Arc::new(SledStore::open(&layout.store(), sled)?),
        catalogue: Arc::new(catalogue),
        clock: Arc::clone(&seams.clock),
        random: Arc::clone(&seams.random),
        signer,
        audit: AuditLog::open(&layout.audit_log(), Arc::clone(&seams.clock))?,
        evidence: Evidence::open(&layout.evidence(), settings.store.evidence_bytes_max)?,
    })?;
    OwnKeys::remember_files(&*context.store, layout)?;
    context.resume_policy()?;
    if rotation::is_under_way(layout) {
        // The hub may have ended the key at hand already.
        context.outbox.pause();
    }
    context.jobs.interrupt_all()?;
    Ok(Node { context: Arc::new(context), _folder: folder })
}

/// Whose node a data folder is.
///
/// # Errors
/// The file is missing or malformed.
pub fn load_owner(layout: &Layout) -> Result<Owner, OpenFailed> {
    let path = layout.institution();
    let failed = |source| OpenFailed::Owner { path: path.clone(), source };
    let bytes = std::fs::read(&path).map_err(failed)?;
    serde_json::from_slice(&bytes).map_err(|broken| failed(broken.into()))
}
