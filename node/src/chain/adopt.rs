//! Taking over the institution's own statements from the hub, after the node lost its store.

use std::collections::BTreeSet;

use safeharbor_core::chain::{Head, Link};
use safeharbor_core::institution::Issuer;
use safeharbor_core::record::RecordHandle;
use safeharbor_core::statement::{Statement, StatementType};
use safeharbor_service::store::{Batch, StoreFailed};

use super::{Author, ChainFailed, Memory, Stated};
use crate::context::Context;
use crate::hold::{self, HoldFailed};
use crate::outbox::OutboxFailed;
use crate::records::RecordsFailed;

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

impl Author {
    /// Verifies statements under the institution's own key and as links of its chain, and keeps them; nothing is
    /// kept of a page with one that fails. In the same commit a record that was taken back last is held, and a revision that was disclosed
    /// waits no more: a backup may be older than both.
    ///
    /// # Errors
    /// A statement that is not ours, or the store fails.
    pub fn adopt(&self, jwts: &[String], context: &Context) -> Result<Head, AdoptFailed> {
        let _held = context.outbox.hold();
        self.keep_own(jwts, &mut |adopted, batch| follow(adopted, context, batch))
    }

    /// Keeps statements together with what `follow` makes of them.
    pub(crate) fn keep_own(&self, jwts: &[String], follow: &mut Follow<'_>) -> Result<Head, AdoptFailed> {
        let mut head = self.head()?;
        let (mut batch, mut adopted) = (Batch::new(), Vec::new());
        for jwt in jwts {
            let stated = self.verify_own(head, jwt)?;
            stated.put_into(&mut batch);
            head = head.advance(stated.digest);
            adopted.push(stated);
        }
        follow(&adopted, &mut batch)?;
        Memory::put_head(head, &mut batch);
        self.store.commit(batch)?;
        Ok(head)
    }

    fn verify_own(&self, head: Head, jwt: &str) -> Result<Stated, AdoptFailed> {
        let seq = head.next_seq();
        let foreign = |reason: String| AdoptFailed::Foreign { seq, reason };
        let statement = Statement::parse(jwt).map_err(|failed| foreign(failed.to_string()))?;
        let envelope = &statement.envelope;
        if envelope.iss != Issuer::Institution(self.institution) {
            return Err(foreign(format!("it speaks for {}", envelope.iss)));
        }
        statement.verify(&self.signer.public_key()).map_err(|failed| foreign(failed.to_string()))?;
        match head.relate(envelope.seq, envelope.prev, statement.digest) {
            Link::Next => Ok(Stated::new(jwt.to_owned(), statement.envelope, Vec::new())),
            Link::Again | Link::Past | Link::Gap => Err(foreign(format!("it has number {}", envelope.seq))),
            Link::WrongPrevious => Err(foreign("it follows another statement than our last".to_owned())),
        }
    }
}

type Follow<'f> = dyn FnMut(&[Stated], &mut Batch) -> Result<(), AdoptFailed> + 'f;

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
    fn of(adopted: &[Stated]) -> Self {
        let mut all = Self::default();
        for stated in adopted {
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

/// What was taken back is held here until a person erases or approves it, what was disclosed waits no more.
fn follow(adopted: &[Stated], context: &Context, batch: &mut Batch) -> Result<(), AdoptFailed> {
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
