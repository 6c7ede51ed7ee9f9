//! Deputies: who may do what somebody else's role may, from one day to another.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Hand, PersonId};

/// Days that one appointment lasts at most: a deputy for good is a person with that role.
pub const DEPUTY_DAYS_MAX: i32 = 366;

/// One appointment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deputyship {
    /// Its number; never given twice.
    pub number: u32,
    /// For whom.
    pub principal: PersonId,
    /// Who acts.
    pub deputy: PersonId,
    /// The first day, in the district's calendar (UTC+8).
    #[serde(with = "day")]
    pub from: Date,
    /// The last day.
    #[serde(with = "day")]
    pub until: Date,
    /// Who appointed them, and when.
    pub appointed: Hand,
}

impl Deputyship {
    /// Whether the deputy may act on `day`.
    #[must_use]
    pub fn covers(&self, day: Date) -> bool {
        self.from <= day && day <= self.until
    }
}

/// An appointment is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppointFailed {
    /// Both are the same person.
    #[error("nobody is a deputy for themself")]
    Oneself,
    /// The days are none, past, or too many.
    #[error(
        "a deputy acts from one day to a later or the same one, not before today, for {DEPUTY_DAYS_MAX} days at most"
    )]
    Days,
    /// The principal is a deputy's principal already, in these days, with the same deputy.
    #[error("there is such an appointment in these days already: number {0}")]
    Twice(u32),
}

mod day {
    use jiff::civil::Date;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(day: &Date, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(day)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_parse| serde::de::Error::custom("not a day"))
    }
}
