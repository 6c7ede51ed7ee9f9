//! Records and the files people have: files in, checked records out, and back.
//!
//! In scope: reading files and metadata of repositories by a mapping into checked records, problems that name file, row, column, value and what to do.
//! Out of scope: kinds and their checks (`rules`), keeping records (the store stands behind [`import::Sink`]), what leaves a
//! node (`node`), command lines.
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::string_slice, reason = "tests may panic"))]

pub mod cerif;
pub mod export;
pub mod form;
pub mod import;
pub mod layout;
pub mod metadata;
pub mod template;
