//! A change of persons that was found in order and is not made yet, so that it can be noted first.

use std::sync::MutexGuard;

use super::{Persons, PersonsFailed};
use crate::store::Batch;

/// A change to be made. Until it is made or dropped, no other is found in order.
#[must_use = "nothing is changed until it is made"]
#[derive(Debug)]
pub struct Planned<'a, T> {
    persons: &'a Persons,
    batch: Batch,
    what: T,
    _alone: MutexGuard<'a, ()>,
}

impl<'a, T> Planned<'a, T> {
    pub(super) fn new((persons, alone): (&'a Persons, MutexGuard<'a, ()>), batch: Batch, what: T) -> Self {
        Self { persons, batch, what, _alone: alone }
    }

    /// What there will be.
    pub const fn what(&self) -> &T {
        &self.what
    }

    /// Makes the change; durable on return.
    ///
    /// # Errors
    /// The store.
    pub fn make(self) -> Result<T, PersonsFailed> {
        self.persons.store.commit(self.batch)?;
        self.persons.store.flush()?;
        Ok(self.what)
    }
}
