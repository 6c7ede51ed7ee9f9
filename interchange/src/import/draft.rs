//! A proposal for a mapping, made from a file's header and the look of its cells; a person checks every guess.
//!
//! A draft holds names of columns and, of columns with codes, a few texts that no list knows. Nothing is copied of a row
//! that secrecy keeps out, of a row with an identity card number, or of any other column. Meanings are never guessed.

mod field;
mod likeness;
mod sample;
mod writing;

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use safeharbor_rules::{Kind, Lang};

use super::encoding::Encoding;
use super::pipeline::{ImportFault, shown_file_name};
use likeness::{Match, matches, weight};
use sample::Sample;

/// Why no mapping is proposed.
#[derive(Debug, thiserror::Error)]
pub enum DraftFailed {
    /// The file is not a table.
    #[error("{file} cannot be read as a table")]
    File {
        /// File name.
        file: String,
        /// Why.
        #[source]
        reason: ImportFault,
    },
    /// No row can be told to be the header.
    #[error(
        "no row among the first {} of {file} looks like a header for {wanted}; name the kind with --kind, or write the mapping by hand after docs/mapping.md",
        sample::HEADER_ROWS_MAX
    )]
    NoHeader {
        /// File name.
        file: String,
        /// The kind or kinds tried.
        wanted: String,
    },
}

/// Proposes a mapping for the file at `source`: for the one kind of `kinds` whose fields its columns resemble most.
///
/// The text reads as a mapping, and imports as it is where every column that the kind requires is titled like its field.
///
/// # Errors
/// A file that is no table, or without a row that resembles a header for any of the kinds.
pub fn draft(source: &Path, kinds: &[&Kind], encoding: Option<Encoding>) -> Result<String, DraftFailed> {
    let file = shown_file_name(source);
    match File::open(source) {
        Ok(input) => draft_from(&file, input, kinds, encoding),
        Err(failed) => Err(DraftFailed::File { file, reason: ImportFault::Open(failed) }),
    }
}

/// Does what [`draft`] does for bytes that are not a file.
///
/// # Errors
/// As [`draft`].
pub fn draft_from<R: Read + Seek + Send>(
    file: &str,
    mut input: R,
    kinds: &[&Kind],
    encoding: Option<Encoding>,
) -> Result<String, DraftFailed> {
    let file = shown_file_name(Path::new(file));
    let sample = match Sample::take(&mut input, kinds, encoding) {
        Ok(sample) => sample,
        Err(reason) => return Err(DraftFailed::File { file, reason }),
    };
    let proposal = sample.as_ref().and_then(|sample| Proposal::of(sample, kinds));
    let Some(proposal) = proposal else {
        let titles: Vec<String> =
            kinds.iter().map(|kind| format!("{} {}", kind.id(), kind.title(Lang::Zh))).collect();
        let wanted = if titles.len() > 1 { "any kind".to_owned() } else { titles.concat() };
        return Err(DraftFailed::NoHeader { file, wanted });
    };
    Ok(writing::write(&file, &proposal))
}

/// What is proposed: a kind, and which column resembles which field.
pub(super) struct Proposal<'p> {
    sample: &'p Sample,
    kind: &'p Kind,
    matches: Vec<Match<'p>>,
}

impl<'p> Proposal<'p> {
    fn of(sample: &'p Sample, kinds: &[&'p Kind]) -> Option<Self> {
        let proposals =
            kinds.iter().map(|&kind| Self { sample, kind, matches: matches(kind, &sample.header) });
        // `max_by_key` keeps the last of equals; the first kind of the catalogue is the better guess.
        let best = proposals.rev().max_by_key(|proposal| weight(proposal.kind, &proposal.matches))?;
        let is_named = kinds.len() == 1 && (sample.stands_out || !sample.years.is_empty());
        (!best.matches.is_empty() || is_named).then_some(best)
    }
}
