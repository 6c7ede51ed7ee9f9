//! Those who show no certificate, or none that is good: what they hold on to, they do not keep from others.

use std::net::SocketAddr;
use std::time::Duration;

use safeharbor_certs::request::create_request;
use safeharbor_core::code::Code;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::client::TlsStream;

use super::super::testing::{Hub, Node, code, handshake, handshake_over};

/// A connection from another address of this machine.
async fn dial_from(hub: &Hub, last: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, last], 0))).unwrap();
    let address = tokio::net::lookup_host(hub.office.public_address()).await.unwrap();
    let address = address.filter(SocketAddr::is_ipv4).last().unwrap();
    socket.connect(address).await.unwrap()
}

/// Whether the hub ends a connection before long.
async fn is_ended(stream: &mut TlsStream<TcpStream>) -> bool {
    let mut bytes = vec![0; 1024];
    let ended = async { while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {} };
    tokio::time::timeout(Duration::from_secs(20), ended).await.is_ok()
}

async fn jump(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn idle_strangers_from_many_addresses_keep_nobody_from_joining_and_renewing() {
    let hub = Hub::start().await;
    let mut held = Vec::new();
    for last in 2..10 {
        for _ in 0..8 {
            let mut stream = handshake_over(&hub.ca_pem(), None, dial_from(&hub, last).await).await.unwrap();
            // The hub speaks first, so that it has seated this one: its settings of HTTP/2.
            assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
            held.push(stream);
        }
    }
    let node = Node::new(10);
    hub.join(&node, &hub.invite(code())).await.unwrap();
    hub.renew(&node, &create_request(code()).unwrap()).await.unwrap();
}

#[tokio::test]
async fn one_address_that_holds_on_loses_its_oldest_connections_and_members_have_their_own() {
    let hub = Hub::start().await;
    let node = Node::new(10);
    let membership = hub.join(&node, &hub.invite(code())).await.unwrap();
    let shown = Some((membership.certificate_pem.as_str(), node.tls.key_pem.as_str()));
    let mut member = handshake(hub.office.public_address(), &hub.ca_pem(), shown).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..9 {
        held.push(handshake(hub.office.public_address(), &hub.ca_pem(), None).await.unwrap());
        hub.greeted().await.unwrap();
    }
    assert!(is_ended(&mut held[0]).await);
    assert!(member.read(&mut [0; 1024]).await.unwrap() > 0);
}

#[tokio::test]
async fn silent_handshakes_shut_nobody_out() {
    let hub = Hub::start().await;
    let mut held = Vec::new();
    for last in 2..11 {
        for _ in 0..32 {
            held.push(dial_from(&hub, last).await);
        }
    }
    for _ in 0..40 {
        held.push(dial_from(&hub, 1).await);
    }
    hub.greeted().await.unwrap();
}

#[tokio::test]
async fn a_handshake_that_says_nothing_ends_after_seconds() {
    let hub = Hub::start().await;
    let mut stream = dial_from(&hub, 1).await;
    hub.greeted().await.unwrap();
    jump(6).await;
    let ended = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut [0; 16])).await;
    assert!(matches!(ended.unwrap(), Ok(0) | Err(_)));
}

#[tokio::test]
async fn a_stranger_without_a_request_is_gone_after_seconds() {
    let hub = Hub::start().await;
    let mut stream = handshake(hub.office.public_address(), &hub.ca_pem(), None).await.unwrap();
    assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
    jump(6).await;
    assert!(is_ended(&mut stream).await);
}

#[tokio::test]
async fn a_certificate_whose_key_ended_takes_no_seat_of_its_institution() {
    let hub = Hub::start().await;
    let (old, node) = (Node::new(10), Node::new(20));
    let ended = hub.join(&old, &hub.invite(code())).await.unwrap();
    let joined = hub.join(&node, &hub.invite_as(code(), vec![1, 2])).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..4 {
        let shown = Some((ended.certificate_pem.as_str(), old.tls.key_pem.as_str()));
        let mut stream = handshake(hub.office.public_address(), &hub.ca_pem(), shown).await.unwrap();
        assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
        held.push(stream);
    }
    let shown = Some((joined.certificate_pem.as_str(), node.tls.key_pem.as_str()));
    let mut own = handshake(hub.office.public_address(), &hub.ca_pem(), shown).await.unwrap();
    assert!(own.read(&mut [0; 1024]).await.unwrap() > 0);
    jump(6).await;
    assert!(is_ended(&mut held[0]).await && !is_gone(&mut own));
}

/// Whether the hub has ended a connection, as far as is known here.
fn is_gone(stream: &mut TlsStream<TcpStream>) -> bool {
    let mut byte = [0; 1];
    matches!(stream.get_ref().0.try_read(&mut byte), Ok(0))
}

#[tokio::test]
async fn failures_at_an_address_do_not_keep_its_institution_from_renewing() {
    let hub = Hub::start().await;
    let (node, stranger) = (Node::new(10), Node::new(30));
    hub.join(&node, &hub.invite(code())).await.unwrap();
    let later = hub.invite(code());
    for _ in 0..25 {
        let unproven = hub.renew(&stranger, &stranger.tls).await.unwrap_err();
        assert_eq!(unproven, Code::ProofRefused);
        hub.join(&stranger, &later).await.unwrap_err();
    }
    assert_eq!(hub.join(&stranger, &later).await.unwrap_err(), Code::AttemptsThrottled);
    hub.renew(&node, &create_request(code()).unwrap()).await.unwrap();
}

#[tokio::test]
async fn one_institution_that_renews_without_end_waits_and_others_do_not() {
    let hub = Hub::start().await;
    let (node, other) = (Node::new(10), Node::of(super::super::testing::OTHER_CODE.parse().unwrap(), 20));
    hub.join(&node, &hub.invite(code())).await.unwrap();
    hub.join(&other, &hub.invite(other.code)).await.unwrap();
    for _ in 0..50 {
        hub.renew(&node, &node.tls).await.unwrap();
    }
    assert_eq!(hub.renew(&node, &node.tls).await.unwrap_err(), Code::AttemptsThrottled);
    hub.renew(&other, &other.tls).await.unwrap();
}
