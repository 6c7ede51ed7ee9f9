//! A node and a hub, whole but for network and proofs: the real machine, the real author on a store that loses what was
//! not flushed, and a model of the hub's chain.
//!
//! What fails here: the connection at any step, the node's power at any step, the node's whole store, the hub's
//! process with what it had not acknowledged, single submissions refused as unavailable; the institution is suspended and
//! reinstated at any moment. What does not: the hub keeps what it acknowledged, says on the stream how the institution stands
//! after the head, on each change and after a refusal for it, and is honest.
//! What must hold: a number is never seen with other bytes, acknowledgements never run ahead of what is durable at
//! the hub, a node that heard that it is suspended sends nothing until it hears otherwise, its stream stays open, no alarm is
//! raised, and once the institution is active and things calm down every entry is in the hub's chain exactly once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use proptest::prelude::*;
use safeharbor_core::chain::Link;
use safeharbor_core::statement::Statement;
use safeharbor_service::store::{Batch, MemoryStore, Store};

use super::*;
use crate::chain::testing::{admitted, author, fetched, fill, record, state, waiting};
use crate::chain::{Author, Memory};

#[derive(Debug, Clone, Copy)]
enum Operation {
    /// So many records are imported.
    Import(u64),
    /// The node dials.
    Dial,
    /// The node carries out one action.
    Act,
    /// One message reaches the hub.
    ReachHub,
    /// One message reaches the node.
    ReachNode,
    /// The hub issues receipts for what it logged.
    IssueReceipts,
    /// The hub refuses the next batch.
    RefuseNext,
    /// The connection breaks.
    BreakConnection,
    /// The node loses power.
    CrashNode,
    /// The node loses its store and imports its records again.
    LoseStore,
    /// The hub loses what it did not acknowledge.
    CrashHub,
    /// The hub suspends the institution.
    Suspend,
    /// The hub reinstates it.
    Reinstate,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (1_u64..5).prop_map(Operation::Import),
        4 => Just(Operation::Dial),
        20 => Just(Operation::Act),
        14 => Just(Operation::ReachHub),
        14 => Just(Operation::ReachNode),
        3 => Just(Operation::IssueReceipts),
        1 => Just(Operation::RefuseNext),
        1 => Just(Operation::BreakConnection),
        1 => Just(Operation::CrashNode),
        1 => Just(Operation::LoseStore),
        1 => Just(Operation::CrashHub),
        2 => Just(Operation::Suspend),
        2 => Just(Operation::Reinstate),
    ]
}

/// The hub's chain of the institution.
#[derive(Debug, Default)]
struct Hub {
    log: Vec<String>,
    acknowledged: usize,
    refuse_next: bool,
    suspended: bool,
}

#[derive(Debug)]
enum ToHub {
    Hello,
    Submit(Vec<String>),
}

#[derive(Debug)]
enum ToNode {
    Head(Head),
    Acknowledgement(Head),
    Refusal(Refused),
    Receipts { through: u64 },
    Situation { suspended: bool },
}

impl Hub {
    fn head(&self) -> Head {
        let last = self.log.last().map(|jwt| Statement::parse(jwt).unwrap().digest);
        Head { seq: self.log.len() as u64, digest: last.unwrap_or(admitted()) }
    }

    fn hear(&mut self, message: ToHub) -> Vec<ToNode> {
        match message {
            ToHub::Hello => vec![ToNode::Head(self.head()), self.situation()],
            ToHub::Submit(jwts) => self.log_all(&jwts),
        }
    }

    fn situation(&self) -> ToNode {
        ToNode::Situation { suspended: self.suspended }
    }

    fn log_all(&mut self, jwts: &[String]) -> Vec<ToNode> {
        let mut answers = Vec::new();
        for jwt in jwts {
            let statement = Statement::parse(jwt).unwrap();
            let Head { seq, .. } = self.head();
            let code =
                match self.head().relate(statement.envelope.seq, statement.envelope.prev, statement.digest) {
                    _ if std::mem::take(&mut self.refuse_next) => Code::Unavailable,
                    _ if self.suspended => Code::StandingRefused,
                    Link::Next => {
                        self.log.push(jwt.clone());
                        continue;
                    }
                    Link::Again => continue,
                    Link::Past if self.log[usize::try_from(statement.envelope.seq).unwrap() - 1] == *jwt => {
                        continue;
                    }
                    Link::Past => Code::NumberTaken,
                    Link::Gap => Code::SequenceGap,
                    Link::WrongPrevious => Code::PreviousMismatch,
                };
            answers.push(ToNode::Refusal(Refused {
                seq: statement.envelope.seq,
                digest: statement.digest,
                code,
                text: String::new(),
                expected_seq: seq + 1,
            }));
            if code == Code::StandingRefused {
                answers.push(self.situation());
            }
            break;
        }
        self.acknowledged = self.log.len();
        answers.insert(0, ToNode::Acknowledgement(self.head()));
        answers
    }
}

struct World {
    store: MemoryStore,
    author: Author,
    machine: Machine,
    connected: bool,
    actions: VecDeque<Action>,
    to_hub: VecDeque<ToHub>,
    to_node: VecDeque<ToNode>,
    hub: Hub,
    entries: u64,
    seen: BTreeMap<u64, String>,
    /// Whether the last the node heard is that it is suspended; a node that lost its store did not hear it.
    heard_suspended: bool,
}

impl World {
    fn new() -> Self {
        let store = MemoryStore::new();
        let author = author(&(Arc::new(store.clone()) as Arc<dyn Store>));
        Self {
            store,
            author,
            machine: Machine::new(),
            connected: false,
            actions: VecDeque::new(),
            to_hub: VecDeque::new(),
            to_node: VecDeque::new(),
            hub: Hub::default(),
            entries: 0,
            seen: BTreeMap::new(),
            heard_suspended: false,
        }
    }

    fn operate(&mut self, operation: Operation) {
        match operation {
            Operation::Import(count) => {
                fill(&self.store, self.entries + 1..=self.entries + count);
                self.entries += count;
                self.take(Event::OutboxFilled);
            }
            Operation::Dial => self.dial(),
            Operation::Act => self.act(),
            Operation::ReachHub => {
                if let Some(message) = self.to_hub.pop_front() {
                    let answers = self.hub.hear(message);
                    self.to_node.extend(answers);
                }
            }
            Operation::ReachNode => {
                if let Some(message) = self.to_node.pop_front() {
                    self.hear(message);
                }
            }
            Operation::IssueReceipts => {
                if self.connected {
                    self.to_node.push_back(ToNode::Receipts { through: self.hub.acknowledged as u64 });
                }
            }
            Operation::RefuseNext => self.hub.refuse_next = true,
            Operation::BreakConnection => self.disconnect(),
            Operation::CrashNode => {
                self.store.lose_power();
                self.start_node();
            }
            Operation::LoseStore => {
                self.store = MemoryStore::new();
                let logged = self.logged_entries();
                fill(&self.store, (1..=self.entries).filter(|entry| !logged.contains(entry)));
                // What nobody logged may be stated afresh: the node cannot know about it.
                self.seen.retain(|seq, _| *seq <= self.hub.log.len() as u64);
                self.heard_suspended = false;
                self.start_node();
            }
            Operation::CrashHub => {
                self.hub.log.truncate(self.hub.acknowledged);
                self.disconnect();
            }
            Operation::Suspend => self.set_standing(true),
            Operation::Reinstate => self.set_standing(false),
        }
    }

    fn set_standing(&mut self, suspended: bool) {
        let is_news = std::mem::replace(&mut self.hub.suspended, suspended) != suspended;
        // A stream whose hello did not arrive hears it behind the head.
        let is_greeted = self.connected && !self.to_hub.iter().any(|message| matches!(message, ToHub::Hello));
        if is_news && is_greeted {
            self.to_node.push_back(self.hub.situation());
        }
    }

    fn start_node(&mut self) {
        self.author = author(&(Arc::new(self.store.clone()) as Arc<dyn Store>));
        self.machine = Machine::new();
        self.disconnect();
    }

    fn disconnect(&mut self) {
        self.connected = false;
        self.take(Event::Closed);
        self.actions.clear();
        self.to_hub.clear();
        self.to_node.clear();
    }

    fn dial(&mut self) {
        if !self.connected {
            self.connected = true;
            let facts = Facts {
                head: self.author.head().unwrap(),
                receipts_from: self.memory().receipts_from().unwrap(),
                waiting: !waiting(&self.store, 1).is_empty(),
                held: self.heard_suspended,
            };
            self.take(Event::Opened(facts));
        }
    }

    fn memory(&self) -> Memory {
        self.author.chain.memory()
    }

    fn take(&mut self, event: Event) {
        for action in self.machine.handle(event) {
            if action == Action::Recall {
                self.actions.retain(|action| !matches!(action, Action::Send { .. }));
            } else {
                self.actions.push_back(action);
            }
        }
    }

    fn hear(&mut self, message: ToNode) {
        let event = match message {
            ToNode::Head(hub) => {
                let receipted = self.memory().receipts_from().unwrap() - 1;
                Event::HeadArrived { hub, own: self.author.digest(hub.seq).unwrap(), receipted }
            }
            ToNode::Acknowledgement(hub) => {
                Event::AcknowledgementArrived { hub, own: self.author.digest(hub.seq).unwrap() }
            }
            ToNode::Refusal(refused) => {
                let own = self.author.digest(refused.seq).unwrap();
                Event::RefusalArrived { refused, own }
            }
            ToNode::Situation { suspended } => {
                self.heard_suspended = suspended;
                Event::SituationArrived { held: suspended }
            }
            ToNode::Receipts { through } => {
                let receipts_from = self.memory().receipts_from().unwrap().max(through + 1);
                let mut batch = Batch::new();
                Memory::put_receipts_from(receipts_from, &mut batch);
                self.store.commit(batch).unwrap();
                Event::ReceiptsKept { receipts_from }
            }
        };
        self.take(event);
    }

    fn act(&mut self) {
        let Some(action) = self.actions.pop_front() else { return };
        match action {
            Action::SendHello { .. } => self.to_hub.push_back(ToHub::Hello),
            Action::Adopt { hub } => {
                let from = usize::try_from(self.author.head().unwrap().seq).unwrap();
                let head = self.author.keep_own(&fetched(&self.hub.log[from..]), &mut |_, _| Ok(())).unwrap();
                assert!(head.seq >= hub.seq);
                self.take(Event::Adopted { head });
            }
            Action::State { limit } => {
                let limit = usize::try_from(limit).unwrap();
                let head = state(&self.author, limit.min(3)).unwrap().head;
                let waiting = !waiting(&self.store, 1).is_empty();
                self.take(Event::Stated { head, waiting });
            }
            Action::Send { from, to } => {
                assert!(!self.heard_suspended, "sent by a node that heard that it is suspended");
                let limit = usize::try_from(to - from + 1).unwrap();
                let statements = self.author.ready(from, limit.min(2), usize::MAX).unwrap();
                let through = statements.last().unwrap().seq;
                for stated in &statements {
                    let seen = self.seen.entry(stated.seq).or_insert_with(|| stated.jwt.clone());
                    assert_eq!(*seen, stated.jwt, "number {} was seen with other bytes", stated.seq);
                }
                self.to_hub.push_back(ToHub::Submit(statements.into_iter().map(|s| s.jwt).collect()));
                self.take(Event::Sent { through });
            }
            Action::StoreAcknowledged(head) => {
                assert!(head.seq <= self.hub.log.len() as u64);
                let mut batch = Batch::new();
                Memory::put_acknowledged(head, &mut batch);
                self.store.commit(batch).unwrap();
            }
            Action::Close(After::Retry) => self.disconnect(),
            Action::Raise(_)
            | Action::KeepFork { .. }
            | Action::StoreRefusal(_)
            | Action::Recall
            | Action::Close(_) => {
                panic!("an honest hub led to {action:?}")
            }
        }
    }

    fn logged_entries(&self) -> Vec<u64> {
        let entry_of = |jwt: &String| {
            let rec = Statement::parse(jwt).unwrap().envelope.rec.unwrap();
            (1..=self.entries).find(|entry| record(*entry) == rec).unwrap()
        };
        self.hub.log.iter().map(entry_of).collect()
    }

    /// Nothing fails any more: everything must come to rest, in step.
    fn calm_down(&mut self) {
        self.hub.refuse_next = false;
        self.set_standing(false);
        for _ in 0..10_000 {
            let at_rest = self.actions.is_empty() && self.to_hub.is_empty() && self.to_node.is_empty();
            if self.machine.is_in_step() && at_rest && waiting(&self.store, 1).is_empty() {
                return;
            }
            if at_rest {
                self.operate(Operation::IssueReceipts);
            }
            for operation in [Operation::Dial, Operation::Act, Operation::ReachHub, Operation::ReachNode] {
                self.operate(operation);
            }
        }
        panic!("never in step: {:?}, hub at {}", self.machine, self.hub.log.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_entry_ends_in_the_hubs_chain_exactly_once(
        operations in proptest::collection::vec(operation(), 0..160),
    ) {
        let mut world = World::new();
        for operation in operations {
            world.operate(operation);
        }
        world.calm_down();
        let mut logged = world.logged_entries();
        logged.sort_unstable();
        prop_assert_eq!(logged, (1..=world.entries).collect::<Vec<_>>());
        let acknowledged = world.memory().acknowledged().unwrap();
        prop_assert_eq!(acknowledged.map_or(0, |head| head.seq), world.entries);
    }
}
