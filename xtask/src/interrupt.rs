//! Ctrl-C and SIGTERM as something one can wait for, which is also how this tool waits for anything else.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;

/// The pause between the first two looks at a condition; each one after is half as long again.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// Where the wish to stop arrives.
#[derive(Debug)]
pub(crate) struct Interrupt {
    wishes: Receiver<()>,
    // Keeps the channel open where no listener holds a sender, so that waiting takes its time.
    _open: Sender<()>,
}

/// What a look at a condition showed.
#[derive(Debug)]
pub(crate) enum Seen<T> {
    /// The condition holds.
    Done(T),
    /// Not yet; in words, for the person who has to find out why.
    Waiting(String),
}

impl Interrupt {
    /// Takes over SIGINT, SIGTERM and SIGHUP.
    ///
    /// # Errors
    /// The operating system refuses the handlers.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let refused = |source| Failure::System { what: "listen for signals", source };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(refused)?;
        let (open, wishes) = mpsc::channel();
        let sender = open.clone();
        let (mut int, mut term, mut hup) = {
            let _entered = runtime.enter();
            let on = |kind| signal(kind).map_err(refused);
            (on(SignalKind::interrupt())?, on(SignalKind::terminate())?, on(SignalKind::hangup())?)
        };
        thread::spawn(move || {
            runtime.block_on(async {
                loop {
                    tokio::select! { _ = int.recv() => {} _ = term.recv() => {} _ = hup.recv() => {} }
                    if sender.send(()).is_err() {
                        return;
                    }
                }
            });
        });
        Ok(Self { wishes, _open: open })
    }

    /// Waits up to `time`; says whether the wish to stop arrived.
    pub(crate) fn within(&self, time: Duration) -> bool {
        self.wishes.recv_timeout(time).is_ok()
    }

    /// Looks at a condition until it holds.
    ///
    /// # Errors
    /// The limit passes, the person interrupts, or the look itself fails.
    pub(crate) fn until<T>(
        &self,
        what: &str,
        limit: Duration,
        mut look: impl FnMut() -> Result<Seen<T>, Failure>,
    ) -> Result<T, Failure> {
        let start = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let last = match look()? {
                Seen::Done(value) => return Ok(value),
                Seen::Waiting(last) => last,
            };
            if start.elapsed() >= limit {
                return Err(Failure::TimedOut { what: what.to_owned(), seconds: limit.as_secs(), last });
            }
            if self.within(pause) {
                return Err(Failure::Interrupted);
            }
            pause = pause.saturating_mul(3).min(LONGEST_PAUSE * 2) / 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet() -> (Sender<()>, Interrupt) {
        let (open, wishes) = mpsc::channel();
        (open.clone(), Interrupt { wishes, _open: open })
    }

    #[test]
    fn a_condition_is_waited_for() {
        let (_sender, interrupt) = quiet();
        let mut looks = 0;
        let done = interrupt.until("three looks", Duration::from_secs(5), || {
            looks += 1;
            Ok(if looks == 3 { Seen::Done("yes") } else { Seen::Waiting(format!("{looks}")) })
        });
        assert_eq!(done.unwrap(), "yes");
    }

    #[test]
    fn giving_up_names_what_was_last_seen() {
        let (_sender, interrupt) = quiet();
        let gave_up = interrupt
            .until::<()>("the moon is blue", Duration::ZERO, || Ok(Seen::Waiting("it is white".into())));
        assert!(gave_up.unwrap_err().to_string().ends_with("until the moon is blue; last seen: it is white"));
    }

    #[test]
    fn the_wish_to_stop_ends_waiting() {
        let (sender, interrupt) = quiet();
        sender.send(()).unwrap();
        let stopped =
            interrupt.until::<()>("ever", Duration::from_secs(60), || Ok(Seen::Waiting(String::new())));
        assert!(matches!(stopped, Err(Failure::Interrupted)));
    }
}
