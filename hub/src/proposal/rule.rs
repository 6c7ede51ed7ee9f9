//! Who may be the second person: not the first, not in the first one's place, and with no recent hand in each other's account.

use safeharbor_service::clock::to_seconds;
use safeharbor_service::person::{Person, Persons, PersonsFailed, Role};

/// How long a hand in somebody's account counts.
pub const HAND_S: u64 = 7 * 24 * 3600;

/// Why somebody may not be the second person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RuleFailed {
    /// It is the person who proposed it.
    #[error("whoever proposed it cannot decide it; it takes a second person")]
    Same,
    /// One acts in the other's place.
    #[error("one of the two is the other's deputy, or both act for the same person, so they are one")]
    Deputy,
    /// One made the other's account, set its password or made it a deputy.
    #[error(
        "one of the two made the other's account, set its password or appointed it as deputy within the last 7 days"
    )]
    Hand,
}

impl RuleFailed {
    /// In Chinese.
    #[must_use]
    pub const fn text_zh(self) -> &'static str {
        match self {
            Self::Same => "提出人不能自己批准，须由第二人批准",
            Self::Deputy => "两人中一人是另一人的代理人，或两人代理同一人，视为一人",
            Self::Hand => "两人中一人在最近 7 天内建立过另一人的账号、设置过其密码或指定其为代理人",
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
    now_ms: u64,
) -> Result<Result<(), RuleFailed>, PersonsFailed> {
    if first.id == second.id {
        return Ok(Err(RuleFailed::Same));
    }
    // Whoever acts for the same person as the first is a deputy of that person, too.
    let one = first.authority() == second.id
        || persons.acts_for(second.id, first.id)?
        || persons.acts_for(second.id, first.authority())?;
    if one {
        return Ok(Err(RuleFailed::Deputy));
    }
    let since_s = to_seconds(now_ms).saturating_sub(HAND_S);
    if persons.had_a_hand(first.id, second, since_s)? || persons.had_a_hand(second.id, first, since_s)? {
        return Ok(Err(RuleFailed::Hand));
    }
    Ok(Ok(()))
}

/// Everybody who may decide, at the moment, what `first` proposed.
///
/// # Errors
/// The store.
pub fn who_may_decide(persons: &Persons, first: &Person, now_ms: u64) -> Result<Vec<Person>, PersonsFailed> {
    let mut found = Vec::new();
    for person in persons.list()? {
        let Some(second) = persons.in_role(&person, &[Role::Administrator])? else { continue };
        if may_decide(persons, first, &second, now_ms)?.is_ok() {
            found.push(second);
        }
    }
    Ok(found)
}
