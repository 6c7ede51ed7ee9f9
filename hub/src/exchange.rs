//! The gRPC services nodes talk to: the stream, and reading one's own chain.

mod accepting;
mod catalogue_parts;
mod chain_pages;
mod live;
mod peer;
mod receipts;
mod seats;
mod session;
mod situation;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use safeharbor_core::code::Code;
use safeharbor_core::digest::Digest;
use safeharbor_core::institution::InstitutionCode;
use safeharbor_proto::v1::exchange_server::Exchange;
use safeharbor_proto::v1::registry_server::Registry;
use safeharbor_proto::{status_of, v1};
use safeharbor_service::shutdown::Shutdown;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::office::Office;
use crate::tls_key::Shown;
pub use accepting::{Door, accept};
use live::Live;
pub use peer::{Caller, Peer, PeerStream};
use session::Session;

/// How many messages wait for a slow node before the session is held back.
const MESSAGES_WAITING_MAX: usize = 8;
/// How many nodes read their chains back at the same time; each holds a thread meanwhile.
const RECOVERIES_MAX: usize = 4;

/// What the services need.
#[derive(Debug, Clone)]
pub struct Services {
    /// The open hub.
    pub office: Office,
    /// Ends every stream.
    pub shutdown: Shutdown,
    live: Live,
    recoveries: Arc<Semaphore>,
}

impl Services {
    /// Puts the services together.
    #[must_use]
    pub fn new(office: Office, shutdown: Shutdown) -> Self {
        let (live, recoveries) = (Live::default(), Arc::new(Semaphore::new(RECOVERIES_MAX)));
        Self { office, shutdown, live, recoveries }
    }
}

impl std::ops::Deref for Services {
    type Target = Office;

    fn deref(&self) -> &Office {
        &self.office
    }
}

/// The certificate that the door has verified, and where it comes from: only institutions pass.
fn shown_by<T>(request: &Request<T>) -> Result<(Shown, SocketAddr), Status> {
    let peer = request.extensions().get::<Peer>();
    match peer.map(|peer| (peer.caller, peer.address)) {
        Some((Caller::Institution(shown), address)) => Ok((shown, address)),
        Some((Caller::Anonymous, _)) | None => {
            Err(status_of(Code::IdentityRefused, "the connection carries no institution's certificate"))
        }
    }
}

fn institution_of<T>(request: &Request<T>) -> Result<InstitutionCode, Status> {
    shown_by(request).map(|(shown, _)| shown.institution)
}

#[tonic::async_trait]
impl Exchange for Services {
    type OpenStream = ReceiverStream<Result<v1::HubMessage, Status>>;

    async fn open(
        &self,
        request: Request<Streaming<v1::NodeMessage>>,
    ) -> Result<Response<Self::OpenStream>, Status> {
        let shown = shown_by(&request)?;
        let (sender, receiver) = mpsc::channel(MESSAGES_WAITING_MAX);
        let session = Session::new(self.clone(), shown, sender);
        tokio::spawn(session.run(request.into_inner()));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

#[tonic::async_trait]
impl Registry for Services {
    type FetchChainStream = Pin<Box<dyn Stream<Item = Result<v1::ChainPage, Status>> + Send>>;

    async fn fetch_chain(
        &self,
        request: Request<v1::FetchChainRequest>,
    ) -> Result<Response<Self::FetchChainStream>, Status> {
        let institution = institution_of(&request)?;
        let v1::FetchChainRequest { from_seq, with_disclosures } = request.into_inner();
        let wanted = chain_pages::Wanted { institution, from_seq: from_seq.max(1), with_disclosures };
        let place = Arc::clone(&self.recoveries).try_acquire_owned();
        let place =
            place.map_err(|_full| status_of(Code::Unavailable, "other nodes are recovering their chains"))?;
        let pages = chain_pages::read(Arc::clone(&self.shared), wanted, place);
        Ok(Response::new(Box::pin(pages)))
    }

    type FetchCatalogueStream = Pin<Box<dyn Stream<Item = Result<v1::CataloguePart, Status>> + Send>>;

    async fn fetch_catalogue(
        &self,
        request: Request<v1::FetchCatalogueRequest>,
    ) -> Result<Response<Self::FetchCatalogueStream>, Status> {
        institution_of(&request)?;
        let unknown = || status_of(Code::CatalogueUnknown, "the hub never published this catalogue version");
        let asked = request.into_inner().cat;
        let cat = if asked.is_empty() {
            self.shared.directory().catalogues().last().copied().ok_or_else(unknown)?
        } else {
            let malformed = |_malformed| status_of(Code::MessageMalformed, "a digest has 32 bytes");
            Digest::try_from(asked.as_slice()).map_err(malformed)?
        };
        let statement = self.shared.ledger().catalogue_statement(&cat).ok_or_else(unknown)?;
        let catalogue = self.catalogues.get(&cat).ok_or_else(unknown)?;
        Ok(Response::new(Box::pin(catalogue_parts::parts(catalogue, statement))))
    }
}

#[cfg(test)]
mod tests;
