//! Replaying the journal: the same frames give the same ledger.

use safeharbor_core::chain::Head;
use safeharbor_core::directory::ApplyFailed;
use safeharbor_core::entry::Entry;
use safeharbor_core::institution::Issuer;
use safeharbor_core::sdjwt::Disclosure;
use safeharbor_core::statement::{ParseStatementFailed, Statement, StatementType, open};

use crate::journal::{Position, SealFailed, Stored, unseal};
use crate::ledger::{Dimensions, Effect, Ledger, Logged};
use crate::tasks::Task;

/// What one frame yields besides the changed ledger.
#[derive(Debug)]
pub struct Replayed {
    /// Its log index.
    pub index: u64,
    /// The registry entry's bytes.
    pub entry: Vec<u8>,
    /// Where values are that it erases.
    pub erased: Vec<Position>,
    /// The task it makes.
    pub task: Option<Task>,
}

/// A sound frame that does not mean what it should.
#[derive(Debug, thiserror::Error)]
#[error("entry {index} of the journal is refused")]
pub struct ReplayFailed {
    /// Its log index.
    pub index: u64,
    /// Why.
    #[source]
    pub source: ReplayFault,
}

/// Why a frame is refused.
#[derive(Debug, thiserror::Error)]
pub enum ReplayFault {
    /// The statement is malformed.
    #[error("its statement is malformed")]
    Statement(#[from] ParseStatementFailed),
    /// The hub's own statement does not fit the directory.
    #[error("the directory refuses its statement")]
    Directory(#[from] ApplyFailed),
    /// The disclosures do not open under the frame's key.
    #[error("its disclosures cannot be opened")]
    Seal(#[from] SealFailed),
}

/// Takes one frame into the ledger.
///
/// # Errors
/// The frame is not one that this hub wrote.
pub fn replay(ledger: &mut Ledger, stored: &Stored) -> Result<Replayed, ReplayFailed> {
    let index = stored.frame.index;
    try_replay(ledger, stored).map_err(|source| ReplayFailed { index, source })
}

fn try_replay(ledger: &mut Ledger, stored: &Stored) -> Result<Replayed, ReplayFault> {
    let frame = &stored.frame;
    let statement = Statement::parse(&frame.jwt)?;
    let entry = Entry::of(&statement).encode();
    let index = frame.index;
    let Issuer::Institution(code) = statement.envelope.iss else {
        ledger.announce(&statement, stored.position, frame.logged_ms)?;
        return Ok(Replayed { index, entry, erased: Vec::new(), task: None });
    };
    let head = Head { seq: statement.envelope.seq, digest: statement.digest };
    let effect = match frame.refused {
        Some(refused) => Effect::Refused(refused),
        None if statement.envelope.vct.statement == StatementType::Withdrawal => Effect::Withdrawn,
        None => Effect::Disclosed(read_dimensions(&statement, stored)?),
    };
    let logged = Logged {
        code,
        index,
        position: stored.position,
        logged_ms: frame.logged_ms,
        head,
        kind: statement.envelope.vct.kind.clone(),
        record: statement.envelope.rec.zip(statement.envelope.rev),
        reveals: !frame.sealed.is_empty(),
        effect,
    };
    let task = frame.refused.map(|refused| {
        Task::content_refused(code, head.seq, head.digest, refused, "see the page of this code")
    });
    let erased = ledger.apply(&logged);
    Ok(Replayed { index, entry, erased, task })
}

/// Erased values count as not revealed; the withdrawal that erased them follows in the journal.
fn read_dimensions(statement: &Statement<'_>, stored: &Stored) -> Result<Dimensions, ReplayFault> {
    let revealed = unseal(&stored.frame)?.unwrap_or_default();
    let opened: Vec<Disclosure> =
        open(&statement.digests, revealed.iter().map(String::as_str)).unwrap_or_default();
    let claims: Vec<_> = opened.iter().filter_map(|d| d.name().map(|name| (name, d.value()))).collect();
    Ok(Dimensions::read(&claims))
}
