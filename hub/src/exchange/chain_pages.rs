//! An institution's own statements as logged, read from the journal for a node that lost its store.

use std::sync::Arc;
use std::time::Duration;

use safeharbor_core::code::Code;
use safeharbor_core::institution::{InstitutionCode, Issuer};
use safeharbor_proto::{BATCH_STATEMENTS_MAX, status_of, v1};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::journal::{JournalFailed, JournalReader};
use crate::shared::Shared;

/// How long a node may take to read its chain back before it has to ask for the rest anew.
const RECOVERY_MAX: Duration = Duration::from_secs(120);
/// A page is sent once it has this many bytes.
const PAGE_BYTES: usize = 2 << 20;

type Page = Result<v1::ChainPage, Status>;

pub(super) fn read(
    shared: Arc<Shared>,
    institution: InstitutionCode,
    from_seq: u64,
    place: OwnedSemaphorePermit,
) -> impl Stream<Item = Page> + Send {
    let (sender, receiver) = mpsc::channel(2);
    let (runtime, deadline) = (tokio::runtime::Handle::current(), tokio::time::Instant::now() + RECOVERY_MAX);
    tokio::task::spawn_blocking(move || {
        let _place = place;
        let send = |page: Page| runtime.block_on(tokio::time::timeout_at(deadline, sender.send(page)));
        if let Err(refused) =
            send_pages(&shared, institution, from_seq, &|page| matches!(send(page), Ok(Ok(()))))
        {
            tracing::error!(%institution, error = %refused, "the journal cannot be read");
            drop(send(Err(status_of(Code::Internal, "the chain cannot be read"))));
        }
    });
    ReceiverStream::new(receiver)
}

fn send_pages(
    shared: &Shared,
    institution: InstitutionCode,
    from_seq: u64,
    send: &dyn Fn(Page) -> bool,
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
        // The frame behind the run may be in the middle of being appended: it is not looked at.
        let mut next_index = run.first_index;
        while next_index < end
            && let Some(stored) = reader.next_frame()?
        {
            next_index = stored.frame.index.saturating_add(1);
            if stored.frame.index < first_wanted {
                continue;
            }
            bytes = bytes.saturating_add(stored.frame.jwt.len());
            page.jwts.push(stored.frame.jwt);
            seq = seq.saturating_add(1);
            if page.jwts.len() >= BATCH_STATEMENTS_MAX || bytes >= PAGE_BYTES {
                bytes = 0;
                if !send(Ok(std::mem::take(&mut page))) {
                    return Ok(());
                }
            }
        }
    }
    if !page.jwts.is_empty() {
        send(Ok(page));
    }
    Ok(())
}
