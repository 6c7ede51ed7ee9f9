//! The institution's own statement keys, one after the other: what each may vouch for is decided by log positions.

use safeharbor_core::directory::{KeySigns, KeyTerm};
use safeharbor_core::key::PublicKey;
use safeharbor_core::statement::Statement;

/// Own statement keys, oldest first.
#[derive(Debug, Clone, Default)]
pub struct KeyTerms(Vec<KeyTerm>);

impl KeyTerms {
    /// Keys with their terms, oldest first.
    #[must_use]
    pub const fn new(terms: Vec<KeyTerm>) -> Self {
        Self(terms)
    }

    /// The same, and last the key that the node signs with, unless it is among them: nothing is known of its positions then.
    #[must_use]
    pub fn including(mut self, key: PublicKey) -> Self {
        if !self.0.iter().any(|term| term.key == key) {
            let (signs, re_enrolled, confirmed) = (KeySigns::Statements, false, None);
            self.0.push(KeyTerm { key, from: 0, until: None, signs, re_enrolled, confirmed });
        }
        self
    }

    /// Whether the key that a statement names was given up by a re-enrolment, before which the hub need not have had all that it signed.
    /// Before a rotation it had: if it names an earlier head later, it has the rest and hides it.
    pub(crate) fn is_given_up(&self, statement: &Statement<'_>) -> bool {
        let later = self.of(statement).map(|(place, _)| self.0.iter().skip(place.saturating_add(1)));
        later.is_some_and(|mut later| later.any(|term| term.re_enrolled))
    }

    /// The key that a statement names, and its place among all.
    #[must_use]
    pub fn of(&self, statement: &Statement<'_>) -> Option<(usize, &KeyTerm)> {
        let key_id = statement.key_id()?;
        self.0.iter().enumerate().find(|(_, term)| term.key.thumbprint().to_string() == key_id)
    }
}
