//! Every method × every kind of connection.

use axum::http::Request;
use safeharbor_certs::development;
use safeharbor_certs::request::create_request;
use safeharbor_core::code::Code;
use safeharbor_core::directory::{Announcement, Deciders, Standing};
use safeharbor_core::key::Signer as _;
use safeharbor_proto::v1;
use safeharbor_proto::v1::enrollment_client::EnrollmentClient;
use tonic::Status;
use tonic::body::Body;
use tonic::transport::Channel;
use tower::ServiceExt as _;

use super::METHODS;
use crate::enrolment::testing::{DAY_MS, Hub, Node, OTHER_CODE, code, code_of, now_ms};
use crate::running::announce;
use crate::standing::set_standing;

/// What came of a call: whether it reached the service, and else who refused.
#[derive(Debug, PartialEq, Eq)]
enum Cell {
    Reached,
    IdentityRefused,
    StandingRefused,
    Unimplemented,
    NoConnection,
}

/// Calls a method with an empty message.
async fn call(channel: Channel, path: &str) -> Cell {
    let body = Body::new(axum::body::Body::from(vec![0; 5]));
    let request = Request::post(format!("http://hub{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(body)
        .unwrap();
    let Ok(response) = channel.oneshot(request).await else { return Cell::NoConnection };
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() == tonic::Code::Unimplemented => Cell::Unimplemented,
        Some(status) if status.message().starts_with("identity-refused") => Cell::IdentityRefused,
        Some(status) if status.message().starts_with("standing-refused") => Cell::StandingRefused,
        Some(_) | None => Cell::Reached,
    }
}

async fn check(hub: &Hub, shown: Option<(&str, &str)>, expected: impl Fn(&str) -> Cell) {
    for (path, _) in METHODS {
        let seen = match hub.connect(shown).await {
            Ok(channel) => call(channel, path).await,
            Err(_) => Cell::NoConnection,
        };
        assert_eq!(seen, expected(path), "{path}");
    }
}

fn for_nobody(path: &str) -> Cell {
    if path.starts_with("/safeharbor.v1.Enrollment/") { Cell::Reached } else { Cell::IdentityRefused }
}

fn for_revoked(path: &str) -> Cell {
    if path.starts_with("/safeharbor.v1.Enrollment/") { Cell::Reached } else { Cell::StandingRefused }
}

/// What to show of a node that joined.
fn shown<'a>(node: &'a Node, joined: &'a v1::Membership) -> Option<(&'a str, &'a str)> {
    Some((joined.certificate_pem.as_str(), node.tls.key_pem.as_str()))
}

#[tokio::test]
async fn access_matrix_without_a_certificate_only_enrolment_answers() {
    let hub = Hub::start().await;
    check(&hub, None, for_nobody).await;
}

#[tokio::test]
async fn access_matrix_a_certificate_of_another_authority_gets_no_connection() {
    let hub = Hub::start().await;
    let other = development::authority(now_ms() / 1000).unwrap();
    let foreign = development::client(&other, code(), now_ms() / 1000).unwrap();
    check(&hub, Some((&foreign.certificate_pem, &foreign.key_pem)), |_| Cell::NoConnection).await;
}

#[tokio::test]
async fn access_matrix_an_expired_certificate_gets_no_connection() {
    let hub = Hub::start_at(now_ms() - 8 * DAY_MS).await;
    let node = Node::new(10);
    let ended = hub.join(&node, &hub.invite(code())).await.unwrap();
    hub.clock.set_ms(now_ms());
    check(&hub, Some((&ended.certificate_pem, &node.tls.key_pem)), |_| Cell::NoConnection).await;
}

#[tokio::test]
async fn access_matrix_an_active_node_reaches_every_method_and_a_suspended_one_still_does() {
    let hub = Hub::start().await;
    let node = Node::new(10);
    let joined = hub.join(&node, &hub.invite(code())).await.unwrap();
    let shown = Some((joined.certificate_pem.as_str(), node.tls.key_pem.as_str()));
    check(&hub, shown, |_| Cell::Reached).await;
    let (shared, orders) = (&hub.office.shared, &hub.office.orders);
    set_standing(shared, orders, code(), Standing::Suspended, Deciders::new([1])).await.unwrap();
    check(&hub, shown, |_| Cell::Reached).await;
}

#[tokio::test]
async fn access_matrix_a_revoked_institution_may_only_ask_to_be_enrolled() {
    let hub = Hub::start().await;
    let node = Node::new(10);
    let joined = hub.join(&node, &hub.invite(code())).await.unwrap();
    let before = hub.connect(shown(&node, &joined)).await.unwrap();
    let (shared, orders) = (&hub.office.shared, &hub.office.orders);
    set_standing(shared, orders, code(), Standing::Revoked, Deciders::new([1, 2])).await.unwrap();
    let fetch = "/safeharbor.v1.Registry/FetchChain";
    assert_eq!(call(before, fetch).await, Cell::StandingRefused, "also on a connection that was open");
    check(&hub, shown(&node, &joined), for_revoked).await;
}

#[tokio::test]
async fn access_matrix_a_tls_key_ends_with_the_statement_key_that_proved_it() {
    let hub = Hub::start().await;
    let node = Node::new(10);
    let joined = hub.join(&node, &hub.invite(code())).await.unwrap();
    let before = hub.connect(shown(&node, &joined)).await.unwrap();
    let key = node.statements.public_key();
    announce(&hub.office.orders, Announcement::KeyEnds { code: code(), key }).await.unwrap();
    let fetch = "/safeharbor.v1.Registry/FetchChain";
    assert_eq!(call(before, fetch).await, Cell::IdentityRefused, "also on a connection that was open");
    check(&hub, shown(&node, &joined), for_nobody).await;
}

#[tokio::test]
async fn access_matrix_a_re_enrolment_ends_the_tls_keys_before_and_a_rotation_does_not() {
    let hub = Hub::start().await;
    let node = Node::new(10);
    let joined = hub.join(&node, &hub.invite(code())).await.unwrap();
    let next = crate::enrolment::testing::signer(40);
    hub.client().await.rotate(node.ask_rotation(&next, 0)).await.unwrap();
    check(&hub, shown(&node, &joined), |_| Cell::Reached).await;
    let replaced = Node::new(20);
    let again = hub.join(&replaced, &hub.invite_as(code(), vec![1, 2])).await.unwrap();
    check(&hub, shown(&node, &joined), for_nobody).await;
    check(&hub, shown(&replaced, &again), |_| Cell::Reached).await;
    // Nor does it come back: a key that ended is proven by none that follows.
    let reused = hub.renew(&replaced, &node.tls).await;
    assert_eq!(reused.unwrap_err(), Code::KeyInUse);
}

#[tokio::test]
async fn access_matrix_a_tls_key_that_the_register_does_not_know_is_nobodys() {
    let hub = Hub::start().await;
    let node = Node::new(10);
    let joined = hub.join(&node, &hub.invite(code())).await.unwrap();
    // As after a restore from a backup that was made before the certificate.
    let name = safeharbor_certs::spki::of_request(&node.tls.csr_pem).unwrap();
    let mut batch = safeharbor_service::store::Batch::new();
    batch.delete(crate::office::tables::KEYS, *name.as_bytes());
    hub.office.store.commit(batch).unwrap();
    check(&hub, shown(&node, &joined), for_nobody).await;
    let renewed = hub.renew(&node, &node.tls).await.unwrap();
    check(&hub, shown(&node, &renewed), |_| Cell::Reached).await;
}

#[tokio::test]
async fn access_matrix_an_open_connection_outlives_its_certificate_only_while_a_later_one_holds() {
    let hub = Hub::start().await;
    let node = Node::new(10);
    let joined = hub.join(&node, &hub.invite(code())).await.unwrap();
    let open = hub.connect(shown(&node, &joined)).await.unwrap();
    let fetch = "/safeharbor.v1.Registry/FetchChain";
    assert_eq!(call(open.clone(), fetch).await, Cell::Reached);
    hub.clock.advance_ms(6 * DAY_MS);
    hub.renew(&node, &create_request(code()).unwrap()).await.unwrap();
    hub.clock.advance_ms(2 * DAY_MS);
    assert_eq!(call(open.clone(), fetch).await, Cell::Reached);
    hub.clock.advance_ms(6 * DAY_MS);
    assert_eq!(call(open, fetch).await, Cell::IdentityRefused);
}

#[tokio::test]
async fn access_matrix_a_method_that_is_not_in_the_table_is_refused() {
    let hub = Hub::start().await;
    let node = Node::new(10);
    let joined = hub.join(&node, &hub.invite(code())).await.unwrap();
    let shown = Some((joined.certificate_pem.as_str(), node.tls.key_pem.as_str()));
    for path in ["/safeharbor.v1.Registry/Anything", "/safeharbor.v1.Enrollment/join", "/", "/x.Y/Z"] {
        assert_eq!(call(hub.connect(shown).await.unwrap(), path).await, Cell::Unimplemented, "{path}");
        assert_eq!(call(hub.connect(None).await.unwrap(), path).await, Cell::Unimplemented, "{path}");
    }
}

#[tokio::test]
async fn access_matrix_another_institution_cannot_speak_for_this_one() {
    let hub = Hub::start().await;
    let (node, other) = (Node::new(10), Node::of(OTHER_CODE.parse().unwrap(), 20));
    hub.join(&node, &hub.invite(code())).await.unwrap();
    let joined = hub.join(&other, &hub.invite(other.code)).await.unwrap();
    let shown = Some((joined.certificate_pem.as_str(), other.tls.key_pem.as_str()));
    let mut client = EnrollmentClient::new(hub.connect(shown).await.unwrap());
    let tls = create_request(code()).unwrap();
    let foreign = v1::RenewRequest { institution: code().to_string(), ..other.ask_renewal(&hub, &tls) };
    assert_eq!(code_of(&client.renew(foreign).await.unwrap_err()), Code::ProofRefused);
    let next = crate::enrolment::testing::signer(40);
    let foreign = v1::RotateRequest { institution: code().to_string(), ..other.ask_rotation(&next, 0) };
    assert_eq!(code_of(&client.rotate(foreign).await.unwrap_err()), Code::ProofRefused);
}
