//! What of a mapping holds for every row: constants, key fields, and fields that must exist.

use safeharbor_rules::{Field, Kind, Lang, Record};
use serde_json::Value;

use crate::import::mapping::{Mapping, MappingFailed, MappingFault, Placed, refused};
use crate::import::text::nearest;

pub(super) fn unknown_field(place: &Placed<String>, kind: &Kind) -> MappingFailed {
    let nearest = nearest(&place.value, kind.fields().iter().map(Field::name)).unwrap_or_default().to_owned();
    refused(place.line, &place.value, MappingFault::UnknownField { kind: kind.id().to_string(), nearest })
}

/// The constants as a record, checked once rather than in every row.
pub(super) fn constants(mapping: &Mapping, kind: &Kind) -> Result<Record, MappingFailed> {
    let mut record = Record::new();
    for (place, value) in &mapping.constants {
        let field = kind.field(&place.value).ok_or_else(|| unknown_field(place, kind))?;
        if let Some(source) = field.derived_from() {
            return Err(refused(place.line, &place.value, MappingFault::Derived(source.to_owned())));
        }
        record.insert(place.value.clone(), value.clone());
    }
    // With its gates open the kind says what else it finds.
    let mut checked = record.clone();
    for field in kind.fields() {
        if let Some(open) = field.gate() {
            checked.entry(field.name()).or_insert_with(|| Value::from(open));
        }
    }
    let problems = kind.check(&checked);
    for (place, _) in &mapping.constants {
        if let Some(problem) = problems.iter().find(|problem| problem.field.as_ref() == Some(&place.value)) {
            let fault = MappingFault::ConstantRefused(problem.text(Lang::En));
            return Err(refused(place.line, &place.value, fault));
        }
    }
    Ok(record)
}

/// The fields that tell records apart: the mapping's, or the kind's own; each must be filled from a column.
pub(super) fn key_fields(mapping: &Mapping, kind: &Kind) -> Result<Vec<String>, MappingFailed> {
    if !mapping.key.is_empty() {
        return Ok(mapping.key.iter().map(|key| key.value.clone()).collect());
    }
    let from_column = |name: &str| mapping.fields.iter().any(|entry| entry.field.value == name);
    let key: Vec<String> = kind.key_fields().map(|field| field.name().to_owned()).collect();
    match key.iter().find(|name| !from_column(name)) {
        Some(name) => Err(refused(mapping.kind.line, name, MappingFault::KeyNotFilled)),
        None => Ok(key),
    }
}
