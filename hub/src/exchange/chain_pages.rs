//! An institution's own statements as logged, read from the journal for a node that lost its store.

use std::sync::Arc;

use safeharbor_core::code::Code;
use safeharbor_core::institution::{InstitutionCode, Issuer};
use safeharbor_proto::{BATCH_STATEMENTS_MAX, status_of, v1};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::journal::{JournalFailed, JournalReader};
use crate::shared::Shared;

/// A page is sent once it has this many bytes.
const PAGE_BYTES: usize = 2 << 20;

type Page = Result<v1::ChainPage, Status>;

pub(super) fn read(
    shared: Arc<Shared>,
    institution: InstitutionCode,
    from_seq: u64,
) -> impl Stream<Item = Page> + Send {
    let (sender, receiver) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        if let Err(refused) = send_pages(&shared, institution, from_seq, &sender) {
            tracing::error!(%institution, error = %refused, "the journal cannot be read");
            drop(sender.blocking_send(Err(status_of(Code::Internal, "the chain cannot be read"))));
        }
    });
    ReceiverStream::new(receiver)
}

fn send_pages(
    shared: &Shared,
    institution: InstitutionCode,
    from_seq: u64,
    sender: &mpsc::Sender<Page>,
) -> Result<(), JournalFailed> {
    let issuer = Issuer::Institution(institution);
    let mut seq = from_seq;
    let mut page = v1::ChainPage::default();
    let mut bytes = 0_usize;
    loop {
        let run = shared.ledger().runs().find(&issuer, seq);
        let Some((run, first_wanted)) = run.and_then(|run| Some((run, run.index_of(seq)?))) else { break };
        let end = run.first_index.saturating_add(run.length);
        let mut reader = JournalReader::from_position(&shared.journal_folder, run.position)?;
        while let Some(stored) = reader.next_frame()?.filter(|stored| stored.frame.index < end) {
            if stored.frame.index < first_wanted {
                continue;
            }
            bytes = bytes.saturating_add(stored.frame.jwt.len());
            page.jwts.push(stored.frame.jwt);
            seq = seq.saturating_add(1);
            if page.jwts.len() >= BATCH_STATEMENTS_MAX || bytes >= PAGE_BYTES {
                bytes = 0;
                if sender.blocking_send(Ok(std::mem::take(&mut page))).is_err() {
                    return Ok(());
                }
            }
        }
    }
    if !page.jwts.is_empty() {
        drop(sender.blocking_send(Ok(page)));
    }
    Ok(())
}
