//! What a registry says of one institution, in the order of its entries.

use safeharbor_core::directory::{Announcement, KeySigns, Standing};
use safeharbor_core::entry::Entry;
use safeharbor_core::institution::InstitutionCode;
use serde::Serialize;

/// Statements that follow one another while nothing about the institution changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Stretch {
    /// The first number.
    pub(super) first_seq: u64,
    /// The last number.
    pub(super) last_seq: u64,
    /// The log index of the first one.
    pub(super) first_index: u64,
    /// The log index of the last one.
    pub(super) last_index: u64,
    /// The key that was valid for all of them (RFC 7638 thumbprint).
    pub(super) key: Option<String>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(super) enum Event {
    /// The institution was admitted.
    Admitted {
        /// The log index.
        index: u64,
    },
    /// Its standing changed.
    Standing {
        /// The log index.
        index: u64,
        /// To what.
        standing: Standing,
        /// The numbers of the persons at the hub who decided.
        decided_by: Vec<u32>,
    },
    /// Its name or type changed.
    Renamed {
        /// The log index.
        index: u64,
        /// The name from then on.
        name: String,
    },
    /// A key began.
    KeyBegan {
        /// The log index.
        index: u64,
        /// The key.
        key: String,
        /// What it signs.
        signs: &'static str,
        /// On what grounds: `admission`, `rotation` (the key before signed for it), `re-enrolled` (two persons at the hub decided).
        ground: &'static str,
        /// The numbers of the persons at the hub who decided.
        decided_by: Vec<u32>,
    },
    /// A key ended.
    KeyEnded {
        /// The log index.
        index: u64,
        /// The key.
        key: String,
    },
    /// A person at the hub compared the six words of a key with the institution.
    KeyConfirmed {
        /// The log index.
        index: u64,
        /// The key.
        key: String,
    },
    /// Statements were made.
    Stated(Stretch),
}

/// The history of one institution.
#[derive(Debug)]
pub(super) struct History {
    code: InstitutionCode,
    name: String,
    standing: Option<Standing>,
    key: Option<String>,
    pub(super) events: Vec<Event>,
}

impl History {
    pub(super) const fn new(code: InstitutionCode) -> Self {
        Self { code, name: String::new(), standing: None, key: None, events: Vec::new() }
    }

    /// A statement of the institution, whose place in the chain the audit has checked.
    pub(super) fn state(&mut self, index: u64, entry: &Entry) {
        if let Some(Event::Stated(stretch)) = self.events.last_mut() {
            (stretch.last_seq, stretch.last_index) = (entry.seq, index);
            return;
        }
        let (first_seq, last_seq) = (entry.seq, entry.seq);
        let key = self.key.clone();
        self.events.push(Event::Stated(Stretch {
            first_seq,
            last_seq,
            first_index: index,
            last_index: index,
            key,
        }));
    }

    /// A public statement of the hub, whoever it is about.
    pub(super) fn announce(&mut self, index: u64, announcement: &Announcement) {
        match announcement {
            Announcement::Institution { code, name, standing, decided_by, .. } if *code == self.code => {
                self.change(index, name, *standing, decided_by.numbers());
            }
            Announcement::KeyBegins { code, key, signs, ground, decided_by } if *code == self.code => {
                let key = key.thumbprint().to_string();
                if *signs == KeySigns::Statements {
                    self.key = Some(key.clone());
                }
                self.events.push(Event::KeyBegan {
                    index,
                    key,
                    signs: signs.as_str(),
                    ground: ground.as_str(),
                    decided_by: decided_by.numbers().to_vec(),
                });
            }
            Announcement::KeyEnds { code, key } if *code == self.code => {
                let key = key.thumbprint().to_string();
                if self.key.as_ref() == Some(&key) {
                    self.key = None;
                }
                self.events.push(Event::KeyEnded { index, key });
            }
            Announcement::KeyConfirmed { code, key } if *code == self.code => {
                self.events.push(Event::KeyConfirmed { index, key: key.thumbprint().to_string() });
            }
            Announcement::Institution { .. }
            | Announcement::KeyBegins { .. }
            | Announcement::KeyEnds { .. }
            | Announcement::KeyConfirmed { .. }
            | Announcement::HubKey { .. }
            | Announcement::Catalogue { .. }
            | Announcement::Other => {}
        }
    }

    fn change(&mut self, index: u64, name: &str, standing: Standing, decided_by: &[u32]) {
        if self.standing.is_none() {
            self.events.push(Event::Admitted { index });
        }
        if self.standing.is_some_and(|before| before != standing) {
            self.events.push(Event::Standing { index, standing, decided_by: decided_by.to_vec() });
        }
        if self.standing.is_some() && self.name != name {
            self.events.push(Event::Renamed { index, name: name.to_owned() });
        }
        self.standing = Some(standing);
        name.clone_into(&mut self.name);
    }
}
