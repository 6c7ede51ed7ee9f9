//! Everything that one node's parts share: its store, seams, keys and paths, handed down from `main`.

use std::sync::{Arc, OnceLock};

use safeharbor_core::institution::InstitutionCode;
use safeharbor_core::key::Signer;
use safeharbor_rules::Catalogue;
use safeharbor_service::audit::AuditLog;
use safeharbor_service::clock::Clock;
use safeharbor_service::evidence::Evidence;
use safeharbor_service::folder::Role;
use safeharbor_service::person::Persons;
use safeharbor_service::random::{Random, RandomFailed, draw};
use safeharbor_service::store::Store;
use tokio::sync::{Mutex, Notify};

use crate::catalogues::InUse;
use crate::connector::Connectors;
use crate::job::Jobs;
use crate::layout::Layout;
use crate::outbox::{Outbox, OutboxFailed};
use crate::records::Records;
use crate::statement_key::StatementKey;
use crate::tables::PERSONS;

/// What a context is made of.
#[derive(Debug)]
pub struct Parts {
    /// Whose node this is.
    pub institution: InstitutionCode,
    /// The institution's name.
    pub name: String,
    /// Where its files are.
    pub layout: Layout,
    /// The store.
    pub store: Arc<dyn Store>,
    /// Kinds, code lists and shipped policies.
    pub catalogue: Arc<Catalogue>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// The key that signs statements.
    pub signer: Arc<dyn Signer>,
    /// Who did what.
    pub audit: AuditLog,
    /// Files kept by their digest.
    pub evidence: Evidence,
}

/// One open node.
#[derive(Debug)]
pub struct Context {
    /// Whose node this is.
    pub institution: InstitutionCode,
    /// The institution's name.
    pub name: String,
    /// Where its files are.
    pub layout: Layout,
    /// The store.
    pub store: Arc<dyn Store>,
    /// Kinds, code lists and shipped policies; see [`Context::catalogue`].
    pub(crate) in_use: InUse,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// The key that signs statements.
    pub signer: Arc<StatementKey>,
    /// Held by whoever replaces the membership or a key: both are read, sent to the hub and written.
    pub(crate) papers: Mutex<()>,
    /// Who did what.
    pub audit: AuditLog,
    /// Files kept by their digest.
    pub evidence: Evidence,
    /// The records.
    pub records: Records,
    /// What is to be stated.
    pub outbox: Outbox,
    /// Who may approve.
    pub persons: Persons,
    /// Where records come from by themselves.
    pub connectors: Connectors,
    /// The runs of connectors.
    pub jobs: Jobs,
    process: OnceLock<[u8; 16]>,
    renewal: Notify,
}

impl Context {
    /// Builds what stands on the store.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn new(parts: Parts) -> Result<Self, OutboxFailed> {
        let Parts { institution, name, layout, store, catalogue, clock, random, signer, audit, evidence } =
            parts;
        let in_use = InUse::new(catalogue);
        let outbox = Outbox::open(Arc::clone(&store), in_use.clone(), Arc::clone(&clock))?;
        let persons =
            Persons::new(Arc::clone(&store), PERSONS, Role::Node, Arc::clone(&clock), Arc::clone(&random));
        let records = Records::new(Arc::clone(&store));
        let connectors = Connectors::new(Arc::clone(&store));
        let jobs = Jobs::new(Arc::clone(&store), Arc::clone(&clock), layout.clone());
        Ok(Self {
            institution,
            name,
            layout,
            store,
            in_use,
            clock,
            random,
            signer: Arc::new(StatementKey::new(signer)),
            papers: Mutex::new(()),
            audit,
            evidence,
            records,
            outbox,
            persons,
            connectors,
            jobs,
            process: OnceLock::new(),
            renewal: Notify::new(),
        })
    }

    /// Names this process to the hub: drawn once, so that two that answer at the same time are two nodes.
    ///
    /// # Errors
    /// There is no randomness.
    pub(crate) fn process(&self) -> Result<[u8; 16], RandomFailed> {
        let drawn = match self.process.get() {
            Some(process) => return Ok(*process),
            None => draw(&*self.random)?,
        };
        Ok(*self.process.get_or_init(|| drawn))
    }

    /// Has the certificate renewed at once, if this node renews.
    pub(crate) fn ask_for_renewal(&self) {
        self.renewal.notify_one();
    }

    /// Returns once somebody asked for a renewal.
    pub(crate) async fn renewal_asked_for(&self) {
        self.renewal.notified().await;
    }

    /// The catalogue version in use at this moment; whoever asks again may get another one, if a person accepted it meanwhile.
    #[must_use]
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.in_use.current()
    }
}
