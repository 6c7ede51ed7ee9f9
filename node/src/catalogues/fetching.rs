//! Fetching the version the hub published last: in parts, within the limits of a catalogue, kept once its digest is right.

use std::sync::Arc;
use std::time::Duration;

use safeharbor_core::key::PublicKey;
use safeharbor_proto::v1::registry_client::RegistryClient;
use safeharbor_proto::{MESSAGE_BYTES_MAX, v1};
use safeharbor_rules::{Catalogue, FileSet, FilesRefused, OwnLists};
use safeharbor_service::store::StoreFailed;
use tokio::task::JoinError;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use super::offer::{Offer, OfferRefused};
use super::shelf::{Shelf, ShelfFailed};
use crate::context::Context;
use crate::speech::chain_of;

/// How long all parts may take together.
const FETCH_MAX: Duration = Duration::from_secs(120);

/// The version was not fetched; it is asked for again on the next stream.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchFailed {
    #[error("the hub does not hand its catalogue version out")]
    Status(#[from] Status),
    #[error("the hub took too long")]
    Slow,
    #[error("the hub did not say by which statement it published its catalogue version")]
    Silent,
    #[error(transparent)]
    Offer(#[from] OfferRefused),
    #[error("what the hub sent is no catalogue")]
    Files(#[from] FilesRefused),
    #[error("what the hub sent is not the version it named")]
    Digest,
    #[error(transparent)]
    Shelf(#[from] ShelfFailed),
    #[error(transparent)]
    Store(#[from] StoreFailed),
    #[error("work in the background broke off")]
    Background(#[from] JoinError),
}

/// Asks for the version published last, and fetches its files unless they are here. Nothing is taken into use.
pub(crate) async fn fetch(
    context: Arc<Context>,
    channel: Channel,
    pinned: Vec<PublicKey>,
) -> Result<Offer, FetchFailed> {
    tokio::time::timeout(FETCH_MAX, fetch_all(context, channel, pinned)).await.or(Err(FetchFailed::Slow))?
}

async fn fetch_all(
    context: Arc<Context>,
    channel: Channel,
    pinned: Vec<PublicKey>,
) -> Result<Offer, FetchFailed> {
    let mut client = RegistryClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let asked = v1::FetchCatalogueRequest { cat: Vec::new() };
    let mut parts = client.fetch_catalogue(asked).await?.into_inner();
    let statement = parts.message().await?.and_then(|part| part.statement).ok_or(FetchFailed::Silent)?;
    let offer = Offer::read(statement.index, &statement.jwt, &pinned)?;
    let shelf = Shelf::of(&context.layout);
    if context.catalogue().digest() == offer.cat || shelf.list()?.contains(&offer.cat) {
        offer.keep(&*context.store)?;
        return Ok(offer);
    }
    let files = gather(&mut parts).await?;
    if files.digest() != offer.cat {
        return Err(FetchFailed::Digest);
    }
    tokio::task::spawn_blocking(move || keep(&context, offer, files)).await?
}

async fn gather(parts: &mut Streaming<v1::CataloguePart>) -> Result<FileSet, FetchFailed> {
    let mut files = FileSet::new();
    while let Some(part) = parts.message().await? {
        for v1::CatalogueFile { path, content } in part.files {
            files.add(path, content)?;
        }
    }
    Ok(files)
}

/// A version that this program refuses, such as one that raises a compiled-in ceiling, is not kept; people are told why.
fn keep(context: &Context, offer: Offer, files: FileSet) -> Result<Offer, FetchFailed> {
    let offer = match Catalogue::of(files, &OwnLists::new()) {
        Ok(catalogue) => {
            Shelf::of(&context.layout).put(catalogue.file_set())?;
            tracing::info!(cat = %offer.cat, "a catalogue version is offered; a person accepts it");
            offer
        }
        Err(refused) => {
            let reason = chain_of(&refused);
            tracing::error!(cat = %offer.cat, reason, "the hub's catalogue version is refused");
            Offer { refused: Some(reason), ..offer }
        }
    };
    offer.keep(&*context.store)?;
    Ok(offer)
}
