//! Opening a hub: replaying the journal, checking it against what was signed, putting the parts together.

use std::path::Path;
use std::sync::Arc;

use safeharbor_certs::spki;
use safeharbor_core::directory::{Announcement, ApplyFailed, Deciders};
use safeharbor_core::key::{PublicKey, Signer};
use safeharbor_core::statement::ParseStatementFailed;
use safeharbor_service::audit::{AuditFailed, AuditLog};
use safeharbor_service::clock::Clock;
use safeharbor_service::evidence::{Evidence, EvidenceFailed};
use safeharbor_service::folder::{DataFolder, OpenFolderFailed, Role};
use safeharbor_service::key_file::{self, KeyUse, LoadKeyFailed};
use safeharbor_service::random::Random;
use safeharbor_service::settings::LoadSettingsFailed;
use safeharbor_service::store::{SledSettings, SledStore, Store, StoreFailed};
use tokio::sync::watch;

use crate::authority::{Authorities, AuthoritiesFailed};
use crate::catalogues::{Catalogues, CataloguesFailed};
use crate::committer::Committer;
use crate::folder::{Paths, Settings};
use crate::forks::Forks;
use crate::index::{Index, IndexFailed, Indexed};
use crate::invitation;
use crate::journal::{Journal, JournalFailed};
use crate::key_register::{ClaimFailed, KeyRegister, NamedKey, Usage};
use crate::ledger::Ledger;
use crate::office::drawer::DrawerFailed;
use crate::office::{Desk, persons};
use crate::publisher::{PublishFailed, Publisher, Unwitnessed};
use crate::registry::{RegistryFiles, SigningFailed, SigningState, TreeFailed, TreeWriter};
use crate::replay::{ReplayFailed, replay};
use crate::shared::Shared;
use crate::tasks::Tasks;

/// The most bytes a piece of evidence may have.
const EVIDENCE_BYTES_MAX: u64 = 2 << 20;

/// A hub whose parts are ready to run.
#[derive(Debug)]
pub struct OpenHub {
    /// Held as long as the hub is open.
    pub folder: DataFolder,
    /// What is read and worked at.
    pub desk: Desk,
    /// The writer of the journal.
    pub committer: Committer,
    /// The writer of the registry.
    pub publisher: Publisher,
    /// The hub's statement key.
    pub signer: Arc<dyn Signer>,
}

/// A hub cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenHubFailed {
    /// The folder is unusable.
    #[error(transparent)]
    Folder(#[from] OpenFolderFailed),
    /// The settings cannot be loaded.
    #[error("the settings cannot be loaded")]
    Settings(#[from] LoadSettingsFailed),
    /// A key cannot be loaded.
    #[error("a key cannot be loaded")]
    Key(#[from] LoadKeyFailed),
    /// The index's store cannot be opened.
    #[error("the index cannot be opened")]
    Store(#[from] StoreFailed),
    /// The index is damaged.
    #[error(transparent)]
    Index(#[from] IndexFailed),
    /// The journal is unusable.
    #[error("the journal cannot be used")]
    Journal(#[from] JournalFailed),
    /// A frame of the journal does not mean what it should.
    #[error("the journal cannot be replayed")]
    Replay(#[from] ReplayFailed),
    /// The record of what was signed is unusable.
    #[error("the signing record cannot be used")]
    Signing(#[from] SigningFailed),
    /// The registry's files are unusable.
    #[error("the registry's files cannot be used: run `safeharbor-hub rebuild`")]
    Tree(#[from] TreeFailed),
    /// The journal holds fewer entries than were signed: nothing may be signed until they are found.
    #[error("{signed} entries were signed and the journal holds {held}: restore the missing ones first")]
    Behind {
        /// The size signed last.
        signed: u64,
        /// What the journal holds.
        held: u64,
    },
    /// The audit log is unusable.
    #[error("the audit log cannot be used")]
    Audit(#[from] AuditFailed),
    /// The evidence folder is unusable.
    #[error("the evidence folder cannot be used")]
    Evidence(#[from] EvidenceFailed),
    /// The catalogue is unusable.
    #[error("the catalogue cannot be loaded")]
    Catalogue(#[from] CataloguesFailed),
    /// The first checkpoint cannot be published.
    #[error("the registry cannot be published")]
    Publish(#[from] PublishFailed),
    /// A statement of the hub itself is refused.
    #[error("a statement of the hub is refused")]
    Own(#[from] ApplyFailed),
    /// The certificate authorities cannot be used.
    #[error(transparent)]
    Authorities(#[from] AuthoritiesFailed),
    /// A key of the hub is somebody else's.
    #[error("a key of the hub cannot be used")]
    Claim(#[from] ClaimFailed),
    /// The office cannot be used.
    #[error(transparent)]
    Drawer(#[from] DrawerFailed),
    /// A statement of the hub itself is malformed.
    #[error("a statement of the hub is malformed")]
    Statement(#[from] ParseStatementFailed),
}

/// Opens the hub in `folder`.
///
/// # Errors
/// Any of [`OpenHubFailed`]; nothing was signed then.
pub fn open(
    folder: &Path,
    overrides: &[(&str, String)],
    (clock, random): (&Arc<dyn Clock>, &Arc<dyn Random>),
) -> Result<OpenHub, OpenHubFailed> {
    let held = DataFolder::open(folder, Role::Hub)?;
    let paths = Paths::new(folder);
    let settings = Settings::load(&paths, overrides)?;
    let office: Arc<dyn Store> = Arc::new(SledStore::open(&paths.office(), SledSettings::default())?);
    let catalogues = Arc::new(Catalogues::open(Arc::clone(&office))?);
    let log_signer: Arc<dyn Signer> = Arc::new(key_file::load(&paths.log_key(), KeyUse::Log)?);
    let signer: Arc<dyn Signer> = Arc::new(key_file::load(&paths.statement_key(), KeyUse::Statement)?);
    let store: Arc<dyn Store> = Arc::new(SledStore::open(&paths.index(), SledSettings::default())?);
    let OnDisk { index, indexed, signing, files, tree } = load_registry(&paths, &store)?;
    // What is indexed was durable; what was signed even more so.
    let durable = signing.size().max(indexed.size);
    let mut ledger = Ledger::new(settings.issuer(), &settings.origin);
    let mut unpublished = Vec::new();
    let mut tasks = Vec::new();
    let mut erased = Vec::new();
    let journal = Journal::open(&paths.journal(), durable, |stored| {
        let replayed = replay(&mut ledger, &stored)?;
        erased.extend(replayed.erased);
        if replayed.index >= indexed.size {
            unpublished.push(replayed.entry);
            tasks.extend(replayed.task);
        }
        Ok::<_, OpenHubFailed>(())
    })?;
    indexed.verify(ledger.runs())?;
    // An erasure that a crash or a restored backup undid is repeated.
    journal.erase_keys(&erased)?;
    if journal.next_index() < durable {
        return Err(OpenHubFailed::Behind { signed: durable, held: journal.next_index() });
    }
    let shared = Arc::new(Shared::new(ledger, files, indexed.size, Tasks::load(store)?, paths.journal()));
    shared.queue_entries(unpublished);
    shared.tasks.open(tasks);
    let evidence = Evidence::open(&paths.evidence(), EVIDENCE_BYTES_MAX)?;
    let forks = Forks::new(evidence, paths.forks());
    let audit = Arc::new(AuditLog::open(&paths.audit(), Arc::clone(clock))?);
    let committer = Committer {
        shared: Arc::clone(&shared),
        journal,
        signer: Arc::clone(&signer),
        clock: Arc::clone(clock),
        forks,
    };
    let (origin, log_key) = (settings.origin.clone(), log_signer.public_key());
    let mut publisher = Publisher {
        shared: Arc::clone(&shared),
        tree,
        signing,
        signer: log_signer,
        origin,
        index,
        cosigning: Arc::new(Unwitnessed),
    };
    publisher.start()?;
    let persons = Arc::new(persons(&office, clock, random));
    let (clock, random) = (Arc::clone(clock), Arc::clone(random));
    let authorities_changed = watch::Sender::new(0);
    let desk = Desk {
        shared,
        paths,
        settings,
        catalogues,
        audit,
        store: office,
        persons,
        clock,
        random,
        authorities_changed,
    };
    open_office(&desk, [log_key, signer.public_key()])?;
    Ok(OpenHub { folder: held, desk, committer, publisher, signer })
}

/// What there is of the registry before the journal is replayed.
struct OnDisk {
    index: Index,
    indexed: Indexed,
    signing: SigningState,
    files: RegistryFiles,
    tree: TreeWriter,
}

fn load_registry(paths: &Paths, store: &Arc<dyn Store>) -> Result<OnDisk, OpenHubFailed> {
    let index = Index::new(Arc::clone(store));
    let indexed = index.load()?;
    let something_published =
        indexed.size > 0 || paths.registry().join("checkpoint").exists() || has_segments(paths);
    let signing = SigningState::load(&paths.signed(), something_published)?;
    let files = RegistryFiles::new(paths.registry());
    let tree = TreeWriter::load(files.clone(), indexed.size)?;
    Ok(OnDisk { index, indexed, signing, files, tree })
}

/// The empty registry is signed before anything is logged, so a journal with segments was signed over.
fn has_segments(paths: &Paths) -> bool {
    std::fs::read_dir(paths.journal()).is_ok_and(|mut segments| segments.next().is_some())
}

/// Brings the office up to date: no node is to come with a key of the hub or one that the journal knows, and alarms show.
fn open_office(desk: &Desk, [log, statements]: [PublicKey; 2]) -> Result<(), OpenHubFailed> {
    let mut own = vec![NamedKey::of(&log, Usage::Log), NamedKey::of(&statements, Usage::Statements)];
    let authorities = Authorities::load(desk)?;
    for pem in [Some(authorities.issuing_pem(desk)?), authorities.other_pem(desk)?].into_iter().flatten() {
        own.extend(spki::of_certificate(&pem).map(|name| NamedKey { name, usage: Usage::Authority }));
    }
    let register = KeyRegister::of(desk);
    register.keep_own(&own)?;
    register.catch_up(&desk.shared.directory())?;
    Ok(invitation::show_alarms(desk)?)
}

/// What a hub must have announced before anything else; in order.
#[must_use]
pub fn first_announcements(hub: &OpenHub) -> Vec<Announcement> {
    let directory = hub.desk.shared.directory();
    let mut missing = Vec::new();
    if directory.hub_keys().is_empty() {
        missing.push(Announcement::HubKey { key: hub.signer.public_key() });
    }
    let cat = hub.desk.catalogues.embedded().digest();
    // Later versions are published by two persons.
    if directory.catalogues().is_empty() {
        missing.push(Announcement::Catalogue { cat, decided_by: Deciders::default() });
    }
    missing
}
