//! Import at the node: files people have in, checked records out, by a mapping that people write.
//!
//! In scope: encodings, delimited text, mappings, reading of cells, the checks of the kind, problems that name file,
//! row, column, value and what to do. Out of scope: keeping records (the store stands behind [`Sink`]), what leaves
//! (disclosure policy), command line.

mod arrange;
pub(crate) mod cell;
mod check;
mod date;
pub(crate) mod decimal;
mod decoded;
mod draft;
mod encoding;
mod fault;
mod gate;
mod header;
pub(crate) mod mapping;
mod normal;
mod own;
mod pipeline;
mod plan;
mod reject;
mod report;
pub(crate) mod shape;
mod sink;
mod source;
mod split;
mod survey;
mod tally;
pub(crate) mod text;

pub use arrange::LeftOut;
pub use check::check;
pub use date::ParseFormFailed;
pub use draft::{DraftFailed, draft, draft_from};
pub use encoding::{DetectFailed, Detected, Encoding, FILE_BYTES_MAX, ParseEncodingFailed, detect};
pub use fault::Wording;
pub use header::MissingColumn;
pub use mapping::{MAPPING_BYTES_MAX, Mapping, MappingFailed, MappingFault, ShortRows};
pub(crate) use own::NOTES_MARK;
pub use own::recognise;
pub use pipeline::{
    ImportFailed, ImportFault, ImportOptions, Progress, TakesBytes, import, import_from, shown_file_name,
};
pub use reject::REASON_COLUMN;
pub use report::{Report, RowProblem, Warning};
pub use sink::{Action, ImportedRow, Objection, RefusedRow, Remark, Sink, Taken, Withheld};
pub use source::{
    CELL_BYTES_MAX, COLUMNS_MAX, Format, ROW_BYTES_MAX, ReadRowsFailed, Recognised, WorkbookFailed,
};
pub use split::split;
