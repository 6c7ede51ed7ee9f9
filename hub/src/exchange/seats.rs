//! Seats: how many connections one institution may hold open.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use safeharbor_core::institution::InstitutionCode;

/// A node needs one connection, and a second while a dead one is not noticed yet.
const SEATS_PER_INSTITUTION: usize = 4;

/// Connections by institution.
#[derive(Debug, Clone, Default)]
pub(super) struct Seats(Arc<Mutex<BTreeMap<InstitutionCode, usize>>>);

/// One connection's seat, given back when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Seats,
    institution: InstitutionCode,
}

impl Seats {
    /// Takes a seat; none if the institution holds all of its own.
    pub(super) fn take(&self, institution: InstitutionCode) -> Option<Seat> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(institution).or_default();
        if *count >= SEATS_PER_INSTITUTION {
            return None;
        }
        *count = count.saturating_add(1);
        Some(Seat { seats: self.clone(), institution })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.institution) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_institution_cannot_take_the_seats_of_others() {
        let seats = Seats::default();
        let (one, other) = ("12100000400002259P".parse().unwrap(), "12100000400000624D".parse().unwrap());
        let mut held: Vec<_> = (0..SEATS_PER_INSTITUTION).map(|_| seats.take(one).unwrap()).collect();
        assert!(seats.take(one).is_none());
        assert!(seats.take(other).is_some());
        held.pop();
        assert!(seats.take(one).is_some());
    }
}
