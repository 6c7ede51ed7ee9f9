//! The key that signs statements, whose place another one may take while the node runs.

use std::sync::{Arc, PoisonError, RwLock};

use safeharbor_core::key::{PublicKey, SignFailed, Signature, Signer};

/// Signs with the key in force. Whoever replaces it keeps others from signing meanwhile ([`Outbox::hold`](crate::outbox::Outbox::hold)): a
/// statement names its key and is then signed.
#[derive(Debug)]
pub struct StatementKey(RwLock<Arc<dyn Signer>>);

impl StatementKey {
    /// Begins with one key.
    #[must_use]
    pub fn new(signer: Arc<dyn Signer>) -> Self {
        Self(RwLock::new(signer))
    }

    /// Signs with another key from here on.
    pub fn replace(&self, next: Arc<dyn Signer>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = next;
    }

    /// The key under which statements made at this moment verify.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.current().public_key()
    }

    fn current(&self) -> Arc<dyn Signer> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Signer for StatementKey {
    fn public_key(&self) -> PublicKey {
        self.current().public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignFailed> {
        self.current().sign(message)
    }
}
