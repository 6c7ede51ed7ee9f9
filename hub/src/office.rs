//! The office: what persons at the hub do, and what is kept about it beside the registry.
//!
//! Nothing here can be made again from the journal: persons, the roster, invitations, proposals. It is in backups.

pub mod tables;

use std::sync::Arc;

use safeharbor_rules::Catalogue;
use safeharbor_service::audit::AuditLog;
use safeharbor_service::clock::Clock;
use safeharbor_service::folder::Role;
use safeharbor_service::person::Persons;
use safeharbor_service::random::Random;
use safeharbor_service::store::Store;
use tokio::sync::mpsc;

use crate::committer::Order;
use crate::folder::{Paths, Settings};
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
    /// Kinds and ceilings.
    pub catalogue: Arc<Catalogue>,
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
}

/// A desk from which statements of the hub itself can be ordered.
#[derive(Debug, Clone)]
pub struct Office {
    desk: Desk,
    /// The way to the committer.
    pub orders: mpsc::Sender<Order>,
}

impl Office {
    /// Puts the two together.
    #[must_use]
    pub const fn new(desk: Desk, orders: mpsc::Sender<Order>) -> Self {
        Self { desk, orders }
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
