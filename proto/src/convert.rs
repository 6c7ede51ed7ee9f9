//! Conversions at the door: a domain value that comes out of here cannot be malformed.

use safeharbor_core::chain::Head;
use safeharbor_core::code::Code;
use safeharbor_core::digest::Digest;
use safeharbor_core::directory::Standing;
use safeharbor_core::statement::{STATEMENT_BYTES_MAX, SUBMISSION_BYTES_MAX};

use crate::{BATCH_STATEMENTS_MAX, v1};

/// How long either side waits for the other's first message, in seconds.
pub const HEAD_OF_STREAM_TIMEOUT_S: u64 = 20;
/// The most public statements in one situation; the hub sends the last ones.
pub const PUBLIC_STATEMENTS_MAX: usize = 256;

/// A message that is malformed; names the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConvertFailed {
    /// A field is malformed.
    #[error("the field {0} is malformed")]
    Field(&'static str),
    /// A batch holds more statements than allowed.
    #[error("a batch holds at most {BATCH_STATEMENTS_MAX} statements, this one holds {0}")]
    BatchTooLong(usize),
}

/// One statement with the disclosures revealed beside it; sizes are within the limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The issuer-signed JWT.
    pub jwt: String,
    /// The revealed disclosures as sent.
    pub disclosures: Vec<String>,
}

impl Submission {
    /// The bytes of the JWT and its disclosures together.
    #[must_use]
    pub fn size(&self) -> usize {
        self.disclosures.iter().map(|d| d.len().saturating_add(1)).fold(self.jwt.len(), usize::saturating_add)
    }

    /// Whether the sizes are within the limits of the wire format.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.jwt.len() <= STATEMENT_BYTES_MAX && self.size() <= SUBMISSION_BYTES_MAX
    }
}

/// A statement the hub did not log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The number the statement has.
    pub seq: u64,
    /// Its digest.
    pub digest: Digest,
    /// Why.
    pub code: Code,
    /// Why, in English.
    pub text: String,
    /// The number the hub expects next.
    pub expected_seq: u64,
}

/// Receipts as they arrive at a node, well-formed but not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedReceipts {
    /// The signed note.
    pub checkpoint: String,
    /// The consistency proof from the checkpoint before.
    pub consistency: Vec<Digest>,
    /// (seq, log index, inclusion proof), in chain order.
    pub receipts: Vec<(u64, u64, Vec<Digest>)>,
}

/// A task as it arrives at a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskMessage {
    /// Names the task.
    pub id: String,
    /// What is to be done.
    pub kind: String,
    /// When it is due, in milliseconds since 1970 UTC.
    pub due_ms: Option<u64>,
    /// A JSON object as text.
    pub payload: Vec<u8>,
}

impl From<v1::Task> for TaskMessage {
    fn from(task: v1::Task) -> Self {
        let v1::Task { id, r#type, due_ms, payload } = task;
        Self { id, kind: r#type, due_ms: (due_ms > 0).then_some(due_ms), payload }
    }
}

impl From<TaskMessage> for v1::Task {
    fn from(task: TaskMessage) -> Self {
        let TaskMessage { id, kind, due_ms, payload } = task;
        Self { id, r#type: kind, due_ms: due_ms.unwrap_or(0), payload }
    }
}

/// How an institution stands with the hub, well-formed; its statements are not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situation {
    /// Whether its statements are taken.
    pub standing: Standing,
    /// Whether the six words of its statement key were confirmed.
    pub confirmed: bool,
    /// The catalogue version the hub published last.
    pub catalogue: Digest,
    /// SHA-256 of the authorities' certificates (PEM).
    pub authorities: Digest,
    /// (log index, JWT) of the hub's public statements about it since the last message, in log order.
    pub statements: Vec<(u64, String)>,
    /// The hub's clock, in milliseconds since 1970 UTC.
    pub now_ms: u64,
}

fn digest(bytes: &[u8], field: &'static str) -> Result<Digest, ConvertFailed> {
    Digest::try_from(bytes).or(Err(ConvertFailed::Field(field)))
}

/// Writes the head of a chain.
#[must_use]
pub fn head_to_wire(head: Head, log_index: Option<u64>) -> v1::ChainHead {
    v1::ChainHead { seq: head.seq, digest: head.digest.as_bytes().to_vec(), log_index }
}

/// Reads the head of a chain.
///
/// # Errors
/// A digest that is none.
pub fn head_from_wire(wire: &v1::ChainHead) -> Result<(Head, Option<u64>), ConvertFailed> {
    Ok((Head { seq: wire.seq, digest: digest(&wire.digest, "head.digest")? }, wire.log_index))
}

/// Writes a batch of statements.
#[must_use]
pub fn submit_to_wire(batch: Vec<Submission>) -> v1::Submit {
    let to_wire = |Submission { jwt, disclosures }| v1::Submission { jwt, disclosures };
    v1::Submit { submissions: batch.into_iter().map(to_wire).collect() }
}

/// Reads a batch of statements; a statement over the size limits is kept for the caller to refuse by number.
///
/// # Errors
/// More statements than a batch may hold.
pub fn submit_from_wire(wire: v1::Submit) -> Result<Vec<Submission>, ConvertFailed> {
    let count = wire.submissions.len();
    if count > BATCH_STATEMENTS_MAX {
        return Err(ConvertFailed::BatchTooLong(count));
    }
    let from_wire = |v1::Submission { jwt, disclosures }| Submission { jwt, disclosures };
    Ok(wire.submissions.into_iter().map(from_wire).collect())
}

/// Writes a refusal.
#[must_use]
pub fn refused_to_wire(refused: Refused) -> v1::Refusal {
    let Refused { seq, digest, code, text, expected_seq } = refused;
    v1::Refusal { seq, digest: digest.as_bytes().to_vec(), code: code.to_string(), text, expected_seq }
}

/// Reads a refusal.
///
/// # Errors
/// A digest that is none, a code that is not on the list.
pub fn refused_from_wire(wire: v1::Refusal) -> Result<Refused, ConvertFailed> {
    let v1::Refusal { seq, digest: bytes, code, text, expected_seq } = wire;
    let code = code.parse().or(Err(ConvertFailed::Field("refusal.code")))?;
    Ok(Refused { seq, digest: digest(&bytes, "refusal.digest")?, code, text, expected_seq })
}

/// Reads receipts.
///
/// # Errors
/// A hash that is none, more receipts than a batch may hold.
pub fn receipts_from_wire(wire: v1::Receipts) -> Result<ReceivedReceipts, ConvertFailed> {
    if wire.receipts.len() > BATCH_STATEMENTS_MAX {
        return Err(ConvertFailed::BatchTooLong(wire.receipts.len()));
    }
    let consistency = wire.consistency.iter().map(|hash| digest(hash, "receipts.consistency"));
    let receipt = |receipt: v1::Receipt| {
        if receipt.proof.len() > 63 * 32 {
            return Err(ConvertFailed::Field("receipt.proof"));
        }
        let proof = receipt.proof.chunks(32).map(|hash| digest(hash, "receipt.proof"));
        Ok((receipt.seq, receipt.index, proof.collect::<Result<Vec<_>, _>>()?))
    };
    Ok(ReceivedReceipts {
        consistency: consistency.collect::<Result<_, _>>()?,
        receipts: wire.receipts.into_iter().map(receipt).collect::<Result<_, _>>()?,
        checkpoint: wire.checkpoint,
    })
}

/// Writes a situation.
#[must_use]
pub fn situation_to_wire(situation: Situation) -> v1::Situation {
    let Situation { standing, confirmed, catalogue, authorities, statements, now_ms } = situation;
    let public = |(index, jwt)| v1::PublicStatement { index, jwt };
    v1::Situation {
        standing: standing.as_str().to_owned(),
        confirmed,
        catalogue: catalogue.as_bytes().to_vec(),
        authorities: authorities.as_bytes().to_vec(),
        statements: statements.into_iter().map(public).collect(),
        now_ms,
    }
}

/// Reads a situation.
///
/// # Errors
/// A standing or digest that is none, statements out of order, too large or too many.
pub fn situation_from_wire(wire: v1::Situation) -> Result<Situation, ConvertFailed> {
    let v1::Situation { standing, confirmed, catalogue, authorities, statements, now_ms } = wire;
    let standings = [Standing::Active, Standing::Suspended, Standing::Revoked];
    let standing = standings.into_iter().find(|known| known.as_str() == standing);
    let are_sound = statements.len() <= PUBLIC_STATEMENTS_MAX
        && statements.is_sorted_by(|before, after| before.index < after.index)
        && statements.iter().all(|statement| statement.jwt.len() <= STATEMENT_BYTES_MAX);
    if !are_sound {
        return Err(ConvertFailed::Field("situation.statements"));
    }
    Ok(Situation {
        standing: standing.ok_or(ConvertFailed::Field("situation.standing"))?,
        confirmed,
        catalogue: digest(&catalogue, "situation.catalogue")?,
        authorities: digest(&authorities, "situation.authorities")?,
        statements: statements.into_iter().map(|statement| (statement.index, statement.jwt)).collect(),
        now_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn situation() -> Situation {
        Situation {
            standing: Standing::Suspended,
            confirmed: true,
            catalogue: Digest::of(b"catalogue"),
            authorities: Digest::of(b"authorities"),
            statements: vec![(3, "a".to_owned()), (7, "b".to_owned())],
            now_ms: 5,
        }
    }

    #[test]
    fn a_situation_round_trips_and_a_malformed_one_names_its_field() {
        assert_eq!(situation_from_wire(situation_to_wire(situation())), Ok(situation()));
        let check = |change: fn(&mut v1::Situation), field| {
            let mut wire = situation_to_wire(situation());
            change(&mut wire);
            assert_eq!(situation_from_wire(wire), Err(ConvertFailed::Field(field)));
        };
        check(|wire| wire.standing = "Active".to_owned(), "situation.standing");
        check(|wire| wire.standing = String::new(), "situation.standing");
        check(|wire| wire.catalogue = vec![1; 31], "situation.catalogue");
        check(|wire| wire.authorities.clear(), "situation.authorities");
        check(|wire| wire.statements.reverse(), "situation.statements");
        check(|wire| wire.statements[1].index = 3, "situation.statements");
        check(|wire| wire.statements[0].jwt = "x".repeat(STATEMENT_BYTES_MAX + 1), "situation.statements");
        check(
            |wire| wire.statements = vec![v1::PublicStatement::default(); PUBLIC_STATEMENTS_MAX + 1],
            "situation.statements",
        );
    }

    #[test]
    fn heads_and_refusals_round_trip() {
        let head = Head { seq: 3, digest: Digest::of(b"3") };
        assert_eq!(head_from_wire(&head_to_wire(head, Some(9))), Ok((head, Some(9))));
        let refused = Refused {
            seq: 4,
            digest: Digest::of(b"4"),
            code: Code::SequenceGap,
            text: "text".to_owned(),
            expected_seq: 2,
        };
        assert_eq!(refused_from_wire(refused_to_wire(refused.clone())), Ok(refused));
    }

    #[test]
    fn malformed_messages_name_their_field() {
        let head = v1::ChainHead { seq: 1, digest: vec![1; 31], log_index: None };
        assert_eq!(head_from_wire(&head), Err(ConvertFailed::Field("head.digest")));
        let receipt = v1::Receipt { seq: 1, index: 0, proof: vec![0; 33] };
        let wire = v1::Receipts { receipts: vec![receipt], ..v1::Receipts::default() };
        assert_eq!(receipts_from_wire(wire), Err(ConvertFailed::Field("receipt.proof")));
        let long = v1::Submit { submissions: vec![v1::Submission::default(); BATCH_STATEMENTS_MAX + 1] };
        assert_eq!(submit_from_wire(long), Err(ConvertFailed::BatchTooLong(BATCH_STATEMENTS_MAX + 1)));
    }
}
