//! Metadata records of repositories and research information systems as flat rows: Dublin Core and CERIF-XML.
//!
//! In scope: answers of OAI-PMH 2.0 and XML files of the same shape, read one record at a time within fixed limits; which
//! columns a record becomes. Out of scope: asking a repository (`node`), what a column means for a kind (mappings).

mod answer;
mod cerif;
mod columns;
mod dublin_core;
mod element;
mod metered;
mod xml;

pub use answer::{
    Answer, AnswerFailed, DeletedRecords, Facts, Granularity, Identify, Item, Limits, OaiError, OaiErrorCode,
};
pub use columns::{
    ACTION_COLUMN, Columns, DATE_COLUMN, DATESTAMP_COLUMN, IDENTIFIER_COLUMN, MetadataFormat, MetadataRow,
};
pub use xml::{EVENT_BYTES_MAX, XmlFailed};
