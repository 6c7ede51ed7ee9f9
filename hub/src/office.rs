//! The office: what persons at the hub do, and what is kept about it beside the registry.
//!
//! Nothing here can be made again from the journal: persons, the roster, invitations, proposals. It is in backups.

pub mod drawer;
pub mod tables;

use std::sync::Arc;

use safeharbor_service::audit::AuditLog;
use safeharbor_service::caller;
use safeharbor_service::clock::Clock;
use safeharbor_service::folder::Role;
use safeharbor_service::person::{self, AuthorizeFailed, Credentials, Person, Persons};
use safeharbor_service::random::Random;
use safeharbor_service::store::Store;
use tokio::sync::{Mutex, MutexGuard, mpsc, watch};

use crate::catalogues::Catalogues;
use crate::committer::Order;
use crate::folder::{Paths, Settings};
use crate::server::Addresses;
use crate::setup::link_head;
use crate::shared::Shared;

/// What an open hub is, for whoever reads it or works at it.
#[derive(Debug, Clone)]
pub struct Desk {
    /// Shared state.
    pub shared: Arc<Shared>,
    /// Where things are.
    pub paths: Paths,
    /// What the hub is called.
    pub settings: Settings,
    /// Kinds and ceilings, version by version.
    pub catalogues: Arc<Catalogues>,
    /// Who did what.
    pub audit: Arc<AuditLog>,
    /// What the office keeps; see [`tables`].
    pub store: Arc<dyn Store>,
    /// Who may do what.
    pub persons: Arc<Persons>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Counts changes of the certificate authorities.
    pub authorities_changed: watch::Sender<u64>,
}

impl Desk {
    /// Where nodes reach the hub: as the settings say, else its first TLS name and the port it listens on.
    #[must_use]
    pub fn public_address(&self) -> String {
        let named = self.settings.public_address.as_str();
        if named.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
            return named.to_owned();
        }
        let running = std::fs::read_to_string(self.paths.addresses()).ok();
        let running = running.and_then(|text| serde_json::from_str::<Addresses>(&text).ok());
        let port = running.map(|there| there.grpc.port());
        let port = port.or_else(|| self.settings.listen.rsplit_once(':')?.1.parse().ok()).unwrap_or(7443);
        let host = if named.is_empty() { self.settings.hub_name() } else { named };
        format!("{host}:{port}")
    }

    /// What goes before a one-time code so that a browser opens its page.
    #[must_use]
    pub fn first_link(&self) -> String {
        let running = std::fs::read_to_string(self.paths.addresses()).ok();
        let running = running.and_then(|text| serde_json::from_str::<Addresses>(&text).ok());
        let admin = running.map_or_else(|| self.settings.admin.clone(), |there| there.admin.to_string());
        link_head(&self.settings, &admin)
    }
}

/// A desk from which statements of the hub itself can be ordered.
#[derive(Debug, Clone)]
pub struct Office {
    desk: Desk,
    /// The way to the committer.
    pub orders: mpsc::Sender<Order>,
    /// Held while something is decided: nothing that a decision rests on changes meanwhile.
    deciding: Arc<Mutex<()>>,
}

impl Office {
    /// Puts the two together.
    #[must_use]
    pub fn new(desk: Desk, orders: mpsc::Sender<Order>) -> Self {
        Self { desk, orders, deciding: Arc::default() }
    }

    /// Waits until nobody else decides anything; hold it while something that a proposal may be about is changed.
    pub async fn deciding(&self) -> MutexGuard<'_, ()> {
        self.deciding.lock().await
    }

    /// Who `credentials` are, if they are who they say and have one of `roles`, themself or as a deputy.
    ///
    /// # Errors
    /// Any of [`AuthorizeFailed`]; a wrong password is counted, and refusals are in the audit log.
    pub async fn authorize(
        &self,
        credentials: &Credentials,
        roles: &[person::Role],
        action: &str,
    ) -> Result<Person, AuthorizeFailed> {
        let (persons, audit) = (Arc::clone(&self.persons), Arc::clone(&self.audit));
        let (credentials, roles, action) = (credentials.clone(), roles.to_vec(), action.to_owned());
        let authorize = move || person::authorize((&persons, &audit), &credentials, &roles, &action);
        caller::spawn_blocking(authorize).await.unwrap_or(Err(AuthorizeFailed::Stopping))
    }

    /// The desk itself.
    #[must_use]
    pub const fn desk(&self) -> &Desk {
        &self.desk
    }
}

impl std::ops::Deref for Office {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.desk
    }
}

/// The persons of a hub, in the office's store.
#[must_use]
pub fn persons(store: &Arc<dyn Store>, clock: &Arc<dyn Clock>, random: &Arc<dyn Random>) -> Persons {
    Persons::new(Arc::clone(store), tables::PERSONS, Role::Hub, Arc::clone(clock), Arc::clone(random))
}
