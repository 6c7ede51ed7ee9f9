//! Joining: every answer to a token, and every step repeated.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use safeharbor_certs::identity::PeerIdentity;
use safeharbor_certs::invitation::Invitation;
use safeharbor_core::code::Code;
use safeharbor_core::directory::{Announcement, Deciders, InstitutionType, KeyGround, KeySigns, Standing};
use safeharbor_core::key::Signer as _;
use safeharbor_proto::v1;
use safeharbor_proto::v1::enrollment_client::EnrollmentClient;
use safeharbor_proto::v1::registry_client::RegistryClient;
use tonic::Request;

use super::super::testing::{DAY_MS, Hub, Node, OTHER_CODE, code, code_of, person, signer};
use crate::invitation::{Invited, State, drawer};
use crate::key_register::{KeyRegister, NamedKey, Usage};
use crate::running::announce;

#[tokio::test]
async fn a_node_joins_and_is_known_by_its_certificate() {
    let hub = Hub::start().await;
    let (node, invitation) = (Node::new(10), hub.invite(code()));
    let membership = hub.join(&node, &invitation).await.unwrap();
    assert_eq!(membership.statements.len(), 4, "the institution and three keys");
    let der = CertificateDer::from_pem_slice(membership.certificate_pem.as_bytes()).unwrap();
    assert_eq!(PeerIdentity::from_certificate(&der).unwrap().institution, code());
    let directory = hub.office.shared.directory();
    let institution = directory.institution(&code()).unwrap();
    assert_eq!(institution.standing, Standing::Active);
    let term = institution.current_key(KeySigns::Statements).unwrap();
    assert_eq!((term.key, term.re_enrolled, term.confirmed), (node.statements.public_key(), false, None));
    assert_eq!(institution.keys.len(), 3);
    // With its certificate it may do what nobody may without one.
    for (shown, expected) in [
        (Some((&*membership.certificate_pem, &**node.tls.key_pem)), None),
        (None, Some(Code::IdentityRefused)),
    ] {
        let mut registry = RegistryClient::new(hub.connect(shown).await.unwrap());
        let answered = registry.fetch_chain(v1::FetchChainRequest::default()).await;
        assert_eq!(answered.err().map(|status| code_of(&status)), expected);
    }
}

#[tokio::test]
async fn asking_again_with_the_same_keys_gets_the_same_answer_also_from_a_hub_started_again() {
    let hub = Hub::start().await;
    let (node, invitation) = (Node::new(10), hub.invite(code()));
    let first = hub.join(&node, &invitation).await.unwrap();
    let hub = hub.restart().await;
    hub.clock.advance_ms(30 * DAY_MS / 1000);
    let again = hub.join(&node, &invitation).await.unwrap();
    assert_eq!((&first.statements, &first.policy), (&again.statements, &again.policy));
    assert_eq!((first.institution, first.authorities_pem), (again.institution, again.authorities_pem));
    assert!(hub.invited(&invitation).alarm.is_none());
}

#[tokio::test]
async fn asking_again_with_another_tls_key_is_a_renewal_unless_that_key_is_somebody_elses() {
    let hub = Hub::start().await;
    let (node, other) = (Node::new(10), Node::of(OTHER_CODE.parse().unwrap(), 20));
    let invitation = hub.invite(code());
    hub.join(&node, &invitation).await.unwrap();
    hub.join(&other, &hub.invite(other.code)).await.unwrap();
    hub.join(&Node::new(10), &invitation).await.unwrap();
    let copied = Node { tls: other.tls, ..Node::new(10) };
    assert_eq!(hub.join(&copied, &invitation).await.unwrap_err(), Code::KeyInUse);
}

/// What a hub that was killed in the middle of a join has done.
#[tokio::test]
async fn a_join_that_a_crash_cut_short_is_finished_by_asking_again() {
    let steps: [usize; 5] = [0, 1, 2, 3, 4];
    for step in steps {
        let hub = Hub::start().await;
        let (node, invitation) = (Node::new(10), hub.invite(code()));
        bind_by_hand(&hub, &node, &invitation);
        for announcement in announcements(&node).into_iter().take(step) {
            announce(&hub.office.orders, announcement).await.unwrap();
        }
        let hub = hub.restart().await;
        let membership = hub.join(&node, &invitation).await.unwrap();
        assert_eq!(membership.statements.len(), 4, "after step {step}");
        let directory = hub.office.shared.directory();
        assert_eq!(directory.institution(&code()).unwrap().keys.len(), 3, "after step {step}");
    }
}

fn bind_by_hand(hub: &Hub, node: &Node, invitation: &Invitation) {
    let keys = [0, 1, 2].map(|n| signer(10 + n).public_key().thumbprint());
    assert_eq!(keys[0], node.statements.public_key().thumbprint());
    let invited = Invited { state: State::Taken { at_ms: 1, keys }, ..hub.invited(invitation) };
    drawer(&hub.office).keep(invitation.id().as_bytes(), &invited).unwrap();
}

fn announcements(node: &Node) -> Vec<Announcement> {
    let (code, decided_by) = (node.code, Deciders::new([1]));
    let (name, kind, standing) = ("北京试验大学".to_owned(), InstitutionType::University, Standing::Active);
    let mut all =
        vec![Announcement::Institution { code, name, kind, standing, decided_by: decided_by.clone() }];
    for (n, signs) in
        [KeySigns::Statements, KeySigns::Checkpoints, KeySigns::Presentations].into_iter().enumerate()
    {
        let key = signer(10 + u8::try_from(n).unwrap()).public_key();
        let (ground, decided_by) = (KeyGround::Admission, decided_by.clone());
        all.push(Announcement::KeyBegins { code, key, signs, ground, decided_by });
    }
    all
}

#[tokio::test]
async fn other_keys_with_a_used_invitation_are_refused_and_alarm() {
    let hub = Hub::start().await;
    let invitation = hub.invite(code());
    hub.join(&Node::new(10), &invitation).await.unwrap();
    for times in 1..=2 {
        assert_eq!(hub.join(&Node::new(20), &invitation).await.unwrap_err(), Code::InvitationUsed);
        let invited = hub.invited(&invitation);
        assert!(invited.alarms());
        assert_eq!(invited.alarm.unwrap().times, times);
    }
    let shown = || crate::board_page::BoardReport::read(&hub.office.shared, &hub.office.settings, 0);
    assert!(shown().institutions[0].alarm, "operators see it");
    let log = safeharbor_service::audit::load(&hub.office.paths.audit()).unwrap();
    assert_eq!(log.iter().filter(|entry| entry.action.starts_with("alarm")).count(), 2);
    hub.join(&Node::new(10), &invitation).await.unwrap();
}

#[tokio::test]
async fn every_token_that_does_not_let_in_says_why() {
    let hub = Hub::start().await;
    let unknown = Invitation { secret: zeroize::Zeroizing::new([5; 16]), ..hub.invite(code()) };
    assert_eq!(hub.join(&Node::new(10), &unknown).await.unwrap_err(), Code::InvitationUnknown);

    let withdrawn = hub.invite(code());
    let state = State::Withdrawn { at_ms: 1, by: person(2) };
    let invited = Invited { state, ..hub.invited(&withdrawn) };
    drawer(&hub.office).keep(withdrawn.id().as_bytes(), &invited).unwrap();
    assert_eq!(hub.join(&Node::new(10), &withdrawn).await.unwrap_err(), Code::InvitationWithdrawn);

    let expired = hub.invite(code());
    hub.clock.advance_ms(7 * DAY_MS);
    assert_eq!(hub.join(&Node::new(10), &expired).await.unwrap_err(), Code::InvitationExpired);
    assert!(hub.office.shared.directory().institution(&code()).is_none(), "nothing was logged");

    let invitation = hub.invite(code());
    hub.join(&Node::new(10), &invitation).await.unwrap();
    assert_eq!(hub.join(&Node::new(20), &hub.invite(code())).await.unwrap_err(), Code::AlreadyMember);
}

#[tokio::test]
async fn changed_proofs_let_nobody_in() {
    let hub = Hub::start().await;
    let invitation = hub.invite(code());
    let (good, other) = (Node::new(10).ask(&hub, &invitation), Node::new(20).ask(&hub, &invitation));
    let changed = [
        v1::JoinRequest { csr_pem: other.csr_pem, ..good.clone() },
        v1::JoinRequest { proof: other.proof, ..good.clone() },
        v1::JoinRequest { cosignature: other.cosignature, ..good.clone() },
        v1::JoinRequest { presentation: other.presentation, ..good.clone() },
        v1::JoinRequest { proof: String::new(), ..good.clone() },
    ];
    for (at, request) in changed.into_iter().enumerate() {
        let refused = hub.client().await.join(request).await.unwrap_err();
        assert_eq!(code_of(&refused), Code::ProofRefused, "{at}");
    }
    assert_eq!(hub.invited(&invitation).state, State::Open, "not burnt");
    hub.client().await.join(good).await.unwrap();
}

#[tokio::test]
async fn a_key_of_somebody_or_something_else_is_refused() {
    let hub = Hub::start().await;
    hub.join(&Node::new(10), &hub.invite(code())).await.unwrap();
    let other: safeharbor_core::institution::InstitutionCode = OTHER_CODE.parse().unwrap();
    let invitation = hub.invite(other);
    // The other's witness key is the statement key of the first one, and so on.
    for seed in [8, 9, 10, 11, 12] {
        assert_eq!(
            hub.join(&Node::of(other, seed), &invitation).await.unwrap_err(),
            Code::KeyInUse,
            "{seed}"
        );
    }
    let key = NamedKey::of(&signer(40).public_key(), Usage::Tls);
    KeyRegister::of(&hub.office).keep_own(&[key]).unwrap();
    assert_eq!(
        hub.join(&Node::of(other, 40), &invitation).await.unwrap_err(),
        Code::KeyInUse,
        "a key of the hub"
    );
    let second = Node::of(other, 50);
    hub.join(&second, &invitation).await.unwrap();
    let third = Node { tls: second.tls, ..Node::new(60) };
    let lost = hub.invite_as(code(), vec![1, 2]);
    assert_eq!(
        hub.join(&third, &lost).await.unwrap_err(),
        Code::KeyInUse,
        "the TLS key of another institution"
    );
}

#[tokio::test]
async fn lost_keys_are_replaced_by_two_persons_and_the_log_says_so() {
    let hub = Hub::start().await;
    hub.join(&Node::new(10), &hub.invite(code())).await.unwrap();
    hub.join(&Node::new(20), &hub.invite_as(code(), vec![1, 2])).await.unwrap();
    let directory = hub.office.shared.directory();
    let term = directory.institution(&code()).unwrap().current_key(KeySigns::Statements).unwrap();
    assert!(term.re_enrolled && term.key == signer(20).public_key());
    assert_eq!(hub.renew(&Node::new(10), &Node::new(10).tls).await.unwrap_err(), Code::ProofRefused);
}

#[tokio::test]
async fn an_address_that_fails_often_has_to_wait() {
    let hub = Hub::start().await;
    let unknown = Invitation { secret: zeroize::Zeroizing::new([5; 16]), ..hub.invite(code()) };
    let request = Node::new(10).ask(&hub, &unknown);
    let mut client = hub.client().await;
    for _ in 0..20 {
        let refused = client.join(request.clone()).await.unwrap_err();
        assert_eq!(code_of(&refused), Code::InvitationUnknown);
    }
    let invitation = hub.invite(code());
    assert_eq!(hub.join(&Node::new(10), &invitation).await.unwrap_err(), Code::AttemptsThrottled);
    hub.clock.advance_ms(10 * 60 * 1000);
    hub.join(&Node::new(10), &invitation).await.unwrap();
}

#[tokio::test]
async fn nobody_learns_anything_but_who_the_hub_is() {
    let hub = Hub::start().await;
    let channel = hub.connect(None).await.unwrap();
    let greeting =
        EnrollmentClient::new(channel.clone()).greet(v1::GreetRequest {}).await.unwrap().into_inner();
    assert_eq!((greeting.hub.as_str(), greeting.authorities_pem), ("https://localhost", hub.ca_pem()));
    let mut exchange = v1::exchange_client::ExchangeClient::new(channel.clone());
    let opened = exchange.open(Request::new(tokio_stream::empty())).await;
    assert_eq!(code_of(&opened.unwrap_err()), Code::IdentityRefused);
    let mut registry = RegistryClient::new(channel.clone());
    let fetched = registry.fetch_catalogue(v1::FetchCatalogueRequest::default()).await;
    assert_eq!(code_of(&fetched.unwrap_err()), Code::IdentityRefused);
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
    let checked = health.check(tonic_health::pb::HealthCheckRequest::default()).await;
    assert_eq!(code_of(&checked.unwrap_err()), Code::IdentityRefused);
}
