//! Every method × every kind of connection.

use axum::http::Request;
use safeharbor_certs::development;
use safeharbor_certs::request::create_request;
use safeharbor_core::code::Code;
use safeharbor_core::directory::{Deciders, Standing};
use safeharbor_proto::v1;
use safeharbor_proto::v1::enrollment_client::EnrollmentClient;
use tonic::Status;
use tonic::body::Body;
use tonic::transport::Channel;
use tower::ServiceExt as _;

use super::METHODS;
use crate::enrolment::testing::{DAY_MS, Hub, Node, OTHER_CODE, code, code_of, now_ms};
use crate::standing::set_standing;

/// What came of a call: whether it reached the service, and else who refused.
#[derive(Debug, PartialEq, Eq)]
enum Cell {
    Reached,
    IdentityRefused,
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
