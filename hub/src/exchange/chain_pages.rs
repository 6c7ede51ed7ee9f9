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

use crate::journal::{Frame, JournalFailed, JournalReader, unseal};
use crate::shared::Shared;

/// How long a node may take to read its chain back before it has to ask for the rest anew.
const RECOVERY_MAX: Duration = Duration::from_secs(120);
/// A page is sent once it has this many bytes.
const PAGE_BYTES: usize = 2 << 20;

type Page = Result<v1::ChainPage, Status>;

/// Which statements are wanted, and what of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// Whose.
    pub(super) institution: InstitutionCode,
    /// From which number on.
    pub(super) from_seq: u64,
    /// Whether with the disclosures that are held.
    pub(super) with_disclosures: bool,
}

pub(super) fn read(
    shared: Arc<Shared>,
    wanted: Wanted,
    place: OwnedSemaphorePermit,
) -> impl Stream<Item = Page> + Send {
    let (sender, receiver) = mpsc::channel(2);
    let (runtime, deadline) = (tokio::runtime::Handle::current(), tokio::time::Instant::now() + RECOVERY_MAX);
    tokio::task::spawn_blocking(move || {
        let _place = place;
        let send = |page: Page| runtime.block_on(tokio::time::timeout_at(deadline, sender.send(page)));
        if let Err(refused) = send_pages(&shared, wanted, &|page| matches!(send(page), Ok(Ok(())))) {
            tracing::error!(institution = %wanted.institution, error = %refused, "the journal cannot be read");
            drop(send(Err(status_of(Code::Internal, "the chain cannot be read"))));
        }
    });
    ReceiverStream::new(receiver)
}

fn send_pages(shared: &Shared, wanted: Wanted, send: &dyn Fn(Page) -> bool) -> Result<(), JournalFailed> {
    let issuer = Issuer::Institution(wanted.institution);
    let mut seq = wanted.from_seq;
    let mut page = Filling::default();
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
            page.add(stored.frame, wanted.with_disclosures);
            seq = seq.saturating_add(1);
            if page.is_full() && !send(Ok(std::mem::take(&mut page).page)) {
                return Ok(());
            }
        }
    }
    if !page.page.jwts.is_empty() {
        send(Ok(page.page));
    }
    Ok(())
}

/// A page that statements are put on.
#[derive(Debug, Default)]
struct Filling {
    page: v1::ChainPage,
    bytes: usize,
}

impl Filling {
    fn add(&mut self, frame: Frame, with_disclosures: bool) {
        self.bytes = self.bytes.saturating_add(frame.jwt.len());
        if with_disclosures {
            let revealed = revealed_in(&frame);
            let bytes: usize = revealed.disclosures.iter().map(String::len).sum();
            self.bytes = self.bytes.saturating_add(bytes);
            self.page.revealed.push(revealed);
        }
        self.page.jwts.push(frame.jwt);
    }

    const fn is_full(&self) -> bool {
        self.page.jwts.len() >= BATCH_STATEMENTS_MAX || self.bytes >= PAGE_BYTES
    }
}

/// What was revealed with a statement and is still held. A slot that is being erased at this moment may read as neither key nor
/// zeros: its values are gone.
fn revealed_in(frame: &Frame) -> v1::Revealed {
    if frame.refused.is_some() {
        return v1::Revealed { disclosures: Vec::new(), refused: true };
    }
    let disclosures = unseal(frame).ok().flatten().unwrap_or_default();
    v1::Revealed { disclosures, refused: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{FrameKey, seal};

    fn frame(key: FrameKey, refused: Option<Code>) -> Frame {
        let sealed = seal(&["one".to_owned(), "two".to_owned()], &FrameKey::from_bytes([7; 32])).unwrap();
        Frame { index: 3, logged_ms: 5, refused, jwt: "jwt".to_owned(), key, sealed }
    }

    fn filled(frame: Frame, with_disclosures: bool) -> Filling {
        let mut filling = Filling::default();
        filling.add(frame, with_disclosures);
        filling
    }

    #[test]
    fn what_was_revealed_goes_beside_its_statement_where_it_is_asked_for() {
        let key = FrameKey::from_bytes([7; 32]);
        let Filling { page, bytes } = filled(frame(key, None), true);
        assert_eq!(page.jwts, ["jwt"]);
        assert_eq!(page.revealed[0].disclosures, ["one", "two"]);
        assert_eq!((page.revealed.len(), bytes), (1, 9), "the bytes of a page count what is revealed");
        assert!(filled(frame(key, None), false).page.revealed.is_empty());
    }

    #[test]
    fn nothing_is_revealed_of_what_was_erased_or_refused() {
        let erased = filled(frame(FrameKey::NONE, None), true).page.revealed;
        assert_eq!(erased, [v1::Revealed::default()], "its place is kept: the lists go side by side");
        let torn = filled(frame(FrameKey::from_bytes([8; 32]), None), true).page.revealed;
        assert_eq!(torn, [v1::Revealed::default()]);
        let key = FrameKey::from_bytes([7; 32]);
        let refused = filled(frame(key, Some(Code::RevisionStale)), true).page.revealed;
        assert_eq!(refused, [v1::Revealed { disclosures: Vec::new(), refused: true }]);
    }
}
