//! One live stream an institution. A later one takes over from the same process, and from another one that has fallen silent;
//! while that one answers, there are two nodes with one key, and the later one is refused.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use safeharbor_core::institution::InstitutionCode;
use tokio::sync::watch;

/// Names one process of a node.
pub(super) type Process = [u8; 16];

/// Which streams are open.
#[derive(Debug, Clone, Default)]
pub(super) struct Live(Arc<Mutex<BTreeMap<InstitutionCode, Place>>>);

/// The place of the institution's one live stream.
#[derive(Debug, Clone)]
pub(super) struct Place {
    process: Process,
    lost: watch::Sender<bool>,
    /// The nonce of the last probe, and of the last one that was answered.
    asked: watch::Sender<u64>,
    answered: watch::Sender<u64>,
}

/// Another process of the institution holds its place, and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Occupied;

impl Place {
    fn of(process: Process) -> Self {
        let (lost, asked, answered) =
            (watch::Sender::new(false), watch::Sender::new(0), watch::Sender::new(0));
        Self { process, lost, asked, answered }
    }

    /// Returns once a later stream has taken it.
    pub(super) async fn wait_lost(&self) {
        // The sender is here, so that the channel stays open.
        self.lost.subscribe().wait_for(|lost| *lost).await.ok();
    }

    /// The nonces of probes to be sent.
    pub(super) fn probes(&self) -> watch::Receiver<u64> {
        self.asked.subscribe()
    }

    /// Takes the answer to a probe; one that was never sent is no answer.
    pub(super) fn take_answer(&self, nonce: u64) {
        if nonce <= *self.asked.borrow() {
            self.answered.send_modify(|answered| *answered = nonce.max(*answered));
        }
    }

    fn is(&self, other: &Self) -> bool {
        self.lost.subscribe().same_channel(&other.lost.subscribe())
    }

    /// Whether it answers within `patience`; a stream that ends meanwhile does not.
    async fn is_alive(&self, patience: Duration) -> bool {
        let (mut nonce, mut answered) = (0, self.answered.subscribe());
        self.asked.send_modify(|asked| {
            *asked = asked.saturating_add(1);
            nonce = *asked;
        });
        tokio::select! {
            biased;
            answer = tokio::time::timeout(patience, answered.wait_for(|answered| *answered >= nonce)) => answer.is_ok(),
            () = self.wait_lost() => false,
        }
    }
}

impl Live {
    /// Takes the institution's place and ends its earlier stream.
    ///
    /// # Errors
    /// Another process holds it and answered within `patience`.
    pub(super) async fn enter(
        &self,
        institution: InstitutionCode,
        process: Process,
        patience: Duration,
    ) -> Result<Place, Occupied> {
        let mut silent = None;
        loop {
            let other = match self.try_enter(institution, process, silent.as_ref()) {
                Ok(place) => return Ok(place),
                Err(other) => other,
            };
            if other.is_alive(patience).await {
                return Err(Occupied);
            }
            silent = Some(other);
        }
    }

    /// Enters unless another process is there that is not known to be silent.
    fn try_enter(
        &self,
        institution: InstitutionCode,
        process: Process,
        silent: Option<&Place>,
    ) -> Result<Place, Place> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = places.get(&institution)
            && held.process != process
            && silent.is_none_or(|silent| !silent.is(held))
        {
            return Err(held.clone());
        }
        let place = Place::of(process);
        if let Some(earlier) = places.insert(institution, place.clone()) {
            earlier.lost.send_replace(true);
        }
        Ok(place)
    }

    /// Gives a place back; `false` if a later stream has taken it.
    pub(super) fn leave(&self, institution: &InstitutionCode, mine: &Place) -> bool {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_mine = places.get(institution).is_some_and(|held| held.is(mine));
        if is_mine {
            places.remove(institution);
            mine.lost.send_replace(true);
        }
        is_mine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Time stands still in these tests and jumps when everybody waits.
    const PATIENCE: Duration = Duration::from_secs(3);

    fn code() -> InstitutionCode {
        "12100000400002259P".parse().unwrap()
    }

    async fn enter(live: &Live, process: u8) -> Result<Place, Occupied> {
        live.enter(code(), [process; 16], PATIENCE).await
    }

    fn is_lost(place: &Place) -> bool {
        *place.lost.borrow()
    }

    /// A node that answers the probes it gets.
    fn answer(place: &Place) -> tokio::task::JoinHandle<()> {
        let (place, mut probes) = (place.clone(), place.probes());
        tokio::spawn(async move {
            while probes.changed().await.is_ok() {
                let nonce = *probes.borrow_and_update();
                place.take_answer(nonce);
            }
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_stream_of_the_same_process_takes_over_at_once() {
        let live = Live::default();
        let first = enter(&live, 1).await.unwrap();
        answer(&first);
        let began = tokio::time::Instant::now();
        let second = enter(&live, 1).await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert!(is_lost(&first) && !is_lost(&second));
        assert!(!live.leave(&code(), &first) && live.leave(&code(), &second));
    }

    #[tokio::test(start_paused = true)]
    async fn another_process_is_refused_while_the_one_there_answers() {
        let live = Live::default();
        let first = enter(&live, 1).await.unwrap();
        answer(&first);
        assert_eq!(enter(&live, 2).await.map(drop), Err(Occupied));
        assert_eq!(enter(&live, 2).await.map(drop), Err(Occupied), "each time anew");
        assert!(!is_lost(&first));
    }

    #[tokio::test(start_paused = true)]
    async fn another_process_takes_over_from_one_that_is_silent() {
        let live = Live::default();
        let first = enter(&live, 1).await.unwrap();
        let began = tokio::time::Instant::now();
        let second = enter(&live, 2).await.unwrap();
        assert_eq!(began.elapsed(), PATIENCE);
        assert!(is_lost(&first) && !is_lost(&second));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_stream_that_ends_and_old_or_foreign_answers_are_none() {
        let live = Live::default();
        let first = enter(&live, 1).await.unwrap();
        first.take_answer(1);
        let began = tokio::time::Instant::now();
        let (other, ()) = tokio::join!(enter(&live, 2), async {
            tokio::task::yield_now().await;
            first.take_answer(0);
            first.take_answer(99);
            assert!(live.leave(&code(), &first));
        });
        assert!(other.is_ok() && began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_others_that_wait_for_a_silent_one_one_enters_and_one_is_refused() {
        let live = Live::default();
        let _silent = enter(&live, 1).await.unwrap();
        let enter_and_answer = async |process| {
            let place = enter(&live, process).await;
            place.as_ref().map(answer).ok();
            place.is_ok()
        };
        let (second, third) = tokio::join!(enter_and_answer(2), enter_and_answer(3));
        assert!(second != third, "{second} {third}");
    }
}
