//! One group: statements that become durable with one `fdatasync`.

use std::collections::BTreeMap;

use safeharbor_core::chain::Head;
use safeharbor_core::code::Code;
use safeharbor_core::institution::{InstitutionCode, Issuer};
use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_core::statement::StatementType;
use safeharbor_proto::Refused;
use tokio::sync::{mpsc, watch};

use super::CommitFailed;
use crate::forks::Forks;
use crate::intake::{Checked, ContentRefused};
use crate::journal::{Frame, FrameKey, Journal, Position};
use crate::ledger::{Effect, Logged, Placing};
use crate::registry::ReadRegistryFailed;
use crate::shared::Shared;
use crate::tasks::Task;

/// Statements about to be appended, and what they change, as an overlay over the ledger.
pub(super) struct Group {
    next_index: u64,
    logged_ms: u64,
    heads: BTreeMap<InstitutionCode, Head>,
    revisions: BTreeMap<(InstitutionCode, RecordHandle), Option<(KindId, u32)>>,
    frames: Vec<Frame>,
    bytes: usize,
    entries: Vec<Vec<u8>>,
    logged: Vec<Logged>,
    tasks: Vec<Task>,
    acknowledgements: Vec<(InstitutionCode, watch::Sender<Option<Head>>)>,
    refusals: Vec<(Refused, mpsc::Sender<Refused>)>,
}

impl Group {
    pub(super) const fn begin(next_index: u64, logged_ms: u64) -> Self {
        Self {
            next_index,
            logged_ms,
            heads: BTreeMap::new(),
            revisions: BTreeMap::new(),
            frames: Vec::new(),
            bytes: 0,
            entries: Vec::new(),
            logged: Vec::new(),
            tasks: Vec::new(),
            acknowledgements: Vec::new(),
            refusals: Vec::new(),
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.frames.len()
    }

    /// The bytes of statements and disclosures.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The head of a chain behind everything in this group.
    pub(super) fn head(&self, shared: &Shared, code: InstitutionCode) -> Option<Head> {
        self.heads.get(&code).copied().or_else(|| shared.ledger().head(&Issuer::Institution(code)))
    }

    pub(super) fn answer(&mut self, code: InstitutionCode, acknowledged: watch::Sender<Option<Head>>) {
        self.acknowledgements.push((code, acknowledged));
    }

    pub(super) fn refuse(&mut self, refused: Refused, sender: mpsc::Sender<Refused>) {
        self.refusals.push((refused, sender));
    }

    /// Puts a statement into the group, or says why it is not logged.
    pub(super) fn place(
        &mut self,
        shared: &Shared,
        forks: &Forks,
        checked: Checked,
    ) -> Result<Option<Refused>, ReadRegistryFailed> {
        let (seq, digest) = (checked.place.seq, checked.place.digest);
        let refused = |code, text: &str| {
            Ok(Some(Refused { seq, digest, code, text: text.to_owned(), expected_seq: 0 }))
        };
        let Some(head) = self.head(shared, checked.code) else {
            return refused(Code::InstitutionUnknown, "the institution was not admitted");
        };
        let placing =
            shared.ledger().place(checked.code, &checked.key, checked.place, (head, self.next_index));
        match placing {
            Placing::Next => {
                self.append(shared, checked);
                Ok(None)
            }
            Placing::Past => {
                if self.is_logged(shared, &checked)? {
                    return Ok(None);
                }
                forks.keep(&checked, shared);
                refused(Code::NumberTaken, "another statement with this number is logged; both are kept")
            }
            Placing::Refused(code) => refused(code, "the statement does not continue the chain in standing"),
        }
    }

    /// Whether exactly this statement was logged before, in an earlier group or in this one.
    fn is_logged(&self, shared: &Shared, checked: &Checked) -> Result<bool, ReadRegistryFailed> {
        let same_place =
            |logged: &&Logged| logged.code == checked.code && logged.head.seq == checked.place.seq;
        if let Some(logged) = self.logged.iter().find(same_place) {
            return Ok(logged.head.digest == checked.place.digest);
        }
        let entry = shared.find_entry(&Issuer::Institution(checked.code), checked.place.seq)?;
        Ok(entry.is_some_and(|entry| entry.digest == checked.place.digest))
    }

    fn append(&mut self, shared: &Shared, checked: Checked) {
        let Checked { code, place, statement, kind, record, content, jwt, entry, frame_key, sealed, .. } =
            checked;
        let content = match self.judge(shared, code, statement, &kind, record) {
            Some(refused) => content.and(Err(refused)),
            None => content,
        };
        let head = Head { seq: place.seq, digest: place.digest };
        let effect = match content {
            Ok(_) if statement == StatementType::Withdrawal => Effect::Withdrawn,
            Ok(dimensions) => Effect::Disclosed(dimensions),
            Err(ContentRefused { code: refused, text }) => {
                self.tasks.push(Task::content_refused(code, place.seq, place.digest, refused, &text));
                Effect::Refused(refused)
            }
        };
        let refused = if let Effect::Refused(code) = effect { Some(code) } else { None };
        let (key, sealed) =
            if refused.is_some() { (FrameKey::NONE, Vec::new()) } else { (frame_key, sealed) };
        if let Some((handle, revision)) = record.filter(|_| refused.is_none()) {
            let stands = (statement == StatementType::Disclosure).then(|| (kind.clone(), revision));
            self.revisions.insert((code, handle), stands);
        }
        let (index, logged_ms) = (self.next_index, self.logged_ms);
        // The position is known once the group is appended.
        let position = Position { segment: 0, offset: 0 };
        let reveals = !sealed.is_empty();
        self.logged.push(Logged { code, index, position, logged_ms, head, kind, record, reveals, effect });
        self.bytes = self.bytes.saturating_add(jwt.len()).saturating_add(sealed.len());
        self.frames.push(Frame { index, logged_ms, refused, jwt, key, sealed });
        self.entries.push(entry);
        self.heads.insert(code, head);
        self.next_index = index.saturating_add(1);
    }

    /// Judges what only the order of statements shows: whether the revision follows those stated before.
    fn judge(
        &self,
        shared: &Shared,
        code: InstitutionCode,
        statement: StatementType,
        kind: &KindId,
        record: Option<(RecordHandle, u32)>,
    ) -> Option<ContentRefused> {
        let (handle, revision) = record?;
        let stated = match self.revisions.get(&(code, handle)) {
            Some(stated) => stated.clone(),
            None => shared.ledger().board().revision(code, handle),
        };
        let refuse = |code, text: &str| Some(ContentRefused { code, text: text.to_owned() });
        match stated {
            None if statement == StatementType::Withdrawal => {
                refuse(Code::RecordMismatch, "the record was never stated, or is withdrawn")
            }
            Some((stated, _)) if stated != *kind && statement != StatementType::Withdrawal => {
                refuse(Code::RecordMismatch, "the record was stated as another kind")
            }
            Some((_, stated)) if statement == StatementType::Disclosure && revision <= stated => {
                refuse(Code::RevisionStale, "this revision, or a later one, was stated before")
            }
            Some(_) | None => None,
        }
    }

    /// Makes the group durable, then visible, then answers.
    pub(super) fn commit(self, journal: &mut Journal, shared: &Shared) -> Result<(), CommitFailed> {
        if !self.frames.is_empty() {
            let positions = journal.append(&self.frames)?;
            let mut erased = Vec::new();
            {
                let mut ledger = shared.ledger_mut();
                for (mut logged, position) in self.logged.into_iter().zip(positions) {
                    logged.position = position;
                    erased.extend(ledger.apply(&logged));
                }
            }
            if !erased.is_empty() {
                journal.erase_keys(&erased)?;
            }
            // Tasks first: an entry that is indexed has its task saved.
            shared.tasks.open(self.tasks);
            shared.queue_entries(self.entries);
        }
        for (code, acknowledged) in self.acknowledgements {
            let head = shared.ledger().head(&Issuer::Institution(code)).filter(|head| head.seq > 0);
            acknowledged.send_replace(head);
        }
        for (refused, sender) in self.refusals {
            // One refusal ends the stream; later ones of the same stream say nothing more.
            sender.try_send(refused).ok();
        }
        Ok(())
    }
}
