//! Refused attempts to show who one is, counted so that the audit log grows by few lines however many there are.
//!
//! The first attempt about an account within an hour is noted at once, the others are counted and noted as one line: when
//! the hour is over and another comes, when somebody is let in by password, or when the log is read. A name that nobody
//! has is never kept: it may be a password typed into the wrong field. Counts not yet noted are lost in a crash.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Door, PersonId};
use crate::clock::to_rfc3339;

/// How long attempts are counted together.
const WINDOW_MS: u64 = 3600 * 1000;

/// What an attempt was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    /// An account.
    Account(PersonId),
    /// A name that nobody has.
    UnknownName,
    /// The one-time code of a founding administrator.
    Code,
}

/// The attempts that are counted; at most two for each account, and four more.
#[derive(Debug, Default)]
pub(super) struct Refusals(BTreeMap<(About, bool), Counted>);

#[derive(Debug)]
struct Counted {
    begun_ms: u64,
    /// What was asked for, the first time.
    action: String,
    why: String,
    unsaid: u64,
}

/// A line to be noted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) about: About,
    pub(super) action: String,
    pub(super) detail: Value,
}

impl Refusals {
    /// Counts an attempt; what is to be noted of it and of earlier ones.
    pub(super) fn count(
        &mut self,
        (about, door): (About, Door),
        (action, why): (&str, String),
        now_ms: u64,
    ) -> Vec<Line> {
        let key = (about, door != Door::Shell);
        if let Some(counted) = self.0.get_mut(&key).filter(|counted| counted.lasts(now_ms)) {
            counted.unsaid = counted.unsaid.saturating_add(1);
            return Vec::new();
        }
        let mut lines = Vec::new();
        if let Some(mut before) = self.0.remove(&key) {
            lines.extend(before.say(about, key.1));
        }
        let from = match door {
            Door::Page(from) => from.map(|from| from.to_string()),
            Door::Shell => None,
        };
        let detail = json!({ "at": place(key.1), "from": from, "why": why });
        lines.push(Line { about, action: action.to_owned(), detail });
        self.0.insert(key, Counted { begun_ms: now_ms, action: action.to_owned(), why, unsaid: 0 });
        lines
    }

    /// What was counted and is not noted yet; it counts as noted from now on.
    pub(super) fn unsaid(&mut self) -> Vec<Line> {
        let each = self.0.iter_mut();
        each.filter_map(|((about, page), counted)| counted.say(*about, *page)).collect()
    }
}

impl Counted {
    /// A clock set back begins another hour.
    const fn lasts(&self, now_ms: u64) -> bool {
        self.begun_ms <= now_ms && now_ms.saturating_sub(self.begun_ms) < WINDOW_MS
    }

    fn say(&mut self, about: About, page: bool) -> Option<Line> {
        let times = std::mem::take(&mut self.unsaid);
        let since = to_rfc3339(self.begun_ms);
        let detail = json!({ "at": place(page), "again": times, "since": since, "first": self.why });
        (times > 0).then(|| Line { about, action: self.action.clone(), detail })
    }
}

const fn place(page: bool) -> &'static str {
    if page { "page" } else { "shell" }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: Door = Door::Page(None);

    fn count(refusals: &mut Refusals, about: About, now_ms: u64) -> Vec<Value> {
        let lines = refusals.count((about, PAGE), ("log in", "wrong".to_owned()), now_ms);
        lines.into_iter().map(|line| line.detail["again"].clone()).collect()
    }

    #[test]
    fn a_million_attempts_within_an_hour_are_two_lines() {
        let (mut refusals, about) = (Refusals::default(), About::UnknownName);
        assert_eq!(count(&mut refusals, about, 0), [Value::Null]);
        for n in 1..=1_000_000 {
            assert_eq!(count(&mut refusals, about, n), [] as [Value; 0]);
        }
        assert_eq!(count(&mut refusals, about, WINDOW_MS), [json!(1_000_000), Value::Null]);
        assert_eq!(refusals.unsaid(), [], "all is noted");
        assert_eq!(count(&mut refusals, about, WINDOW_MS + 1), [] as [Value; 0]);
        assert_eq!(refusals.unsaid().len(), 1);
        assert_eq!(refusals.unsaid(), []);
    }

    #[test]
    fn each_account_and_each_door_counts_for_itself() {
        let mut refusals = Refusals::default();
        for about in
            [About::Account(PersonId(1)), About::Account(PersonId(2)), About::UnknownName, About::Code]
        {
            assert_eq!(count(&mut refusals, about, 5).len(), 1);
            let shell = refusals.count((about, Door::Shell), ("approve", "wrong".to_owned()), 5);
            assert_eq!(shell.len(), 1);
        }
        assert_eq!(count(&mut refusals, About::UnknownName, 4), [Value::Null], "a clock set back");
    }
}
