//! The check of a record against its kind, at the door.

use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use crate::class::{ByState, Class};
use crate::field::Field;
use crate::kind::Kind;
use crate::lang::{Lang, Titles};
use crate::personal_id::{holds_personal_id, record_holds_personal_id, value_holds_personal_id};
use crate::problem::{Expected, Problem, ProblemCode, shorten};
use crate::problem_text::labels_of;
use crate::value_type::ValueType;
use crate::{CodeList, Record};

impl Kind {
    /// Checks a record whose derived fields are filled in; an empty answer means it may be stored.
    ///
    /// Secrecy and CX come first and alone: the other problems of such a record would repeat its values.
    #[must_use]
    pub fn check(&self, record: &Record) -> Vec<Problem> {
        if let Some(problem) = self.refuse_at_gate(record) {
            return vec![problem];
        }
        let forbidden = self.forbidden(record);
        if !forbidden.is_empty() {
            return forbidden;
        }
        let mut problems = Vec::new();
        for (name, value) in record {
            match self.field(name) {
                None => problems.push(unknown_field(name)),
                Some(field) if !field.accepts(value) => problems.push(field.problem(value)),
                Some(_) => {}
            }
        }
        let missing = self.fields().iter().filter(|f| f.is_required() && !record.contains_key(f.name()));
        problems.extend(missing.map(|f| Problem::new(ProblemCode::Missing, Some(f), Expected::Plain)));
        problems.extend(self.contradictions(record).map(|field| self.contradiction(field, record)));
        problems
    }

    fn refuse_at_gate(&self, record: &Record) -> Option<Problem> {
        let field = self.closed_gate(record)?;
        let expected =
            field.codes().zip(field.gate()).map_or(Expected::Plain, |(list, gate)| gate_label(list, gate));
        Some(Problem::new(ProblemCode::Secrecy, Some(field), expected))
    }

    fn forbidden(&self, record: &Record) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (name, value) in record {
            let field = self.field(name);
            if holds_personal_id(name) || value_holds_personal_id(value) {
                problems.push(Problem::new(ProblemCode::PersonalId, field, Expected::Plain));
            } else if field.is_some_and(|f| f.class() == &ByState::Constant(Class::CX)) {
                problems.push(Problem::new(ProblemCode::Forbidden, field, Expected::Plain));
            }
        }
        problems
    }

    fn contradiction(&self, field: &Field, record: &Record) -> Problem {
        let source = field.derived_from().and_then(|name| self.field(name));
        let expected = source.map_or(Expected::Plain, |source| Expected::FollowsFrom(source.titles.clone()));
        let problem = Problem::new(ProblemCode::Contradiction, Some(field), expected);
        record.get(field.name()).map_or_else(|| problem.clone(), |value| problem.clone().with_value(value))
    }

    /// Whether nothing of the record may be stored or sent, whatever its class: a closed gate or CX.
    pub(crate) fn must_not_be_stored(&self, record: &Record) -> bool {
        self.closed_gate(record).is_some() || record_holds_personal_id(record)
    }
}

fn gate_label(list: &CodeList, gate: &str) -> Expected {
    let text = |lang| list.label(gate, lang).to_owned();
    Expected::Gate(Titles { zh: text(Lang::Zh), en: text(Lang::En) })
}

fn unknown_field(name: &str) -> Problem {
    let problem = Problem::new(ProblemCode::UnknownField, None, Expected::Plain);
    Problem { field: Some(shorten(name)), ..problem }
}

impl Field {
    /// Says what is wrong with a value that the field does not accept.
    fn problem(&self, value: &Value) -> Problem {
        let typed =
            Expected::Typed { value_type: self.value_type().clone(), unit: self.unit().map(str::to_owned) };
        let Some(error) = self.validator.iter_errors(value).next() else {
            return Problem::new(ProblemCode::Type, Some(self), typed).with_value(value);
        };
        let in_group = error
            .instance_path()
            .as_str()
            .split('/')
            .any(|part| part.starts_with(|c: char| c.is_alphabetic()));
        let (code, expected) =
            if in_group { (ProblemCode::Format, Expected::Parts) } else { self.explain(error.kind(), typed) };
        Problem::new(code, Some(self), expected).with_value(error.instance())
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the validator knows keywords that kinds do not use")]
    fn explain(&self, kind: &ValidationErrorKind, typed: Expected) -> (ProblemCode, Expected) {
        match kind {
            ValidationErrorKind::Enum { .. } => {
                (ProblemCode::NotInList, self.codes().map_or(Expected::Parts, labels_of))
            }
            ValidationErrorKind::Format { .. } => (ProblemCode::Format, self.typed_item()),
            ValidationErrorKind::Pattern { pattern } => {
                (ProblemCode::Format, Expected::Like(self.example().unwrap_or(pattern).to_owned()))
            }
            ValidationErrorKind::Type { .. } => (ProblemCode::Type, typed),
            ValidationErrorKind::MinLength { limit } => characters(Some(*limit), None),
            ValidationErrorKind::MaxLength { limit } => characters(None, Some(*limit)),
            ValidationErrorKind::MinItems { limit } => items(Some(*limit), None),
            ValidationErrorKind::MaxItems { limit } => items(None, Some(*limit)),
            ValidationErrorKind::UniqueItems => (ProblemCode::Length, Expected::Unique),
            ValidationErrorKind::Minimum { .. } | ValidationErrorKind::Maximum { .. } => {
                (ProblemCode::Range, self.bounds())
            }
            _ => (ProblemCode::Format, Expected::Parts),
        }
    }

    fn typed_item(&self) -> Expected {
        let value_type: &ValueType = self.value_type().item();
        Expected::Typed { value_type: value_type.clone(), unit: self.unit().map(str::to_owned) }
    }

    fn bounds(&self) -> Expected {
        let schema = self.schema().get("items").unwrap_or(self.schema());
        let bound = |word: &str| schema.get(word).map(ToString::to_string);
        Expected::Bounds {
            least: bound("minimum"),
            most: bound("maximum"),
            unit: self.unit().map(str::to_owned),
        }
    }
}

fn characters(least: Option<u64>, most: Option<u64>) -> (ProblemCode, Expected) {
    (ProblemCode::Length, Expected::Characters { least, most })
}

fn items(least: Option<u64>, most: Option<u64>) -> (ProblemCode, Expected) {
    (ProblemCode::Length, Expected::Items { least, most })
}
