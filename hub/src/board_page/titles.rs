//! What codes are called: kinds, code lists and institutions by the titles people read, unknown codes as themselves.

use safeharbor_core::directory::{InstitutionType, Standing};
use safeharbor_rules::{Catalogue, Field, KindId, Lang};

use super::report::InstitutionReport;
use super::texts::Texts;

/// The titles in one language.
#[derive(Debug, Clone, Copy)]
pub(super) struct Titles<'a> {
    /// Kinds and code lists.
    pub(super) catalogue: &'a Catalogue,
    /// The language.
    pub(super) lang: Lang,
}

impl Titles<'_> {
    /// The title of a kind.
    pub(super) fn kind(&self, id: &str) -> String {
        let kind = id.parse::<KindId>().ok().and_then(|id| self.catalogue.kind(&id));
        kind.map_or(id, |kind| kind.title(self.lang)).to_owned()
    }

    /// The label of a code that some field of some kind holds.
    pub(super) fn code(&self, kind: &str, field: &str, code: &str) -> String {
        let kind = kind.parse::<KindId>().ok().and_then(|id| self.catalogue.kind(&id));
        let list = kind.and_then(|kind| kind.field(field)).and_then(Field::codes);
        list.map_or(code, |list| list.label(code, self.lang)).to_owned()
    }

    /// The title of an institution's type.
    pub(super) fn institution_type(&self, kind: InstitutionType) -> String {
        let code = match kind {
            InstitutionType::University => "UNI",
            InstitutionType::Institute => "INST",
            InstitutionType::Hospital => "HOSP",
            InstitutionType::StateOwnedEnterprise => "SOE",
            InstitutionType::TradingPlatform => "PLAT",
            InstitutionType::Park => "PARK",
            InstitutionType::Fund => "FIN",
            InstitutionType::DistrictBureau => "BUREAU",
        };
        let list = self.catalogue.codes("institution_type");
        list.map_or(code, |list| list.label(code, self.lang)).to_owned()
    }
}

/// The title of a standing.
pub(super) const fn standing(standing: Standing, texts: &Texts) -> &'static str {
    match standing {
        Standing::Active => texts.standing_active,
        Standing::Suspended => texts.standing_suspended,
        Standing::Revoked => texts.standing_revoked,
    }
}

/// The name of the institution with this code.
pub(super) fn institution(institutions: &[InstitutionReport], code: &str) -> String {
    let found = institutions.iter().find(|institution| institution.code.to_string() == code);
    found.map_or(code, |institution| &institution.name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_codes_have_titles_and_unknown_ones_stay() {
        let catalogue = Catalogue::embedded().unwrap();
        let zh = Titles { catalogue: &catalogue, lang: Lang::Zh };
        let en = Titles { lang: Lang::En, ..zh };
        assert_eq!((zh.kind("ACH").as_str(), en.kind("ACH").as_str()), ("科技成果", "Achievement"));
        assert_eq!((zh.kind("XYZ").as_str(), en.kind("no kind").as_str()), ("XYZ", "no kind"));
        assert_eq!(zh.code("ACH", "stage", "S2"), "中期阶段");
        assert_eq!(en.code("DEAL", "mode", "TRF"), "Transfer");
        for (kind, field, code) in [("ACH", "stage", "S77"), ("ACH", "nothing", "S2"), ("XYZ", "stage", "S2")]
        {
            assert_eq!(zh.code(kind, field, code), code);
        }
    }

    #[test]
    fn every_institution_type_is_in_the_catalogue() {
        let catalogue = Catalogue::embedded().unwrap();
        let zh = Titles { catalogue: &catalogue, lang: Lang::Zh };
        for kind in [
            "university",
            "institute",
            "hospital",
            "state-owned-enterprise",
            "trading-platform",
            "park",
            "fund",
            "district-bureau",
        ] {
            let kind: InstitutionType = serde_json::from_value(kind.into()).unwrap();
            assert!(!zh.institution_type(kind).is_ascii(), "{kind:?}");
        }
    }
}
