//! Who looks: their name, what they may go to, and what their forms carry.

use safeharbor_rules::Lang;
use safeharbor_service::person::{Person, Role};
use safeharbor_service::speech::Language;

use crate::office::Desk;
use crate::proposal;
use crate::session::Session;

/// The person who looks.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    /// As whom they look.
    pub(super) person: Person,
    /// Name and role, in the language of the page.
    pub(super) title: String,
    /// Whether they may see persons, proposals and the audit log.
    pub(super) administers: bool,
    /// How many proposals wait; none for those who may not see them.
    pub(super) open: usize,
    /// What their forms carry.
    pub(super) csrf: String,
    /// In which language they are answered.
    pub(super) language: Language,
}

impl Visitor {
    /// The person of `session`, who acts as `person`.
    pub(super) fn new(desk: &Desk, session: &Session, person: Person, language: Language) -> Self {
        let name = person.title(language, |id| desk.persons.name_of(id).ok().flatten());
        let role = language.pick(person.role.title_zh(), person.role.as_str());
        let administrator = desk.persons.in_role(&session.person, &[Role::Administrator]).ok().flatten();
        Self {
            person,
            title: language.pick(format!("{name}（{role}）"), format!("{name} ({role})")),
            administers: administrator.is_some(),
            open: administrator.map_or(0, |_| waiting(desk)),
            csrf: session.csrf.clone(),
            language,
        }
    }

    /// The tag of their language.
    pub(super) fn tag(&self) -> &'static str {
        self.language.pick("zh-CN", "en")
    }
}

/// How many proposals wait; the page of proposals says so if they cannot be read.
fn waiting(desk: &Desk) -> usize {
    let now_ms = desk.clock.now_ms();
    let all = proposal::list(desk).unwrap_or_default();
    all.iter().filter(|there| there.is_open(now_ms)).count()
}

/// The language of the command line in that of a page.
pub(super) const fn lang_of(language: Language) -> Lang {
    match language {
        Language::Zh => Lang::Zh,
        Language::En => Lang::En,
    }
}

/// The language of a page in that of the command line.
pub(super) const fn language(lang: Lang) -> Language {
    match lang {
        Lang::Zh => Language::Zh,
        Lang::En => Language::En,
    }
}
