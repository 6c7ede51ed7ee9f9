//! Asking the hub to be let in: over a connection without a certificate, to a server that the invitation's fingerprint vouches for.

use std::time::Duration;

use safeharbor_certs::invitation::Invitation;
use safeharbor_certs::proof::{prove_join, prove_presentation, prove_witness};
use safeharbor_certs::tls::pinned_client_config;
use safeharbor_core::institution::Issuer;
use safeharbor_proto::v1;
use safeharbor_proto::v1::enrollment_client::EnrollmentClient;
use tokio::time::timeout;
use tonic::Status;
use tonic::transport::Channel;

use super::{JoinFailed, Keys, Order};
use crate::doctor::Target;
use crate::sync::{Connector, Dialler};

/// How long the hub may take over one answer: admitting logs five statements and waits for their checkpoint.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// How far the two clocks may be apart: beyond, certificates of days are no longer understood the same way.
const SKEW_MS_MAX: u64 = 10 * 60 * 1000;
/// The longest origin a registry may have here.
const ORIGIN_BYTES_MAX: usize = 256;

/// Greets the hub and asks.
pub(super) async fn ask(
    order: &Order<'_>,
    (invitation, address): (&Invitation, &str),
    keys: &Keys,
) -> Result<v1::Membership, JoinFailed> {
    let channel = connect(order, (invitation, address)).await?;
    let mut client = EnrollmentClient::new(channel);
    let greeting = answered(client.greet(v1::GreetRequest {}), address).await?;
    let (ours_ms, theirs_ms) = (order.seams.clock.now_ms(), greeting.now_ms);
    if ours_ms.abs_diff(theirs_ms) > SKEW_MS_MAX {
        return Err(JoinFailed::Clock { ours_ms, theirs_ms });
    }
    let request = prove(&greeting, invitation, keys, ours_ms / 1000)?;
    answered(client.join(request), address).await
}

/// The certificate must carry the name in the invitation, also where another address is dialled.
async fn connect(
    order: &Order<'_>,
    (invitation, address): (&Invitation, &str),
) -> Result<Channel, JoinFailed> {
    let tls = pinned_client_config(invitation.authority, order.hub.key_exchange)?;
    let name = Target::at(&invitation.address).name;
    let connector = Connector::new(address.to_owned(), &name, tls)?;
    let connector = connector.through(Dialler::load(order.layout, order.hub)?);
    connector.connect().await.map_err(|failed| JoinFailed::connecting(address, &failed))
}

fn prove(
    greeting: &v1::Greeting,
    invitation: &Invitation,
    keys: &Keys,
    now_s: u64,
) -> Result<v1::JoinRequest, JoinFailed> {
    let hub: Issuer = greeting.hub.parse().or(Err(JoinFailed::Greeting))?;
    if greeting.origin.is_empty() || greeting.origin.len() > ORIGIN_BYTES_MAX {
        return Err(JoinFailed::Greeting);
    }
    let id = invitation.id();
    let proof = prove_join(&id, &keys.csr_pem, &keys.public(), &keys.statements)?;
    Ok(v1::JoinRequest {
        secret: invitation.secret.to_vec(),
        csr_pem: keys.csr_pem.clone(),
        cosignature: prove_witness((&greeting.origin, &id), now_s, &keys.witness)
            .map_err(JoinFailed::Witness)?,
        presentation: prove_presentation((&hub, &id, &proof), now_s, &keys.presentation)?,
        proof,
        software: concat!("safeharbor-node ", env!("CARGO_PKG_VERSION")).to_owned(),
    })
}

async fn answered<T>(
    asking: impl Future<Output = Result<tonic::Response<T>, Status>>,
    address: &str,
) -> Result<T, JoinFailed> {
    match timeout(ANSWER_TIMEOUT, asking).await {
        Ok(Ok(answer)) => Ok(answer.into_inner()),
        Ok(Err(status)) => Err(JoinFailed::refused(address, &status)),
        Err(_) => Err(JoinFailed::Silent(address.to_owned())),
    }
}
