//! The hub as a server: gRPC for nodes, the admin address for operators, the control socket for commands.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use safeharbor_proto::v1::enrollment_server::EnrollmentServer;
use safeharbor_proto::v1::exchange_server::ExchangeServer;
use safeharbor_proto::v1::registry_server::RegistryServer;
use safeharbor_proto::{MESSAGE_BYTES_MAX, v1};
use safeharbor_service::durable_file::{WriteFailed, write_durably};
use safeharbor_service::shutdown::Shutdown;
use safeharbor_service::speech::chain_of;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;

use crate::access::AccessLayer;
use crate::backup;
use crate::board_page::{self, AdminState};
use crate::enrolment::EnrollmentService;
use crate::exchange::{Door, PeerStream, Services, accept};
use crate::folder::Paths;
use crate::office::Office;
use crate::opening::{OpenHub, first_announcements};
use crate::proposal;
use crate::running::{OrderFailed, RunFailed, Running, announce};
use crate::tls_certificate::{self, TlsCertificateFailed};

/// How many connections wait between handshake and service.
const CONNECTIONS_WAITING_MAX: usize = 16;

/// The most bytes a request to join, renew or rotate has.
const ENROLMENT_BYTES_MAX: usize = 64 * 1024;

/// How long connections may take to end at shutdown.
const ENDING_MAX: Duration = Duration::from_secs(5);

/// The hub cannot serve, or stopped serving.
#[derive(Debug, thiserror::Error)]
pub enum ServeFailed {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// Which.
        address: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The addresses cannot be found out.
    #[error("the addresses cannot be found out")]
    Addresses(#[source] std::io::Error),
    /// The hub's certificate cannot be made.
    #[error(transparent)]
    Tls(#[from] TlsCertificateFailed),
    /// The first statements cannot be logged.
    #[error("the hub's own statements cannot be logged")]
    Order(#[from] OrderFailed),
    /// A part failed.
    #[error(transparent)]
    Run(#[from] RunFailed),
    /// The gRPC server failed.
    #[error("the gRPC server failed")]
    Grpc(#[from] tonic::transport::Error),
    /// The reflection service cannot be built.
    #[error("the reflection service cannot be built")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The addresses cannot be written down.
    #[error("the addresses cannot be written down")]
    Write(#[from] WriteFailed),
}

/// Where a running hub listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Addresses {
    /// For nodes.
    pub grpc: SocketAddr,
    /// For operators.
    pub admin: SocketAddr,
    /// The process.
    pub pid: u32,
}

/// Serves until shutdown. `commands` runs beside the servers.
///
/// # Errors
/// Any of [`ServeFailed`].
pub async fn serve<C, F>(hub: OpenHub, shutdown: Shutdown, commands: C) -> Result<(), ServeFailed>
where
    C: FnOnce(Office) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let announcements = first_announcements(&hub);
    let OpenHub { folder, desk, committer, publisher, .. } = hub;
    let grpc = listen(&desk.settings.listen).await?;
    let admin = listen(&desk.settings.admin).await?;
    let tls = watch::Sender::new(tls_certificate::renew(&desk)?);
    let mut running = Running::start(committer, publisher);
    for announcement in announcements {
        announce(&running.orders(), announcement).await?;
    }
    let office = Office::new(desk, running.orders());
    if let Err(refused) = proposal::resume(&office).await {
        let error = chain_of(&refused);
        tracing::error!(
            error,
            "a decision of two persons cannot be carried out; approve it again to see why"
        );
    }
    let services = Services::new(office.clone(), shutdown.clone());
    write_addresses(&office.paths, &grpc, &admin)?;
    let (ready, connections) = mpsc::channel(CONNECTIONS_WAITING_MAX);
    let door = Door { config: tls.subscribe(), desk: office.desk().clone() };
    tokio::spawn(accept(grpc, door, ready, shutdown.clone()));
    let certificate = tokio::spawn(tls_certificate::keep(office.desk().clone(), tls, shutdown.clone()));
    let commands = tokio::spawn(commands(office.clone()));
    let admin = tokio::spawn(board_page::serve(admin, AdminState::new(office.clone()), shutdown.clone()));
    let backups = tokio::spawn(backup::keep(office.desk().clone(), shutdown.clone()));
    let mut grpc =
        tokio::spawn(serve_grpc(services, connections, office.settings.reflection, shutdown.clone()));
    let served = tokio::select! {
        failed = running.failed() => Err(ServeFailed::Run(failed)),
        served = &mut grpc => served.or(Err(ServeFailed::Run(RunFailed::Ended)))?,
        () = shutdown.wait() => Ok(()),
    };
    shutdown.trigger();
    commands.abort();
    // One that is being made has no name yet: it goes with the process.
    backups.abort();
    drop((commands.await, admin.await, backups.await, certificate.await));
    // tonic waits for every connection; a peer that keeps one open does not keep the hub from ending.
    if !grpc.is_finished() && tokio::time::timeout(ENDING_MAX, &mut grpc).await.is_err() {
        grpc.abort();
    }
    drop(std::fs::remove_file(office.paths.addresses()));
    drop(office);
    served?;
    running.stop().await?;
    drop(folder);
    Ok(())
}

async fn listen(address: &str) -> Result<TcpListener, ServeFailed> {
    let failed = |source| ServeFailed::Listen { address: address.to_owned(), source };
    TcpListener::bind(address).await.map_err(failed)
}

fn write_addresses(paths: &Paths, grpc: &TcpListener, admin: &TcpListener) -> Result<(), ServeFailed> {
    let local = |listener: &TcpListener| listener.local_addr().map_err(ServeFailed::Addresses);
    let addresses = Addresses { grpc: local(grpc)?, admin: local(admin)?, pid: std::process::id() };
    tracing::info!(grpc = %addresses.grpc, admin = %addresses.admin, "the hub listens");
    let text = serde_json::to_string(&addresses).unwrap_or_default();
    Ok(write_durably(&paths.addresses(), format!("{text}\n").as_bytes())?)
}

async fn serve_grpc(
    services: Services,
    connections: mpsc::Receiver<std::io::Result<PeerStream>>,
    reflection: bool,
    shutdown: Shutdown,
) -> Result<(), ServeFailed> {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_serving::<ExchangeServer<Services>>().await;
    let exchange = ExchangeServer::new(services.clone())
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    let enrolment = EnrollmentServer::new(EnrollmentService::new(services.office.clone()))
        .max_decoding_message_size(ENROLMENT_BYTES_MAX);
    let desk = services.desk().clone();
    let registry = RegistryServer::new(services);
    let reflection = if reflection {
        let builder = tonic_reflection::server::Builder::configure();
        Some(builder.register_encoded_file_descriptor_set(v1::DESCRIPTORS).build_v1()?)
    } else {
        None
    };
    let incoming = ReceiverStream::new(connections);
    Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .http2_keepalive_timeout(Some(Duration::from_secs(20)))
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .max_concurrent_streams(16)
        .layer(AccessLayer::new(desk))
        .add_service(health)
        .add_service(exchange)
        .add_service(enrolment)
        .add_service(registry)
        .add_optional_service(reflection)
        .serve_with_incoming_shutdown(incoming, async move { shutdown.wait().await })
        .await?;
    Ok(())
}
