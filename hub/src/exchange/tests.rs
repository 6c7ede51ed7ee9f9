//! Streams over real TLS: what a node is told of its institution, two nodes with one key, and the end with the certificate.

use std::time::Duration;

use safeharbor_core::code::Code;
use safeharbor_core::directory::{Announcement, Deciders, Standing};
use safeharbor_core::key::Signer as _;
use safeharbor_proto::v1::exchange_client::ExchangeClient;
use safeharbor_proto::v1::hub_message::Message as FromHub;
use safeharbor_proto::v1::node_message::Message as ToHub;
use safeharbor_proto::{Situation, situation_from_wire, v1};
use safeharbor_service::audit;
use safeharbor_service::clock::Clock as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use crate::authority;
use crate::enrolment::testing::{DAY_MS, Hub, Node, code, code_of};
use crate::running::announce;
use safeharbor_certs::request::create_request;

const PATIENCE: Duration = Duration::from_secs(30);

/// The node's side of one stream.
struct Stream {
    to_hub: mpsc::Sender<v1::NodeMessage>,
    from_hub: Streaming<v1::HubMessage>,
}

impl Stream {
    /// Connects with a certificate and says hello.
    async fn open(hub: &Hub, certificate_pem: &str, key_pem: &str, hello: v1::Hello) -> Self {
        Self::over(hub.connect(Some((certificate_pem, key_pem))).await.unwrap(), hello).await
    }

    /// Says hello on a connection.
    async fn over(channel: Channel, hello: v1::Hello) -> Self {
        let (to_hub, messages) = mpsc::channel(4);
        say(&to_hub, ToHub::Hello(hello)).await;
        let opened = ExchangeClient::new(channel).open(ReceiverStream::new(messages)).await.unwrap();
        Self { to_hub, from_hub: opened.into_inner() }
    }

    async fn next(&mut self) -> Result<FromHub, Status> {
        let message = tokio::time::timeout(PATIENCE, self.from_hub.message()).await.expect("nothing is said");
        let message = message?.ok_or_else(|| Status::cancelled("closed"))?;
        Ok(message.message.unwrap())
    }

    /// The next situation; only receipts may come before it.
    async fn situation(&mut self) -> Situation {
        loop {
            let message = self.next().await.unwrap();
            if let FromHub::Situation(situation) = message {
                return situation_from_wire(situation).unwrap();
            }
            assert!(matches!(message, FromHub::Receipts(_)), "{message:?}");
        }
    }

    /// The situation behind the head.
    async fn begin(&mut self) -> Situation {
        assert!(matches!(self.next().await.unwrap(), FromHub::Head(_)));
        let FromHub::Situation(situation) = self.next().await.unwrap() else { panic!() };
        situation_from_wire(situation).unwrap()
    }

    /// Why it ends; probes are answered, or not.
    async fn end(&mut self, answering: bool) -> Code {
        loop {
            match self.next().await {
                Ok(FromHub::Probe(v1::Probe { nonce })) if answering => {
                    say(&self.to_hub, ToHub::Alive(v1::ProbeAnswer { nonce })).await;
                }
                Ok(_) => {}
                Err(status) => return code_of(&status),
            }
        }
    }
}

async fn say(to_hub: &mpsc::Sender<v1::NodeMessage>, message: ToHub) {
    to_hub.send(v1::NodeMessage { message: Some(message) }).await.unwrap();
}

fn hello(process: &[u8]) -> v1::Hello {
    v1::Hello {
        receipts_from: 1,
        process: process.to_vec(),
        software: "test".to_owned(),
        ..v1::Hello::default()
    }
}

async fn joined(hub: &Hub) -> (Node, v1::Membership) {
    let node = Node::new(10);
    let membership = hub.join(&node, &hub.invite(code())).await.unwrap();
    (node, membership)
}

async fn set_standing(hub: &Hub, standing: Standing) {
    let found = hub.office.shared.directory().institution(&code()).cloned().unwrap();
    let announcement = Announcement::Institution {
        code: code(),
        name: found.name,
        kind: found.kind,
        standing,
        decided_by: Deciders::new([1, 2]),
    };
    announce(&hub.office.orders, announcement).await.unwrap();
}

#[tokio::test]
async fn a_node_is_told_how_it_stands_and_of_each_change() {
    let hub = Hub::start().await;
    let (node, membership) = joined(&hub).await;
    let mut stream =
        Stream::open(&hub, &membership.certificate_pem, &node.tls.key_pem, hello(&[1; 16])).await;
    let first = stream.begin().await;
    assert_eq!((first.standing, first.confirmed), (Standing::Active, false));
    assert_eq!(first.catalogue, hub.office.catalogues.embedded().digest());
    assert_eq!(first.authorities, authority::digest(&hub.office).unwrap());
    assert_eq!(first.statements.len(), 4, "the institution and its three keys");

    set_standing(&hub, Standing::Suspended).await;
    let suspended = stream.situation().await;
    assert_eq!((suspended.standing, suspended.statements.len()), (Standing::Suspended, 1));
    set_standing(&hub, Standing::Active).await;
    assert_eq!(stream.situation().await.standing, Standing::Active);
    let key = node.statements.public_key();
    announce(&hub.office.orders, Announcement::KeyConfirmed { code: code(), key }).await.unwrap();
    assert!(stream.situation().await.confirmed);
    authority::begin(&hub.office).unwrap();
    let other = stream.situation().await;
    assert_ne!(other.authorities, first.authorities);
    assert!(other.statements.is_empty(), "each is told once");
}

#[tokio::test]
async fn while_a_node_answers_another_one_with_its_key_is_refused_and_the_operator_sees_it() {
    let hub = Hub::start().await;
    let (node, membership) = joined(&hub).await;
    let open = |process: u8, unlinked| {
        let hello = v1::Hello { unlinked, ..hello(&[process; 16]) };
        Stream::open(&hub, &membership.certificate_pem, &node.tls.key_pem, hello)
    };
    let mut first = open(1, 3).await;
    first.begin().await;
    let mut second = open(2, 0).await;
    let refused = tokio::select! {
        code = second.end(true) => code,
        code = first.end(true) => panic!("the first node is ended: {code}"),
    };
    assert_eq!(refused, Code::NodeCloned);
    let contact = hub.office.shared.contacts().remove(&code()).unwrap();
    assert!(contact.live && contact.unlinked == 3, "{contact:?}");
    assert_eq!(contact.cloned_ms, Some(hub.clock.now_ms()));
    let entries = audit::load(hub.office.audit.path()).unwrap();
    assert_eq!(entries.iter().filter(|entry| entry.action == "node-cloned").count(), 1);

    // The same process takes over at once, and so does another one once the first is silent.
    let mut again = open(1, 0).await;
    again.begin().await;
    assert_eq!(first.end(true).await, Code::StreamTaken);
    let mut other = open(2, 0).await;
    let (begun, ended) = tokio::join!(other.begin(), again.end(false));
    assert_eq!((begun.standing, ended), (Standing::Active, Code::StreamTaken));
}

#[tokio::test]
async fn a_stream_that_took_over_and_could_not_begin_leaves_nobody_connected_and_names_no_file() {
    let hub = Hub::start().await;
    let (node, membership) = joined(&hub).await;
    let shown = Some((membership.certificate_pem.as_str(), node.tls.key_pem.as_str()));
    let (one, other) = (hub.connect(shown).await.unwrap(), hub.connect(shown).await.unwrap());
    let mut first = Stream::over(one, hello(&[1; 16])).await;
    first.begin().await;
    std::fs::remove_file(hub.office.paths.keys().join("authority.pem")).unwrap();
    let mut second = Stream::over(other, hello(&[1; 16])).await;
    assert_eq!(first.end(true).await, Code::StreamTaken);
    assert!(matches!(second.next().await.unwrap(), FromHub::Head(_)));
    let refused = second.next().await.unwrap_err();
    assert_eq!(code_of(&refused), Code::Internal);
    assert!(!refused.message().contains(".pem"), "{}", refused.message());
    let contact = hub.office.shared.contacts().remove(&code()).unwrap();
    assert!(!contact.live, "{contact:?}");
}

#[tokio::test]
async fn nodes_that_do_not_name_their_process_take_over_from_each_other() {
    let hub = Hub::start().await;
    let (node, membership) = joined(&hub).await;
    for processes in [[&[][..], &[9; 3][..]], [&[9; 17][..], &[]]] {
        let mut streams = Vec::new();
        for process in processes {
            let mut stream =
                Stream::open(&hub, &membership.certificate_pem, &node.tls.key_pem, hello(process)).await;
            stream.begin().await;
            streams.push(stream);
        }
        assert_eq!(streams[0].end(true).await, Code::StreamTaken);
    }
}

#[tokio::test]
async fn a_stream_ends_with_the_last_certificate_and_not_before() {
    let hub = Hub::start().await;
    let (node, membership) = joined(&hub).await;
    let mut stream =
        Stream::open(&hub, &membership.certificate_pem, &node.tls.key_pem, hello(&[1; 16])).await;
    stream.begin().await;
    hub.clock.advance_ms(5 * DAY_MS);
    hub.renew(&node, &create_request(code()).unwrap()).await.unwrap();
    // The certificate that the stream was opened with has ended, that of the renewal has not.
    hub.clock.advance_ms(3 * DAY_MS);
    let early = tokio::time::timeout(Duration::from_secs(5), stream.end(true)).await;
    assert!(early.is_err(), "a node that renewed keeps its stream: {early:?}");
    hub.clock.advance_ms(5 * DAY_MS);
    assert_eq!(stream.end(true).await, Code::IdentityRefused);
}

#[tokio::test]
async fn a_stream_ends_when_its_institution_is_revoked_or_its_key_ends() {
    for (revoked, expected) in [(true, Code::StandingRefused), (false, Code::IdentityRefused)] {
        let hub = Hub::start().await;
        let (node, membership) = joined(&hub).await;
        let mut stream =
            Stream::open(&hub, &membership.certificate_pem, &node.tls.key_pem, hello(&[1; 16])).await;
        stream.begin().await;
        if revoked {
            set_standing(&hub, Standing::Revoked).await;
            assert_eq!(stream.situation().await.standing, Standing::Revoked, "it is told of it first");
        } else {
            let key = node.statements.public_key();
            announce(&hub.office.orders, Announcement::KeyEnds { code: code(), key }).await.unwrap();
        }
        assert_eq!(stream.end(true).await, expected);
    }
}

#[tokio::test]
async fn a_re_enrolment_ends_the_stream_that_was_open_and_a_rotation_does_not() {
    let hub = Hub::start().await;
    let (node, membership) = joined(&hub).await;
    let mut stream =
        Stream::open(&hub, &membership.certificate_pem, &node.tls.key_pem, hello(&[1; 16])).await;
    stream.begin().await;
    let next = crate::enrolment::testing::signer(40);
    hub.client().await.rotate(node.ask_rotation(&next, 0)).await.unwrap();
    assert_eq!(stream.situation().await.standing, Standing::Active);
    set_standing(&hub, Standing::Suspended).await;
    assert_eq!(stream.situation().await.standing, Standing::Suspended, "it goes on");
    let again = Node::new(20);
    hub.join(&again, &hub.invite_as(code(), vec![1, 2])).await.unwrap();
    assert_eq!(stream.end(true).await, Code::IdentityRefused);
}

#[tokio::test]
async fn whoever_reads_its_chain_or_does_not_read_at_all_loses_the_connection() {
    let hub = Hub::start().await;
    let (node, membership) = joined(&hub).await;
    let shown = Some((membership.certificate_pem.as_str(), node.tls.key_pem.as_str()));
    let mut silent = crate::enrolment::testing::handshake(hub.office.public_address(), &hub.ca_pem(), shown)
        .await
        .unwrap();
    set_standing(&hub, Standing::Revoked).await;
    let mut bytes = vec![0; 1024];
    let ended = async {
        while tokio::io::AsyncReadExt::read(&mut silent, &mut bytes).await.is_ok_and(|read| read > 0) {}
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("the hub ends it");
}
