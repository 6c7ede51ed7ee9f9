//! The compiled-in ceilings of persons, counterparties, prices and unpublished results: no catalogue raises them.
//!
//! The reasons, and what this does not stop, are in `docs/adr/0002-ceilings.md`.

mod fixed;

use self::fixed::FIXED;
use crate::class::{Ceiling, Class};
use crate::field::Subject;

/// How far a field named here may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fixed {
    /// To one reviewer, in every state.
    Reviewer,
    /// To the hub once the record is `published`, to one reviewer before.
    HubOncePublished,
    /// To the hub, although a word in its own name sounds guarded.
    Hub,
}

/// Words that make a field of any kind a person's, a counterparty's, a price or the digest of a file (a file made from a
/// template can be guessed from its digest).
const GUARDED_WORDS: &[&str] = &[
    "person",
    "persons",
    "inventor",
    "inventors",
    "founder",
    "founders",
    "specialist",
    "objector",
    "declarant",
    "signers",
    "attendees",
    "recipients",
    "phone",
    "mobile",
    "email",
    "buyer",
    "buyers",
    "counterparty",
    "client",
    "investor",
    "investors",
    "borrower",
    "bidder",
    "bids",
    "price",
    "prices",
    "digest",
    "digests",
];

/// The state that unpublished results depend on, and the only dates it may follow from.
pub(crate) const PUBLISHED: &str = "published";
const PUBLICATION_DATES: &[&str] = &["public_since", "pub_date"];

/// Kinds whose state `published` may follow from nothing but a date of publication.
const PUBLISHED_BY_DATE: &[&str] = &["ACH", "IPR", "DMD", "CHL", "CSE"];

/// Kind, field and code of the records that no date publishes, such as trade secrets (技术秘密).
const NEVER_PUBLISHED: &[(&str, &str, &str)] = &[("IPR", "right_kind", "TS")];

/// What a ceiling is compiled from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guarded<'a> {
    pub(crate) kind: &'a str,
    pub(crate) field: &'a str,
    /// The names of the parts of groups in the field, at any depth.
    pub(crate) parts: &'a [&'a str],
    pub(crate) subject: Option<Subject>,
    pub(crate) free_text: bool,
}

impl Guarded<'_> {
    /// The highest ceiling a catalogue may give the field where its class is `class` and `published` is known to hold.
    pub(crate) fn highest(&self, class: Class, published: bool) -> Ceiling {
        match (self.fixed(), class) {
            (_, Class::CX) => Ceiling::Never,
            _ if self.parts.iter().any(|part| sounds_guarded(part)) => Ceiling::Reviewer,
            (Some(Fixed::Hub), _) => Ceiling::Hub,
            (Some(Fixed::HubOncePublished), _) if published => Ceiling::Hub,
            (Some(Fixed::HubOncePublished | Fixed::Reviewer), _) => Ceiling::Reviewer,
            (None, Class::C3) if !self.free_text => Ceiling::Reviewer,
            (None, Class::C0 | Class::C1 | Class::C2 | Class::C3) => self.highest_by_meaning(),
        }
    }

    fn highest_by_meaning(&self) -> Ceiling {
        let guarded = self.subject.is_some() || sounds_guarded(self.field);
        if guarded { Ceiling::Reviewer } else { Ceiling::Hub }
    }

    fn fixed(&self) -> Option<Fixed> {
        let mut rows = FIXED.iter().filter(|(kind, ..)| *kind == self.kind);
        rows.find(|(_, _, fields)| fields.contains(&self.field)).map(|(_, fixed, _)| *fixed)
    }
}

/// Whether one of the words of a name is guarded; `buyer_name`, `buyerName` and `buyer2` have the same first word.
fn sounds_guarded(name: &str) -> bool {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            words.push('_');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words.split(|c: char| !c.is_ascii_lowercase()).any(|word| GUARDED_WORDS.contains(&word))
}

/// The field and codes with which no record of the kind may be `published`.
pub(crate) fn never_published(kind: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    NEVER_PUBLISHED.iter().filter(move |(of, ..)| *of == kind).map(|(_, field, code)| (*field, *code))
}

/// Whether a kind may let its state `published` follow from this condition's field.
pub(crate) fn may_publish(kind: &str, field: &str, is_date: bool) -> bool {
    !PUBLISHED_BY_DATE.contains(&kind) || is_date && PUBLICATION_DATES.contains(&field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn highest(kind: &str, field: &str, class: Class, published: bool) -> Ceiling {
        Guarded { kind, field, parts: &[], subject: None, free_text: false }.highest(class, published)
    }

    #[test]
    fn known_fields_keep_their_ceiling_whatever_class_a_catalogue_gives_them() {
        for class in [Class::C0, Class::C1, Class::C2, Class::C3] {
            assert_eq!(highest("DEAL", "price", class, true), Ceiling::Reviewer);
            assert_eq!(highest("ACH", "inventors", class, true), Ceiling::Reviewer);
            assert_eq!(highest("ACH", "name", class, false), Ceiling::Reviewer);
            assert_eq!(highest("ACH", "name", class, true), Ceiling::Hub);
            assert_eq!(highest("DEAL", "buyer_size", class, false), Ceiling::Hub);
            assert_eq!(highest("TRD", "list_price", class, false), Ceiling::Reviewer);
            assert_eq!(highest("INV", "investor", class, false), Ceiling::Reviewer);
        }
    }

    #[test]
    fn unknown_fields_go_by_class_and_meaning() {
        assert_eq!(highest("POC", "outcome", Class::C1, false), Ceiling::Hub);
        assert_eq!(highest("POC", "project", Class::C3, false), Ceiling::Reviewer);
        assert_eq!(highest("POC", "anything", Class::CX, false), Ceiling::Never);
        let remark = Guarded { kind: "POC", field: "remark", parts: &[], subject: None, free_text: true };
        assert_eq!(remark.highest(Class::C3, false), Ceiling::Hub);
        let about_somebody = Guarded { subject: Some(Subject::Person), ..remark };
        assert_eq!(about_somebody.highest(Class::C3, false), Ceiling::Reviewer);
    }

    #[test]
    fn a_guarded_part_guards_a_field_whose_name_is_open() {
        for (kind, field) in [("POC", "remark"), ("DEAL", "buyer_size"), ("ACH", "name")] {
            let guarded = Guarded { kind, field, parts: &["date", "price"], subject: None, free_text: false };
            assert_eq!(guarded.highest(Class::C1, true), Ceiling::Reviewer, "{kind}.{field}");
            let open = Guarded { parts: &["date"], ..guarded };
            assert_eq!(open.highest(Class::C1, true), Ceiling::Hub, "{kind}.{field}");
        }
    }

    #[test]
    fn words_are_told_apart_in_every_spelling_of_a_name() {
        for name in ["price", "list_price", "listPrice", "priceList", "price2", "buyerID"] {
            assert!(sounds_guarded(name), "{name}");
        }
        for name in ["priced_at", "responsible_unit", ""] {
            assert!(!sounds_guarded(name), "{name}");
        }
    }

    #[test]
    fn a_result_is_published_by_a_date_of_publication_only() {
        assert!(may_publish("ACH", "public_since", true));
        assert!(!may_publish("ACH", "internal_registered_at", true));
        assert!(!may_publish("IPR", "right_kind", false));
        assert!(!may_publish("CHL", "state", false));
        assert!(may_publish("XYZ", "state", false));
    }
}
