//! Carrying out what the machine asks for.

use std::sync::Arc;

use safeharbor_core::chain::Head;
use safeharbor_proto::v1::node_message::Message as FromNode;
use safeharbor_proto::v1::registry_client::RegistryClient;
use safeharbor_proto::{MESSAGE_BYTES_MAX, Refused, Submission, submit_to_wire, v1};
use safeharbor_service::store::Batch;
use tonic::{Status, Streaming};

use super::super::driver::{SyncFailed, blocking};
use super::super::foreign_text::clean;
use super::super::machine::{Action, Event};
use super::{Conversation, End};
use crate::chain::{AdoptFailed, Fetched, Memory, RefusedState, Stated};
use crate::recovery;
use crate::trust::{Alarm, LastCheckpoint};

/// The most bytes of statements in one message.
const SUBMIT_BYTES_MAX: usize = 4 << 20;

const SOFTWARE: &str = concat!("safeharbor-node ", env!("CARGO_PKG_VERSION"));

impl Conversation {
    /// Carries out what the machine asked for, until it has no further wish or closes the stream.
    pub(super) async fn act(&mut self) -> Result<Option<End>, SyncFailed> {
        while let Some(action) = self.actions.pop_front() {
            match action {
                Action::SendHello { receipts_from } => self.say_hello(receipts_from).await?,
                Action::Adopt { hub } => {
                    if let Some(end) = self.adopt(hub).await? {
                        return Ok(Some(end));
                    }
                }
                Action::State { limit } => self.state(limit),
                Action::Send { from, to } => self.send(from, to).await?,
                Action::Recall => self.outgoing.retain(|(_, through)| through.is_none()),
                Action::StoreAcknowledged(head) => self.store_acknowledged(head).await?,
                Action::Raise(alarm) => {
                    let desk = self.desk.clone();
                    blocking(move || desk.alarms().raise(&alarm, desk.now_ms())).await??;
                }
                Action::KeepFork { seq } => self.keep_fork(seq).await?,
                Action::StoreRefusal(refused) => self.store_refusal(refused).await?,
                Action::Close(after) => return Ok(Some(End::Closed(after))),
            }
        }
        Ok(None)
    }

    async fn say_hello(&mut self, receipts_from: u64) -> Result<(), SyncFailed> {
        let store = Arc::clone(&self.desk.context.store);
        let last = blocking(move || LastCheckpoint::load(&*store)).await??;
        let checkpoint_size = last.map_or(0, |last| last.checkpoint.size);
        let process = self.desk.context.process()?.to_vec();
        let software = SOFTWARE.to_owned();
        let unlinked = self.count_unlinked().await?;
        self.told_unlinked = unlinked;
        let hello = v1::Hello { receipts_from, checkpoint_size, software, process, unlinked };
        self.outgoing.push_back((FromNode::Hello(hello), None));
        Ok(())
    }

    /// Tells the hub how many records are not linked, if that is news: it shows the institution as in recovery until there are none.
    pub(super) async fn tell_unlinked(&mut self) -> Result<(), SyncFailed> {
        let unlinked = self.count_unlinked().await?;
        if unlinked != self.told_unlinked {
            self.told_unlinked = unlinked;
            self.outgoing.push_back((FromNode::Recovery(v1::Recovery { unlinked }), None));
        }
        Ok(())
    }

    async fn count_unlinked(&self) -> Result<u64, SyncFailed> {
        let store = Arc::clone(&self.desk.context.store);
        Ok(blocking(move || recovery::count(&*store)).await??)
    }

    fn state(&mut self, limit: u64) {
        let desk = self.desk.clone();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.stating = Some(tokio::task::spawn_blocking(move || {
            let stating = desk.author.state(&desk.context.outbox, limit)?;
            // Entries that cannot be read yet stay there; asking again at once would find the same.
            let waiting = stating.taken > 0 && !desk.context.outbox.is_empty()?;
            Ok((stating.head, waiting))
        }));
    }

    async fn send(&mut self, from: u64, to: u64) -> Result<(), SyncFailed> {
        let author = self.desk.author.clone();
        let limit = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX).saturating_add(1);
        let statements = blocking(move || author.ready(from, limit, SUBMIT_BYTES_MAX)).await??;
        let through = statements.last().map(|last| last.seq);
        let batch = statements.iter().map(Stated::submission).collect();
        self.outgoing.push_back((FromNode::Submit(submit_to_wire(batch)), through));
        Ok(())
    }

    async fn store_acknowledged(&mut self, head: Head) -> Result<(), SyncFailed> {
        let desk = self.desk.clone();
        let before = blocking(move || {
            let memory = desk.memory();
            let before = memory.acknowledged()?;
            let mut batch = Batch::new();
            Memory::put_acknowledged(head, &mut batch);
            Memory::put_contact(desk.now_ms(), &mut batch);
            if memory.refused()?.is_some_and(|refused| refused.seq <= head.seq) {
                Memory::put_refused(None, &mut batch);
            }
            desk.context.store.commit(batch)?;
            Ok::<_, SyncFailed>(before)
        })
        .await??;
        self.progressed |= before.is_some_and(|before| before.seq < head.seq);
        Ok(())
    }

    async fn store_refusal(&self, refused: Refused) -> Result<(), SyncFailed> {
        let desk = self.desk.clone();
        let Refused { seq, code, text, .. } = refused;
        blocking(move || {
            let since_ms = match desk.memory().refused()? {
                Some(earlier) if earlier.code == code && earlier.seq == seq => earlier.since_ms,
                Some(_) | None => desk.now_ms(),
            };
            let mut batch = Batch::new();
            Memory::put_refused(Some(&RefusedState { code, seq, text, since_ms }), &mut batch);
            desk.context.store.commit(batch)?;
            Ok(desk.context.store.flush()?)
        })
        .await?
    }

    /// Fetches what the hub has beyond our head. Ends the conversation if the connection breaks meanwhile.
    async fn adopt(&mut self, hub: Head) -> Result<Option<End>, SyncFailed> {
        let from_seq = blocking({
            let author = self.desk.author.clone();
            move || author.head()
        })
        .await??
        .next_seq();
        tracing::warn!(from_seq, through = hub.seq, "the hub has statements of ours that are not here");
        let mut pages = match self.fetch(from_seq).await {
            Ok(pages) => pages,
            Err(status) => return Ok(self.lose(&status)),
        };
        loop {
            let page = match pages.message().await {
                Ok(Some(page)) => page,
                Ok(None) => break,
                Err(status) => return Ok(self.lose(&status)),
            };
            let desk = self.desk.clone();
            let page = statements_of(page);
            match blocking(move || desk.author.adopt(&page, &desk.context)).await? {
                Ok(_) => {}
                Err(AdoptFailed::Foreign { seq, reason }) => {
                    let reason = clean(&reason);
                    self.take(Event::AdoptionRefused(Alarm::ForeignStatement { seq, reason }));
                    return Ok(None);
                }
                Err(AdoptFailed::Records(failed)) => return Err(failed.into()),
                Err(AdoptFailed::Hold(failed)) => return Err(failed.into()),
                Err(AdoptFailed::Outbox(failed)) => return Err(failed.into()),
                Err(AdoptFailed::Chain(failed)) => return Err(failed.into()),
                Err(AdoptFailed::Store(failed)) => return Err(failed.into()),
            }
        }
        self.compare_adopted(hub).await
    }

    /// What was adopted must lead to the head that the hub named.
    async fn compare_adopted(&mut self, hub: Head) -> Result<Option<End>, SyncFailed> {
        let author = self.desk.author.clone();
        let (head, own) =
            blocking(move || Ok::<_, SyncFailed>((author.head()?, author.digest(hub.seq)?))).await??;
        match own {
            Some(own) if own == hub.digest => {
                self.tell_unlinked().await?;
                self.take(Event::Adopted { head });
            }
            Some(ours) => {
                let alarm = Alarm::Fork { seq: hub.seq, ours, theirs: hub.digest };
                self.take(Event::AdoptionRefused(alarm));
            }
            None => {
                let reason = "the hub did not send all of our statements".to_owned();
                return Ok(Some(End::Lost { reason }));
            }
        }
        Ok(None)
    }

    async fn fetch(&self, from_seq: u64) -> Result<Streaming<v1::ChainPage>, Status> {
        let channel = self.channel.clone().ok_or_else(|| Status::unavailable("no connection"))?;
        let mut client = RegistryClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX);
        let request = v1::FetchChainRequest { from_seq, with_disclosures: true };
        Ok(client.fetch_chain(request).await?.into_inner())
    }

    /// Keeps our statement and the hub's of one number in the evidence folder; the hub's where it hands it out.
    async fn keep_fork(&self, seq: u64) -> Result<(), SyncFailed> {
        let theirs = match self.fetch(seq).await {
            Ok(mut pages) => {
                pages.message().await.ok().flatten().and_then(|page| page.jwts.into_iter().next())
            }
            Err(status) => {
                tracing::warn!(%status, "the hub does not hand out its statement");
                None
            }
        };
        let desk = self.desk.clone();
        blocking(move || {
            let ours = desk.author.chain.statement(seq)?.map(|stated| stated.jwt);
            for jwt in [ours, theirs].into_iter().flatten() {
                let digest = desk.context.evidence.put(jwt.as_bytes())?;
                tracing::error!(seq, %digest, "kept as evidence of a fork");
            }
            Ok(())
        })
        .await?
    }
}

/// The statements of a page, each with what was revealed with it.
fn statements_of(page: v1::ChainPage) -> Vec<Fetched> {
    let mut revealed = page.revealed.into_iter();
    let statements = page.jwts.into_iter().map(|jwt| {
        let v1::Revealed { disclosures, refused } = revealed.next().unwrap_or_default();
        Fetched { submission: Submission { jwt, disclosures }, is_refused: refused }
    });
    statements.collect()
}
