//! How the key of a statement came to be its issuer's: whether persons at the hub put it, or one before it, in the place of a key that did not
//! sign for it (`re-enrolled`).

use safeharbor_core::directory::{Announcement, KeyGround, KeySigns};
use safeharbor_core::entry::Entry;
use safeharbor_core::institution::{InstitutionCode, Issuer};
use safeharbor_core::statement::Statement;
use serde::Serialize;

use crate::report::Page;
use crate::utc::print_utc;

/// A statement key that took the place of another one without its signature.
#[derive(Debug, Clone, Serialize)]
pub struct ReEnrolment {
    /// The log index of the entry that says so, from which on the key is valid.
    index: u64,
    /// The thumbprint of the key.
    key: String,
    /// How many persons at the hub decided.
    persons: usize,
    /// When, as the hub's statement says.
    said_at: u64,
    said_at_utc: String,
    /// Whether it is the key of the statement; otherwise each later key was signed for by the one before.
    signed: bool,
}

/// What the public statements of a registry say of the keys up to that of one statement.
#[derive(Debug, Clone, Serialize)]
pub struct Admission {
    re_enrolments: Vec<ReEnrolment>,
}

/// Finds the re-enrolments of one issuer among the entries of a registry.
#[derive(Debug)]
pub(crate) struct ReEnrolments {
    of: Option<InstitutionCode>,
    found: Vec<ReEnrolment>,
}

impl ReEnrolments {
    pub(crate) const fn of(issuer: &Issuer) -> Self {
        let of = match issuer {
            Issuer::Institution(code) => Some(*code),
            Issuer::Hub(_) => None,
        };
        Self { of, found: Vec::new() }
    }

    /// Looks at an entry. What it says counts only once the registry is verified, which refuses statements that the hub did not make.
    pub(crate) fn see(&mut self, index: u64, entry: &Entry) {
        let Some(statement) = entry.public.as_deref().and_then(|jwt| Statement::parse(jwt).ok()) else {
            return;
        };
        let Ok(Announcement::KeyBegins { code, key, signs, ground, decided_by }) =
            Announcement::read(&statement)
        else {
            return;
        };
        if self.of == Some(code) && signs == KeySigns::Statements && ground == KeyGround::ReEnrolment {
            let said_at = statement.envelope.iat;
            self.found.push(ReEnrolment {
                index,
                key: key.thumbprint().to_string(),
                persons: decided_by.numbers().len(),
                said_at,
                said_at_utc: print_utc(said_at),
                signed: false,
            });
        }
    }

    /// Those before a place of the log, at which the key with this thumbprint signed.
    pub(crate) fn before(mut self, place: u64, key_id: &str) -> Admission {
        self.found.retain(|found| found.index < place);
        for found in &mut self.found {
            found.signed = found.key == key_id;
        }
        Admission { re_enrolments: self.found }
    }
}

impl Admission {
    pub(crate) fn describe(&self, page: &mut Page) {
        if self.re_enrolments.is_empty() {
            let each = page.language().pick(
                "each key signed for the next one: no re-enrolment",
                "各密钥均由前一把签名接续，无重新登记",
            );
            page.field("key admitted", "密钥来历", each);
        }
        for ReEnrolment { index, persons, said_at_utc, signed, .. } in &self.re_enrolments {
            let whose = match signed {
                true => page.language().pick("this key", "本密钥"),
                false => page.language().pick("a key before this one", "本密钥之前的密钥"),
            };
            let text = page.language().pick(
                format!("{whose} was re-enrolled at entry {index} ({said_at_utc} as the hub says), by {persons} persons at the hub, without the signature of the key before"),
                format!("{whose}经重新登记（re-enrolled）：第 {index} 条（枢纽所记 {said_at_utc}），由枢纽 {persons} 人决定，没有原密钥的签名"),
            );
            page.field("key admitted", "密钥来历", text);
        }
    }

    /// Says what nobody can know who has no log.
    pub(crate) fn describe_unknown(page: &mut Page) {
        page.note(
            "whether the key was re-enrolled, that is admitted without the signature of the key before, cannot be told from these files: the public statements of the registry say it. Pass --log.",
            "密钥是否经重新登记（re-enrolled，即没有原密钥的签名）无法从这些文件得知，须查登记簿的公开声明：请使用 --log。",
        );
    }
}
