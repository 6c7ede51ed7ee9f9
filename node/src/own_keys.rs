//! The public keys that are or were this node's own, so that one that the registry names and that never was is noticed.
//!
//! The row is in backups: a restored node, whose witness key is another one, knows the one it had.

use std::collections::BTreeSet;
use std::path::Path;

use safeharbor_core::digest::Digest;
use safeharbor_core::key::{PublicKey, Signer as _};
use safeharbor_service::key_file::{self, KeyUse};
use safeharbor_service::store::{Batch, Store, StoreFailed};

use crate::layout::Layout;
use crate::tables::META;

const OWN: &[u8] = b"own-keys";

/// The thumbprints of all keys that are or were this node's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnKeys(BTreeSet<Digest>);

impl OwnKeys {
    /// Those that the store knows.
    ///
    /// # Errors
    /// The store. A row that cannot be understood counts as none.
    pub fn load(store: &dyn Store) -> Result<Self, StoreFailed> {
        let row = store.get(META, OWN)?;
        Ok(Self(row.and_then(|row| serde_json::from_slice(&row).ok()).unwrap_or_default()))
    }

    /// Whether the key is or was the node's own.
    #[must_use]
    pub fn contains(&self, key: &PublicKey) -> bool {
        self.0.contains(&key.thumbprint())
    }

    /// Remembers keys for good. Durable on return; one that is to be announced is remembered before the hub is asked.
    ///
    /// # Errors
    /// The store.
    pub fn remember(store: &dyn Store, keys: &[PublicKey]) -> Result<(), StoreFailed> {
        let mut own = Self::load(store)?;
        let before = own.0.len();
        own.0.extend(keys.iter().map(PublicKey::thumbprint));
        if own.0.len() == before {
            return Ok(());
        }
        let mut batch = Batch::new();
        // Strings always serialise.
        batch.put(META, OWN, serde_json::to_vec(&own.0).unwrap_or_default());
        store.commit(batch)?;
        store.flush()
    }

    /// Remembers the keys that lie in the node's folder; one that cannot be read is another's to complain about.
    ///
    /// # Errors
    /// The store.
    pub fn remember_files(store: &dyn Store, layout: &Layout) -> Result<(), StoreFailed> {
        let public = |path: &Path, key_use| key_file::load(path, key_use).ok().map(|key| key.public_key());
        let keys = [
            public(&layout.statement_key(), KeyUse::Statement),
            public(&layout.witness_key(), KeyUse::Witness),
            public(&layout.presentation_key(), KeyUse::Presentation),
        ];
        Self::remember(store, &keys.into_iter().flatten().collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use safeharbor_service::store::MemoryStore;

    use super::*;
    use crate::chain::testing::signer;

    #[test]
    fn a_key_stays_known_when_another_takes_its_place() {
        let store = MemoryStore::new();
        let key = |seed| signer(seed).public_key();
        assert!(!OwnKeys::load(&store).unwrap().contains(&key(1)));
        OwnKeys::remember(&store, &[key(1)]).unwrap();
        OwnKeys::remember(&store, &[key(2)]).unwrap();
        store.lose_power();
        let own = OwnKeys::load(&store).unwrap();
        assert!(own.contains(&key(1)) && own.contains(&key(2)) && !own.contains(&key(3)));
    }
}
