//! Taking over the institution's own statements from the hub, after the node lost its store.

use std::collections::BTreeSet;

use safeharbor_core::chain::{Head, Link};
use safeharbor_core::institution::Issuer;
use safeharbor_core::record::RecordHandle;
use safeharbor_core::sdjwt::Disclosure;
use safeharbor_core::statement::{Statement, StatementType, open};
use safeharbor_proto::Submission;
use safeharbor_service::store::{Batch, StoreFailed};

use super::{Author, ChainFailed, Claim, Memory, Stated};
use crate::context::Context;
use crate::hold::{self, HoldFailed};
use crate::outbox::OutboxFailed;
use crate::records::RecordsFailed;
use crate::recovery;

/// Statements could not be adopted.
#[derive(Debug, thiserror::Error)]
pub enum AdoptFailed {
    /// The hub holds a statement in the institution's name that this institution did not make after its last one.
    #[error("statement {seq} at the hub is not ours: {reason}")]
    Foreign {
        /// The number it should have.
        seq: u64,
        /// Why it is not believed.
        reason: String,
    },
    /// A record that was withdrawn cannot be read here.
    #[error(transparent)]
    Records(#[from] RecordsFailed),
    /// A record that was withdrawn cannot be held here.
    #[error(transparent)]
    Hold(#[from] HoldFailed),
    /// The outbox cannot be changed.
    #[error(transparent)]
    Outbox(#[from] OutboxFailed),
    /// The chain cannot be read.
    #[error(transparent)]
    Chain(#[from] ChainFailed),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreFailed),
}

/// A statement of ours as the hub hands it out.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The statement, and what was revealed with it, as far as the hub holds that.
    pub submission: Submission,
    /// Whether the hub refused its content, so that it counts nowhere there.
    pub is_refused: bool,
}

/// A statement that was verified as ours.
pub(crate) struct Own {
    stated: Stated,
    is_refused: bool,
}

impl Author {
    /// Verifies statements under the institution's own keys and as links of its chain, and keeps them with what they reveal; nothing is
    /// kept of a page with one that fails. In the same commit a record that was taken back last is held, and a revision that was disclosed
    /// waits no more: a backup may be older than both.
    ///
    /// # Errors
    /// A statement that is not ours, or the store fails.
    pub fn adopt(&self, page: &[Fetched], context: &Context) -> Result<Head, AdoptFailed> {
        let _held = context.outbox.hold();
        self.keep_own(page, &mut |adopted, batch| follow(adopted, context, batch))
    }

    /// Keeps statements together with what `follow` makes of them.
    pub(crate) fn keep_own(&self, page: &[Fetched], follow: &mut Follow<'_>) -> Result<Head, AdoptFailed> {
        let (mut head, mut place) = (self.head()?, self.place_of_last_key()?);
        let (mut batch, mut adopted) = (Batch::new(), Vec::new());
        for Fetched { submission, is_refused } in page {
            let (stated, signed_at) = self.verify_own(head, place, submission)?;
            stated.put_into(&mut batch);
            head = head.advance(stated.digest);
            place = signed_at;
            adopted.push(Own { stated, is_refused: *is_refused });
        }
        follow(&adopted, &mut batch)?;
        Memory::put_head(head, &mut batch);
        self.store.commit(batch)?;
        Ok(head)
    }

    /// Which of our keys signed our last statement: none before it is believed any more.
    fn place_of_last_key(&self) -> Result<usize, ChainFailed> {
        let head = self.head()?;
        let Some(last) = self.chain.statement(head.seq)? else { return Ok(0) };
        let statement = Statement::parse(&last.jwt).or(Err(ChainFailed::damaged(format!("{}", head.seq))))?;
        Ok(self.own_keys.of(&statement).map_or(0, |(place, _)| place))
    }

    /// Returns the statement and which of our keys signed it, not one before the `earliest`.
    fn verify_own(
        &self,
        head: Head,
        earliest: usize,
        submission: &Submission,
    ) -> Result<(Stated, usize), AdoptFailed> {
        let Submission { jwt, disclosures } = submission;
        let seq = head.next_seq();
        let foreign = |reason: String| AdoptFailed::Foreign { seq, reason };
        let statement = Statement::parse(jwt).map_err(|failed| foreign(failed.to_string()))?;
        let envelope = &statement.envelope;
        if envelope.iss != Issuer::Institution(self.institution) {
            return Err(foreign(format!("it speaks for {}", envelope.iss)));
        }
        let named = self.own_keys.of(&statement);
        let (place, term) = named.ok_or_else(|| foreign("no key of ours signed it".to_owned()))?;
        if place < earliest {
            return Err(foreign("a key signed it that had ended before our statement before it".to_owned()));
        }
        statement.verify(&term.key).map_err(|failed| foreign(failed.to_string()))?;
        let opened = open(&statement.digests, disclosures.iter().map(String::as_str));
        let opened = opened.map_err(|failed| foreign(failed.to_string()))?;
        match head.relate(envelope.seq, envelope.prev, statement.digest) {
            Link::Next => Ok((Stated::new(jwt.clone(), statement.envelope, revealed(opened)), place)),
            Link::Again | Link::Past | Link::Gap => Err(foreign(format!("it has number {}", envelope.seq))),
            Link::WrongPrevious => Err(foreign("it follows another statement than our last".to_owned())),
        }
    }
}

fn revealed(opened: Vec<Disclosure>) -> Vec<Claim> {
    let claims = opened.into_iter().filter_map(|disclosure| {
        let name = disclosure.name()?.to_owned();
        Some(Claim { name, disclosure: disclosure.encoded().to_owned(), revealed: true })
    });
    claims.collect()
}

type Follow<'f> = dyn FnMut(&[Own], &mut Batch) -> Result<(), AdoptFailed> + 'f;

/// What the adopted statements say last about each record: a withdrawal, or which revisions were disclosed.
#[derive(Debug, Default)]
pub(crate) struct Adopted {
    /// Records about which the last statement is a withdrawal.
    pub(crate) withdrawn: BTreeSet<RecordHandle>,
    /// Records that were withdrawn, whatever came later.
    pub(crate) once_withdrawn: BTreeSet<RecordHandle>,
    pub(crate) disclosed: BTreeSet<(RecordHandle, u32)>,
}

impl Adopted {
    fn of(adopted: &[Own]) -> Self {
        let mut all = Self::default();
        for Own { stated, .. } in adopted {
            match (stated.statement, stated.rec, stated.rev) {
                (StatementType::Withdrawal, Some(rec), _) => {
                    all.withdrawn.insert(rec);
                    all.once_withdrawn.insert(rec);
                }
                (StatementType::Disclosure, Some(rec), Some(rev)) => {
                    all.withdrawn.remove(&rec);
                    all.disclosed.insert((rec, rev));
                }
                _ => {}
            }
        }
        all
    }
}

/// What was taken back is held here until a person erases or approves it, what was disclosed waits no more, what is not here is to be
/// linked again.
fn follow(adopted: &[Own], context: &Context, batch: &mut Batch) -> Result<(), AdoptFailed> {
    let counting = adopted.iter().filter(|own| !own.is_refused).map(|own| &own.stated);
    recovery::follow(counting, context, batch)?;
    let adopted = Adopted::of(adopted);
    context.outbox.drop_adopted(&adopted, batch)?;
    for rec in &adopted.withdrawn {
        let Some(last) = context.records.last(*rec)? else { continue };
        hold::hold_as_withdrawn(context, &last, batch)?;
    }
    for (rec, _) in adopted.disclosed.iter().filter(|(rec, _)| !adopted.withdrawn.contains(rec)) {
        hold::end_adopted(&*context.store, *rec, batch)?;
    }
    Ok(())
}
