//! What another version of the catalogue changes, in plain words for the person who accepts it, the gravest first.

mod codes;
mod field;
mod files;
mod kind;
mod words;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::KindId;
use crate::catalogue::Catalogue;
use crate::lang::{Lang, Titles};

/// How grave a change is; the gravest is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// More may leave than before.
    RevealsMore,
    /// Records must hold more, or other values.
    AsksMore,
    /// Something is derived, counted, withheld or read differently.
    ComputesDifferently,
    /// Titles, labels and notes.
    WordsOnly,
}

impl Severity {
    /// All, the gravest first.
    pub const ALL: [Self; 4] =
        [Self::RevealsMore, Self::AsksMore, Self::ComputesDifferently, Self::WordsOnly];

    /// What people call it.
    #[must_use]
    pub const fn title(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::RevealsMore, Lang::Zh) => "披露更多",
            (Self::RevealsMore, Lang::En) => "reveals more",
            (Self::AsksMore, Lang::Zh) => "要求更多",
            (Self::AsksMore, Lang::En) => "asks for more",
            (Self::ComputesDifferently, Lang::Zh) => "处理不同",
            (Self::ComputesDifferently, Lang::En) => "computes differently",
            (Self::WordsOnly, Lang::Zh) => "仅文字",
            (Self::WordsOnly, Lang::En) => "words only",
        }
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    severity: Severity,
    kind: Option<KindId>,
    field: Option<String>,
    text: Titles,
}

impl Change {
    /// How grave it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// The kind it is about.
    #[must_use]
    pub const fn kind(&self) -> Option<&KindId> {
        self.kind.as_ref()
    }

    /// The field it is about.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// The sentence.
    #[must_use]
    pub fn text(&self, lang: Lang) -> &str {
        self.text.text(lang)
    }
}

/// All that another version changes, the gravest first; in the order of kinds and fields among changes of one severity.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference(Vec<Change>);

impl Difference {
    /// The changes.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.0
    }

    /// How grave the gravest change is; none where nothing changes.
    #[must_use]
    pub fn gravest(&self) -> Option<Severity> {
        self.0.first().map(Change::severity)
    }
}

/// Compares two versions. Whatever differs between their files is in some change: what is not understood is named by its file.
#[must_use]
pub fn compare(old: &Catalogue, new: &Catalogue) -> Difference {
    let mut changes = Changes::default();
    let ids: BTreeSet<&KindId> = old.kinds().chain(new.kinds()).map(crate::Kind::id).collect();
    for id in ids {
        match (old.kind(id), new.kind(id)) {
            (Some(old), Some(new)) => kind::compare(old, new, &mut changes),
            (None, Some(new)) => kind::added(new, &mut changes),
            (Some(old), None) => kind::removed(old, &mut changes),
            (None, None) => {}
        }
    }
    codes::compare(old, new, &mut changes);
    files::compare(old, new, &mut changes);
    let mut all = changes.all;
    all.sort_by_key(Change::severity);
    Difference(all)
}

/// Changes found so far, and the files whose difference they explain.
#[derive(Default)]
struct Changes {
    all: Vec<Change>,
    explained: BTreeSet<String>,
}

impl Changes {
    fn push(&mut self, severity: Severity, about: &About<'_>, zh: &str, en: &str) {
        let About { kind, field, file, subject } = about;
        let text = Titles { zh: format!("{}：{zh}", subject.zh), en: format!("{}: {en}", subject.en) };
        let (kind, field) = (kind.cloned(), field.map(str::to_owned));
        self.all.push(Change { severity, kind, field, text });
        self.explained.insert(file.clone());
    }
}

/// What a change is about.
struct About<'a> {
    kind: Option<&'a KindId>,
    field: Option<&'a str>,
    /// The file that says it.
    file: String,
    /// What people call it.
    subject: Titles,
}
