//! Changing the authority: nodes of either are connected at every stage, and nobody is cut off unasked.

use safeharbor_certs::invitation::Invitation;
use safeharbor_certs::request::create_request;
use safeharbor_proto::v1;
use safeharbor_proto::v1::registry_client::RegistryClient;

use super::super::testing::{DAY_MS, Hub, Node, OTHER_CODE, code, connect, person};
use crate::authority::{Authorities, RotateFailed, Stage, begin, digest, retire, switch};
use crate::invitation::{Invited, State, keep};

/// Whether a node with this certificate that trusts these authorities is served; waits until the hub took a change up.
async fn is_served(hub: &Hub, membership: &v1::Membership, key_pem: &str) -> bool {
    let address = hub.office.public_address();
    let mut last = String::new();
    for _ in 0..100 {
        let shown = Some((membership.certificate_pem.as_str(), key_pem));
        match connect(address.clone(), &membership.authorities_pem, shown).await {
            Ok(channel) => {
                let asked = RegistryClient::new(channel).fetch_chain(v1::FetchChainRequest::default()).await;
                match asked {
                    Ok(_) => return true,
                    Err(refused) => last = refused.to_string(),
                }
            }
            Err(refused) => last = refused,
        }
        tokio::task::yield_now().await;
    }
    eprintln!("{last}");
    false
}

#[tokio::test]
async fn nodes_of_either_authority_are_served_while_one_takes_over() {
    let hub = Hub::start().await;
    let (early, late) = (Node::new(10), Node::of(OTHER_CODE.parse().unwrap(), 20));
    let before = hub.join(&early, &hub.invite(code())).await.unwrap();
    let digest_before = digest(&hub.office).unwrap();
    begin(&hub.office).unwrap();
    hub.clock.advance_ms(1);
    assert_ne!(digest(&hub.office).unwrap(), digest_before, "nodes are told to renew");
    assert!(matches!(begin(&hub.office), Err(RotateFailed::Turn(Stage::Begun))));
    assert!(is_served(&hub, &before, &early.tls.key_pem).await);
    let meanwhile = hub.join(&late, &hub.invite(late.code)).await.unwrap();
    assert_eq!(meanwhile.authorities_pem.matches("BEGIN CERTIFICATE").count(), 2);

    // The early node does not trust the next authority yet.
    let Err(RotateFailed::Behind(behind)) = switch(&hub.office, false) else { panic!() };
    assert_eq!(behind, [code()]);
    let tls = create_request(code()).unwrap();
    let renewed = hub.renew(&early, &tls).await.unwrap();
    let open = hub.invite("12100000DEM000014F".parse().unwrap());
    assert!(
        matches!(switch(&hub.office, false), Err(RotateFailed::Invited(_))),
        "its token names the former"
    );
    withdraw(&hub, &open);
    switch(&hub.office, false).unwrap();
    let hub = hub.restart().await;
    for (membership, key) in [(&renewed, &tls.key_pem), (&meanwhile, &late.tls.key_pem)] {
        assert!(is_served(&hub, membership, key).await, "of the former authority");
    }
    assert!(matches!(retire(&hub.office), Err(RotateFailed::Behind(_))), "their certificates hold");

    let fresh = [create_request(code()).unwrap(), create_request(late.code).unwrap()];
    let mut of_next = Vec::new();
    for (node, tls) in [&early, &late].into_iter().zip(&fresh) {
        of_next.push(hub.renew(node, tls).await.unwrap());
    }
    retire(&hub.office).unwrap();
    let hub = hub.restart().await;
    for (membership, tls) in of_next.iter().zip(&fresh) {
        assert!(is_served(&hub, membership, &tls.key_pem).await, "of the next authority");
    }
    assert!(!is_served(&hub, &renewed, &tls.key_pem).await, "the former authority is trusted no more");
    assert_eq!(Authorities::load(&hub.office).unwrap().stage, Stage::Steady);
}

fn withdraw(hub: &Hub, invitation: &Invitation) {
    let state = State::Withdrawn { at_ms: 1, by: person(1) };
    let invited = Invited { state, ..hub.invited(invitation) };
    keep(&hub.office, &invitation.id(), &invited).unwrap();
}

#[tokio::test]
async fn a_running_hub_takes_the_next_authority_up_without_dropping_connections() {
    let hub = Hub::start().await;
    let node = Node::new(10);
    let before = hub.join(&node, &hub.invite(code())).await.unwrap();
    let shown = Some((before.certificate_pem.as_str(), node.tls.key_pem.as_str()));
    let open = hub.connect(shown).await.unwrap();
    begin(&hub.office).unwrap();
    switch(&hub.office, true).unwrap();
    // Served by the next authority's certificate, as soon as the hub took it up.
    let tls = create_request(code()).unwrap();
    let renewed = {
        let mut client = v1::enrollment_client::EnrollmentClient::new(open.clone());
        client.renew(node.ask_renewal(&hub, &tls)).await.unwrap().into_inner()
    };
    assert!(is_served(&hub, &renewed, &tls.key_pem).await);
    RegistryClient::new(open).fetch_chain(v1::FetchChainRequest::default()).await.unwrap();
}

#[tokio::test]
async fn certificates_that_ended_do_not_hold_a_change_up() {
    let hub = Hub::start().await;
    hub.join(&Node::new(10), &hub.invite(code())).await.unwrap();
    begin(&hub.office).unwrap();
    switch(&hub.office, true).unwrap();
    hub.clock.advance_ms(8 * DAY_MS);
    retire(&hub.office).unwrap();
    assert!(!hub.path().join("keys/authority.key.pem").exists(), "its key is forgotten");
}
