//! Who may be the second person: not the first, not in the first one's place, and not in the same hand.

use safeharbor_service::person::{Person, Persons, PersonsFailed, Role};
use safeharbor_service::speech::district_moment;

/// Why somebody may not be the second person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleFailed {
    /// It is the person who proposed it.
    #[error("whoever proposed it cannot decide it; it takes a second person")]
    Same,
    /// The account of whoever proposed it was closed.
    #[error("the account of whoever proposed it was closed; propose it again")]
    Closed,
    /// One acts in the other's place.
    #[error("one of the two is the other's deputy, or both act for the same person, so they are one")]
    Deputy,
    /// One made the other's account, set its password or made it a deputy, also through somebody else.
    #[error(
        "one of the two made the other's account, set its password or appointed it as deputy within the last 7 days; they may decide together from {} on", district_moment(*.until_ms)
    )]
    Hand {
        /// Until when that counts, in Unix milliseconds.
        until_ms: u64,
    },
    /// Somebody else did so to both.
    #[error(
        "{name} made or changed the accounts of both within the last 7 days; they may decide together from {} on", district_moment(*.until_ms)
    )]
    Third {
        /// Who.
        name: String,
        /// Until when that counts, in Unix milliseconds.
        until_ms: u64,
    },
}

impl RuleFailed {
    /// In Chinese.
    #[must_use]
    pub fn text_zh(&self) -> String {
        match self {
            Self::Same => "提出人不能自己批准，须由第二人批准".to_owned(),
            Self::Closed => "提出人的账号已停用，请重新提出".to_owned(),
            Self::Deputy => "两人中一人是另一人的代理人，或两人代理同一人，视为一人".to_owned(),
            Self::Hand { until_ms } => format!(
                "两人中一人在最近 7 天内建立过另一人的账号、设置过其密码或指定其为代理人；{} 起两人可共同决定",
                district_moment(*until_ms)
            ),
            Self::Third { name, until_ms } => {
                format!(
                    "{name} 在最近 7 天内建立或更改过两人的账号；{} 起两人可共同决定",
                    district_moment(*until_ms)
                )
            }
        }
    }
}

/// Whether `second` may decide what `first` proposed.
///
/// # Errors
/// The store; inside, why not.
pub fn may_decide(
    persons: &Persons,
    first: &Person,
    second: &Person,
) -> Result<Result<(), RuleFailed>, PersonsFailed> {
    if first.id == second.id {
        return Ok(Err(RuleFailed::Same));
    }
    if persons.active(first.id)?.is_none() {
        return Ok(Err(RuleFailed::Closed));
    }
    if is_in_place_of(persons, first, second)? || is_in_place_of(persons, second, first)? {
        return Ok(Err(RuleFailed::Deputy));
    }
    let Some(hand) = persons.common_hand(first.id, second.id)? else { return Ok(Ok(())) };
    let until_ms = hand.until_s.saturating_mul(1000);
    if [first.id, second.id].contains(&hand.of) {
        return Ok(Err(RuleFailed::Hand { until_ms }));
    }
    let name = persons.name_of(hand.of)?.unwrap_or_else(|| hand.of.to_string());
    Ok(Err(RuleFailed::Third { name, until_ms }))
}

/// Whether `one` acts, or may act today, for `other` or for whomever `other` acts for; an administrator in their own name, too.
fn is_in_place_of(persons: &Persons, one: &Person, other: &Person) -> Result<bool, PersonsFailed> {
    Ok(one.authority() == other.id
        || persons.acts_for(one.id, other.id)?
        || persons.acts_for(one.id, other.authority())?)
}

/// An administrator, and whether they may decide something.
#[derive(Debug)]
pub struct Seat {
    /// As whom they would.
    pub person: Person,
    /// Why they may not.
    pub refused: Option<RuleFailed>,
}

/// Everybody in the role, and whether they may decide, at the moment, what `first` proposed.
///
/// # Errors
/// The store.
pub fn seats(persons: &Persons, first: &Person) -> Result<Vec<Seat>, PersonsFailed> {
    let mut found = Vec::new();
    for person in persons.list()? {
        let Some(person) = persons.in_role(&person, &[Role::Administrator])? else { continue };
        let refused = may_decide(persons, first, &person)?.err();
        found.push(Seat { person, refused });
    }
    Ok(found)
}

/// Everybody who may decide, at the moment, what `first` proposed.
///
/// # Errors
/// The store.
pub fn who_may_decide(persons: &Persons, first: &Person) -> Result<Vec<Person>, PersonsFailed> {
    let seats = seats(persons, first)?.into_iter();
    Ok(seats.filter(|seat| seat.refused.is_none()).map(|seat| seat.person).collect())
}
