//! One node's stream: statements in; acknowledgements, refusals, receipts, tasks and news of the institution out.

mod upkeep;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use safeharbor_core::chain::Head;
use safeharbor_core::code::Code;
use safeharbor_core::institution::{InstitutionCode, Issuer};
use safeharbor_proto::v1::hub_message::Message as ToNode;
use safeharbor_proto::v1::node_message::Message as FromNode;
use safeharbor_proto::{
    HEAD_OF_STREAM_TIMEOUT_S, Refused, Submission, head_to_wire, refused_to_wire, status_of,
    submit_from_wire, v1,
};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tonic::{Status, Streaming};

use super::Services;
use super::live::Place;
use super::receipts::ReceiptCursor;
use super::situation::Teller;
use crate::committer::{Answers, Order};
use crate::intake::{Checked, Intake};
use crate::journal::FrameKey;
use crate::shared::Contact;
use crate::tasks::ANSWER_BYTES_MAX;
use crate::tls_key::Shown;

/// How long a node may take to read why its stream ends.
const FAREWELL_MAX: Duration = Duration::from_secs(2);

type Outgoing = mpsc::Sender<Result<v1::HubMessage, Status>>;

/// Why a session ends; the stream carries it to the node.
struct Ended(Option<Status>);

impl Ended {
    fn with(code: Code, text: &str) -> Self {
        Self(Some(status_of(code, text)))
    }

    /// The node closed the stream or went away.
    const fn by_node() -> Self {
        Self(None)
    }
}

pub(super) struct Session {
    services: Services,
    institution: InstitutionCode,
    shown: Shown,
    address: SocketAddr,
    outgoing: Outgoing,
}

impl Session {
    pub(super) const fn new(
        services: Services,
        (shown, address): (Shown, SocketAddr),
        outgoing: Outgoing,
    ) -> Self {
        Self { services, institution: shown.institution, shown, address, outgoing }
    }

    pub(super) async fn run(self, mut incoming: Streaming<v1::NodeMessage>) {
        let ended = match self.greet(&mut incoming).await {
            Ok((hello, place)) => {
                let ended = self.stay(incoming, &hello, &place).await.err().unwrap_or(Ended::by_node());
                if self.services.live.leave(&self.institution, &place) {
                    let now = self.services.clock.now_ms();
                    // What the node said since it said hello stays.
                    self.services.shared.note_contact(self.institution, now, |contact| contact.live = false);
                }
                ended
            }
            Err(ended) => ended,
        };
        if let Ended(Some(status)) = ended {
            tracing::info!(institution = %self.institution, reason = status.message(), "a stream was ended");
            // A node that does not read is not waited for.
            let farewell = self.outgoing.send(Err(status));
            tokio::time::timeout(FAREWELL_MAX, farewell).await.ok();
        }
    }

    fn note_hello(&self, hello: &v1::Hello) {
        let now = self.services.clock.now_ms();
        self.services.shared.note_contact(self.institution, now, |contact| {
            contact.live = true;
            contact.unlinked = hello.unlinked;
            contact.software = hello.software.chars().filter(|c| !c.is_control()).take(80).collect();
        });
    }

    /// Waits for Hello and takes the institution's place.
    async fn greet(&self, incoming: &mut Streaming<v1::NodeMessage>) -> Result<(v1::Hello, Place), Ended> {
        let first = tokio::time::timeout(Duration::from_secs(HEAD_OF_STREAM_TIMEOUT_S), incoming.message());
        let message = first.await.or(Err(Ended::by_node()))?.or(Err(Ended::by_node()))?;
        let Some(FromNode::Hello(hello)) = message.and_then(|message| message.message) else {
            return Err(Ended::with(Code::MessageMalformed, "the first message must be Hello"));
        };
        let place = self.enter(&hello).await?;
        Ok((hello, place))
    }

    /// Says what the head of the institution's chain is and how it stands, then serves the stream to its end.
    async fn stay(
        &self,
        incoming: Streaming<v1::NodeMessage>,
        hello: &v1::Hello,
        place: &Place,
    ) -> Result<(), Ended> {
        self.tell_head().await?;
        let teller = self.begin_telling().await?;
        self.note_hello(hello);
        tracing::info!(institution = %self.institution, "a stream is open");
        self.serve(incoming, hello, (place, teller)).await
    }

    async fn tell_head(&self) -> Result<(), Ended> {
        let (reply, head) = oneshot::channel();
        self.order(Order::Head { code: self.institution, reply }).await?;
        let head = head.await.or(Err(Ended::with(Code::Unavailable, "the hub is stopping")))?;
        let Some((head, index)) = head else {
            return Err(Ended::with(Code::InstitutionUnknown, "the institution was not admitted"));
        };
        self.send(ToNode::Head(head_to_wire(head, index))).await
    }

    async fn serve(
        &self,
        incoming: Streaming<v1::NodeMessage>,
        hello: &v1::Hello,
        (place, teller): (&Place, Teller),
    ) -> Result<(), Ended> {
        let (acknowledged, acknowledgements) = watch::channel(None);
        let (refused, refusals) = mpsc::channel(1);
        let answers = Answers { acknowledged, refused };
        let unsituated = Notify::new();
        let cursor = ReceiptCursor {
            issuer: Issuer::Institution(self.institution),
            next_seq: hello.receipts_from.max(1),
            checkpoint_size: hello.checkpoint_size,
        };
        tokio::select! {
            ended = self.receive(incoming, answers, place) => ended,
            ended = self.acknowledge(acknowledgements, refusals, &unsituated) => ended,
            ended = self.send_receipts(cursor) => ended,
            ended = self.send_tasks() => ended,
            ended = self.tell_situations(teller, &unsituated) => ended,
            ended = self.send_probes(place) => ended,
            ended = self.outlive_certificate() => Err(ended),
            () = place.wait_lost() => Err(Ended::with(Code::StreamTaken, "a later stream took over")),
            () = self.services.shutdown.wait() => Err(Ended::with(Code::Unavailable, "the hub is stopping")),
        }
    }

    async fn receive(
        &self,
        mut incoming: Streaming<v1::NodeMessage>,
        answers: Answers,
        place: &Place,
    ) -> Result<(), Ended> {
        while let Some(message) = incoming.message().await.or(Err(Ended::by_node()))? {
            let now = self.services.clock.now_ms();
            self.services.shared.note_contact(self.institution, now, |_| ());
            match message.message {
                Some(FromNode::Submit(submit)) => {
                    let batch = submit_from_wire(submit)
                        .map_err(|refused| Ended::with(Code::MessageMalformed, &refused.to_string()))?;
                    let items = self.check(batch).await?;
                    // After most refusals the node must look at its head, and the stream ends: what it sent meanwhile is not wanted.
                    drop(answers.refused.reserve().await);
                    let (code, answers) = (self.institution, answers.clone());
                    self.order(Order::Submit { items, code, answers }).await?;
                }
                Some(FromNode::Answer(answer)) => self.take_answer(answer).await?,
                Some(FromNode::Alive(v1::ProbeAnswer { nonce })) => place.take_answer(nonce),
                Some(FromNode::Recovery(v1::Recovery { unlinked })) => {
                    let note = |contact: &mut Contact| contact.unlinked = unlinked;
                    self.services.shared.note_contact(self.institution, now, note);
                }
                // Nothing was asked.
                Some(FromNode::Witnessed(_)) => {}
                Some(FromNode::Hello(_)) | None => {
                    return Err(Ended::with(Code::MessageMalformed, "a message is out of place"));
                }
            }
        }
        Ok(())
    }

    /// Checks a batch on the verification pool.
    async fn check(&self, batch: Vec<Submission>) -> Result<Vec<Result<Checked, Refused>>, Ended> {
        let mut keys = vec![[0; 32]; batch.len()];
        if self.services.random.fill(keys.as_flattened_mut()).is_err() {
            return Err(Ended::with(Code::Internal, "no random bytes"));
        }
        let (sender, checked) = oneshot::channel();
        let (services, peer) = (self.services.clone(), self.institution);
        rayon::spawn(move || {
            use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
            let directory = services.shared.directory();
            let log_size = services.shared.ledger().size();
            let versions = services.catalogues.versions();
            let intake = Intake { directory: &directory, catalogues: &versions, peer, log_size };
            let work: Vec<_> = batch.into_iter().zip(keys).collect();
            let check = |(submission, key)| intake.check(submission, FrameKey::from_bytes(key));
            drop(sender.send(work.into_par_iter().map(check).collect()));
        });
        checked.await.or(Err(Ended::with(Code::Unavailable, "the hub is stopping")))
    }

    async fn take_answer(&self, answer: v1::TaskAnswer) -> Result<(), Ended> {
        let malformed = || Ended::with(Code::MessageMalformed, "an answer is no JSON object or too large");
        if answer.answer.len() > ANSWER_BYTES_MAX || answer.id.len() > 128 {
            return Err(malformed());
        }
        let object = safeharbor_core::json::parse_object(&answer.answer).or(Err(malformed()))?;
        let (shared, institution) = (Arc::clone(&self.services.shared), self.institution);
        let store = move || shared.tasks.answer(&institution, &answer.id, &object);
        match tokio::task::spawn_blocking(store).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Ended::with(Code::Internal, "the answer could not be stored")),
        }
    }

    /// Sends acknowledgements as they advance. A refusal ends the stream, because the node must look at its head; one for the
    /// institution's standing does not: the node waits on its stream, and is told the situation after it.
    async fn acknowledge(
        &self,
        mut acknowledged: watch::Receiver<Option<Head>>,
        mut refusals: mpsc::Receiver<Refused>,
        unsituated: &Notify,
    ) -> Result<(), Ended> {
        loop {
            tokio::select! {
                biased;
                changed = acknowledged.changed() => {
                    changed.or(Err(Ended::by_node()))?;
                    let head = *acknowledged.borrow_and_update();
                    if let Some(Head { seq, digest }) = head {
                        let digest = digest.as_bytes().to_vec();
                        self.send(ToNode::Acknowledgement(v1::Acknowledgement { seq, digest })).await?;
                    }
                }
                Some(refused) = refusals.recv() => {
                    let status = status_of(refused.code, &refused.text);
                    let is_standing = refused.code == Code::StandingRefused;
                    self.send(ToNode::Refusal(refused_to_wire(refused))).await?;
                    if !is_standing {
                        return Err(Ended(Some(status)));
                    }
                    unsituated.notify_one();
                }
            }
        }
    }

    async fn send_receipts(&self, mut cursor: ReceiptCursor) -> Result<(), Ended> {
        let mut published = self.services.shared.published.subscribe();
        loop {
            let checkpoint = Arc::clone(&published.borrow_and_update());
            let mut more = checkpoint.size > 0;
            while more {
                let (shared, checkpoint) = (Arc::clone(&self.services.shared), Arc::clone(&checkpoint));
                let mut moved = cursor.clone();
                let make = move || moved.next_message(&shared, &checkpoint).map(|made| (moved, made));
                let made = tokio::task::spawn_blocking(make).await;
                let (advanced, (message, again)) = match made {
                    Ok(Ok(made)) => made,
                    Ok(Err(refused)) => {
                        tracing::error!(institution = %self.institution, error = %refused, "no receipts");
                        return Err(Ended::with(Code::Internal, "receipts could not be made"));
                    }
                    Err(_join) => return Err(Ended::with(Code::Unavailable, "the hub is stopping")),
                };
                cursor = advanced;
                more = again;
                self.send(ToNode::Receipts(message)).await?;
            }
            published.changed().await.or(Err(Ended::by_node()))?;
        }
    }

    async fn send_tasks(&self) -> Result<(), Ended> {
        let mut sent = BTreeSet::new();
        loop {
            let changed = self.services.shared.tasks.changed.notified();
            for task in self.services.shared.tasks.of(&self.institution) {
                if sent.insert(task.id.clone()) {
                    self.send(ToNode::Task(task.to_message().into())).await?;
                }
            }
            changed.await;
        }
    }

    async fn order(&self, order: Order) -> Result<(), Ended> {
        self.services.orders.send(order).await.or(Err(Ended::with(Code::Unavailable, "the hub is stopping")))
    }

    async fn send(&self, message: ToNode) -> Result<(), Ended> {
        let message = v1::HubMessage { message: Some(message) };
        self.outgoing.send(Ok(message)).await.or(Err(Ended::by_node()))
    }
}
