//! Seats: how many handshakes, and how many connections of one institution or of nobody in particular, there may be.
//!
//! Where nobody has shown who they are, a newcomer takes the seat of whoever sat longest at the network that holds most: those who
//! hold on and say nothing shut out themselves, not others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use safeharbor_core::institution::InstitutionCode;
use safeharbor_service::network::Network;
use tokio::sync::oneshot;

/// A node needs one connection, one more to renew, and another while a dead one is not noticed yet.
const SEATS_PER_INSTITUTION: usize = 4;
/// Those who join, or renew what has ended, share the address of their campus; each needs a connection for a moment.
const ANONYMOUS_SEATS_PER_NETWORK: usize = 8;
/// A federation has hundreds of members, and few of them join at the same moment.
const ANONYMOUS_SEATS: usize = 64;
/// After an outage all nodes of a campus may dial at once; each handshake takes a fraction of a second.
const HANDSHAKES_PER_NETWORK: usize = 32;
/// A handshake costs little until its first flight has come.
const HANDSHAKES: usize = 256;

/// Who sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sitter {
    /// An institution whose certificate speaks for it.
    Institution(InstitutionCode),
    /// Nobody: no certificate, or one that speaks for nobody any more.
    Nobody(Network),
    /// Somebody whose handshake is not over.
    Arriving(Network),
}

impl Sitter {
    /// How many seats there are for its like: for itself, and in all.
    const fn limits(self) -> (usize, usize) {
        match self {
            Self::Institution(_) => (SEATS_PER_INSTITUTION, usize::MAX),
            Self::Nobody(_) => (ANONYMOUS_SEATS_PER_NETWORK, ANONYMOUS_SEATS),
            Self::Arriving(_) => (HANDSHAKES_PER_NETWORK, HANDSHAKES),
        }
    }

    fn is_like(self, other: &Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(other)
    }
}

/// Who holds a connection or is about to.
#[derive(Debug, Clone, Default)]
pub(super) struct Seats(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    /// In the order in which they came. A row that goes, goes with its sender: the seat is told.
    rows: BTreeMap<u64, (Sitter, oneshot::Sender<()>)>,
}

/// One seat, given back when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Seats,
    number: u64,
    lost: oneshot::Receiver<()>,
}

impl Seats {
    /// Takes a seat; none if an institution has taken all of its own.
    pub(super) fn take(&self, sitter: Sitter) -> Option<Seat> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (own, all) = sitter.limits();
        let own_taken = taken.of(sitter).count();
        if own_taken >= own && matches!(sitter, Sitter::Institution(_)) {
            return None;
        }
        if own_taken >= own {
            taken.give_up_oldest(sitter);
        } else if taken.like(sitter).count() >= all {
            let largest = taken.largest(sitter);
            taken.give_up_oldest(largest);
        }
        let (number, (told, lost)) = (taken.next, oneshot::channel());
        taken.next = taken.next.saturating_add(1);
        taken.rows.insert(number, (sitter, told));
        Some(Seat { seats: self.clone(), number, lost })
    }
}

impl Taken {
    fn like(&self, sitter: Sitter) -> impl Iterator<Item = Sitter> {
        self.rows.values().map(|(row, _)| *row).filter(move |row| sitter.is_like(row))
    }

    fn of(&self, sitter: Sitter) -> impl Iterator<Item = &u64> {
        self.rows.iter().filter(move |(_, (row, _))| *row == sitter).map(|(number, _)| number)
    }

    fn give_up_oldest(&mut self, sitter: Sitter) {
        let oldest = self.of(sitter).next().copied();
        oldest.and_then(|number| self.rows.remove(&number));
    }

    /// Who of its like has most seats; of several, who has sat longest.
    fn largest(&self, sitter: Sitter) -> Sitter {
        let mut best = (0, sitter);
        for row in self.like(sitter) {
            let count = self.of(row).count();
            if count > best.0 {
                best = (count, row);
            }
        }
        best.1
    }
}

impl Seat {
    /// Returns once somebody else took it.
    pub(super) async fn lost(&mut self) {
        drop((&mut self.lost).await);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.0.lock().unwrap_or_else(PoisonError::into_inner).rows.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use tokio::sync::oneshot::error::TryRecvError;

    use super::*;

    fn network(last: u8) -> Network {
        IpAddr::from([192, 0, 2, last]).into()
    }

    fn is_lost(seat: &mut Seat) -> bool {
        seat.lost.try_recv() == Err(TryRecvError::Closed)
    }

    #[test]
    fn one_institution_cannot_take_the_seats_of_others() {
        let seats = Seats::default();
        let [one, other] = ["12100000400002259P", "12100000400000624D"]
            .map(|code| Sitter::Institution(code.parse().unwrap()));
        let mut held: Vec<_> = (0..SEATS_PER_INSTITUTION).map(|_| seats.take(one).unwrap()).collect();
        assert!(seats.take(one).is_none());
        assert!(seats.take(other).is_some());
        assert!(!held.iter_mut().any(is_lost), "an institution keeps what it has");
        held.pop();
        assert!(seats.take(one).is_some());
    }

    #[test]
    fn a_network_that_holds_on_loses_its_own_oldest_seats() {
        for sitter in [Sitter::Nobody, Sitter::Arriving] {
            let seats = Seats::default();
            let (own, _) = sitter(network(1)).limits();
            let mut held: Vec<_> = (0..own + 2).map(|_| seats.take(sitter(network(1))).unwrap()).collect();
            let lost: Vec<_> = held.iter_mut().map(is_lost).collect();
            assert!(lost[..2].iter().all(|lost| *lost) && !lost[2..].iter().any(|lost| *lost));
        }
    }

    #[test]
    fn nobody_is_shut_out_by_those_who_hold_all_seats() {
        for sitter in [Sitter::Nobody, Sitter::Arriving] {
            let seats = Seats::default();
            let (_, all) = sitter(network(1)).limits();
            // One network with two seats, the first of them not the oldest one, and many with one each.
            let mut first = seats.take(sitter(network(200))).unwrap();
            let mut held: Vec<_> = (0..all - 2)
                .map(|n| seats.take(sitter(network(u8::try_from(n % 199).unwrap()))).unwrap())
                .collect();
            let mut second = seats.take(sitter(network(201))).unwrap();
            let mut other = seats.take(sitter(network(202))).unwrap();
            assert!(!is_lost(&mut second) && !is_lost(&mut other));
            let lost = held.iter_mut().filter_map(|seat| is_lost(seat).then_some(())).count();
            assert_eq!(lost + usize::from(is_lost(&mut first)), 1, "one made room");
        }
    }

    #[test]
    fn seats_are_forgotten_with_whoever_sat() {
        let seats = Seats::default();
        let held: Vec<_> = (0..3).map(|n| seats.take(Sitter::Nobody(network(n)))).collect();
        drop(held);
        assert!(seats.0.lock().unwrap().rows.is_empty());
    }
}
