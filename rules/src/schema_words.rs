//! The part of JSON Schema that kinds use, and the filling in of code lists.

use serde_json::{Map, Value};

use crate::codes::{CODE_PATTERN, CodeList};

/// Schemas nest no deeper than a list of groups of lists.
const DEPTH_MAX: usize = 6;

/// A schema of a value that kinds do not use.
#[derive(Debug, thiserror::Error)]
pub enum SchemaRefused {
    /// A keyword outside the ones kinds use; references and combinators are among those.
    #[error("keyword {0:?} is not used in kinds")]
    Keyword(String),
    /// No type, or one that kinds do not use.
    #[error("the type or format is none of a kind's")]
    Type,
    /// A text without `maxLength`, `format`, `pattern` or `enum`, or a list without `maxItems`.
    #[error("{0} needs a bound")]
    Unbounded(&'static str),
    /// A group that takes parts it does not name.
    #[error("a group needs \"additionalProperties\": false")]
    Open,
    /// A part whose name is not of the form of a field's: the guarded words could not be looked for in it.
    #[error("{0:?} is no name of a part: a-z, A-Z, 0-9 and '_'")]
    Part(String),
    /// Nested too deeply.
    #[error("nested deeper than {DEPTH_MAX}")]
    Depth,
    /// A code list on something that is neither a text nor a list of texts.
    #[error("a code list fits a text or a list of texts without values of their own")]
    Codes,
    /// The validator's own words.
    #[error("{0}")]
    Invalid(String),
}

/// Writes the codes of a list into the schema of a text, or of the items of a list.
pub(crate) fn fill_codes(schema: &mut Map<String, Value>, codes: &CodeList) -> Result<(), SchemaRefused> {
    let target = coded(schema)?;
    let values = codes.codes().iter().map(|code| Value::from(code.code.as_str())).collect();
    target.insert("enum".to_owned(), Value::Array(values));
    Ok(())
}

/// Writes the form of a code instead, for a list that each institution may have its own of.
pub(crate) fn fill_any_code(schema: &mut Map<String, Value>) -> Result<(), SchemaRefused> {
    coded(schema)?.insert("pattern".to_owned(), CODE_PATTERN.into());
    Ok(())
}

/// The schema of a text, or of the items of a list of texts.
fn coded(schema: &mut Map<String, Value>) -> Result<&mut Map<String, Value>, SchemaRefused> {
    let is_list = schema.get("type").and_then(Value::as_str) == Some("array");
    let target = if is_list { schema.get_mut("items").and_then(Value::as_object_mut) } else { Some(schema) };
    let target = target.filter(|t| t.get("type").and_then(Value::as_str) == Some("string"));
    target.filter(|t| !t.contains_key("enum")).ok_or(SchemaRefused::Codes)
}

/// Refuses every keyword and shape that kinds do not use.
pub(crate) fn check_words(schema: &Map<String, Value>) -> Result<(), SchemaRefused> {
    check_at(schema, 0)
}

fn check_at(schema: &Map<String, Value>, depth: usize) -> Result<(), SchemaRefused> {
    if depth > DEPTH_MAX {
        return Err(SchemaRefused::Depth);
    }
    if let Some(word) = schema.keys().find(|word| !is_known(word)) {
        return Err(SchemaRefused::Keyword(word.clone()));
    }
    let has = |word: &str| schema.contains_key(word);
    match schema.get("type").and_then(Value::as_str) {
        Some("string") if !["maxLength", "format", "pattern", "enum"].iter().any(|word| has(word)) => {
            Err(SchemaRefused::Unbounded("a text"))
        }
        Some("string" | "integer" | "number" | "boolean") => Ok(()),
        Some("array") if !has("maxItems") => Err(SchemaRefused::Unbounded("a list")),
        Some("array") => check_inner(schema.get("items"), depth),
        Some("object") => check_parts(schema, depth),
        _ => Err(SchemaRefused::Type),
    }
}

fn check_inner(schema: Option<&Value>, depth: usize) -> Result<(), SchemaRefused> {
    check_at(schema.and_then(Value::as_object).ok_or(SchemaRefused::Type)?, depth.saturating_add(1))
}

fn check_parts(schema: &Map<String, Value>, depth: usize) -> Result<(), SchemaRefused> {
    if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
        return Err(SchemaRefused::Open);
    }
    let parts = schema.get("properties").and_then(Value::as_object).ok_or(SchemaRefused::Type)?;
    if let Some(name) = parts.keys().find(|name| !is_name(name)) {
        return Err(SchemaRefused::Part(name.clone()));
    }
    parts.values().try_for_each(|part| check_inner(Some(part), depth))
}

/// Whether a text has the form of a field's name: a small letter, then letters, digits and '_', at most 40.
pub(crate) fn is_name(text: &str) -> bool {
    let starts_small = text.starts_with(|c: char| c.is_ascii_lowercase());
    let word = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    starts_small && word && text.len() <= 40
}

/// The names of the parts of every group in a schema, at any depth.
pub(crate) fn part_names(schema: &Map<String, Value>) -> Vec<&str> {
    let parts = schema.get("properties").and_then(Value::as_object);
    let mut names: Vec<&str> = parts.into_iter().flat_map(Map::keys).map(String::as_str).collect();
    let inner = parts.into_iter().flat_map(Map::values).chain(schema.get("items"));
    names.extend(inner.filter_map(Value::as_object).flat_map(part_names));
    names
}

fn is_known(word: &str) -> bool {
    matches!(
        word,
        "type"
            | "format"
            | "pattern"
            | "enum"
            | "minLength"
            | "maxLength"
            | "minimum"
            | "maximum"
            | "items"
            | "minItems"
            | "maxItems"
            | "uniqueItems"
            | "properties"
            | "required"
            | "additionalProperties"
            | "description"
    )
}
