//! Runs conversations with the hub one after the other, with pauses between.

use std::sync::Arc;
use std::time::Duration;

use safeharbor_core::key::PublicKey;
use safeharbor_service::evidence::EvidenceFailed;
use safeharbor_service::random::{RandomFailed, draw};
use safeharbor_service::shutdown::Shutdown;
use safeharbor_service::store::StoreFailed;
use tokio::task::JoinError;

use super::connector::Connector;
use super::conversation::{Conversation, End};
use super::machine::After;
use super::retry::{IdentityRefusals, LATER, Pauses};
use super::told::Told;
use crate::catalogues::RestateFailed;
use crate::chain::{Author, ChainFailed, Memory, RefusedState, StateFailed};
use crate::context::Context;
use crate::hold::HoldFailed;
use crate::outbox::OutboxFailed;
use crate::records::RecordsFailed;
use crate::trust::{Alarm, Alarms, ReceiptBook, Stopped, Trust, load_stop, store_stop};
use crate::witness::{Witness, WitnessFailed};

/// How the hub is reached and what of it is believed.
#[derive(Debug, Clone)]
pub struct Link {
    /// Opens connections.
    pub connector: Connector,
    /// The pinned trust policy.
    pub trust: Trust,
}

/// When a run ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// At shutdown, or when it stops for a person to decide.
    Shutdown,
    /// Also once nothing waits and every statement has a verified receipt, or the hub takes nothing of what waits.
    InStep,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing waits and every statement has a verified receipt.
    InStep,
    /// The hub takes nothing until somebody acts.
    Refused(RefusedState),
    /// The hub takes no statements of the institution until its standing is another one.
    Held(Told),
    /// Nothing is sent until a person decides and [`crate::trust::resume`] is called.
    Stopped(Alarm),
    /// It was told to end.
    ShutDown,
}

/// The node itself is broken; whatever the hub does is no error.
#[derive(Debug, thiserror::Error)]
pub enum SyncFailed {
    /// The chain cannot be read.
    #[error(transparent)]
    Chain(#[from] ChainFailed),
    /// Statements cannot be made.
    #[error("statements cannot be made")]
    State(#[from] StateFailed),
    /// The outbox cannot be read.
    #[error(transparent)]
    Outbox(#[from] OutboxFailed),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreFailed),
    /// A record that was withdrawn cannot be read.
    #[error(transparent)]
    Records(#[from] RecordsFailed),
    /// A record that was withdrawn cannot be held.
    #[error(transparent)]
    Hold(#[from] HoldFailed),
    /// What the hub refused cannot be stated again.
    #[error("what the hub refused cannot be stated again")]
    Restate(#[from] RestateFailed),
    /// Evidence cannot be kept.
    #[error(transparent)]
    Evidence(#[from] EvidenceFailed),
    /// The witness cannot keep what it stands on.
    #[error(transparent)]
    Witness(#[from] WitnessFailed),
    /// There is no randomness.
    #[error(transparent)]
    Random(#[from] RandomFailed),
    /// Work on the blocking pool broke off.
    #[error("work in the background broke off")]
    Background(#[from] JoinError),
}

/// What every conversation works with.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    pub(super) context: Arc<Context>,
    pub(super) author: Author,
    pub(super) book: Arc<ReceiptBook>,
    pub(super) witness: Arc<Witness>,
    /// The hub's statement keys that are pinned.
    pub(super) hub_keys: Vec<PublicKey>,
}

impl Desk {
    pub(super) fn open(context: Arc<Context>, trust: &Trust) -> Result<Self, SyncFailed> {
        let author = Author::new(&context, trust.admitted()).with_own_keys(trust.own_keys().clone());
        let (store, clock) = (Arc::clone(&context.store), Arc::clone(&context.clock));
        let book = ReceiptBook::open(store, clock, trust.clone(), &context.layout.evidence())?;
        let seams = (Arc::clone(&context.store), Arc::clone(&context.clock));
        let key = context.layout.witness_key();
        let witness = Arc::new(Witness::open(seams, trust.log().clone(), &context.institution, &key));
        let hub_keys = trust.policy().hub_keys().iter().map(|(_, key)| *key).collect();
        Ok(Self { context, author, book: Arc::new(book), witness, hub_keys })
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.context.clock.now_ms()
    }

    pub(super) fn memory(&self) -> Memory {
        self.author.chain.memory()
    }

    pub(super) fn alarms(&self) -> Alarms {
        Alarms::new(Arc::clone(&self.context.store))
    }
}

/// Keeps the institution's chain in step with the hub: dials, sends, keeps receipts, and dials again.
///
/// One run at a time for a context. A second one would end the first one's stream at the hub.
///
/// # Errors
/// The node's own store, signing device or randomness fails. Everything the hub or the network does is an
/// [`Outcome`], an alarm or another attempt.
pub async fn run(
    context: Arc<Context>,
    link: Link,
    shutdown: &Shutdown,
    until: Until,
) -> Result<Outcome, SyncFailed> {
    let desk = blocking(move || Desk::open(context, &link.trust).map(|desk| (desk, link.connector))).await?;
    let (desk, connector) = desk?;
    if let Some(stopped) = load_stop(&*desk.context.store)? {
        tracing::error!(alarm = %stopped.alarm, "nothing is sent until a person decides");
        return Ok(Outcome::Stopped(stopped.alarm));
    }
    let outcome = tokio::select! {
        outcome = converse_for_ever(&desk, &connector, until) => outcome,
        () = shutdown.wait() => Ok(Outcome::ShutDown),
    };
    let store = Arc::clone(&desk.context.store);
    blocking(move || store.flush()).await??;
    outcome
}

async fn converse_for_ever(desk: &Desk, connector: &Connector, until: Until) -> Result<Outcome, SyncFailed> {
    let (mut pauses, mut refusals) = (Pauses::with_seed(seed(desk)?), IdentityRefusals::default());
    loop {
        let mut conversation = Conversation::new(desk.clone(), until);
        let end = conversation.run(connector).await?;
        if conversation.has_progressed() {
            pauses.reset(seed(desk)?);
            refusals = IdentityRefusals::default();
        }
        let pause = match end {
            End::InStep | End::HeldUp => match Told::load(&*desk.context.store)?.filter(Told::is_held) {
                Some(told) => return Ok(Outcome::Held(told)),
                None if matches!(end, End::InStep) => return Ok(Outcome::InStep),
                None => pauses.next(),
            },
            End::Closed(After::Stop(alarm)) => {
                let stopped = Stopped { alarm: alarm.clone(), since_ms: desk.now_ms() };
                store_stop(&*desk.context.store, &stopped)?;
                return Ok(Outcome::Stopped(alarm));
            }
            End::Closed(After::RetryLater) => match (until, desk.memory().refused()?) {
                (Until::InStep, Some(refused)) => return Ok(Outcome::Refused(refused)),
                (Until::InStep | Until::Shutdown, _) => LATER,
            },
            End::Closed(After::Retry) => {
                let lasting = refusals.note(desk.memory().refused()?);
                if let Some(refused) = lasting.filter(|_| until == Until::InStep) {
                    return Ok(Outcome::Refused(refused));
                }
                pauses.next()
            }
            End::Lost { reason } => {
                let pause = pauses.next();
                tracing::warn!(hub = connector.address(), reason, ?pause, "no connection to the hub");
                pause
            }
        };
        pause_for(pause).await;
    }
}

async fn pause_for(pause: Duration) {
    tracing::debug!(?pause, "the next connection comes after a pause");
    tokio::time::sleep(pause).await;
}

fn seed(desk: &Desk) -> Result<u64, RandomFailed> {
    Ok(u64::from_be_bytes(draw(&*desk.context.random)?))
}

/// Runs what blocks where it may.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    tokio::task::spawn_blocking(work).await
}

#[cfg(test)]
mod model_hub;
#[cfg(test)]
pub(super) mod tests;
