//! One stream with the hub: turns messages into events, and hands the machine's actions to `acting`.

mod acting;
mod catalogue;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use safeharbor_core::chain::Head;
use safeharbor_core::code::Code;
use safeharbor_core::digest::Digest;
use safeharbor_proto::v1::exchange_client::ExchangeClient;
use safeharbor_proto::v1::hub_message::Message as FromHub;
use safeharbor_proto::v1::node_message::Message as FromNode;
use safeharbor_proto::{
    HEAD_OF_STREAM_TIMEOUT_S, MESSAGE_BYTES_MAX, ReceivedReceipts, Refused, Situation, TaskMessage,
    head_from_wire, receipts_from_wire, refused_from_wire, situation_from_wire, v1,
};
use safeharbor_service::store::Batch;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use super::connector::Connector;
use super::driver::{Desk, SyncFailed, Until, blocking};
use super::foreign_text::clean;
use super::machine::{Action, After, Event, Facts, Machine};
use super::tasks::{self, keep_task};
use super::told::{self, Told};
use crate::catalogues::{Occasion, restate_refused};
use crate::chain::{Memory, StateFailed};
use crate::trust::{ReceiptsFailed, last_receipted};
use crate::witness::Answered;
use catalogue::Fetching;

/// Messages that wait for the connection to take them; further ones wait here.
const CHANNEL_MESSAGES: usize = 2;
/// How long the hub may take to close a stream that the node has closed.
const CLOSING_TIMEOUT: Duration = Duration::from_secs(2);

/// How a conversation ended.
#[derive(Debug)]
pub(super) enum End {
    /// Nothing waits, and the run ends for that.
    InStep,
    /// The hub takes nothing of what waits, and the run ends for that.
    HeldUp,
    /// The machine closed it.
    Closed(After),
    /// The connection broke, or never came about.
    Lost { reason: String },
}

type Stating = JoinHandle<Result<(Head, bool), StateFailed>>;

/// One stream, from dialling to its end.
#[derive(Debug)]
pub(super) struct Conversation {
    desk: Desk,
    until: Until,
    machine: Machine,
    actions: VecDeque<Action>,
    /// What is to be said, with the number of the last statement in it.
    outgoing: VecDeque<(FromNode, Option<u64>)>,
    stating: Option<Stating>,
    channel: Option<Channel>,
    fetching: Option<Fetching>,
    progressed: bool,
    was_in_step: bool,
    /// How many records the hub was told are not linked.
    told_unlinked: u64,
    /// Whether numbering paused when it was looked at last: what waited meanwhile is asked for again before the run may end for being in
    /// step, also where a message of the hub comes before the word that the pause is over.
    was_paused: bool,
}

impl Conversation {
    pub(super) fn new(desk: Desk, until: Until) -> Self {
        Self {
            desk,
            until,
            machine: Machine::new(),
            actions: VecDeque::new(),
            outgoing: VecDeque::new(),
            stating: None,
            channel: None,
            fetching: None,
            progressed: false,
            was_in_step: false,
            told_unlinked: 0,
            was_paused: false,
        }
    }

    /// Whether the stream was good for something, so that the next pause may be short.
    pub(super) const fn has_progressed(&self) -> bool {
        self.progressed
    }

    /// Dials, talks and hangs up.
    pub(super) async fn run(&mut self, connector: &Connector) -> Result<End, SyncFailed> {
        let end = match connector.connect().await {
            Ok(channel) => self.talk(channel).await,
            Err(failed) => Ok(End::Lost { reason: with_causes(&failed) }),
        };
        self.take(Event::Closed);
        if matches!(end, Ok(End::InStep | End::HeldUp)) {
            self.end_of_looking().await;
        }
        // Whatever was fetched in part is fetched again.
        self.fetching = None;
        // The next stream begins with facts that no numbering in the background may change.
        if let Some(stating) = self.stating.take() {
            stating.await??;
        }
        end
    }

    async fn talk(&mut self, channel: Channel) -> Result<End, SyncFailed> {
        self.was_paused = self.desk.context.outbox.is_paused();
        let facts = self.facts().await?;
        self.take(Event::Opened(facts));
        let (sender, receiver) = mpsc::channel(CHANNEL_MESSAGES);
        let mut client = ExchangeClient::new(channel.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        self.channel = Some(channel);
        if let Some(end) = self.act().await? {
            return Ok(end);
        }
        // Hello is on its way before the hub answers the call.
        if let Some((hello, _)) = self.outgoing.pop_front() {
            drop(sender.try_send(v1::NodeMessage { message: Some(hello) }));
        }
        let opening = async {
            let mut inbound = client.open(ReceiverStream::new(receiver)).await?.into_inner();
            let first = inbound.message().await?;
            Ok::<_, Status>((inbound, first))
        };
        let opened = tokio::time::timeout(Duration::from_secs(HEAD_OF_STREAM_TIMEOUT_S), opening).await;
        let (mut inbound, first) = match opened {
            Ok(Ok(opened)) => opened,
            Ok(Err(status)) => return self.end_by(&status).await,
            Err(_elapsed) => return Ok(End::Lost { reason: "the hub does not answer".to_owned() }),
        };
        let Some(first) = first else {
            return Ok(End::Lost { reason: "the hub closed the stream".to_owned() });
        };
        self.hear(first).await?;
        self.look_for_catalogue();
        let end = self.flow(&sender, &mut inbound).await;
        drop(sender);
        if let Ok(End::InStep) = end {
            let rest = async {
                while let Ok(Some(message)) = inbound.message().await {
                    if matches!(message.message, Some(FromHub::Situation(_))) {
                        self.hear(message).await?;
                    }
                }
                Ok::<_, SyncFailed>(())
            };
            // A hub that does not close in time is left: everything is acknowledged and has its receipt.
            tokio::time::timeout(CLOSING_TIMEOUT, rest).await.unwrap_or(Ok(()))?;
        }
        end
    }

    async fn flow(
        &mut self,
        sender: &mpsc::Sender<v1::NodeMessage>,
        inbound: &mut Streaming<v1::HubMessage>,
    ) -> Result<End, SyncFailed> {
        let desk = self.desk.clone();
        loop {
            if let Some(end) = self.act().await? {
                return Ok(end);
            }
            self.mark_in_step().await?;
            let is_paused = desk.context.outbox.is_paused();
            if std::mem::replace(&mut self.was_paused, is_paused) && !is_paused {
                self.take(Event::OutboxFilled);
                continue;
            }
            if self.until == Until::InStep && self.outgoing.is_empty() {
                if self.was_in_step && !is_paused {
                    return Ok(End::InStep);
                }
                if self.machine.is_held_up() {
                    return Ok(End::HeldUp);
                }
            }
            tokio::select! {
                permit = sender.reserve(), if !self.outgoing.is_empty() => match permit {
                    Ok(permit) => self.say(permit),
                    Err(_closed) => return Ok(End::Lost { reason: "the stream is closed".to_owned() }),
                },
                message = inbound.message() => match message {
                    Ok(Some(message)) => self.hear(message).await?,
                    Ok(None) => return Ok(End::Lost { reason: "the hub closed the stream".to_owned() }),
                    Err(status) => return self.end_by(&status).await,
                },
                stated = finished(&mut self.stating) => {
                    self.stating = None;
                    let (head, waiting) = stated??;
                    self.take(Event::Stated { head, waiting });
                }
                () = desk.context.outbox.wait_for_more() => {
                    // Only adopting adds to what is not linked: where there is nothing, nothing is counted.
                    if self.told_unlinked > 0 {
                        self.tell_unlinked().await?;
                    }
                    self.take(Event::OutboxFilled);
                }
            }
        }
    }

    fn take(&mut self, event: Event) {
        self.actions.extend(self.machine.handle(event));
    }

    fn say(&mut self, permit: mpsc::Permit<'_, v1::NodeMessage>) {
        if let Some((message, through)) = self.outgoing.pop_front() {
            permit.send(v1::NodeMessage { message: Some(message) });
            if let Some(through) = through {
                self.take(Event::Sent { through });
            }
        }
    }

    /// The hub ended the call; where it says why in a code, that is a refusal.
    async fn end_by(&mut self, status: &Status) -> Result<End, SyncFailed> {
        let end = self.lose(status);
        let acted = self.act().await?;
        Ok(end.or(acted).unwrap_or_else(|| End::Lost { reason: with_causes(status) }))
    }

    /// Turns a refusal into an event; any other status is the end.
    fn lose(&mut self, status: &Status) -> Option<End> {
        match refusal_of(status) {
            Some(refused) => {
                tracing::warn!(code = %refused.code, text = refused.text, "the hub refused the stream");
                self.take(Event::RefusalArrived { refused, own: None });
                None
            }
            None => Some(End::Lost { reason: with_causes(status) }),
        }
    }

    async fn facts(&self) -> Result<Facts, SyncFailed> {
        let desk = self.desk.clone();
        let facts = move || {
            Ok::<_, SyncFailed>(Facts {
                head: desk.author.head()?,
                receipts_from: desk.memory().receipts_from()?,
                waiting: !desk.context.outbox.is_empty()?,
                held: Told::load(&*desk.context.store)?.is_some_and(|told| told.is_held()),
            })
        };
        blocking(facts).await?
    }

    async fn mark_in_step(&mut self) -> Result<(), SyncFailed> {
        let in_step = self.machine.is_in_step();
        if in_step && !self.was_in_step {
            self.progressed = true;
            let store = Arc::clone(&self.desk.context.store);
            blocking(move || store.flush()).await??;
            tracing::info!("in step with the hub");
        }
        self.was_in_step = in_step;
        Ok(())
    }

    /// One message of the hub becomes at most one event.
    async fn hear(&mut self, message: v1::HubMessage) -> Result<(), SyncFailed> {
        let event = match message.message {
            Some(FromHub::Head(wire)) => match head_from_wire(&wire) {
                Ok((hub, _)) => self.hear_head(hub).await?,
                Err(failed) => malformed(&failed),
            },
            Some(FromHub::Acknowledgement(wire)) => match Digest::try_from(wire.digest.as_slice()) {
                Ok(digest) => {
                    let hub = Head { seq: wire.seq, digest };
                    Event::AcknowledgementArrived { hub, own: self.own_digest(hub.seq).await? }
                }
                Err(failed) => malformed(&failed),
            },
            Some(FromHub::Refusal(wire)) => match refused_from_wire(wire) {
                Ok(refused) => {
                    let refused = Refused { text: clean(&refused.text), ..refused };
                    let Refused { seq, code, text, .. } = &refused;
                    tracing::warn!(seq, %code, text, "the hub refused a statement");
                    let own = self.own_digest(refused.seq).await?;
                    Event::RefusalArrived { refused, own }
                }
                Err(failed) => malformed(&failed),
            },
            // Its proofs start from a checkpoint that was not believed.
            Some(FromHub::Receipts(_)) if self.machine.is_registry_behind() => return Ok(()),
            Some(FromHub::Receipts(wire)) => match receipts_from_wire(wire) {
                Ok(received) => self.hear_receipts(received).await?,
                Err(failed) => malformed(&failed),
            },
            Some(FromHub::Task(task)) => return self.hear_task(task.into()).await,
            Some(FromHub::Situation(wire)) => match situation_from_wire(wire) {
                Ok(situation) => self.hear_situation(situation).await?,
                Err(failed) => malformed(&failed),
            },
            Some(FromHub::Probe(v1::Probe { nonce })) => {
                // Before whatever else waits to be said: the hub waits for seconds only.
                self.outgoing.push_front((FromNode::Alive(v1::ProbeAnswer { nonce }), None));
                return Ok(());
            }
            Some(FromHub::Witness(request)) => match self.hear_witness(request).await? {
                Some(event) => event,
                None => return Ok(()),
            },
            // A message of a later version.
            None => return Ok(()),
        };
        self.take(event);
        Ok(())
    }

    async fn hear_head(&self, hub: Head) -> Result<Event, SyncFailed> {
        let desk = self.desk.clone();
        blocking(move || {
            let mut batch = Batch::new();
            Memory::put_contact(desk.now_ms(), &mut batch);
            desk.context.store.commit(batch)?;
            let receipted = last_receipted(&*desk.context.store)?;
            let own = desk.author.digest(hub.seq)?;
            if own == Some(hub.digest) && receipted <= hub.seq {
                let _held = desk.context.outbox.hold();
                desk.author.sign_again(hub.seq)?;
            }
            Ok(Event::HeadArrived { hub, own, receipted })
        })
        .await?
    }

    async fn own_digest(&self, seq: u64) -> Result<Option<Digest>, SyncFailed> {
        let author = self.desk.author.clone();
        Ok(blocking(move || author.digest(seq)).await??)
    }

    async fn hear_receipts(&self, received: ReceivedReceipts) -> Result<Event, SyncFailed> {
        let book = Arc::clone(&self.desk.book);
        match blocking(move || book.keep(&received)).await? {
            Ok(receipts_from) => Ok(Event::ReceiptsKept { receipts_from }),
            Err(ReceiptsFailed::Refused { .. }) => Ok(Event::ReceiptsRefused),
            Err(ReceiptsFailed::Behind { .. }) => Ok(Event::RegistryBehind),
            Err(ReceiptsFailed::Inconsistent { alarm } | ReceiptsFailed::Foreign { alarm }) => {
                Ok(Event::RegistryInconsistent(*alarm))
            }
            Err(ReceiptsFailed::Chain(failed)) => Err(failed.into()),
            Err(ReceiptsFailed::Store(failed)) => Err(failed.into()),
            Err(ReceiptsFailed::Evidence(failed)) => Err(failed.into()),
        }
    }

    async fn hear_situation(&mut self, situation: Situation) -> Result<Event, SyncFailed> {
        self.look_for_catalogue();
        let desk = self.desk.clone();
        blocking(move || {
            let told = told::hear(&desk, &situation)?;
            if told::wants_renewal(&desk, &told) {
                desk.context.ask_for_renewal();
            }
            restate(&desk, Occasion::Published(situation.catalogue))?;
            Ok(Event::SituationArrived { held: told.is_held() })
        })
        .await?
    }

    /// The witness answers at once: the hub collects cosignatures for moments only.
    async fn hear_witness(&mut self, request: v1::WitnessRequest) -> Result<Option<Event>, SyncFailed> {
        let desk = self.desk.clone();
        match blocking(move || desk.witness.answer(&request, &desk.context.evidence)).await?? {
            Answered::Say(answer) => {
                self.outgoing.push_front((FromNode::Witnessed(answer), None));
                Ok(None)
            }
            Answered::Inconsistent(alarm) => Ok(Some(Event::RegistryInconsistent(alarm))),
        }
    }

    async fn hear_task(&mut self, task: TaskMessage) -> Result<(), SyncFailed> {
        let desk = self.desk.clone();
        let id = task.id.clone();
        let is_unknown_version = tasks::is_unknown_version(&task);
        if let Some(answer) =
            blocking(move || keep_task(&*desk.context.store, &task, desk.now_ms())).await??
        {
            let answer = v1::TaskAnswer { id, answer: answer.to_string().into_bytes() };
            self.outgoing.push_back((FromNode::Answer(answer), None));
        }
        if is_unknown_version {
            let desk = self.desk.clone();
            blocking(move || restate(&desk, Occasion::ChangedHere)).await??;
        }
        Ok(())
    }
}

/// What the hub refused under a version that it did not know is stated again, if the version is shared.
fn restate(desk: &Desk, occasion: Occasion) -> Result<(), SyncFailed> {
    let held = desk.context.outbox.hold();
    let restated = restate_refused(&desk.context, occasion)?;
    drop(held);
    if restated > 0 {
        desk.context.outbox.announce();
    }
    Ok(())
}

async fn finished(stating: &mut Option<Stating>) -> Result<Result<(Head, bool), StateFailed>, SyncFailed> {
    match stating {
        Some(stating) => Ok(stating.await?),
        None => std::future::pending().await,
    }
}

fn malformed(failed: &dyn std::error::Error) -> Event {
    tracing::warn!(reason = %failed, "the hub sent a message that cannot be understood");
    Event::MessageMalformed
}

/// The refusal in a status: the code stands before the first colon.
fn refusal_of(status: &Status) -> Option<Refused> {
    let (code, text) = status.message().split_once(": ")?;
    let code: Code = code.parse().ok()?;
    let digest = Digest::from_bytes([0; 32]);
    Some(Refused { seq: 0, digest, code, text: clean(text), expected_seq: 0 })
}

fn with_causes(failed: &dyn std::error::Error) -> String {
    let mut text = failed.to_string();
    let mut source = failed.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    clean(&text)
}
