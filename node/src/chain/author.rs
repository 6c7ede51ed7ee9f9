//! Making statements: number, link, salts and signature, given when a statement is first put on an open stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use safeharbor_core::chain::Head;
use safeharbor_core::digest::Digest;
use safeharbor_core::institution::{InstitutionCode, Issuer};
use safeharbor_core::json::Object;
use safeharbor_core::key::{SignFailed, Signer};
use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_core::sdjwt::{Algorithm, conceal};
use safeharbor_core::statement::{Draft, Envelope, Statement, StatementType, Vct};
use safeharbor_service::clock::Clock;
use safeharbor_service::random::{Random, RandomFailed};
use safeharbor_service::store::{Batch, Store, StoreFailed};

use super::{Chain, ChainFailed, Claim, Memory, Stated};
use crate::context::Context;
use crate::outbox::{Content, Left, Outbox, OutboxFailed, Pending};
use crate::statement_key::StatementKey;
use crate::trust::{Alarm, Alarms, KeyTerms};

/// Bytes of one commit at which no further statement is added.
const COMMIT_BYTES: usize = 16 << 20;

/// Makes the institution's statements. There is one at a time for a store.
#[derive(Debug, Clone)]
pub struct Author {
    /// Where statements are looked up.
    pub chain: Chain,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) signer: Arc<dyn Signer>,
    pub(super) institution: InstitutionCode,
    pub(super) admitted: Digest,
    /// Under which statements are adopted.
    pub(super) own_keys: KeyTerms,
    pub(super) durable_through: Arc<AtomicU64>,
}

/// Statements could not be made.
#[derive(Debug, thiserror::Error)]
pub enum StateFailed {
    /// The chain cannot be read.
    #[error(transparent)]
    Chain(#[from] ChainFailed),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreFailed),
    /// The outbox cannot be read.
    #[error(transparent)]
    Outbox(#[from] OutboxFailed),
    /// There are no salts.
    #[error("no salts for the statements")]
    Random(#[from] RandomFailed),
    /// The signing device refused.
    #[error("the statement cannot be signed")]
    Sign(#[from] SignFailed),
}

/// What came of numbering a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stating {
    /// The head after it.
    pub head: Head,
    /// How many entries left the outbox, stated or set aside.
    pub taken: usize,
}

/// Takes an entry out of the outbox as part of a batch.
pub(crate) type Remove<'r> = dyn FnMut(u64, Left, &mut Batch) -> Result<(), OutboxFailed> + 'r;

/// An outbox entry that can never become a statement.
struct SetAside(String);

impl Author {
    /// An author for the institution that the statement `admitted` let in.
    #[must_use]
    pub fn new(context: &Context, admitted: Digest) -> Self {
        let signer: Arc<dyn Signer> = Arc::<StatementKey>::clone(&context.signer);
        Self {
            chain: Chain::new(Arc::clone(&context.store)),
            store: Arc::clone(&context.store),
            clock: Arc::clone(&context.clock),
            random: Arc::clone(&context.random),
            signer,
            institution: context.institution,
            admitted,
            own_keys: KeyTerms::default().including(context.signer.public_key()),
            durable_through: Arc::default(),
        }
    }

    /// The same, adopting what earlier keys of the institution signed, too.
    #[must_use]
    pub fn with_own_keys(self, keys: KeyTerms) -> Self {
        Self { own_keys: keys.including(self.signer.public_key()), ..self }
    }

    /// The last numbered statement, or what the first one links to.
    ///
    /// # Errors
    /// The store fails or is damaged.
    pub fn head(&self) -> Result<Head, ChainFailed> {
        Ok(self.chain.head()?.unwrap_or(Head::before_first(self.admitted)))
    }

    /// The digest at a number of the chain; at 0, that of the admitting statement.
    ///
    /// # Errors
    /// The store fails or is damaged.
    pub fn digest(&self, seq: u64) -> Result<Option<Digest>, ChainFailed> {
        if seq == 0 { Ok(Some(self.admitted)) } else { self.chain.digest(seq) }
    }

    /// Numbers and signs at most `limit` entries of the outbox and takes them out, in one commit; durable on return. None while the outbox
    /// is paused.
    /// Blocks for as long as the signatures take.
    ///
    /// # Errors
    /// The store, the source of salts or the signing device fails. Whatever was committed all the same is found by
    /// [`Author::head`] and sent by [`Author::ready`].
    pub fn state(&self, outbox: &Outbox, limit: usize) -> Result<Stating, StateFailed> {
        let stating = {
            let _held = outbox.hold();
            if outbox.is_paused() {
                return Ok(Stating { head: self.head()?, taken: 0 });
            }
            let (pending, dead) = outbox.look(limit)?;
            outbox.bury(&dead)?;
            let cat = outbox.catalogue().digest();
            self.commit((pending, cat), &mut |number, left, batch| outbox.remove(number, left, batch))?
        };
        self.make_durable(stating.head.seq)?;
        Ok(stating)
    }

    /// Gives what is pending under a catalogue version its place in the chain and takes it out of the outbox by `remove`, in one commit.
    pub(crate) fn commit(
        &self,
        (pending, cat): (Vec<Pending>, Digest),
        remove: &mut Remove<'_>,
    ) -> Result<Stating, StateFailed> {
        let mut head = self.head()?;
        let mut batch = Batch::new();
        let mut taken = 0;
        for Pending { number, content } in pending {
            let left = match self.sign(head, &content, cat)? {
                Ok(stated) => {
                    stated.put_into(&mut batch);
                    head = head.advance(stated.digest);
                    Left::Stated
                }
                Err(SetAside(reason)) => {
                    self.set_aside(&content, reason, &mut batch)?;
                    Left::SetAside
                }
            };
            remove(number, left, &mut batch)?;
            taken += 1;
            if batch.bytes() > COMMIT_BYTES {
                break;
            }
        }
        Memory::put_head(head, &mut batch);
        if taken > 0 {
            self.store.commit(batch)?;
        }
        Ok(Stating { head, taken })
    }

    /// At most `limit` statements from a number on, durable and thus ready to be sent, of at most `bytes` together
    /// (but always one).
    ///
    /// # Errors
    /// The store fails or is damaged.
    pub fn ready(&self, from: u64, limit: usize, bytes: usize) -> Result<Vec<Stated>, ChainFailed> {
        let mut statements = self.chain.statements(from, limit)?;
        let mut total = 0_usize;
        let fitting = statements.iter().take_while(|stated| {
            total = total.saturating_add(stated.submission().size());
            total <= bytes
        });
        let count = fitting.count().max(1);
        statements.truncate(count);
        if let Some(last) = statements.last() {
            self.make_durable(last.seq)?;
        }
        Ok(statements)
    }

    /// Signs again what is numbered beyond `after`, the hub's head, where the key that signed it was given up by a re-enrolment: nobody takes
    /// it any more. Claims, salts and numbers stay. Nothing is being numbered meanwhile, and none of them has a receipt.
    ///
    /// # Errors
    /// The store or the signing device fails; nothing has changed then.
    pub(crate) fn sign_again(&self, after: u64) -> Result<(), StateFailed> {
        let from = after.saturating_add(1);
        let Some(first) = self.chain.statement(from)? else { return Ok(()) };
        let parsed = Statement::parse(&first.jwt).or(Err(ChainFailed::damaged("a statement")))?;
        let is_given_up = self.own_keys.is_given_up(&parsed);
        let Some(prev) = self.digest(after)?.filter(|_| is_given_up) else { return Ok(()) };
        let (mut head, mut batch) = (Head { seq: after, digest: prev }, Batch::new());
        for stated in self.chain.statements(from, usize::MAX)? {
            let Statement { envelope, digests, claims, .. } =
                Statement::parse(&stated.jwt).or(Err(ChainFailed::damaged("a statement")))?;
            let draft = Draft { envelope: Envelope { prev: head.digest, ..envelope }, digests, claims };
            let jwt = draft.sign(Algorithm::default(), &*self.signer)?;
            let again = Stated::new(jwt, draft.envelope, stated.claims);
            again.put_into(&mut batch);
            head = head.advance(again.digest);
        }
        tracing::warn!(
            after,
            through = head.seq,
            "what a former key signed and the hub never took is signed again"
        );
        Memory::put_head(head, &mut batch);
        self.store.commit(batch)?;
        Ok(self.store.flush()?)
    }

    /// A statement that a power loss could take must not be seen by anybody: its number would be given again.
    pub(super) fn make_durable(&self, seq: u64) -> Result<(), StoreFailed> {
        if self.durable_through.load(Ordering::Acquire) < seq {
            self.store.flush()?;
            self.durable_through.fetch_max(seq, Ordering::AcqRel);
        }
        Ok(())
    }

    fn sign(
        &self,
        head: Head,
        content: &Content,
        cat: Digest,
    ) -> Result<Result<Stated, SetAside>, StateFailed> {
        let (statement, kind, rec, rev) = subject(content);
        let envelope = Envelope {
            iss: Issuer::Institution(self.institution),
            iat: self.clock.now_s(),
            seq: head.next_seq(),
            prev: head.digest,
            vct: Vct { statement, kind: kind.clone() },
            rec: Some(rec),
            rev: Some(rev),
            cat: Some(cat),
        };
        let (digests, claims) = match self.conceal(content)? {
            Ok(concealed) => concealed,
            Err(set_aside) => return Ok(Err(set_aside)),
        };
        let draft = Draft { envelope, digests, claims: Object::new() };
        let jwt = draft.sign(Algorithm::default(), &*self.signer)?;
        let stated = Stated::new(jwt, draft.envelope, claims);
        let size = stated.submission().size();
        let kept = stated.encode().len();
        if !stated.submission().fits() || kept > safeharbor_service::store::VALUE_BYTES_MAX {
            return Ok(Err(SetAside(format!("the statement is too large: {size} bytes, {kept} as kept"))));
        }
        Ok(Ok(stated))
    }

    /// Salts every claim afresh and pads with decoys; a withdrawal has neither claims nor digests.
    #[expect(clippy::type_complexity, reason = "two outcomes of different weight, used once")]
    fn conceal(
        &self,
        content: &Content,
    ) -> Result<Result<(Vec<Digest>, Vec<Claim>), SetAside>, RandomFailed> {
        let (claims, revealed, digests) = match content {
            Content::Disclosure { claims, revealed, digests, .. } => (claims, revealed, *digests),
            Content::Withdrawal { .. } => return Ok(Ok((Vec::new(), Vec::new()))),
        };
        let mut entropy = vec![[0_u8; 16]; digests];
        self.random.fill(entropy.as_flattened_mut())?;
        let pairs: Vec<_> = claims.iter().map(|(name, value)| (name.as_str(), value)).collect();
        let concealed = match conceal(pairs.into_iter(), &entropy) {
            Ok(concealed) => concealed,
            Err(failed) => return Ok(Err(SetAside(failed.to_string()))),
        };
        let salted = claims.iter().zip(concealed.disclosures);
        let claims = salted.map(|((name, _), disclosure)| Claim {
            name: name.clone(),
            disclosure: disclosure.encoded().to_owned(),
            revealed: revealed.contains(name),
        });
        Ok(Ok((concealed.digests, claims.collect())))
    }

    fn set_aside(&self, content: &Content, reason: String, batch: &mut Batch) -> Result<(), ChainFailed> {
        let (_, _, rec, rev) = subject(content);
        let alarm = Alarm::NotStated { rec: rec.to_string(), rev, reason };
        Alarms::new(Arc::clone(&self.store)).put(&alarm, self.clock.now_ms(), batch)
    }
}

fn subject(content: &Content) -> (StatementType, &KindId, RecordHandle, u32) {
    match content {
        Content::Disclosure { kind, rec, rev, .. } => (StatementType::Disclosure, kind, *rec, *rev),
        Content::Withdrawal { kind, rec, rev } => (StatementType::Withdrawal, kind, *rec, *rev),
    }
}
