//! Which entries of the audit log somebody wants, and who an entry names.

use std::collections::VecDeque;

use jiff::Timestamp;
use jiff::civil::Date;

use super::Entry;
use crate::person::PersonId;
use crate::speech::Language;

/// Which entries are wanted; all, unless it says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// From this day on, in the district's calendar (UTC+8).
    pub from: Option<Date>,
    /// Until this day, included.
    pub to: Option<Date>,
    /// By this person (name or number), or this user of the system (`uid 1000`).
    pub person: Option<String>,
    /// With these letters in the action.
    pub action: Option<String>,
}

impl Selection {
    /// Whether `entry` is wanted.
    #[must_use]
    pub fn takes(&self, entry: &Entry) -> bool {
        let day = || entry.at.parse::<Timestamp>().ok().map(|at| jiff::tz::offset(8).to_datetime(at).date());
        let after = |from: Date| day().is_some_and(|day| from <= day);
        let before = |to: Date| day().is_some_and(|day| day <= to);
        self.from.is_none_or(after)
            && self.to.is_none_or(before)
            && self.person.as_deref().is_none_or(|wanted| is_by(entry, wanted.trim()))
            && self.action.as_deref().is_none_or(|wanted| contains(&entry.action, wanted.trim()))
    }
}

fn is_by(entry: &Entry, wanted: &str) -> bool {
    let person = entry.person.as_ref();
    wanted.is_empty()
        || person.is_some_and(|person| person.name == wanted || person.id.to_string() == wanted)
        || entry.system_user.as_deref() == Some(wanted)
}

fn contains(action: &str, wanted: &str) -> bool {
    action.to_lowercase().contains(&wanted.to_lowercase())
}

/// The last entries of many, as many as there is room for.
#[derive(Debug)]
pub struct Last {
    room: usize,
    entries: VecDeque<Entry>,
}

impl Last {
    /// Room for so many.
    #[must_use]
    pub const fn new(room: usize) -> Self {
        Self { room, entries: VecDeque::new() }
    }

    /// Takes one more.
    pub fn push(&mut self, entry: Entry) {
        if self.entries.len() >= self.room {
            self.entries.pop_front();
        }
        if self.room > 0 {
            self.entries.push_back(entry);
        }
    }

    /// The entries, oldest first.
    #[must_use]
    pub fn into_entries(self) -> Vec<Entry> {
        self.entries.into()
    }
}

impl Entry {
    /// Who did it, for people; `name_of` knows the names behind numbers.
    pub fn who(&self, language: Language, name_of: impl Fn(PersonId) -> Option<String>) -> String {
        match (&self.person, &self.system_user) {
            (Some(person), _) => person.title(language, name_of),
            (None, Some(user)) => user.clone(),
            (None, None) => language.pick("（服务器）", "(the server)").to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::person::{Authentication, Person, Role};

    fn entry(at: &str, person: Option<&str>) -> Entry {
        let person = person.map(|name| Person {
            id: PersonId(3),
            name: name.to_owned(),
            role: Role::Reviewer,
            authenticated: Authentication::LocalPassword,
            deputy_for: Some(PersonId(1)),
        });
        let system_user = person.is_none().then(|| "uid 1000".to_owned());
        let (action, subject) = ("set password".to_owned(), "person 3".to_owned());
        Entry {
            n: 1,
            at: at.to_owned(),
            person,
            system_user,
            action,
            subject,
            detail: Value::Null,
            prev: String::new(),
        }
    }

    fn check(selection: &Selection, at: &str, person: Option<&str>, taken: bool) {
        assert_eq!(selection.takes(&entry(at, person)), taken, "{selection:?} {at} {person:?}");
    }

    #[test]
    fn entries_are_selected_by_day_person_and_action() {
        let day = |text: &str| Some(text.parse().unwrap());
        let days = Selection { from: day("2026-05-09"), to: day("2026-05-10"), ..Selection::default() };
        check(&days, "2026-05-08T15:59:59.999Z", None, false);
        check(&days, "2026-05-08T16:00:00.000Z", None, true);
        check(&days, "2026-05-10T15:59:59.999Z", None, true);
        check(&days, "2026-05-10T16:00:00.000Z", None, false);
        let by = |who: &str| Selection { person: Some(who.to_owned()), ..Selection::default() };
        check(&by("李娜"), "2026-05-10T16:00:00.000Z", Some("李娜"), true);
        check(&by("3"), "2026-05-10T16:00:00.000Z", Some("李娜"), true);
        check(&by("李"), "2026-05-10T16:00:00.000Z", Some("李娜"), false);
        check(&by("uid 1000"), "2026-05-10T16:00:00.000Z", None, true);
        let action = |text: &str| Selection { action: Some(text.to_owned()), ..Selection::default() };
        check(&action("PASSWORD"), "x", None, true);
        check(&action("deputy"), "x", None, false);
    }

    #[test]
    fn whoever_acted_for_somebody_else_is_named_with_them() {
        let name_of = |id: PersonId| (id == PersonId(1)).then(|| "王伟".to_owned());
        assert_eq!(entry("x", Some("李娜")).who(Language::Zh, name_of), "李娜 代 王伟");
        assert_eq!(entry("x", Some("李娜")).who(Language::En, name_of), "李娜 for 王伟");
        assert_eq!(entry("x", Some("李娜")).who(Language::En, |_| None), "李娜 for 1");
        assert_eq!(entry("x", None).who(Language::En, name_of), "uid 1000");
    }

    #[test]
    fn the_last_ones_are_kept_in_order() {
        let mut last = Last::new(2);
        for n in 1..=5 {
            last.push(Entry { n, ..entry("x", None) });
        }
        assert_eq!(last.into_entries().iter().map(|entry| entry.n).collect::<Vec<_>>(), [4, 5]);
    }
}
