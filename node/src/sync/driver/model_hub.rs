//! A hub for tests of the driver: real TLS and gRPC, a chain and a log in memory, and mischief on demand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use safeharbor_certs::{development, tls};
use safeharbor_core::chain::Head;
use safeharbor_core::code::Code;
use safeharbor_core::digest::Digest;
use safeharbor_core::entry::Entry;
use safeharbor_core::merkle::hash_leaf;
use safeharbor_core::statement::Statement;
use safeharbor_proto::v1::exchange_server::{Exchange, ExchangeServer};
use safeharbor_proto::v1::hub_message::Message as ToNode;
use safeharbor_proto::v1::node_message::Message as FromNode;
use safeharbor_proto::v1::registry_server::{Registry, RegistryServer};
use safeharbor_proto::{Refused, head_to_wire, refused_to_wire, status_of, v1};
use safeharbor_service::clock::{Clock as _, SystemClock};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::super::connector::Connector;
use crate::chain::testing::admitted;
use crate::trust::testing::Log;

/// What goes wrong at the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mischief {
    /// The first receipt of the stream proves another entry.
    WrongReceipt,
    /// The stream ends after so many statements, before they are acknowledged.
    HangUpAfter(usize),
    /// Statements are refused with a code.
    Refuse(Code),
    /// The call is refused with a code.
    RefuseCall(Code),
    /// The head of the stream names another statement.
    OtherHead,
    /// The acknowledgement names another statement.
    WrongAcknowledgement,
}

/// What the hub holds; mischief happens once.
#[derive(Default)]
pub(super) struct State {
    pub(super) log: Vec<String>,
    pub(super) disclosures: Vec<Vec<String>>,
    pub(super) leaves: Log,
    pub(super) answers: BTreeMap<String, String>,
    pub(super) tasks: Vec<v1::Task>,
    pub(super) streams: usize,
    /// What each stream says of the institution behind the head; nothing where it is none.
    pub(super) situation: Option<v1::Situation>,
    /// What each stream asks whether the node is alive.
    pub(super) probe: Option<u64>,
    /// The answers to it.
    pub(super) alive: Vec<u64>,
    /// How many records the node said are not linked, each time.
    pub(super) unlinked: Vec<u64>,
    /// What each stream asks the node's witness, and its answers.
    pub(super) witness: Vec<v1::WitnessRequest>,
    pub(super) witnessed: Vec<v1::WitnessAnswer>,
    /// As which process the node said hello.
    pub(super) processes: Vec<Vec<u8>>,
    pub(super) mischief: Vec<Mischief>,
    /// What is answered to who asks for the newest catalogue version.
    pub(super) catalogue: Vec<v1::CataloguePart>,
}

impl State {
    fn head(&self) -> Head {
        let last = self.log.last().map(|jwt| Statement::parse(jwt).unwrap().digest);
        Head { seq: self.log.len() as u64, digest: last.unwrap_or(admitted()) }
    }

    /// Logs a statement behind an entry of somebody else.
    pub(super) fn log(&mut self, jwt: String) {
        self.leaves.0.push(hash_leaf(self.leaves.0.len().to_string().as_bytes()));
        self.leaves.0.push(hash_leaf(&Entry::of(&Statement::parse(&jwt).unwrap()).encode()));
        self.log.push(jwt);
    }

    fn strikes(&mut self, is: impl Fn(&Mischief) -> bool) -> Option<Mischief> {
        let at = self.mischief.iter().position(is)?;
        Some(self.mischief.remove(at))
    }

    /// Receipts for everything from a number on.
    fn receipts(&mut self, from: u64, checkpoint_size: u64) -> v1::Receipts {
        let wanted: Vec<_> = (from..=self.log.len() as u64).map(|seq| (seq, 2 * seq - 1)).collect();
        // From a checkpoint that this hub never had, it has nothing to prove.
        let known = Some(checkpoint_size).filter(|size| *size <= self.leaves.size()).unwrap_or(0);
        let received = self.leaves.receipts(known, &wanted);
        let wrong = self.strikes(|mischief| *mischief == Mischief::WrongReceipt).is_some();
        let bytes = |hash: &Digest| hash.as_bytes().to_vec();
        let receipt = |(seq, index, proof): &(u64, u64, Vec<Digest>)| {
            let index = if wrong { index - 1 } else { *index };
            v1::Receipt { seq: *seq, index, proof: proof.iter().flat_map(bytes).collect() }
        };
        v1::Receipts {
            checkpoint: received.checkpoint,
            consistency: received.consistency.iter().map(bytes).collect(),
            receipts: received.receipts.iter().map(receipt).collect(),
        }
    }
}

#[derive(Clone, Default)]
pub(super) struct ModelHub(pub(super) Arc<Mutex<State>>);

type Answer = Result<v1::HubMessage, Status>;

impl ModelHub {
    /// Serves on a port of the system's choice for as long as the runtime lives, and returns how to reach it.
    pub(super) async fn serve(&self) -> Connector {
        let now_s = SystemClock.now_s();
        let authority = development::authority(now_s).unwrap();
        let server = development::server(&authority, now_s).unwrap();
        let code = "12100000400002259P".parse().unwrap();
        let client = development::client(&authority, code, now_s).unwrap();
        let ca = authority.ca_pem();
        let server_tls = tls::server_config(&server.certificate_pem, &server.key_pem, &ca).unwrap();
        let client_tls = tls::client_config(&ca, &client.certificate_pem, &client.key_pem).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (ready, connections) = mpsc::channel(4);
        tokio::spawn(accept(listener, TlsAcceptor::from(server_tls), ready));
        let services = tonic::transport::Server::builder()
            .add_service(ExchangeServer::new(self.clone()))
            .add_service(RegistryServer::new(self.clone()));
        tokio::spawn(services.serve_with_incoming(ReceiverStream::new(connections)));
        Connector::new(address, "localhost", client_tls).unwrap()
    }

    async fn talk(
        self,
        mut inbound: Streaming<v1::NodeMessage>,
        outbound: mpsc::Sender<Answer>,
    ) -> Option<()> {
        let Some(FromNode::Hello(hello)) = inbound.message().await.ok()??.message else { panic!("no hello") };
        let (mut from, mut size) = (hello.receipts_from, hello.checkpoint_size);
        self.0.lock().unwrap().processes.push(hello.process);
        let mut first = self.greet();
        if !self.0.lock().unwrap().log.is_empty() {
            first.push(self.issue(&mut from, &mut size));
        }
        for message in first {
            outbound.send(Ok(v1::HubMessage { message: Some(message) })).await.ok()?;
        }
        while let Some(message) = inbound.message().await.ok()? {
            match message.message {
                Some(FromNode::Submit(submit)) => {
                    for message in self.take(submit, &mut from, &mut size)? {
                        outbound.send(Ok(v1::HubMessage { message: Some(message) })).await.ok()?;
                    }
                }
                Some(FromNode::Answer(answer)) => {
                    let text = String::from_utf8(answer.answer).unwrap();
                    self.0.lock().unwrap().answers.insert(answer.id, text);
                }
                Some(FromNode::Alive(answer)) => self.0.lock().unwrap().alive.push(answer.nonce),
                Some(FromNode::Recovery(recovery)) => self.0.lock().unwrap().unlinked.push(recovery.unlinked),
                Some(FromNode::Witnessed(answer)) => self.0.lock().unwrap().witnessed.push(answer),
                Some(FromNode::Hello(_)) | None => panic!("a message out of place"),
            }
        }
        Some(())
    }

    fn greet(&self) -> Vec<ToNode> {
        let mut state = self.0.lock().unwrap();
        state.streams += 1;
        let mut head = state.head();
        if state.strikes(|mischief| *mischief == Mischief::OtherHead).is_some() {
            head.digest = Digest::of(b"theirs");
        }
        let tasks = state.tasks.iter().cloned().map(ToNode::Task);
        let probe = state.probe.map(|nonce| ToNode::Probe(v1::Probe { nonce }));
        let witness = state.witness.iter().cloned().map(ToNode::Witness);
        let situation = state.situation.clone().map(ToNode::Situation);
        let head = std::iter::once(ToNode::Head(head_to_wire(head, None)));
        head.chain(situation).chain(probe).chain(witness).chain(tasks).collect()
    }

    fn issue(&self, from: &mut u64, size: &mut u64) -> ToNode {
        let mut state = self.0.lock().unwrap();
        let receipts = state.receipts(*from, *size);
        (*from, *size) = ((state.log.len() as u64 + 1).max(*from), state.leaves.size());
        ToNode::Receipts(receipts)
    }

    /// None hangs up.
    fn take(&self, submit: v1::Submit, from: &mut u64, size: &mut u64) -> Option<Vec<ToNode>> {
        let mut state = self.0.lock().unwrap();
        for (number, v1::Submission { jwt, disclosures }) in submit.submissions.into_iter().enumerate() {
            if state.strikes(|mischief| *mischief == Mischief::HangUpAfter(number)).is_some() {
                return None;
            }
            let statement = Statement::parse(&jwt).unwrap();
            let seq = statement.envelope.seq;
            if let Some(Mischief::Refuse(code)) = state.strikes(|m| matches!(m, Mischief::Refuse(_))) {
                let (digest, text) = (statement.digest, "as told".to_owned());
                let refused = Refused { seq, digest, code, text, expected_seq: state.head().next_seq() };
                return Some(vec![ToNode::Refusal(refused_to_wire(refused))]);
            }
            assert_eq!((seq, statement.envelope.prev), (state.head().next_seq(), state.head().digest));
            state.disclosures.push(disclosures);
            state.log(jwt);
        }
        let mut head = state.head();
        if state.strikes(|mischief| *mischief == Mischief::WrongAcknowledgement).is_some() {
            head.digest = Digest::of(b"theirs");
        }
        drop(state);
        let acknowledgement = v1::Acknowledgement { seq: head.seq, digest: head.digest.as_bytes().to_vec() };
        Some(vec![ToNode::Acknowledgement(acknowledgement), self.issue(from, size)])
    }
}

/// TLS ends here; what is inside goes through a pipe that gRPC can be served on.
async fn accept(
    listener: TcpListener,
    tls: TlsAcceptor,
    ready: mpsc::Sender<std::io::Result<tokio::io::DuplexStream>>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let tls = tls.clone();
        tokio::spawn(async move {
            let (mut stream, mut ours) = (tls.accept(stream).await.unwrap(), ours);
            drop(tokio::io::copy_bidirectional(&mut stream, &mut ours).await);
        });
        if ready.send(Ok(theirs)).await.is_err() {
            return;
        }
    }
}

#[tonic::async_trait]
impl Exchange for ModelHub {
    type OpenStream = ReceiverStream<Answer>;

    async fn open(
        &self,
        request: Request<Streaming<v1::NodeMessage>>,
    ) -> Result<Response<Self::OpenStream>, Status> {
        let refused = self.0.lock().unwrap().strikes(|mischief| matches!(mischief, Mischief::RefuseCall(_)));
        if let Some(Mischief::RefuseCall(code)) = refused {
            return Err(status_of(code, "as told"));
        }
        let (outbound, answers) = mpsc::channel(4);
        let hub = self.clone();
        tokio::spawn(async move { hub.talk(request.into_inner(), outbound).await });
        Ok(Response::new(ReceiverStream::new(answers)))
    }
}

#[tonic::async_trait]
impl Registry for ModelHub {
    type FetchChainStream = tokio_stream::Iter<std::vec::IntoIter<Result<v1::ChainPage, Status>>>;

    async fn fetch_chain(
        &self,
        request: Request<v1::FetchChainRequest>,
    ) -> Result<Response<Self::FetchChainStream>, Status> {
        let from = usize::try_from(request.into_inner().from_seq).unwrap();
        let jwts = self.0.lock().unwrap().log.clone();
        let pages: Vec<_> = jwts[from - 1..]
            .chunks(2)
            .map(|jwts| Ok(v1::ChainPage { jwts: jwts.to_vec(), revealed: Vec::new() }))
            .collect();
        Ok(Response::new(tokio_stream::iter(pages)))
    }

    type FetchCatalogueStream = tokio_stream::Iter<std::vec::IntoIter<Result<v1::CataloguePart, Status>>>;

    async fn fetch_catalogue(
        &self,
        _: Request<v1::FetchCatalogueRequest>,
    ) -> Result<Response<Self::FetchCatalogueStream>, Status> {
        let parts: Vec<_> = self.0.lock().unwrap().catalogue.iter().cloned().map(Ok).collect();
        if parts.is_empty() {
            return Err(Status::unimplemented("the model has no catalogue"));
        }
        Ok(Response::new(tokio_stream::iter(parts)))
    }
}
