//! Statements for the load, signed beforehand: 24 fields a record, 12 of them revealed.

use safeharbor_core::digest::Digest;
use safeharbor_core::institution::Issuer;
use safeharbor_core::json::Object;
use safeharbor_core::record::RecordHandle;
use safeharbor_core::sdjwt::{Algorithm, Disclosure, conceal};
use safeharbor_core::statement::{Draft, Envelope, statement_digest};
use safeharbor_proto::Submission;
use safeharbor_service::random::{Random, SystemRandom};
use serde_json::{Value, json};

use crate::member::Member;
use crate::programs::{StepFailed, step};

/// The fields that are revealed.
const REVEALED: [&str; 12] = [
    "achievement_no",
    "name",
    "reg_no",
    "secrecy",
    "attribute",
    "stage",
    "trl",
    "field",
    "industry",
    "discipline",
    "keywords",
    "public_since",
];

/// An achievement with 24 fields.
#[must_use]
pub fn record(number: u64) -> Value {
    json!({
        "achievement_no": format!("BENCH-{number:08}"), "name": format!("高温超导限流器关键技术及应用 {number}"),
        "reg_no": "9112024Y0123", "secrecy": "public", "attribute": "A1", "stage": "S1",
        "trl": number % 9 + 1, "field": "NE", "industry": "C3841", "discipline": "43040",
        "keywords": ["超导", "限流器"], "public_since": "2024-05-06", "type": "T3", "registered_at": "2024-06-01",
        "registering_unit": "某某省科技厅", "recommending_unit": "某某大学", "inventors": ["张三", "李四"],
        "research_start": "2020-01", "research_end": "2023-12", "form": "F99", "level": "L0",
        "funding": 123_456_700, "abstract": "面向配电网短路电流超标问题的限流装置。", "internal_registered_at": "2024-04-01"
    })
}

/// Signs the next `count` statements of a member's chain.
///
/// # Errors
/// Any step that fails, in words.
pub fn sign(
    member: &mut Member,
    first_record: u64,
    count: u64,
    (cat, digests): (Digest, usize),
) -> Result<Vec<Submission>, StepFailed> {
    let mut submissions = Vec::new();
    let mut entropy = vec![[0_u8; 16]; digests.saturating_add(1)];
    let vct = "urn:safeharbor:disclosure:ACH:1".parse().map_err(step("vct"))?;
    let mut envelope = Envelope {
        iss: Issuer::Institution(member.code),
        iat: 1_760_000_000,
        seq: 0,
        prev: member.head.digest,
        vct,
        rec: None,
        rev: Some(1),
        cat: Some(cat),
    };
    for number in (first_record..).take(usize::try_from(count).unwrap_or(usize::MAX)) {
        SystemRandom.fill(entropy.as_flattened_mut()).map_err(step("random bytes"))?;
        let (handle, salts) = entropy.split_first().ok_or_else(|| StepFailed("no entropy".to_owned()))?;
        let Value::Object(record) = record(number) else { return Err(StepFailed("record".to_owned())) };
        let claims: Vec<_> = record.iter().map(|(name, value)| (name.as_str(), value)).collect();
        let concealed = conceal(claims.into_iter(), salts).map_err(step("conceal"))?;
        envelope = Envelope {
            seq: member.head.next_seq(),
            prev: member.head.digest,
            rec: Some(RecordHandle::from_bytes(*handle)),
            ..envelope
        };
        let draft = Draft { envelope: envelope.clone(), digests: concealed.digests, claims: Object::new() };
        let jwt = draft.sign(Algorithm::default(), &member.signer).map_err(step("sign"))?;
        member.head = member.head.advance(statement_digest(&jwt));
        let is_revealed = |d: &&Disclosure| d.name().is_some_and(|name| REVEALED.contains(&name));
        let revealed = concealed.disclosures.iter().filter(is_revealed);
        submissions.push(Submission { jwt, disclosures: revealed.map(|d| d.encoded().to_owned()).collect() });
    }
    Ok(submissions)
}
