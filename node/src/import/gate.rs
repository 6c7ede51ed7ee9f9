//! No mapping opens the gate of 成果密级: what a file says about secrecy is read, not overruled.

use safeharbor_rules::{Field, Kind, Lang};

use super::header::Header;
use super::mapping::{FieldMapping, Mapping, MappingFailed, MappingFault, refused};
use super::text::fold;

/// Words that no translation makes public.
const CLASSIFIED: [&str; 7] = ["秘密", "机密", "绝密", "内部", "secret", "confidential", "classified"];
/// Beginnings that turn such a word into its opposite.
const NOT: [&str; 5] = ["非", "不", "un", "non", "not"];
/// What a header that speaks of secrecy contains.
const SECRECY: [&str; 2] = ["密级", "secrecy"];

/// Refuses a mapping that fills a gate by a constant although the file has a column for it, or translates a classified
/// word into what the gate lets through.
pub(crate) fn refuse_opened_gate(
    mapping: &Mapping,
    kind: &Kind,
    header: &Header,
) -> Result<(), MappingFailed> {
    for field in kind.fields().iter().filter(|field| field.gate().is_some()) {
        let constant = mapping.constants.iter().find(|(place, _)| place.value == field.name());
        if let (Some((place, _)), Some(column)) = (constant, column_about(field, header)) {
            return Err(refused(place.line, &place.value, MappingFault::GateOverruled(column.to_owned())));
        }
        let entry = mapping.fields.iter().find(|entry| entry.field.value == field.name());
        entry.map_or(Ok(()), |entry| refuse_translation(entry, field))?;
    }
    Ok(())
}

fn column_about<'h>(field: &Field, header: &'h Header) -> Option<&'h str> {
    let titles = [Lang::Zh, Lang::En].map(|lang| fold(field.title(lang)));
    header.names().find(|name| {
        let name = fold(name);
        titles.contains(&name) || SECRECY.iter().any(|word| name.contains(word))
    })
}

fn refuse_translation(entry: &FieldMapping, field: &Field) -> Result<(), MappingFailed> {
    let is_open = |code: &str| field.gate() == Some(code);
    let is_classified = |text: &str| {
        let text = fold(text);
        CLASSIFIED.iter().any(|word| text.contains(word)) && !NOT.iter().any(|no| text.starts_with(no))
    };
    match entry.codes.iter().find(|(text, code)| is_open(&code.value) && is_classified(text)) {
        Some((text, code)) => Err(refused(code.line, field.name(), MappingFault::GateOpened(text.clone()))),
        None => Ok(()),
    }
}
