//! A witness's state in memory, for tests.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use super::{WitnessStore, Witnessed};

/// Forgets everything when it is dropped: a witness that stands on it may contradict itself later.
#[derive(Debug, Default)]
pub struct MemoryWitnessStore(Mutex<BTreeMap<String, Witnessed>>);

impl WitnessStore for MemoryWitnessStore {
    type Error = Infallible;

    fn load(&self, origin: &str) -> Result<Option<Witnessed>, Infallible> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(origin).cloned())
    }

    fn replace(&self, before: Option<&Witnessed>, next: &Witnessed) -> Result<bool, Infallible> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let origin = &next.checkpoint.origin;
        if kept.get(origin) != before {
            return Ok(false);
        }
        kept.insert(origin.clone(), next.clone());
        Ok(true)
    }
}
