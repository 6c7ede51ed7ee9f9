//! The committer: the one thread that decides what is logged next, and makes it durable group by group.

mod group;

use std::sync::Arc;

use safeharbor_core::chain::Head;
use safeharbor_core::directory::{Announcement, ApplyFailed};
use safeharbor_core::institution::{InstitutionCode, Issuer};
use safeharbor_core::key::{SignFailed, Signer};
use safeharbor_core::sdjwt::Algorithm;
use safeharbor_core::statement::{Draft, Envelope, ParseStatementFailed, Statement, Vct};
use safeharbor_proto::Refused;
use safeharbor_service::clock::Clock;
use tokio::sync::{mpsc, oneshot, watch};

use crate::forks::Forks;
use crate::intake::Checked;
use crate::journal::{Frame, FrameKey, Journal, JournalFailed, Position};
use crate::registry::ReadRegistryFailed;
use crate::shared::Shared;
use group::Group;

/// How many statements one `fdatasync` covers at most.
const GROUP_STATEMENTS: usize = 1024;
/// A group also ends at this many bytes, so that large statements are not gathered without bound.
const GROUP_BYTES: usize = 8 << 20;
/// A group also ends after this many orders: resent statements make no frames, and others wait for theirs.
const GROUP_ORDERS: u32 = 32;
/// How many orders wait before streams are held back.
pub const ORDERS_WAITING_MAX: usize = 32;

/// What the committer is asked to do.
#[derive(Debug)]
pub enum Order {
    /// Log statements of one institution, in this order.
    Submit {
        /// What intake made of them.
        items: Vec<Result<Checked, Refused>>,
        /// Whose they are.
        code: InstitutionCode,
        /// Where the answer goes.
        answers: Answers,
    },
    /// Answer with the head of a chain as of the last durable group.
    Head {
        /// Whose chain.
        code: InstitutionCode,
        /// The head and its log index; `None` for an institution that was not admitted.
        reply: oneshot::Sender<Option<(Head, Option<u64>)>>,
    },
    /// Make durable what was ordered before, then end.
    Stop,
    /// Log a public statement of the hub itself.
    Announce {
        /// What is announced.
        announcement: Box<Announcement>,
        /// Its log index and its statement.
        reply: oneshot::Sender<Result<Announced, AnnounceFailed>>,
    },
}

/// Where a stream hears what became of its statements.
#[derive(Debug, Clone)]
pub struct Answers {
    /// The highest contiguous statement that is durable and sequenced.
    pub acknowledged: watch::Sender<Option<Head>>,
    /// The first statement of a batch that was not logged.
    pub refused: mpsc::Sender<Refused>,
}

/// A public statement that was logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// Its log index.
    pub index: u64,
    /// Its JWT.
    pub jwt: String,
}

/// A public statement was not logged.
#[derive(Debug, thiserror::Error)]
pub enum AnnounceFailed {
    /// The statement key did not sign.
    #[error("the statement cannot be signed")]
    Sign(#[from] SignFailed),
    /// It does not fit the directory.
    #[error("the directory refuses it")]
    Directory(#[from] ApplyFailed),
    /// What was signed is malformed.
    #[error("the statement is malformed")]
    Statement(#[from] ParseStatementFailed),
    /// The journal failed.
    #[error("it cannot be made durable")]
    Journal(#[source] JournalFailed),
}

/// The committer cannot go on; nothing that was not acknowledged counts.
#[derive(Debug, thiserror::Error)]
pub enum CommitFailed {
    /// The journal failed.
    #[error("the journal failed")]
    Journal(#[from] JournalFailed),
    /// The journal failed while an announcement was appended; who announced it has the reason.
    #[error("the journal failed while an announcement was appended")]
    Announcement,
    /// The registry's own files cannot be read.
    #[error("the registry's files cannot be read")]
    Registry(#[from] ReadRegistryFailed),
}

/// The one writer of journal and ledger.
#[derive(Debug)]
pub struct Committer {
    /// Shared state.
    pub shared: Arc<Shared>,
    /// The journal.
    pub journal: Journal,
    /// The hub's statement key.
    pub signer: Arc<dyn Signer>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where forks are kept for a person.
    pub forks: Forks,
}

impl Committer {
    /// Works until told to stop, or every sender of orders is gone.
    ///
    /// # Errors
    /// Storage failed: the hub must stop, so that start-up finds out what is durable.
    pub fn run(mut self, mut orders: mpsc::Receiver<Order>) -> Result<(), CommitFailed> {
        while let Some(first) = orders.blocking_recv() {
            let mut group = Group::begin(self.journal.next_index(), self.clock.now_ms());
            let mut next = Some(first);
            let mut orders_left = GROUP_ORDERS;
            while let Some(order) = next.take() {
                match order {
                    Order::Submit { items, code, answers } => {
                        self.place_all(&mut group, code, items, answers)?
                    }
                    Order::Stop => return self.commit(&mut group),
                    Order::Head { code, reply } => {
                        self.commit(&mut group)?;
                        // Nobody waits for the answer if the stream is gone.
                        reply.send(self.head(code)).ok();
                    }
                    Order::Announce { announcement, reply } => {
                        self.commit(&mut group)?;
                        let announced = self.announce(&announcement);
                        let broken = matches!(announced, Err(AnnounceFailed::Journal(_)));
                        drop(reply.send(announced));
                        if broken {
                            return Err(CommitFailed::Announcement);
                        }
                        group = Group::begin(self.journal.next_index(), self.clock.now_ms());
                    }
                }
                orders_left = orders_left.saturating_sub(1);
                let is_open = group.len() < GROUP_STATEMENTS && group.bytes() < GROUP_BYTES;
                if is_open && orders_left > 0 {
                    next = orders.try_recv().ok();
                }
            }
            self.commit(&mut group)?;
        }
        Ok(())
    }

    /// Decides on each statement of a batch; after the first that is not logged the rest is left to be sent again.
    fn place_all(
        &self,
        group: &mut Group,
        code: InstitutionCode,
        items: Vec<Result<Checked, Refused>>,
        answers: Answers,
    ) -> Result<(), CommitFailed> {
        for item in items {
            let refused = match item {
                Ok(checked) => group.place(&self.shared, &self.forks, checked)?,
                Err(refused) => Some(refused),
            };
            if let Some(refused) = refused {
                let expected_seq = group.head(&self.shared, code).map_or(0, |head| head.next_seq());
                group.refuse(Refused { expected_seq, ..refused }, answers.refused.clone());
                break;
            }
        }
        group.answer(code, answers.acknowledged);
        Ok(())
    }

    fn commit(&mut self, group: &mut Group) -> Result<(), CommitFailed> {
        let empty = Group::begin(self.journal.next_index(), self.clock.now_ms());
        let group = std::mem::replace(group, empty);
        group.commit(&mut self.journal, &self.shared)?;
        Ok(())
    }

    fn head(&self, code: InstitutionCode) -> Option<(Head, Option<u64>)> {
        let ledger = self.shared.ledger();
        let issuer = Issuer::Institution(code);
        ledger.head(&issuer).map(|head| (head, ledger.tip(&issuer).map(|tip| tip.index)))
    }

    fn announce(&mut self, announcement: &Announcement) -> Result<Announced, AnnounceFailed> {
        let logged_ms = self.clock.now_ms();
        let jwt = self.draft(announcement, logged_ms)?.sign(Algorithm::default(), self.signer.as_ref())?;
        let statement = Statement::parse(&jwt)?;
        let index = self.journal.next_index();
        // A dry run on a copy: what the directory refuses must not reach the journal.
        self.shared.directory().as_ref().clone().apply(index, &statement)?;
        let frame = Frame {
            index,
            logged_ms,
            refused: None,
            jwt: jwt.clone(),
            key: FrameKey::NONE,
            sealed: Vec::new(),
        };
        let positions = self.journal.append(&[frame]).map_err(AnnounceFailed::Journal)?;
        let position = positions.first().copied().unwrap_or(Position { segment: 0, offset: 0 });
        self.shared.ledger_mut().announce(&statement, position, logged_ms)?;
        self.shared.refresh_directory();
        self.shared.queue_entries([safeharbor_core::entry::Entry::of(&statement).encode()]);
        Ok(Announced { index, jwt })
    }

    fn draft(&self, announcement: &Announcement, logged_ms: u64) -> Result<Draft, AnnounceFailed> {
        let ledger = self.shared.ledger();
        let iss = ledger.directory().hub().clone();
        let head = ledger.head(&iss).unwrap_or(Head::before_first(safeharbor_core::digest::Digest::of(b"")));
        let vct = Vct::without_kind(announcement.statement_type());
        let cat = if let Announcement::Catalogue { cat, .. } = announcement { Some(*cat) } else { None };
        let envelope = Envelope {
            iss,
            iat: logged_ms / 1000,
            seq: head.next_seq(),
            prev: head.digest,
            vct: vct.map_err(|_vct| ApplyFailed::Signature)?,
            rec: None,
            rev: None,
            cat,
        };
        Ok(Draft { envelope, digests: Vec::new(), claims: announcement.to_claims() })
    }
}
