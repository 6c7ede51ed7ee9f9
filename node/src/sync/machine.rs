//! The protocol without I/O: events in, actions out. Everything it must know of the store comes with the events.

use safeharbor_core::chain::Head;
use safeharbor_core::code::Code;
use safeharbor_core::digest::Digest;
use safeharbor_proto::{BATCH_STATEMENTS_MAX, Refused};

use crate::trust::Alarm;

/// The most statements of ours that the hub has not acknowledged.
pub(super) const WINDOW: u64 = 2048;
/// The most statements of one batch.
const BATCH: u64 = BATCH_STATEMENTS_MAX as u64;

/// What the store says when a stream opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts {
    /// The last numbered statement.
    pub(super) head: Head,
    /// The lowest number without a sufficient receipt.
    pub(super) receipts_from: u64,
    /// Whether the outbox holds anything.
    pub(super) waiting: bool,
    /// Whether the hub said last that it takes no statements of this institution.
    pub(super) held: bool,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// A stream is open.
    Opened(Facts),
    /// The hub named its head of our chain; `own` is our digest at that number, `receipted` the highest number with a
    /// receipt.
    HeadArrived { hub: Head, own: Option<Digest>, receipted: u64 },
    /// What the hub had beyond our head is adopted.
    Adopted { head: Head },
    /// What the hub had beyond our head is not ours.
    AdoptionRefused(Alarm),
    /// The outbox holds something.
    OutboxFilled,
    /// Entries of the outbox were numbered; `waiting` tells whether more are there.
    Stated { head: Head, waiting: bool },
    /// Statements up to here were handed to the stream.
    Sent { through: u64 },
    /// The hub acknowledged; `own` is our digest at that number.
    AcknowledgementArrived { hub: Head, own: Option<Digest> },
    /// The hub refused a statement, or the stream; `own` is our digest at that number.
    RefusalArrived { refused: Refused, own: Option<Digest> },
    /// The hub said how the institution stands; held where it takes no statements, until it says otherwise.
    SituationArrived { held: bool },
    /// Receipts were verified and kept.
    ReceiptsKept { receipts_from: u64 },
    /// Receipts do not verify; the alarm was raised.
    ReceiptsRefused,
    /// The hub's registry is smaller than what was verified; the alarm was raised.
    RegistryBehind,
    /// The registry contradicts itself, or the hub logged what it must not; the alarm was raised and the evidence kept.
    RegistryInconsistent(Alarm),
    /// The hub broke the protocol.
    MessageMalformed,
    /// The stream is closed.
    Closed,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// Say hello.
    SendHello { receipts_from: u64 },
    /// Fetch our statements from a number on and adopt them, up to the hub's head.
    Adopt { hub: Head },
    /// Number at most so many entries of the outbox.
    State { limit: u64 },
    /// Send statements `from` to `to`, or the first of them that fit a message; tell by [`Event::Sent`].
    Send { from: u64, to: u64 },
    /// Take back at once what was to be sent and is not on the stream.
    Recall,
    /// Remember what the hub acknowledged.
    StoreAcknowledged(Head),
    /// Raise an alarm.
    Raise(Alarm),
    /// Keep both statements of a number as evidence.
    KeepFork { seq: u64 },
    /// Remember why the hub takes nothing.
    StoreRefusal(Refused),
    /// Close the stream.
    Close(After),
}

/// What follows when a stream was closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum After {
    /// Another one, after a pause that grows.
    Retry,
    /// Another one, after a long pause: the hub takes nothing until somebody acts.
    RetryLater,
    /// Nothing, until a person decides.
    Stop(Alarm),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// There is no stream.
    Down,
    /// Hello was said, the head is awaited.
    Opening,
    /// Statements the hub has beyond ours are being adopted.
    Adopting,
    /// Statements flow.
    Live,
    /// The stream is to be closed; what still arrives on it does not count.
    Over,
}

/// Where the conversation stands.
///
/// A held node numbers and sends nothing. It is held from the start where the hub's last word was that, and otherwise not: a hub that
/// says nothing of the situation refuses what it does not take.
#[derive(Debug)]
pub(super) struct Machine {
    phase: Phase,
    head: Head,
    acknowledged: u64,
    sent: u64,
    receipts_from: u64,
    waiting: bool,
    stating: bool,
    sending: bool,
    behind: bool,
    held: bool,
    /// Whether the hub said on this stream how the institution stands.
    situated: bool,
}

impl Machine {
    /// A machine without a stream.
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Down,
            head: Head::before_first(Digest::from_bytes([0; 32])),
            acknowledged: 0,
            sent: 0,
            receipts_from: 1,
            waiting: false,
            stating: false,
            sending: false,
            behind: false,
            held: false,
            situated: false,
        }
    }

    /// Whether nothing waits, everything is acknowledged and has its receipt.
    pub(super) fn is_in_step(&self) -> bool {
        self.phase == Phase::Live && self.is_acknowledged() && self.receipts_from > self.head.seq
    }

    /// Whether the hub takes nothing of what waits, and nothing is under way.
    pub(super) fn is_held_up(&self) -> bool {
        let is_at_rest = !self.stating && !self.sending && self.sent == self.acknowledged;
        self.phase == Phase::Live && self.held && self.situated && is_at_rest && !self.is_acknowledged()
    }

    /// Whether nothing that this stream says of the registry can be held against what was verified before.
    pub(super) const fn is_registry_behind(&self) -> bool {
        self.behind
    }

    fn is_acknowledged(&self) -> bool {
        !self.waiting && !self.stating && self.acknowledged >= self.head.seq
    }

    /// Takes one event and says what to do, in order.
    pub(super) fn handle(&mut self, event: Event) -> Vec<Action> {
        match (self.phase, event) {
            (_, Event::Closed) => {
                self.phase = Phase::Down;
                Vec::new()
            }
            (Phase::Down, Event::Opened(facts)) => self.open(facts),
            (Phase::Opening, Event::HeadArrived { hub, own, receipted }) => self.compare(hub, own, receipted),
            (Phase::Adopting, Event::Adopted { head }) => self.adopt(head),
            (Phase::Adopting, Event::AdoptionRefused(alarm)) => {
                self.close(vec![Action::Raise(alarm.clone())], After::Stop(alarm))
            }
            (Phase::Opening | Phase::Adopting | Phase::Live, Event::SituationArrived { held }) => {
                self.situate(held)
            }
            // A stream that is to be closed may have a batch to send first.
            (Phase::Over, Event::SituationArrived { held: true }) => self.recall(),
            (Phase::Opening | Phase::Adopting | Phase::Live, Event::RefusalArrived { refused, own }) => {
                self.refuse(refused, own)
            }
            (Phase::Live, event) => self.flow(event),
            (Phase::Opening | Phase::Adopting, event) => self.meet_early(event),
            (Phase::Down | Phase::Over, _) => Vec::new(),
        }
    }

    /// What may arrive before statements flow: receipts of earlier ones, and news of our own side.
    fn meet_early(&mut self, event: Event) -> Vec<Action> {
        match event {
            Event::OutboxFilled => {
                self.waiting = true;
                Vec::new()
            }
            Event::ReceiptsKept { receipts_from } => {
                self.receipts_from = receipts_from;
                Vec::new()
            }
            Event::ReceiptsRefused => self.close(Vec::new(), After::Retry),
            Event::RegistryInconsistent(alarm) => self.close(Vec::new(), After::Stop(alarm)),
            Event::RegistryBehind => {
                self.behind = true;
                Vec::new()
            }
            Event::Opened(_)
            | Event::HeadArrived { .. }
            | Event::Adopted { .. }
            | Event::AdoptionRefused(_)
            | Event::Stated { .. }
            | Event::Sent { .. }
            | Event::AcknowledgementArrived { .. }
            | Event::RefusalArrived { .. }
            | Event::SituationArrived { .. }
            | Event::MessageMalformed
            | Event::Closed => self.close(Vec::new(), After::Retry),
        }
    }

    fn flow(&mut self, event: Event) -> Vec<Action> {
        match event {
            Event::OutboxFilled => {
                self.waiting = true;
                self.go_on(Vec::new())
            }
            Event::Stated { head, waiting } => {
                // What was put there while it looked may be missing from what it says.
                (self.head, self.waiting, self.stating) = (head, self.waiting || waiting, false);
                self.go_on(Vec::new())
            }
            Event::Sent { through } => {
                (self.sent, self.sending) = (self.sent.max(through), false);
                self.go_on(Vec::new())
            }
            Event::AcknowledgementArrived { hub, own } => self.take_acknowledgement(hub, own),
            Event::ReceiptsKept { receipts_from } => {
                self.receipts_from = receipts_from;
                self.go_on(Vec::new())
            }
            Event::ReceiptsRefused | Event::MessageMalformed | Event::HeadArrived { .. } => {
                self.close(Vec::new(), After::Retry)
            }
            Event::RegistryBehind => {
                self.behind = true;
                self.go_on(Vec::new())
            }
            Event::RegistryInconsistent(alarm) => self.close(Vec::new(), After::Stop(alarm)),
            Event::Opened(_)
            | Event::Adopted { .. }
            | Event::AdoptionRefused(_)
            | Event::RefusalArrived { .. }
            | Event::SituationArrived { .. }
            | Event::Closed => Vec::new(),
        }
    }

    fn open(&mut self, Facts { head, receipts_from, waiting, held }: Facts) -> Vec<Action> {
        *self = Self { phase: Phase::Opening, head, receipts_from, waiting, held, ..Self::new() };
        vec![Action::SendHello { receipts_from }]
    }

    /// The three cases of a stream's start: the hub is ahead, in step, or behind; or somewhere else altogether.
    fn compare(&mut self, hub: Head, own: Option<Digest>, receipted: u64) -> Vec<Action> {
        if hub.seq > self.head.seq {
            self.phase = Phase::Adopting;
            return vec![Action::Adopt { hub }];
        }
        match own {
            Some(own) if own == hub.digest => {
                let lost = Alarm::HubLostStatements { hub_seq: hub.seq, receipted };
                let actions = if receipted > hub.seq { vec![Action::Raise(lost)] } else { Vec::new() };
                self.start(hub, actions)
            }
            Some(ours) if hub.seq == 0 => self.stop(Alarm::OtherAdmission { ours, theirs: hub.digest }, None),
            Some(ours) => self.fork(hub.seq, ours, hub.digest),
            None => {
                let reason = "our own statement of this number is not in the store".to_owned();
                self.stop(Alarm::ForeignStatement { seq: hub.seq, reason }, None)
            }
        }
    }

    fn adopt(&mut self, head: Head) -> Vec<Action> {
        self.head = head;
        self.start(head, Vec::new())
    }

    fn start(&mut self, hub: Head, mut actions: Vec<Action>) -> Vec<Action> {
        (self.phase, self.acknowledged, self.sent) = (Phase::Live, hub.seq, hub.seq);
        actions.push(Action::StoreAcknowledged(hub));
        self.go_on(actions)
    }

    fn take_acknowledgement(&mut self, hub: Head, own: Option<Digest>) -> Vec<Action> {
        if own != Some(hub.digest) || hub.seq > self.sent {
            let alarm = Alarm::WrongAcknowledgement { seq: hub.seq, theirs: hub.digest };
            // The head at the start of the next stream tells whether it is a fork.
            return self.close(vec![Action::Raise(alarm)], After::Retry);
        }
        if hub.seq <= self.acknowledged {
            return Vec::new();
        }
        self.acknowledged = hub.seq;
        self.go_on(vec![Action::StoreAcknowledged(hub)])
    }

    fn situate(&mut self, held: bool) -> Vec<Action> {
        (self.held, self.situated) = (held, true);
        let actions = if held { self.recall() } else { Vec::new() };
        if self.phase == Phase::Live { self.go_on(actions) } else { actions }
    }

    /// What is on the stream already may be logged all the same, and is acknowledged or refused.
    fn recall(&mut self) -> Vec<Action> {
        if std::mem::take(&mut self.sending) { vec![Action::Recall] } else { Vec::new() }
    }

    fn refuse(&mut self, refused: Refused, own: Option<Digest>) -> Vec<Action> {
        match (refused.code, own) {
            // The stream stays, and the hub says the situation again after this.
            (Code::StandingRefused, Some(_)) if self.phase == Phase::Live && self.situated => {
                self.held = true;
                let actions = self.recall();
                self.sent = self.acknowledged;
                actions
            }
            (Code::NumberTaken, Some(ours)) => {
                // What the hub holds is in its evidence; the digest it names is that of the statement it refused.
                let alarm = Alarm::NumberTaken { seq: refused.seq, ours, text: refused.text };
                self.stop(alarm, Some(refused.seq))
            }
            (Code::NodeCloned, _) => self.stop(Alarm::Cloned { text: refused.text }, None),
            (Code::SequenceGap | Code::PreviousMismatch | Code::Unavailable | Code::Internal, _) => {
                self.close(Vec::new(), After::Retry)
            }
            // Where the certificate has ended, the next stream begins with the renewed one; until then people see why nothing is sent.
            (Code::IdentityRefused, _) => self.close(vec![Action::StoreRefusal(refused)], After::Retry),
            (_, _) => self.close(vec![Action::StoreRefusal(refused)], After::RetryLater),
        }
    }

    fn fork(&mut self, seq: u64, ours: Digest, theirs: Digest) -> Vec<Action> {
        self.stop(Alarm::Fork { seq, ours, theirs }, Some(seq))
    }

    fn stop(&mut self, alarm: Alarm, fork_at: Option<u64>) -> Vec<Action> {
        let mut actions = vec![Action::Raise(alarm.clone())];
        actions.extend(fork_at.map(|seq| Action::KeepFork { seq }));
        self.close(actions, After::Stop(alarm))
    }

    fn close(&mut self, mut actions: Vec<Action>, after: After) -> Vec<Action> {
        self.phase = Phase::Over;
        actions.push(Action::Close(after));
        actions
    }

    /// Sends what is numbered, numbers what waits, as far as the window reaches and the hub takes it.
    fn go_on(&mut self, mut actions: Vec<Action>) -> Vec<Action> {
        if self.held {
            return actions;
        }
        let window_end = self.acknowledged.saturating_add(WINDOW);
        let to = self.head.seq.min(window_end).min(self.sent.saturating_add(BATCH));
        if !self.sending && self.sent < to {
            self.sending = true;
            actions.push(Action::Send { from: self.sent.saturating_add(1), to });
        }
        let room = window_end.saturating_sub(self.head.seq);
        if self.waiting && !self.stating && room > 0 {
            (self.stating, self.waiting) = (true, false);
            actions.push(Action::State { limit: room.min(BATCH) });
        }
        if self.behind && self.is_acknowledged() {
            // The hub can prove nothing to us on this stream; the next one names our checkpoint again.
            return self.close(actions, After::Retry);
        }
        actions
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
