//! The queue in front of passwords at the admin address: one is looked at at a time, and one address (one /64 of
//! IPv6) fills only a part of it.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::rejection::ExtensionRejection;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use safeharbor_service::network::Network;
use safeharbor_service::speech::Language;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::AdminState;

/// How many wait at a time, the one whose turn it is included.
const WAITING_MAX: usize = 64;
/// How many of these from one address.
const FROM_ONE_MAX: usize = 4;

/// How many wait from each address.
type Waiting = Arc<Mutex<BTreeMap<Network, usize>>>;

/// The queue.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    seats: Arc<Semaphore>,
    turn: Arc<Semaphore>,
    from: Waiting,
}

/// Whose turn it is; to be held until the hashing is done, also where nobody waits for the answer any more.
#[derive(Debug)]
pub(super) struct Turn {
    _seat: Seat,
    _turn: OwnedSemaphorePermit,
}

/// A place in the queue.
#[derive(Debug)]
struct Seat {
    from: Option<(Network, Waiting)>,
    _seat: OwnedSemaphorePermit,
}

impl Queue {
    pub(super) fn new() -> Self {
        let semaphore = |places| Arc::new(Semaphore::new(places));
        Self { seats: semaphore(WAITING_MAX), turn: semaphore(1), from: Arc::default() }
    }

    /// Waits for the turn of somebody from `from`; none if too many wait already.
    pub(super) async fn enter(&self, from: Option<IpAddr>) -> Option<Turn> {
        let seat = self.sit_down(from)?;
        let turn = Arc::clone(&self.turn).acquire_owned().await.ok()?;
        Some(Turn { _seat: seat, _turn: turn })
    }

    fn sit_down(&self, from: Option<IpAddr>) -> Option<Seat> {
        let seat = Arc::clone(&self.seats).try_acquire_owned().ok()?;
        let Some(from) = from.map(Network::from) else { return Some(Seat { from: None, _seat: seat }) };
        let mut waiting = self.from.lock().unwrap_or_else(PoisonError::into_inner);
        let there = waiting.entry(from).or_default();
        if *there >= FROM_ONE_MAX {
            return None;
        }
        *there = there.saturating_add(1);
        Some(Seat { from: Some((from, Arc::clone(&self.from))), _seat: seat })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some((from, waiting)) = &self.from else { return };
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = waiting.get_mut(from) {
            *there = there.saturating_sub(1);
        }
        waiting.retain(|_, there| *there > 0);
    }
}

/// What somebody is told for whom there is no place.
pub(super) fn too_many(language: Language) -> String {
    let text = language
        .pick("正在核验其他密码，请稍后再试", "other passwords are being checked; try again in a moment");
    text.to_owned()
}

/// From where a request comes, as [`source_of`] says.
#[derive(Debug)]
pub(super) struct Source(pub(super) Option<IpAddr>);

impl FromRequestParts<AdminState> for Source {
    type Rejection = ExtensionRejection;

    async fn from_request_parts(parts: &mut Parts, state: &AdminState) -> Result<Self, ExtensionRejection> {
        let ConnectInfo(peer) = ConnectInfo::from_request_parts(parts, state).await?;
        Ok(Self(source_of(state.0.settings.admin_https, peer, &parts.headers)))
    }
}

/// From where a request comes, if that can be told. Behind a proxy that speaks HTTPS it is what the proxy saw, which it adds
/// last to `X-Forwarded-For`; without one, a request from this machine may have come through any tunnel.
fn source_of(https: bool, peer: SocketAddr, headers: &HeaderMap) -> Option<IpAddr> {
    if !https {
        return Some(peer.ip().to_canonical()).filter(|from| !from.is_loopback());
    }
    let last = headers.get_all("x-forwarded-for").iter().next_back()?;
    last.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_address_fills_a_part_of_the_queue_and_the_others_come_in_turn() {
        let queue = Queue::new();
        let of_one = |host| Some(IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, host]));
        let other = Some(IpAddr::from([192, 0, 2, 2]));
        let first = queue.enter(of_one(0)).await.unwrap();
        let seats: Vec<_> = (1..4).map(|host| queue.sit_down(of_one(host)).unwrap()).collect();
        assert!(queue.sit_down(of_one(9)).is_none(), "whoever has one address of a /64 has them all");
        let waits = tokio::spawn({
            let queue = queue.clone();
            async move { queue.enter(other).await.is_some() }
        });
        while queue.seats.available_permits() > WAITING_MAX - FROM_ONE_MAX - 1 {
            tokio::task::yield_now().await;
        }
        assert!(!waits.is_finished());
        drop(first);
        assert!(waits.await.unwrap());
        drop(seats);
        assert!(queue.from.lock().unwrap().is_empty());
        let all: Vec<_> = (0..WAITING_MAX).map(|_| queue.sit_down(None).unwrap()).collect();
        assert!(queue.enter(other).await.is_none() && all.len() == WAITING_MAX);
    }

    #[test]
    fn an_address_is_that_of_the_peer_or_what_the_proxy_saw() {
        let check = |https: bool, peer: &str, forwarded: &[&str], from: Option<&str>| {
            let mut headers = HeaderMap::new();
            for line in forwarded {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            let seen = source_of(https, SocketAddr::new(peer.parse().unwrap(), 1), &headers);
            assert_eq!(seen, from.map(|from| from.parse().unwrap()), "{https} {peer} {forwarded:?}");
        };
        check(false, "192.0.2.1", &["192.0.2.9"], Some("192.0.2.1"));
        check(false, "127.0.0.1", &["192.0.2.9"], None);
        check(true, "127.0.0.1", &["203.0.113.1, 192.0.2.9"], Some("192.0.2.9"));
        check(true, "127.0.0.1", &["203.0.113.1", "192.0.2.8"], Some("192.0.2.8"));
        check(true, "127.0.0.1", &["nonsense"], None);
        check(true, "127.0.0.1", &[], None);
    }
}
