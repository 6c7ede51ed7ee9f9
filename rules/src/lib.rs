//! Kinds, classes, ceilings and disclosure decisions over the catalogue: what a record may hold and what of it may leave.
//!
//! In scope: reading the catalogue (kinds, code lists, policies), checking a record against its kind, deriving fields,
//! the class and ceiling of every field, the institution's disclosure policy, the one plan that both preview and sending
//! follow, the hub's judgement of what a disclosure reveals, and what another version of the catalogue changes.
//! Out of scope: statements, salts and digests of fields (`core`), files and storage (`service`, `node`), import mappings
//! (`node`; here they are only carried as text). No clock and no randomness: callers hand in `today`.
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::string_slice, reason = "tests may panic"))]

mod catalogue;
mod ceilings;
mod check;
mod class;
mod codes;
mod dates;
mod derive;
mod difference;
mod field;
mod file_set;
mod judge;
mod kind;
mod lang;
mod link;
mod load;
mod members;
mod personal_id;
mod plan;
mod policy;
mod problem;
mod problem_text;
mod property;
mod scan;
mod schema_words;
mod state;
mod validators;
mod value_type;

pub use catalogue::{Catalogue, LoadFailed, OwnLists};
pub use class::{ByState, Ceiling, Class};
pub use codes::{Code, CodeList, CodesRefused};
pub use difference::{Change, Difference, Severity, compare};
pub use field::{Field, Subject};
pub use file_set::{CATALOGUE_BYTES_MAX, CATALOGUE_FILE_BYTES_MAX, FileSet, FilesRefused};
pub use judge::Refusal;
pub use kind::Kind;
pub use lang::Lang;
pub use link::{Link, LinkRefused};
pub use load::KindRefused;
pub use personal_id::holds_personal_id;
pub use plan::{Authority, Fate, Plan, PlanRefused, PlannedField, WithheldBecause, plan};
pub use policy::{Mode, ParsePolicyFailed, Policy};
pub use problem::{Problem, ProblemCode};
pub use property::FieldRefused;
pub use safeharbor_core::record::{KindId, ParseKindFailed};
pub use scan::{Find, Mark, scan, scan_field};
pub use schema_words::SchemaRefused;
pub use value_type::ValueType;

/// A record (记录) of some kind: its field names and values.
pub type Record = serde_json::Map<String, serde_json::Value>;
