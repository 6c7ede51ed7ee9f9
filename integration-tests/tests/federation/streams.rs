//! The stream, statement by statement: duplicates, gaps, forks, refused content, standing, identity.

use safeharbor_core::code::Code;
use safeharbor_core::digest::Digest;
use safeharbor_core::statement::statement_digest;
use safeharbor_integration_tests::member::{Member, connect};
use safeharbor_integration_tests::signing::sign;
use safeharbor_proto::v1::exchange_client::ExchangeClient;
use safeharbor_proto::v1::hub_message::Message as ToNode;
use safeharbor_proto::v1::node_message::Message as FromNode;
use safeharbor_proto::{Submission, submit_to_wire, v1};
use safeharbor_rules::Catalogue;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::harness::Federation;

struct Stream {
    outgoing: mpsc::Sender<v1::NodeMessage>,
    incoming: Streaming<v1::HubMessage>,
}

impl Stream {
    async fn open(member: &Member, address: &str) -> (Self, v1::ChainHead) {
        let tls = std::sync::Arc::clone(&member.tls);
        let channel = connect(tls, member.hub_name.clone(), address.to_owned()).await.unwrap();
        let (outgoing, messages) = mpsc::channel(4);
        let hello = v1::Hello { receipts_from: 1, software: "test".to_owned(), ..v1::Hello::default() };
        outgoing.send(v1::NodeMessage { message: Some(FromNode::Hello(hello)) }).await.unwrap();
        let opened = ExchangeClient::new(channel).open(ReceiverStream::new(messages)).await.unwrap();
        let mut stream = Self { outgoing, incoming: opened.into_inner() };
        match stream.next().await {
            Ok(ToNode::Head(head)) => (stream, head),
            other => panic!("the head of the chain should come first: {other:?}"),
        }
    }

    async fn submit(&self, batch: &[Submission]) {
        let submit = FromNode::Submit(submit_to_wire(batch.to_vec()));
        self.outgoing.send(v1::NodeMessage { message: Some(submit) }).await.unwrap();
    }

    async fn next(&mut self) -> Result<ToNode, String> {
        match self.incoming.message().await {
            Ok(Some(message)) => Ok(message.message.unwrap()),
            Ok(None) => Err("closed".to_owned()),
            Err(status) => Err(status.message().to_owned()),
        }
    }

    /// The next message that is neither receipts nor how the institution stands.
    async fn answer(&mut self) -> Result<ToNode, String> {
        loop {
            match self.next().await? {
                ToNode::Receipts(_) | ToNode::Situation(_) => {}
                other => return Ok(other),
            }
        }
    }

    async fn acknowledged(&mut self, seq: u64) {
        loop {
            match self.answer().await.unwrap() {
                ToNode::Acknowledgement(ack) if ack.seq >= seq => return,
                ToNode::Acknowledgement(_) | ToNode::Task(_) => {}
                other => panic!("an acknowledgement was expected: {other:?}"),
            }
        }
    }

    async fn refused(&mut self) -> v1::Refusal {
        loop {
            match self.answer().await.unwrap() {
                ToNode::Refusal(refusal) => return refusal,
                ToNode::Acknowledgement(_) => {}
                other => panic!("a refusal was expected: {other:?}"),
            }
        }
    }
}

fn catalogue() -> (Digest, usize) {
    let catalogue = Catalogue::embedded().unwrap();
    (catalogue.digest(), catalogue.kind(&"ACH".parse().unwrap()).unwrap().digests())
}

fn member(federation: &Federation, number: u8) -> Member {
    Member::admit(number, &federation.hub_data(), &federation.addresses.grpc.to_string()).unwrap()
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

#[test]
fn duplicates_are_harmless_and_gaps_are_answered_with_the_expected_number() {
    let federation = Federation::start();
    let address = federation.addresses.grpc.to_string();
    let mut member = member(&federation, 1);
    let statements = sign(&mut member, 0, 6, catalogue()).unwrap();
    block_on(async {
        let (mut stream, head) = Stream::open(&member, &address).await;
        assert_eq!((head.seq, head.log_index), (0, None));
        stream.submit(&statements[..3]).await;
        stream.acknowledged(3).await;
        stream.submit(&statements[..4]).await;
        stream.acknowledged(4).await;
        stream.submit(&statements[5..]).await;
        let refusal = stream.refused().await;
        assert_eq!(
            (refusal.code.as_str(), refusal.seq, refusal.expected_seq),
            (Code::SequenceGap.as_str(), 6, 5)
        );
        let (mut stream, head) = Stream::open(&member, &address).await;
        assert_eq!(head.seq, 4);
        stream.submit(&statements[4..]).await;
        stream.acknowledged(6).await;
    });
    assert_eq!(federation.logged_by(member.code.as_str()), 6);
}

#[test]
fn refused_content_is_logged_counts_nowhere_and_never_blocks_the_chain() {
    let federation = Federation::start();
    let address = federation.addresses.grpc.to_string();
    let mut member = member(&federation, 2);
    let (cat, digests) = catalogue();
    let unknown_catalogue = sign(&mut member, 0, 1, (Digest::of(b"never published"), digests)).unwrap();
    let wrong_count = sign(&mut member, 1, 1, (cat, digests - 1)).unwrap();
    let good = sign(&mut member, 2, 1, (cat, digests)).unwrap();
    block_on(async {
        let (mut stream, _) = Stream::open(&member, &address).await;
        stream.submit(&[unknown_catalogue, wrong_count, good].concat()).await;
        let mut codes = Vec::new();
        while codes.len() < 2 {
            if let ToNode::Task(task) = stream.answer().await.unwrap() {
                assert_eq!(task.r#type, "content-refused");
                let payload: serde_json::Value = serde_json::from_slice(&task.payload).unwrap();
                codes.push(payload["code"].as_str().unwrap().to_owned());
                let answer = v1::TaskAnswer { id: task.id, answer: br#"{"stored":true}"#.to_vec() };
                let answer = v1::NodeMessage { message: Some(FromNode::Answer(answer)) };
                stream.outgoing.send(answer).await.unwrap();
            }
        }
        codes.sort();
        assert_eq!(codes, [Code::CatalogueUnknown.as_str(), Code::DigestCount.as_str()]);
    });
    let board = federation.board();
    let institution = &board["institutions"][0];
    assert_eq!((institution["accepted"].as_u64(), institution["refused"].as_u64()), (Some(1), Some(2)));
    assert_eq!(board["aggregates"]["records"], 1);
    assert_eq!(federation.logged_by(member.code.as_str()), 3);
}

#[test]
fn of_two_statements_for_one_number_the_first_stands_and_both_are_kept() {
    let federation = Federation::start();
    let address = federation.addresses.grpc.to_string();
    let mut member = member(&federation, 3);
    let before = member.head;
    let first = sign(&mut member, 0, 1, catalogue()).unwrap();
    member.head = before;
    let second = sign(&mut member, 1, 1, catalogue()).unwrap();
    block_on(async {
        let (mut stream, _) = Stream::open(&member, &address).await;
        stream.submit(&first).await;
        stream.acknowledged(1).await;
        stream.submit(&second).await;
        assert_eq!(stream.refused().await.code, Code::NumberTaken.as_str());
    });
    let forks = std::fs::read_to_string(federation.hub_data().join("forks.jsonl")).unwrap();
    let fork: serde_json::Value = serde_json::from_str(forks.lines().next().unwrap()).unwrap();
    assert_eq!(fork["digest"], statement_digest(&second[0].jwt).to_string());
    for kept in ["first", "later"] {
        assert!(fork[kept].is_string(), "{fork}");
    }
    assert_eq!(federation.logged_by(member.code.as_str()), 1);
}

#[test]
fn a_tampered_statement_is_not_logged() {
    let federation = Federation::start();
    let address = federation.addresses.grpc.to_string();
    let mut member = member(&federation, 4);
    let mut statements = sign(&mut member, 0, 1, catalogue()).unwrap();
    let jwt = &mut statements[0].jwt;
    let last = jwt.pop().unwrap();
    jwt.push(if last == 'A' { 'Q' } else { 'A' });
    block_on(async {
        let (mut stream, _) = Stream::open(&member, &address).await;
        stream.submit(&statements).await;
        let code = stream.refused().await.code;
        assert!(
            [Code::SignatureInvalid.as_str(), Code::StatementMalformed.as_str()].contains(&code.as_str()),
            "{code}"
        );
    });
}

#[test]
fn a_later_stream_ends_the_earlier() {
    let federation = Federation::start();
    let address = federation.addresses.grpc.to_string();
    let member = member(&federation, 5);
    block_on(async {
        let (mut first, _) = Stream::open(&member, &address).await;
        let (_second, _) = Stream::open(&member, &address).await;
        let ended = loop {
            if let Err(ended) = first.answer().await {
                break ended;
            }
        };
        assert!(ended.contains(Code::StreamTaken.as_str()), "{ended}");
    });
}

#[test]
fn a_suspended_institution_is_refused_until_it_is_reinstated() {
    let federation = Federation::start();
    let address = federation.addresses.grpc.to_string();
    let mut member = member(&federation, 6);
    let statements = sign(&mut member, 0, 2, catalogue()).unwrap();
    let (administrator, code) = (federation.administrator(), member.code.to_string());
    block_on(async {
        let (mut stream, _) = Stream::open(&member, &address).await;
        stream.submit(&statements[..1]).await;
        stream.acknowledged(1).await;
        administrator.command(&["institution", "suspend", &code]).unwrap();
        stream.submit(&statements[1..]).await;
        assert_eq!(stream.refused().await.code, Code::StandingRefused.as_str());
        let situation = loop {
            let next = tokio::time::timeout(std::time::Duration::from_secs(30), stream.next()).await;
            if let ToNode::Situation(situation) = next.expect("no situation behind the refusal").unwrap() {
                break situation;
            }
        };
        assert_eq!(situation.standing, "suspended", "the hub says behind the refusal how it stands");
        administrator.have_decided(&["institution", "reinstate", &code]).unwrap();
        // The refusal did not end the stream.
        stream.submit(&statements[1..]).await;
        stream.acknowledged(2).await;
    });
    federation.verified_log();
}

#[test]
fn nobody_speaks_for_another_and_nobody_speaks_without_a_certificate() {
    let federation = Federation::start();
    let address = federation.addresses.grpc.to_string();
    let (mut one, two) = (member(&federation, 7), member(&federation, 8));
    let statements = sign(&mut one, 0, 1, catalogue()).unwrap();
    block_on(async {
        let (mut stream, _) = Stream::open(&two, &address).await;
        stream.submit(&statements).await;
        assert_eq!(stream.refused().await.code, Code::IssuerMismatch.as_str());
    });
    let plain = std::net::TcpStream::connect(&address).unwrap();
    plain.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    use std::io::{Read as _, Write as _};
    (&plain).write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    (&plain).read_to_end(&mut answer).ok();
    assert!(!answer.windows(4).any(|window| window == b"grpc"), "plain text is not served");
}
