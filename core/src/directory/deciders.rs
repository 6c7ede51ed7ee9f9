//! Which persons at the hub decided what a public statement announces, by their numbers: names stay in the hub's audit log.

use serde_json::Value;

use super::ReadAnnouncementFailed;
use crate::json::Object;

const CLAIM: &str = "decided_by";
/// No decision takes more persons.
const DECIDERS_MAX: usize = 8;

/// The numbers of the persons, ascending and each once; none where the hub acted by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deciders(Vec<u32>);

impl Deciders {
    /// The persons of these numbers.
    #[must_use]
    pub fn new(persons: impl IntoIterator<Item = u32>) -> Self {
        let mut numbers: Vec<u32> = persons.into_iter().collect();
        numbers.sort_unstable();
        numbers.dedup();
        Self(numbers)
    }

    /// Their numbers, ascending.
    #[must_use]
    pub fn numbers(&self) -> &[u32] {
        &self.0
    }

    /// Whether two different persons decided.
    #[must_use]
    pub const fn are_two(&self) -> bool {
        self.0.len() >= 2
    }

    pub(super) fn put_into(&self, claims: &mut Object) {
        if !self.0.is_empty() {
            claims.insert(CLAIM.to_owned(), self.0.as_slice().into());
        }
    }

    pub(super) fn read(claims: &Object) -> Result<Self, ReadAnnouncementFailed> {
        let Some(claim) = claims.get(CLAIM) else { return Ok(Self::default()) };
        let numbers = claim.as_array().filter(|list| (1..=DECIDERS_MAX).contains(&list.len()));
        let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
        let numbers: Option<Vec<u32>> = numbers.and_then(|list| list.iter().map(number).collect());
        let numbers = numbers.filter(|numbers| numbers.is_sorted_by(|a, b| a < b));
        numbers.map(Self).ok_or(ReadAnnouncementFailed(CLAIM))
    }
}
