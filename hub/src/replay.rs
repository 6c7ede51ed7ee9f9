//! Replaying the journal: the same frames give the same ledger.

use safeharbor_core::chain::Head;
use safeharbor_core::directory::ApplyFailed;
use safeharbor_core::entry::Entry;
use safeharbor_core::institution::Issuer;
use safeharbor_core::sdjwt::Disclosure;
use safeharbor_core::statement::{ParseStatementFailed, Statement, StatementType, open};

use crate::journal::{Position, Stored, unseal};
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
        None => Effect::Disclosed(read_dimensions(&statement, stored)),
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
fn read_dimensions(statement: &Statement<'_>, stored: &Stored) -> Dimensions {
    // A key slot that a crash left half erased opens nothing; the withdrawal that follows erases it again.
    let revealed = match unseal(&stored.frame) {
        Ok(revealed) => revealed.unwrap_or_default(),
        Err(refused) => {
            tracing::error!(index = stored.frame.index, error = %refused, "its values count as not revealed");
            Vec::new()
        }
    };
    let opened: Vec<Disclosure> =
        open(&statement.digests, revealed.iter().map(String::as_str)).unwrap_or_default();
    let claims: Vec<_> = opened.iter().filter_map(|d| d.name().map(|name| (name, d.value()))).collect();
    Dimensions::read(&claims)
}

#[cfg(test)]
mod tests {
    use safeharbor_core::digest::Digest;
    use safeharbor_core::json::Object;
    use safeharbor_core::key::MemorySigner;
    use safeharbor_core::record::RecordHandle;
    use safeharbor_core::sdjwt::{Algorithm, conceal};
    use safeharbor_core::statement::{Draft, Envelope};
    use serde_json::Value;

    use super::*;
    use crate::journal::{Frame, FrameKey, seal};

    /// A disclosure's frame, and its disclosure sealed under `sealed_with` while the slot holds `key`.
    fn stored(sealed_with: [u8; 32], key: [u8; 32]) -> Stored {
        let stage = Value::from("S1");
        let concealed = conceal([("stage", &stage)].into_iter(), &[[1; 16], [2; 16]]).unwrap();
        let envelope = Envelope {
            iss: "urn:uscc:12100000400002259P".parse().unwrap(),
            iat: 1,
            seq: 1,
            prev: Digest::of(b"admitted"),
            vct: "urn:safeharbor:disclosure:ACH:1".parse().unwrap(),
            rec: Some(RecordHandle::from_bytes([3; 16])),
            rev: Some(1),
            cat: Some(Digest::of(b"cat")),
        };
        let draft = Draft { envelope, digests: concealed.digests, claims: Object::new() };
        let signer = MemorySigner::from_seed(&[7; 32].into());
        let jwt = draft.sign(Algorithm::default(), &signer).unwrap();
        let revealed: Vec<_> = concealed.disclosures.iter().map(|d| d.encoded().to_owned()).collect();
        let sealed = seal(&revealed, &FrameKey::from_bytes(sealed_with)).unwrap();
        let key = FrameKey::from_bytes(key);
        let frame = Frame { index: 0, logged_ms: 1, refused: None, jwt, key, sealed };
        Stored { position: Position { segment: 0, offset: 8 }, frame }
    }

    fn stages(key: [u8; 32]) -> Vec<Option<String>> {
        let mut ledger = Ledger::new("https://hub".parse().unwrap(), "hub/registry");
        replay(&mut ledger, &stored([9; 32], key)).unwrap();
        ledger.board().cells().map(|(cell, _)| cell.dimensions.stage.clone()).collect()
    }

    #[test]
    fn a_frame_counts_by_what_its_key_still_opens() {
        assert_eq!(stages([9; 32]), [Some("S1".to_owned())]);
        assert_eq!(stages([0; 32]), [None], "erased");
    }

    #[test]
    fn a_key_slot_that_a_crash_left_half_erased_does_not_stop_the_replay() {
        for erased in 1..32 {
            let mut key = [9; 32];
            key[..erased].fill(0);
            assert_eq!(stages(key), [None], "{erased} bytes were erased");
        }
    }
}
