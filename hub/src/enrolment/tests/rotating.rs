//! Rotating the statement key: both sign, nothing is on its way, once.

use safeharbor_core::code::Code;
use safeharbor_core::directory::{Announcement, Deciders, KeyGround, KeySigns};
use safeharbor_core::key::Signer as _;
use safeharbor_proto::v1;
use tokio::sync::oneshot;

use super::super::rotation;
use super::super::testing::{Hub, Node, code, code_of, signer};
use crate::committer::Order;

async fn rotate(hub: &Hub, request: v1::RotateRequest) -> Result<v1::Membership, Code> {
    let answered = hub.client().await.rotate(request).await;
    answered.map(tonic::Response::into_inner).map_err(|status| code_of(&status))
}

#[tokio::test]
async fn the_next_key_begins_once_and_ends_the_one_before() {
    let hub = Hub::start().await;
    let (node, next) = (Node::new(10), signer(50));
    hub.join(&node, &hub.invite(code())).await.unwrap();
    let first = rotate(&hub, node.ask_rotation(&next, 0)).await.unwrap();
    let hub = hub.restart().await;
    let again = rotate(&hub, node.ask_rotation(&next, 0)).await.unwrap();
    assert_eq!(first.statements, again.statements);
    assert_eq!(first.statements.len(), 5);
    let directory = hub.office.shared.directory();
    let institution = directory.institution(&code()).unwrap();
    let current = institution.current_key(KeySigns::Statements).unwrap();
    assert!(current.key == next.public_key() && !current.re_enrolled);
    assert_eq!(institution.statement_keys().filter(|term| term.until.is_some()).count(), 1);
    // The key before is over: it signs for no other one.
    assert_eq!(rotate(&hub, node.ask_rotation(&signer(60), 0)).await.unwrap_err(), Code::ProofRefused);
}

#[tokio::test]
async fn a_rotation_needs_both_signatures_a_fresh_key_and_nothing_on_its_way() {
    let hub = Hub::start().await;
    let (node, next) = (Node::new(10), signer(50));
    hub.join(&node, &hub.invite(code())).await.unwrap();
    let good = node.ask_rotation(&next, 0);
    let foreign = Node::new(30).ask_rotation(&next, 0);
    for (request, expected) in [
        (v1::RotateRequest { by_current: foreign.by_current, ..good.clone() }, Code::ProofRefused),
        (v1::RotateRequest { by_next: good.by_current.clone(), ..good.clone() }, Code::ProofRefused),
        (v1::RotateRequest { jwk: b"{}".to_vec(), ..good.clone() }, Code::ProofRefused),
        (node.ask_rotation(&next, 7), Code::HeadMismatch),
        (node.ask_rotation(&signer(11), 0), Code::KeyInUse),
    ] {
        assert_eq!(rotate(&hub, request).await.unwrap_err(), expected);
    }
    rotate(&hub, good).await.unwrap();
}

/// The node destroys a key that it is told is in use: it must not be told so of the key that its own attempt has just begun.
#[tokio::test]
async fn a_caller_that_hung_up_when_its_key_was_ordered_and_asks_again_gets_the_answer() {
    let hub = Hub::start().await;
    let (node, next) = (Node::new(10), signer(50));
    hub.join(&node, &hub.invite(code())).await.unwrap();
    let asked = node.ask_rotation(&next, 0);
    let announce = |announcement: Announcement| {
        let announcement = Box::new(announcement);
        hub.office.orders.try_send(Order::Announce { announcement, reply: oneshot::channel().0 }).unwrap();
    };
    // The committer is busy with these, so that the key is not in the directory yet when the node asks again.
    for _ in 0..16 {
        announce(Announcement::KeyConfirmed { code: code(), key: node.statements.public_key() });
    }
    let ground = KeyGround::Rotation { proof: asked.by_current.clone() };
    let (key, signs, decided_by) = (next.public_key(), KeySigns::Statements, Deciders::default());
    announce(Announcement::KeyBegins { code: code(), key, signs, ground, decided_by });
    let answered = rotation::rotate(&hub.office, asked).await.unwrap();
    assert_eq!(answered.statements.len(), 5 + 16);
}
