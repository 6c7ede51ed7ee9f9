//! Those who show no certificate: few connections from one address, and a minute each.

use std::time::Duration;

use tokio::io::AsyncReadExt as _;

use super::super::testing::{Hub, Node, code, handshake};

#[tokio::test]
async fn one_address_holds_few_connections_without_a_certificate_and_members_have_their_own() {
    let hub = Hub::start().await;
    let node = Node::new(10);
    let membership = hub.join(&node, &hub.invite(code())).await.unwrap();
    let mut held = Vec::new();
    let mut refused = None;
    while held.len() < 20 && refused.is_none() {
        // A refusal shows at the first word, since the handshake is over for the caller before the hub counts.
        match hub.greeted().await {
            Ok(channel) => held.push(channel),
            Err(why) => refused = Some(why),
        }
    }
    assert!(refused.is_some() && held.len() <= 8, "{} connections", held.len());
    let shown = Some((membership.certificate_pem.as_str(), node.tls.key_pem.as_str()));
    hub.connect(shown).await.unwrap();
}

#[tokio::test]
async fn a_connection_without_a_certificate_ends_after_a_minute() {
    let hub = Hub::start().await;
    let mut stream = handshake(hub.office.public_address(), &hub.ca_pem(), None).await.unwrap();
    // The hub speaks first: its settings of HTTP/2.
    let mut bytes = vec![0; 1024];
    assert!(stream.read(&mut bytes).await.unwrap() > 0);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    let ended = async { while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {} };
    tokio::time::timeout(Duration::from_secs(20), ended).await.expect("the hub ends it");
}
