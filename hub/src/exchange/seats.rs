//! Seats: how many connections one institution, or nobody in particular, may hold open.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use safeharbor_core::institution::InstitutionCode;

use super::peer::Caller;

/// A node needs one connection, and a second while a dead one is not noticed yet.
const SEATS_PER_INSTITUTION: usize = 4;
/// Those who join or renew share the address of their campus; each needs a connection for a moment.
const ANONYMOUS_SEATS_PER_ADDRESS: usize = 8;
/// A federation has hundreds of members, and few of them join or renew at the same moment.
const ANONYMOUS_SEATS: usize = 64;

/// Who shares seats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Holder {
    Institution(InstitutionCode),
    Anonymous,
    AnonymousAt(IpAddr),
}

/// Connections by who holds them.
#[derive(Debug, Clone, Default)]
pub(super) struct Seats(Arc<Mutex<BTreeMap<Holder, usize>>>);

/// One connection's seat, given back when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Seats,
    holders: Vec<Holder>,
}

impl Seats {
    /// Takes a seat; none if all that the caller may have are taken.
    pub(super) fn take(&self, caller: Caller, address: SocketAddr) -> Option<Seat> {
        let limits = match caller {
            Caller::Institution(code) => vec![(Holder::Institution(code), SEATS_PER_INSTITUTION)],
            Caller::Anonymous => vec![
                (Holder::Anonymous, ANONYMOUS_SEATS),
                (Holder::AnonymousAt(address.ip()), ANONYMOUS_SEATS_PER_ADDRESS),
            ],
        };
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if limits.iter().any(|(holder, most)| taken.get(holder).is_some_and(|count| count >= most)) {
            return None;
        }
        let holders: Vec<Holder> = limits.into_iter().map(|(holder, _)| holder).collect();
        for holder in &holders {
            let count = taken.entry(*holder).or_default();
            *count = count.saturating_add(1);
        }
        Some(Seat { seats: self.clone(), holders })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        for holder in &self.holders {
            let left = taken.get(holder).copied().unwrap_or_default().saturating_sub(1);
            if left == 0 {
                taken.remove(holder);
            } else {
                taken.insert(*holder, left);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, last], 7443))
    }

    #[test]
    fn one_institution_cannot_take_the_seats_of_others() {
        let seats = Seats::default();
        let [one, other] = ["12100000400002259P", "12100000400000624D"]
            .map(|code| Caller::Institution(code.parse().unwrap()));
        let mut held: Vec<_> =
            (0..SEATS_PER_INSTITUTION).map(|_| seats.take(one, address(1)).unwrap()).collect();
        assert!(seats.take(one, address(2)).is_none());
        assert!(seats.take(other, address(1)).is_some());
        held.pop();
        assert!(seats.take(one, address(1)).is_some());
    }

    #[test]
    fn those_who_are_nobody_have_few_seats_an_address_and_few_in_all() {
        let seats = Seats::default();
        let take = |last| seats.take(Caller::Anonymous, address(last));
        let mut held = Vec::new();
        for last in 0..8 {
            held.extend(std::iter::from_fn(|| take(last)));
            assert_eq!(held.len(), (usize::from(last) + 1) * ANONYMOUS_SEATS_PER_ADDRESS);
        }
        assert!(take(9).is_none(), "all are taken");
        let institution = Caller::Institution("12100000400002259P".parse().unwrap());
        assert!(seats.take(institution, address(1)).is_some(), "institutions have their own");
        held.clear();
        assert!(take(1).is_some());
        assert!(seats.0.lock().unwrap().is_empty(), "addresses are forgotten with their last connection");
    }
}
