//! Validators of values, each schema compiled once: most fields of the catalogue share a few schemas.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use jsonschema::Validator;
use safeharbor_core::institution::InstitutionCode;
use serde_json::Value;

use crate::dates::{is_month, parse_date};
use crate::schema_words::SchemaRefused;

/// The validators compiled while one catalogue is loaded, by the text of their schema.
#[derive(Default)]
pub(crate) struct Validators(RefCell<HashMap<String, Arc<Validator>>>);

impl Validators {
    /// The validator of a schema.
    pub(crate) fn compile(&self, schema: &Value) -> Result<Arc<Validator>, SchemaRefused> {
        let text = schema.to_string();
        if let Some(known) = self.0.borrow().get(&text) {
            return Ok(Arc::clone(known));
        }
        let validator = Arc::new(compile(schema)?);
        self.0.borrow_mut().insert(text, Arc::clone(&validator));
        Ok(validator)
    }
}

fn compile(schema: &Value) -> Result<Validator, SchemaRefused> {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .with_pattern_options(jsonschema::PatternOptions::regex())
        .should_validate_formats(true)
        .with_format("date", |text: &str| parse_date(text).is_some())
        .with_format("year-month", is_month)
        .with_format("uscc", |text: &str| text.parse::<InstitutionCode>().is_ok())
        .build(schema)
        .map_err(|source| SchemaRefused::Invalid(source.to_string()))
}
