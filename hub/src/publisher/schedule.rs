//! When the publisher grows the tree, signs and publishes.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use safeharbor_service::shutdown::Shutdown;
use tokio::time::Instant;

use super::{Collected, PublishFailed, Publisher, Signed};

/// How long entries are gathered before the tree grows by them.
const GATHER: Duration = Duration::from_millis(100);
/// How often a checkpoint is published when nothing is logged.
const HEARTBEAT: Duration = Duration::from_secs(3600);
/// How long after too few cosignatures the newest tree is signed and shown again.
const AGAIN: Duration = Duration::from_millis(500);
/// How long cosignatures may take when the hub ends.
const ENDING_MAX: Duration = Duration::from_secs(1);

/// A signed checkpoint whose cosignatures are on their way.
struct Waiting {
    signed: Arc<Signed>,
    collected: Pin<Box<dyn Future<Output = Collected> + Send>>,
}

/// When what is due. Something is always due: the heartbeat at the latest.
struct Schedule {
    /// When the tree grows; none while no entries wait.
    grow: Option<Instant>,
    /// When a checkpoint is signed even if nothing was logged.
    sign: Instant,
    waiting: Option<Waiting>,
}

/// What happened.
enum Event {
    Entries,
    Grow,
    Sign,
    Collected(Collected),
    Ending,
}

impl Schedule {
    /// What happens next.
    async fn next(&mut self, publisher: &Publisher, shutdown: &Shutdown) -> Event {
        let (grow, is_collecting) = (self.grow, self.waiting.is_some());
        tokio::select! {
            () = shutdown.wait() => Event::Ending,
            () = publisher.shared.entries_wait.notified(), if grow.is_none() => Event::Entries,
            () = tokio::time::sleep_until(grow.unwrap_or(self.sign)), if grow.is_some() => Event::Grow,
            () = tokio::time::sleep_until(self.sign), if !is_collecting => Event::Sign,
            collected = collect(self.waiting.as_mut()), if is_collecting => Event::Collected(collected),
        }
    }
}

async fn collect(waiting: Option<&mut Waiting>) -> Collected {
    match waiting {
        Some(waiting) => waiting.collected.as_mut().await,
        None => None,
    }
}

impl Publisher {
    /// Publishes until shutdown, then once more.
    ///
    /// # Errors
    /// Any of [`PublishFailed`]; the hub must stop then.
    pub async fn run(mut self, shutdown: Shutdown) -> Result<(), PublishFailed> {
        let mut schedule = Schedule { grow: None, sign: Instant::now() + HEARTBEAT, waiting: None };
        loop {
            match schedule.next(&self, &shutdown).await {
                Event::Entries => schedule.grow = Some(Instant::now() + GATHER),
                Event::Grow => {
                    schedule.grow = None;
                    if schedule.waiting.is_some() {
                        (self, ()) = self.in_background(Self::grow).await?;
                    } else {
                        self = self.begin(&mut schedule).await?;
                    }
                }
                Event::Sign => self = self.begin(&mut schedule).await?,
                Event::Collected(collected) => self = self.finish(collected, &mut schedule).await?,
                Event::Ending => return self.end().await,
            }
        }
    }

    /// Grows and signs, and publishes or begins to collect cosignatures.
    async fn begin(self, schedule: &mut Schedule) -> Result<Self, PublishFailed> {
        let (publisher, signed) = self.in_background(Self::publish).await?;
        schedule.sign = Instant::now() + HEARTBEAT;
        schedule.waiting = signed.map(|signed| {
            let signed = Arc::new(signed);
            Waiting { collected: publisher.cosigning.collect(Arc::clone(&signed)), signed }
        });
        Ok(publisher)
    }

    /// Publishes what was cosigned; what grew meanwhile is signed next.
    async fn finish(self, collected: Collected, schedule: &mut Schedule) -> Result<Self, PublishFailed> {
        let Some(Waiting { signed, .. }) = schedule.waiting.take() else { return Ok(self) };
        let Some(cosignatures) = collected else {
            schedule.sign = Instant::now() + AGAIN;
            return Ok(self);
        };
        let size = signed.size;
        let (publisher, ()) =
            self.in_background(move |publisher| publisher.release(&signed, cosignatures)).await?;
        if publisher.tree.size() > size { publisher.begin(schedule).await } else { Ok(publisher) }
    }

    /// The last checkpoint; without enough cosignatures it stays signed alone.
    async fn end(self) -> Result<(), PublishFailed> {
        let (publisher, signed) = self.in_background(Self::publish).await?;
        let Some(signed) = signed.map(Arc::new) else { return Ok(()) };
        let collecting = publisher.cosigning.collect(Arc::clone(&signed));
        let Ok(Some(cosignatures)) = tokio::time::timeout(ENDING_MAX, collecting).await else {
            return Ok(());
        };
        publisher.in_background(move |publisher| publisher.release(&signed, cosignatures)).await.map(drop)
    }

    async fn in_background<T: Send + 'static>(
        mut self,
        work: impl FnOnce(&mut Self) -> Result<T, PublishFailed> + Send + 'static,
    ) -> Result<(Self, T), PublishFailed> {
        let work = move || {
            let done = work(&mut self)?;
            Ok((self, done))
        };
        tokio::task::spawn_blocking(work).await.or(Err(PublishFailed::Ended))?
    }
}
