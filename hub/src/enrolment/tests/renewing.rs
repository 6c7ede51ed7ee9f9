//! Renewing: by proof of the statement key, with or without a certificate that holds.

use safeharbor_certs::development;
use safeharbor_certs::request::create_request;
use safeharbor_core::code::Code;
use safeharbor_core::directory::{Announcement, Deciders, Standing};
use safeharbor_proto::v1;
use safeharbor_proto::v1::registry_client::RegistryClient;

use super::super::testing::{DAY_MS, Hub, Node, OTHER_CODE, code, now_ms, signer};
use crate::certificates::last_of;
use crate::running::announce;
use crate::standing::set_standing;
use safeharbor_core::key::Signer as _;

#[tokio::test]
async fn a_node_whose_certificate_ended_renews_without_one() {
    // Issued eight days ago for seven, so that it is over for every reader of the machine's clock.
    let hub = Hub::start_at(now_ms() - 8 * DAY_MS).await;
    let node = Node::new(10);
    let ended = hub.join(&node, &hub.invite(code())).await.unwrap();
    hub.clock.set_ms(now_ms());
    let use_it = |certificate: String, key: String| {
        let hub = &hub;
        async move {
            let channel = hub.connect(Some((&certificate, &key))).await?;
            let asked = RegistryClient::new(channel).fetch_chain(v1::FetchChainRequest::default()).await;
            asked.map(drop).map_err(|status| status.to_string())
        }
    };
    let refused = use_it(ended.certificate_pem, node.tls.key_pem.to_string()).await;
    assert!(refused.is_err(), "refused before anybody is asked who they are");
    let tls = create_request(code()).unwrap();
    let renewed = hub.renew(&node, &tls).await.unwrap();
    use_it(renewed.certificate_pem, tls.key_pem.to_string()).await.unwrap();
    let last = last_of(&hub.office, &code()).unwrap().unwrap();
    assert!(last.until_ms > now_ms() + 6 * DAY_MS && last.until_ms <= now_ms() + 7 * DAY_MS);
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused_at_the_handshake() {
    let hub = Hub::start().await;
    let other = development::authority(now_ms() / 1000).unwrap();
    let foreign = development::client(&other, code(), now_ms() / 1000).unwrap();
    let connected = hub.connect(Some((&foreign.certificate_pem, &foreign.key_pem))).await;
    let refused = match connected {
        Err(_) => true,
        Ok(channel) => {
            RegistryClient::new(channel).fetch_chain(v1::FetchChainRequest::default()).await.is_err()
        }
    };
    assert!(refused);
}

#[tokio::test]
async fn suspended_institutions_renew_and_revoked_or_unknown_ones_do_not() {
    let hub = Hub::start().await;
    let node = Node::new(10);
    assert_eq!(hub.renew(&node, &node.tls).await.unwrap_err(), Code::InstitutionUnknown);
    hub.join(&node, &hub.invite(code())).await.unwrap();
    let change = |standing| {
        set_standing(&hub.office.shared, &hub.office.orders, code(), standing, Deciders::new([1, 2]))
    };
    change(Standing::Suspended).await.unwrap();
    hub.renew(&node, &create_request(code()).unwrap()).await.unwrap();
    change(Standing::Revoked).await.unwrap();
    assert_eq!(hub.renew(&node, &node.tls).await.unwrap_err(), Code::StandingRefused);
}

#[tokio::test]
async fn only_the_key_in_force_renews_and_only_keys_of_its_own() {
    let hub = Hub::start().await;
    let (node, other) = (Node::new(10), Node::of(OTHER_CODE.parse().unwrap(), 20));
    hub.join(&node, &hub.invite(code())).await.unwrap();
    hub.join(&other, &hub.invite(other.code)).await.unwrap();
    assert_eq!(hub.renew(&Node::new(30), &node.tls).await.unwrap_err(), Code::ProofRefused);
    assert_eq!(hub.renew(&node, &other.tls).await.unwrap_err(), Code::KeyInUse);
    hub.renew(&node, &node.tls).await.unwrap();
    let key = signer(10).public_key();
    announce(&hub.office.orders, Announcement::KeyEnds { code: code(), key }).await.unwrap();
    assert_eq!(hub.renew(&node, &node.tls).await.unwrap_err(), Code::ProofRefused);
}
