//! The catalogue version in use: one for the whole node, replaced as a whole when a person accepts another.

use std::sync::{Arc, PoisonError, RwLock};

use safeharbor_rules::Catalogue;

/// The version in use, shared by all parts of an open node.
#[derive(Debug, Clone)]
pub struct InUse(Arc<RwLock<Arc<Catalogue>>>);

impl InUse {
    /// Begins with a version.
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>) -> Self {
        Self(Arc::new(RwLock::new(catalogue)))
    }

    /// The version at this moment. What it decides about is decided under it to the end.
    #[must_use]
    pub fn current(&self) -> Arc<Catalogue> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whoever replaces it holds the outbox, so that no statement is planned under one version and names another.
    pub fn replace(&self, catalogue: Arc<Catalogue>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = catalogue;
    }
}
