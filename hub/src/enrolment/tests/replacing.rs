//! Replacing keys: one decision replaces one certain key, and a token that was replaced raises an alarm.

use safeharbor_core::code::Code;
use safeharbor_core::directory::KeySigns;
use safeharbor_core::key::Signer as _;
use safeharbor_proto::v1;

use super::super::testing::{Hub, Node, code, code_of, signer};
use crate::invitation::State;

async fn renew(hub: &Hub, request: v1::RenewRequest) -> Result<v1::Membership, Code> {
    let answered = hub.client().await.renew(request).await;
    answered.map(tonic::Response::into_inner).map_err(|status| code_of(&status))
}

fn witness_of(hub: &Hub) -> safeharbor_core::key::PublicKey {
    let directory = hub.office.shared.directory();
    directory.institution(&code()).unwrap().current_key(KeySigns::Checkpoints).unwrap().key
}

#[tokio::test]
async fn a_renewal_begins_another_witness_key_once_and_ends_the_one_before() {
    let hub = Hub::start().await;
    let (node, witness) = (Node::new(10), signer(50));
    hub.join(&node, &hub.invite(code())).await.unwrap();
    let request = node.ask_other_witness(&hub, &witness);
    let first = renew(&hub, request.clone()).await.unwrap();
    assert_eq!(first.statements.len(), 5, "one key statement more");
    assert!(!first.certificate_pem.is_empty());
    let hub = hub.restart().await;
    assert_eq!(renew(&hub, request).await.unwrap().statements, first.statements);
    assert_eq!(witness_of(&hub), witness.public_key());
    let directory = hub.office.shared.directory();
    let keys = &directory.institution(&code()).unwrap().keys;
    let ended = keys.iter().filter(|term| term.until.is_some()).map(|term| term.key).collect::<Vec<_>>();
    assert_eq!(ended, [signer(11).public_key()]);
    // The one before never comes back, nor does a key of another use.
    for other in [11, 10, 12] {
        let request = node.ask_other_witness(&hub, &signer(other));
        assert_eq!(renew(&hub, request).await.unwrap_err(), Code::KeyInUse, "{other}");
    }
}

#[tokio::test]
async fn another_witness_key_needs_the_words_of_both_keys() {
    let hub = Hub::start().await;
    let (node, witness) = (Node::new(10), signer(50));
    hub.join(&node, &hub.invite(code())).await.unwrap();
    let good = node.ask_other_witness(&hub, &witness);
    let other = node.ask_other_witness(&hub, &signer(60));
    let silent = v1::RenewRequest { cosignature: String::new(), ..good.clone() };
    let foreign = v1::RenewRequest { cosignature: other.cosignature, ..good.clone() };
    let stranger = Node { tls: node.tls, ..Node::new(30) }.ask_other_witness(&hub, &witness);
    for (at, request) in [silent, foreign, stranger].into_iter().enumerate() {
        assert_eq!(renew(&hub, request).await.unwrap_err(), Code::ProofRefused, "{at}");
    }
    assert_eq!(witness_of(&hub), signer(11).public_key());
    renew(&hub, good).await.unwrap();
}

#[tokio::test]
async fn a_re_enrolment_is_over_once_the_key_it_was_about_is_replaced() {
    let hub = Hub::start().await;
    let node = Node::new(10);
    hub.join(&node, &hub.invite(code())).await.unwrap();
    let lost = hub.invite_as(code(), vec![1, 2]);
    hub.client().await.rotate(node.ask_rotation(&signer(50), 0)).await.unwrap();
    assert_eq!(hub.join(&Node::new(20), &lost).await.unwrap_err(), Code::InvitationSuperseded);
    assert_eq!(hub.invited(&lost).state, State::Open, "nothing was bound");
    // The next decision is about the key in force, and whoever took it up gets the same answer for ever.
    let next = hub.invite_as(code(), vec![1, 2]);
    let first = hub.join(&Node::new(30), &next).await.unwrap();
    let hub = hub.restart().await;
    assert_eq!(hub.join(&Node::new(30), &next).await.unwrap().statements, first.statements);
}

/// Taken up, and killed before its key was logged; then another key took the place of the one it was about.
#[tokio::test]
async fn a_re_enrolment_that_was_cut_short_does_not_replace_a_later_key() {
    let hub = Hub::start().await;
    let node = Node::new(10);
    hub.join(&node, &hub.invite(code())).await.unwrap();
    let lost = hub.invite_as(code(), vec![1, 2]);
    let keys = [20, 21, 22].map(|seed| signer(seed).public_key().thumbprint());
    let taken = State::Taken { at_ms: 1, keys };
    let invited = crate::invitation::Invited { state: taken, ..hub.invited(&lost) };
    crate::invitation::drawer(&hub.office).keep(lost.id().as_bytes(), &invited).unwrap();
    hub.client().await.rotate(node.ask_rotation(&signer(50), 0)).await.unwrap();
    assert_eq!(hub.join(&Node::new(20), &lost).await.unwrap_err(), Code::InvitationSuperseded);
}

#[tokio::test]
async fn inviting_again_withdraws_the_token_before_and_whoever_found_that_one_raises_an_alarm() {
    let hub = Hub::start().await;
    let stolen = hub.invite(code());
    let newest = hub.invite(code());
    let node = Node::new(10);
    hub.join(&node, &newest).await.unwrap();
    // The member's own people may try the token they got first.
    assert_eq!(hub.join(&node, &stolen).await.unwrap_err(), Code::InvitationWithdrawn);
    assert!(!hub.invited(&stolen).alarms());
    assert_eq!(hub.join(&Node::new(20), &stolen).await.unwrap_err(), Code::InvitationWithdrawn);
    assert!(hub.invited(&stolen).alarms());
    let log = safeharbor_service::audit::load(&hub.office.paths.audit()).unwrap();
    assert_eq!(log.iter().filter(|entry| entry.action == "alarm: withdrawn invitation").count(), 1);
}
