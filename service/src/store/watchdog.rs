//! Ends the process when a write to the store hangs, so that whatever supervises it starts it again.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Every write under way, by number, with what it does and when it must be over.
#[derive(Default)]
struct Watched {
    writes: BTreeMap<u64, (&'static str, Instant)>,
    next: u64,
    ended: bool,
}

struct Shared {
    watched: Mutex<Watched>,
    changed: Condvar,
}

/// A thread that looks after writes; it ends when this is dropped.
pub(super) struct Watchdog {
    shared: Arc<Shared>,
    limit: Duration,
}

/// One write under way; over when dropped.
pub(super) struct Watch<'a> {
    shared: &'a Shared,
    number: u64,
}

/// Ends the process without unwinding: a thread that hangs in the store cannot be unwound.
pub(super) fn end_process(step: &'static str) {
    tracing::error!(step, "the store hangs; the process ends so that it can be started again");
    std::process::abort();
}

impl Watchdog {
    /// Calls `on_hang` once for the first write that takes longer than `limit`.
    pub(super) fn start(
        limit: Duration,
        on_hang: impl FnOnce(&'static str) + Send + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { watched: Mutex::default(), changed: Condvar::new() });
        let seen = Arc::clone(&shared);
        std::thread::Builder::new().name("store-watchdog".to_owned()).spawn(move || {
            if let Some(step) = seen.wait_for_hang() {
                on_hang(step);
            }
        })?;
        Ok(Self { shared, limit })
    }

    /// Looks after one write until the answer is dropped.
    pub(super) fn watch(&self, step: &'static str) -> Watch<'_> {
        let mut watched = self.shared.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let number = watched.next;
        watched.next = number.wrapping_add(1);
        let was_idle = watched.writes.is_empty();
        watched.writes.insert(number, (step, Instant::now() + self.limit));
        drop(watched);
        if was_idle {
            self.shared.changed.notify_one();
        }
        Watch { shared: &self.shared, number }
    }
}

impl Shared {
    /// Sleeps until a write is overdue (its step) or the watchdog is dropped (none).
    fn wait_for_hang(&self) -> Option<&'static str> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if watched.ended {
                return None;
            }
            // All writes have the same limit, so the one that began first is due first.
            let first = watched.writes.values().next().copied();
            watched = match first {
                None => self.changed.wait(watched).unwrap_or_else(PoisonError::into_inner),
                Some((step, due)) => {
                    let left = due.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Some(step);
                    }
                    self.changed.wait_timeout(watched, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.shared.watched.lock().unwrap_or_else(PoisonError::into_inner).writes.remove(&self.number);
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.shared.watched.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.shared.changed.notify_one();
    }
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchdog").field("limit", &self.limit).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_write_that_hangs_is_reported_by_its_step() {
        let (hung, reported) = mpsc::channel();
        let watchdog =
            Watchdog::start(Duration::from_millis(20), move |step| hung.send(step).unwrap()).unwrap();
        drop(watchdog.watch("commit"));
        let _hanging = watchdog.watch("flush");
        assert_eq!(reported.recv_timeout(Duration::from_secs(10)), Ok("flush"));
    }

    #[test]
    fn writes_that_return_and_an_idle_store_are_left_alone() {
        let (hung, reported) = mpsc::channel();
        let watchdog =
            Watchdog::start(Duration::from_secs(3600), move |step| hung.send(step).unwrap()).unwrap();
        drop(watchdog.watch("commit"));
        drop(watchdog);
        // The thread ends and takes the sender with it, without having sent.
        assert_eq!(reported.recv_timeout(Duration::from_secs(10)), Err(mpsc::RecvTimeoutError::Disconnected));
    }
}
