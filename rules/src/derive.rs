//! Fields that follow from other fields: the month of a date, the band of an amount.

use serde::Deserialize;
use serde_json::Value;

use crate::codes::CodeList;
use crate::dates::month_of;
use crate::property::FieldRefused;
use crate::value_type::ValueType;
use crate::{Field, Kind, Record};

/// How a field follows from another one, as `x-derived` says it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum Derivation {
    /// The `YYYY-MM` of a date.
    Month {
        /// The date field.
        month_of: String,
    },
    /// The code of the band an amount falls into; one code more than bounds, in the order of the code list.
    Band {
        /// The amount field.
        band_of: String,
        /// The amounts at which the next band begins.
        bounds: Vec<u64>,
        /// The codes of the bands, taken from the field's code list.
        #[serde(skip)]
        codes: Vec<String>,
    },
}

impl Derivation {
    /// The field it follows from.
    pub(crate) fn source(&self) -> &str {
        match self {
            Self::Month { month_of: field } | Self::Band { band_of: field, .. } => field,
        }
    }

    /// Takes the codes of a band from the field's code list.
    pub(crate) fn with_codes(mut self, list: Option<&CodeList>) -> Result<Self, FieldRefused> {
        if let Self::Band { band_of, bounds, codes } = &mut self {
            *codes = list.into_iter().flat_map(CodeList::codes).map(|code| code.code.clone()).collect();
            if codes.len() != bounds.len().saturating_add(1) || !bounds.is_sorted_by(|one, next| one < next) {
                return Err(FieldRefused::Derivation(band_of.clone()));
            }
        }
        Ok(self)
    }

    /// Whether a value of one type derives from a value of another.
    pub(crate) fn fits(&self, source: &ValueType, derived: &ValueType) -> bool {
        match self {
            Self::Month { .. } => (source, derived) == (&ValueType::Date, &ValueType::Month),
            Self::Band { .. } => (source, derived) == (&ValueType::Integer, &ValueType::Text),
        }
    }

    /// The derived value; `None` where the source is absent or unusable.
    fn value<'a>(&'a self, record: &'a Record) -> Option<&'a str> {
        let source = record.get(self.source())?;
        match self {
            Self::Month { .. } => month_of(source.as_str()?),
            Self::Band { bounds, codes, .. } => {
                let amount = source.as_u64()?;
                let band = bounds.partition_point(|bound| *bound <= amount);
                codes.get(band).map(String::as_str)
            }
        }
    }
}

impl Kind {
    /// Fills in the derived fields of a record whose sources are there, over whatever stood in them.
    pub fn derive(&self, record: &mut Record) {
        for field in self.derived_fields() {
            let derived = field.derivation.as_ref().and_then(|d| d.value(record)).map(Value::from);
            if let Some(value) = derived {
                record.insert(field.name().to_owned(), value);
            }
        }
    }

    /// The fields whose value contradicts the field they follow from.
    pub(crate) fn contradictions<'a>(&'a self, record: &'a Record) -> impl Iterator<Item = &'a Field> {
        self.derived_fields().filter(|field| {
            let derived = field.derivation.as_ref().and_then(|d| d.value(record));
            let stated = record.get(field.name());
            derived.is_some() && stated.is_some() && stated.and_then(Value::as_str) != derived
        })
    }
}
