//! A running hub: the committer's thread, the publisher, and the way to order statements of the hub itself.

use std::path::Path;
use std::sync::Arc;

use safeharbor_core::directory::Announcement;
use safeharbor_service::clock::Clock;
use safeharbor_service::random::Random;
use safeharbor_service::shutdown::Shutdown;
use safeharbor_service::speech::Exit;
use safeharbor_service::{control, telemetry};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use crate::command::{Request, execute};
use crate::committer::{AnnounceFailed, Announced, CommitFailed, Committer, ORDERS_WAITING_MAX, Order};
use crate::office::Office;
use crate::opening::{OpenHubFailed, open};
use crate::publisher::{PublishFailed, Publisher};
use crate::server::{ServeFailed, serve};

/// Runs a hub until a signal, taking commands on its control socket.
///
/// # Errors
/// It cannot be opened, or a part of it fails.
pub async fn run(
    folder: &Path,
    overrides: Vec<(&'static str, String)>,
    (clock, random): (&Arc<dyn Clock>, &Arc<dyn Random>),
) -> Result<(), RunHubFailed> {
    let shutdown = Shutdown::on_signals().map_err(RunHubFailed::Process)?;
    let (folder, clock, random) = (folder.to_owned(), Arc::clone(clock), Arc::clone(random));
    let opened = tokio::task::spawn_blocking(move || open(&folder, &overrides, (&clock, &random))).await;
    let hub = opened.map_err(|join| RunHubFailed::Process(join.into()))??;
    telemetry::init(&hub.desk.settings.log)?;
    Ok(serve(hub, shutdown, take_commands).await?)
}

async fn take_commands(office: Office) {
    let socket = office.paths.control();
    let answer = move |request: Vec<u8>, output: control::Output| answer(office.clone(), request, output);
    if let Err(refused) = control::serve(&socket, answer).await {
        tracing::error!(error = %refused, "commands cannot be taken while the hub runs");
    }
}

/// Carries a forwarded command out.
async fn answer(office: Office, request: Vec<u8>, output: control::Output) -> u8 {
    let request = Zeroizing::new(request);
    let Ok(request) = serde_json::from_slice::<Request>(&request) else { return Exit::Usage.code() };
    let reply = execute(&office, request).await;
    output.stderr(reply.err).await.ok();
    match output.stdout(reply.out).await {
        Ok(()) => reply.exit.code(),
        Err(_) => Exit::Unavailable.code(),
    }
}

/// A hub cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunHubFailed {
    /// It cannot be opened.
    #[error("the hub cannot be opened")]
    Open(#[from] OpenHubFailed),
    /// A part of it failed.
    #[error(transparent)]
    Serve(#[from] ServeFailed),
    /// What is logged cannot be set up.
    #[error("the log cannot be set up")]
    Telemetry(#[from] telemetry::InitTelemetryFailed),
    /// Signals or threads cannot be had.
    #[error("the process cannot be set up")]
    Process(#[source] std::io::Error),
}

/// The parts that write.
#[derive(Debug)]
pub struct Running {
    orders: mpsc::Sender<Order>,
    committer: JoinHandle<Result<(), CommitFailed>>,
    publisher: JoinHandle<Result<(), PublishFailed>>,
    stop_publisher: Shutdown,
}

/// A part that writes failed, or ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum RunFailed {
    /// The committer.
    #[error("statements can no longer be logged")]
    Commit(#[from] CommitFailed),
    /// The publisher.
    #[error("checkpoints can no longer be published")]
    Publish(#[from] PublishFailed),
    /// A thread ended by itself.
    #[error("a part of the hub ended unexpectedly")]
    Ended,
}

/// The hub could not log a statement of its own.
#[derive(Debug, thiserror::Error)]
pub enum OrderFailed {
    /// The committer refused it.
    #[error(transparent)]
    Announce(#[from] AnnounceFailed),
    /// The committer is gone.
    #[error("the hub is stopping")]
    Stopping,
}

impl Running {
    /// Starts the committer and the publisher.
    #[must_use]
    pub fn start(committer: Committer, publisher: Publisher) -> Self {
        let (orders, waiting) = mpsc::channel(ORDERS_WAITING_MAX);
        let stop_publisher = Shutdown::new();
        let committer = tokio::task::spawn_blocking(move || committer.run(waiting));
        let publisher = tokio::spawn(publisher.run(stop_publisher.clone()));
        Self { orders, committer, publisher, stop_publisher }
    }

    /// The way to the committer.
    #[must_use]
    pub fn orders(&self) -> mpsc::Sender<Order> {
        self.orders.clone()
    }

    /// Waits until a part fails.
    pub async fn failed(&mut self) -> RunFailed {
        tokio::select! {
            ended = &mut self.committer => match ended {
                Ok(Err(failed)) => failed.into(),
                Ok(Ok(())) | Err(_) => RunFailed::Ended,
            },
            ended = &mut self.publisher => match ended {
                Ok(Err(failed)) => failed.into(),
                Ok(Ok(())) | Err(_) => RunFailed::Ended,
            },
        }
    }

    /// Ends orderly: what is ordered is logged, what is logged is published.
    ///
    /// # Errors
    /// A part failed meanwhile.
    pub async fn stop(self) -> Result<(), RunFailed> {
        // If the committer is gone, waiting for it tells why.
        self.orders.send(Order::Stop).await.ok();
        let committed = self.committer.await.map_err(|_join| RunFailed::Ended)?;
        self.stop_publisher.trigger();
        let published = self.publisher.await.map_err(|_join| RunFailed::Ended)?;
        committed?;
        Ok(published?)
    }
}

/// Logs a public statement of the hub; durable on return, published within a moment.
///
/// # Errors
/// The statement is refused or the hub is stopping.
pub async fn announce(
    orders: &mpsc::Sender<Order>,
    announcement: Announcement,
) -> Result<Announced, OrderFailed> {
    let (reply, announced) = oneshot::channel();
    let announcement = Box::new(announcement);
    orders.send(Order::Announce { announcement, reply }).await.or(Err(OrderFailed::Stopping))?;
    Ok(announced.await.or(Err(OrderFailed::Stopping))??)
}

/// Waits until a checkpoint covers the log index.
///
/// # Errors
/// The publisher is gone.
pub async fn wait_published(shared: &Arc<crate::shared::Shared>, index: u64) -> Result<(), OrderFailed> {
    let mut published = shared.published.subscribe();
    let covered = published.wait_for(|published| published.size > index && !published.note.is_empty()).await;
    covered.map(drop).or(Err(OrderFailed::Stopping))
}
