//! CERIF-XML in the profile of OpenAIRE as columns: nested persons, organisations and titles become named texts.

use super::columns::Columns;
use super::element::{Element, Vocabulary};

/// What a record of CERIF may be, and what stands nested in others.
const ENTITIES: [&str; 11] = [
    "Patent",
    "Product",
    "Publication",
    "Project",
    "OrgUnit",
    "Person",
    "Funding",
    "Event",
    "Equipment",
    "Service",
    "Medium",
];

/// Where the text by which people know an entity stands, best first.
const LABELS: [&str; 4] = ["Title", "Name", "DisplayName", "Acronym"];

/// Languages whose title a record is known by, best first; otherwise the first there is.
const LANGUAGES: [&str; 2] = ["zh", "en"];

/// Elements that the profile lets repeat.
const LISTS: [&str; 6] = ["Keyword", "Subject", "Identifier", "ISBN", "ISSN", "References"];

/// The columns that publications, patents, products and projects may have.
pub(crate) const COLUMNS: [&str; 51] = [
    "entity",
    "id",
    "type",
    "language",
    "title",
    "title_zh",
    "title_en",
    "subtitle",
    "name",
    "name_zh",
    "name_en",
    "acronym",
    "version_info",
    "published_in",
    "part_of",
    "publication_date",
    "registration_date",
    "approval_date",
    "number",
    "volume",
    "issue",
    "edition",
    "start_page",
    "end_page",
    "doi",
    "handle",
    "url",
    "isbn",
    "issn",
    "identifier",
    "authors",
    "editors",
    "creators",
    "publishers",
    "country_code",
    "issuer",
    "patent_number",
    "inventors",
    "holders",
    "license",
    "subject",
    "keyword",
    "abstract",
    "description",
    "status",
    "originates_from",
    "predecessor",
    "references",
    "access",
    "access_end",
    "patent_stage",
];

pub(crate) fn is_entity(element: &Element) -> bool {
    element.vocabulary == Vocabulary::Cerif && ENTITIES.contains(&element.name.as_str())
}

/// Columns of one entity.
///
/// An element with text is a column of its own name in snake case, repeated ones are lists. Texts in several languages
/// have a column a language (`title_en`) and one in the preferred language (`title`). Persons and organisations in lists
/// (`Inventors`) are their names (`inventors`). An element that holds differently named parts (`Consortium`) is one column
/// a part (`consortium_coordinator`). `startDate` and `endDate` become `…_start` and `…_end`. A patent
/// with a date of approval is granted, any other an application (`patent_stage`).
pub(crate) fn columns(entity: &Element) -> Columns {
    let mut columns = Columns::default();
    columns.add("entity", &entity.name);
    columns.add("id", entity.attribute("id").unwrap_or_default());
    for child in &entity.children {
        add(&mut columns, &snake_case(&child.name), child);
    }
    for name in
        entity.children.iter().filter(|child| child.attribute("lang").is_some()).map(|child| &child.name)
    {
        prefer_language(&mut columns, &snake_case(name));
    }
    if entity.name == "Patent" {
        let is_granted = !columns.values("approval_date").is_empty();
        columns.add("patent_stage", if is_granted { "granted" } else { "application" });
    }
    columns
}

fn add(columns: &mut Columns, name: &str, element: &Element) {
    let put = |columns: &mut Columns, name: &str, text: &str| {
        if LISTS.contains(&element.name.as_str()) {
            columns.add_to_list(name, text)
        } else {
            columns.add(name, text)
        }
    };
    put(columns, name, &element.text);
    if let Some(language) = element.primary_language() {
        put(columns, &format!("{name}_{language}"), &element.text);
    }
    for (attribute, ending) in [("startDate", "start"), ("endDate", "end")] {
        columns.add(&format!("{name}_{ending}"), element.attribute(attribute).unwrap_or_default());
    }
    let parts = || element.children.iter().filter(|part| part.vocabulary == Vocabulary::Cerif);
    if element.name == "PersonName" {
        columns.add(name, &person_name(element));
    } else if let Some(displayed) = element.text_of(Vocabulary::Cerif, "DisplayName") {
        columns.add(name, displayed);
    } else if parts().any(is_entity) {
        for entity in parts().filter(|part| is_entity(part)) {
            put(columns, name, &entity_label(entity).unwrap_or_default());
        }
    } else if parts().all(|part| name == format!("{}s", snake_case(&part.name))) {
        for part in parts() {
            columns.add_to_list(name, &role_label(part).unwrap_or_default());
        }
    } else {
        for part in parts() {
            add(columns, &format!("{name}_{}", snake_case(&part.name)), part);
        }
    }
}

/// The preferred language's text alone, where a column holds texts in several.
///
/// Repeated texts of one language, such as keywords, stay all of them.
fn prefer_language(columns: &mut Columns, name: &str) {
    let preferred = LANGUAGES.iter().map(|language| columns.values(&format!("{name}_{language}")));
    let Some(kept) = preferred.into_iter().find(|values| !values.is_empty()).map(<[String]>::to_vec) else {
        return;
    };
    columns.retain(name, |value| kept.iter().any(|held| held == value));
}

/// The name of who plays a role (`Author`, `Holder`): as displayed, or else of the entity in it.
fn role_label(role: &Element) -> Option<String> {
    let displayed = role.text_of(Vocabulary::Cerif, "DisplayName").map(str::to_owned);
    displayed.or_else(|| role.children.iter().filter(|child| is_entity(child)).find_map(entity_label))
}

/// What people know an entity by; its id for one that is only referred to.
fn entity_label(entity: &Element) -> Option<String> {
    let name = entity.child(Vocabulary::Cerif, "PersonName").map(person_name).filter(|name| !name.is_empty());
    let known = || LABELS.iter().find_map(|label| preferred_text(entity, label));
    name.or_else(known).or_else(|| entity.attribute("id").map(str::to_owned))
}

fn preferred_text(entity: &Element, name: &str) -> Option<String> {
    let texts =
        || entity.children.iter().filter(|child| child.is(Vocabulary::Cerif, name) && !child.text.is_empty());
    let preferred = LANGUAGES
        .iter()
        .find_map(|language| texts().find(|text| text.primary_language().as_deref() == Some(*language)));
    preferred.or_else(|| texts().next()).map(|text| text.text.clone())
}

/// Family name first and unspaced in Chinese, last in every other writing.
fn person_name(name: &Element) -> String {
    let part = |of| name.text_of(Vocabulary::Cerif, of).unwrap_or_default();
    let (family, first) = (part("FamilyNames"), part("FirstNames"));
    if is_han(family) && is_han(first) {
        format!("{family}{first}")
    } else {
        format!("{first} {family}").trim().to_owned()
    }
}

fn is_han(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|character| matches!(character, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}' | '·'))
}

/// `RegistrationDate` → `registration_date`, `ZDB-ID` → `zdb_id`, `URL` → `url`.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len().saturating_add(4));
    let mut before = '_';
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        let starts_word = character.is_uppercase()
            && (before.is_lowercase()
                || (before.is_uppercase() && characters.peek().is_some_and(|next| next.is_lowercase())));
        if starts_word {
            snake.push('_');
        }
        snake.extend(if character == '-' { '_' } else { character }.to_lowercase());
        before = character;
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_columns_in_snake_case() {
        for (name, wanted) in [
            ("Title", "title"),
            ("RegistrationDate", "registration_date"),
            ("URL", "url"),
            ("DOI", "doi"),
            ("ZDB-ID", "zdb_id"),
            ("OAMandate", "oa_mandate"),
            ("ISBN", "isbn"),
        ] {
            assert_eq!(snake_case(name), wanted);
        }
    }
}
