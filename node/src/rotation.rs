//! Rotating the statement key (更换声明密钥): the key in force signs for the next one, behind the last statement that it signed.
//!
//! Numbering pauses, what is numbered is acknowledged, the next key is kept, and only then is the hub asked. While the next key lies
//! in its file, the hub may have ended the one at hand, so nothing is numbered, also by a process that starts then: whoever asks again with
//! the same key gets the hub's same answer. The name of the next key's file is given up by the rename that puts it in force.

mod asking;
mod failure;
mod keeping;

use std::sync::Arc;
use std::time::Duration;

use safeharbor_core::key::{MemorySigner, PublicKey, Signer as _};
use safeharbor_service::key_file::{self, KeyUse};
use safeharbor_service::secret_file;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::chain::Chain;
use crate::context::Context;
use crate::enrolment::{AnswerFailed, connect};
use crate::layout::Layout;
use crate::membership::Membership;
use crate::own_keys::OwnKeys;

pub use failure::RotateFailed;
pub use keeping::keep;

/// How long statements that are numbered may take to be acknowledged.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(60);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// What came of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotated {
    /// The key in force.
    pub key: PublicKey,
    /// The key before.
    pub before: PublicKey,
    /// The log index of the entry by which one begins and the other ends.
    pub index: u64,
}

/// Whether a rotation was begun and its end is not known here.
#[must_use]
pub fn is_under_way(layout: &Layout) -> bool {
    layout.next_statement_key().exists()
}

/// Rotates the statement key, or finishes what was begun.
///
/// # Errors
/// Any of [`RotateFailed`], which says whether the rotation is under way or nothing has changed.
pub async fn rotate(context: &Context) -> Result<Rotated, RotateFailed> {
    let _papers = context.papers.lock().await;
    go(context).await
}

/// Finishes a rotation that was begun; none if there is none.
///
/// # Errors
/// As [`rotate`].
pub(super) async fn finish(context: &Context) -> Result<Option<Rotated>, RotateFailed> {
    let _papers = context.papers.lock().await;
    if is_under_way(&context.layout) { go(context).await.map(Some) } else { Ok(None) }
}

/// The outbox stays paused exactly as long as the next key is kept.
async fn go(context: &Context) -> Result<Rotated, RotateFailed> {
    context.outbox.pause();
    let outcome = step(context).await;
    if !is_under_way(&context.layout) {
        context.outbox.resume();
    }
    outcome
}

async fn step(context: &Context) -> Result<Rotated, RotateFailed> {
    let layout = &context.layout;
    let kept = Membership::load(layout)?.ok_or(RotateFailed::NoMember)?;
    let last_seq = drain(context).await?;
    // Before there is a next key: a hub that cannot be reached changes nothing.
    let client = connect(layout, &kept).await?;
    let next = next_key(context)?;
    match asking::ask(context, client, (&next, last_seq)).await {
        Ok(answer) => take_into_use(context, kept, answer, next),
        Err(RotateFailed::Answer(refused @ AnswerFailed::Refused { .. })) => {
            let AnswerFailed::Refused { code, .. } = &refused else { return Err(refused.into()) };
            if failure::is_final(*code) {
                // Had the hub begun the next key, it would have said yes.
                secret_file::wipe(&layout.next_statement_key())?;
            }
            Err(refused.into())
        }
        Err(failed) => Err(failed),
    }
}

/// Waits until the hub has everything that is numbered; the number of the last statement.
async fn drain(context: &Context) -> Result<u64, RotateFailed> {
    let (memory, until) = (Chain::new(Arc::clone(&context.store)).memory(), Instant::now() + DRAIN_TIMEOUT);
    loop {
        let stated = memory.head()?.map_or(0, |head| head.seq);
        let acknowledged = memory.acknowledged()?.map_or(0, |head| head.seq);
        if acknowledged >= stated {
            return Ok(stated);
        }
        if Instant::now() >= until {
            return Err(RotateFailed::Undrained { waiting: stated.saturating_sub(acknowledged) });
        }
        sleep(LOOK).await;
    }
}

/// Kept before anybody is asked about it, and the same one whenever it is asked for again.
fn next_key(context: &Context) -> Result<MemorySigner, RotateFailed> {
    let path = context.layout.next_statement_key();
    let next = if path.exists() {
        key_file::load(&path, KeyUse::Statement)?
    } else {
        key_file::create(&path, KeyUse::Statement, &*context.random)?
    };
    OwnKeys::remember(&*context.store, &[next.public_key()])?;
    Ok(next)
}

/// The hub has ended the key before: its statements say so, signed.
fn take_into_use(
    context: &Context,
    kept: Membership,
    answer: safeharbor_proto::v1::Membership,
    next: MemorySigner,
) -> Result<Rotated, RotateFailed> {
    let (layout, key, before) = (&context.layout, next.public_key(), context.signer.public_key());
    let membership = kept.with_statements_of(answer, &key)?;
    let began = membership.keys()?.into_iter().find(|term| term.key == key).map_or(0, |term| term.from);
    membership.store(layout)?;
    {
        // Nothing is signed between the two.
        let _held = context.outbox.hold();
        secret_file::take_place(&layout.next_statement_key(), &layout.statement_key())?;
        context.signer.replace(Arc::new(next));
    }
    let detail = json!({ "key": key.thumbprint(), "before": before.thumbprint(), "index": began });
    context.audit.append(None, "statement key rotated", context.institution.as_str(), detail)?;
    Ok(Rotated { key, before, index: began })
}
