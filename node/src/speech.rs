//! What a command says, with the catalogue's own word for a language.

use safeharbor_rules::Lang;
pub use safeharbor_service::speech::*;

/// A language in the words of `rules`.
pub trait CatalogueLanguage {
    /// The same language.
    fn lang(self) -> Lang;
}

impl CatalogueLanguage for Language {
    fn lang(self) -> Lang {
        match self {
            Self::Zh => Lang::Zh,
            Self::En => Lang::En,
        }
    }
}
