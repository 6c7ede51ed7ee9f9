//! From a file to checked rows: one rule set for dry run and import, in parallel chunks of bounded size.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use rayon::prelude::*;
use safeharbor_rules::{Kind, Lang, holds_personal_id};

use super::arrange::{Arranger, Piece};
use super::encoding::{DetectFailed, Encoding};
use super::header::{Header, MissingColumn};
use super::mapping::{Mapping, MappingFailed};
use super::plan::{Outcome, Plan};
use super::reject::{Rejects, keep_head};
use super::report::Report;
use super::sink::{Sink, Taken};
use super::source::{ReadRowsFailed, Row, Rows, Table, fingerprint};
use super::survey::{Survey, survey};
use super::tally::{Settlement, Tally};

/// Rows mapped and checked at a time; a few megabytes at most for ordinary files.
const CHUNK_ROWS: usize = 2_048;
/// A chunk is also full at this many bytes of text, so that long rows do not add up.
const CHUNK_BYTES: usize = 8 * 1024 * 1024;

/// What stands where the name of a file may not.
const FILE_NAME_WITHHELD: &str = "(file name withheld)";

/// What a person may set for one import.
#[derive(Clone, Copy)]
pub struct ImportOptions<'a> {
    /// Overrules the mapping's encoding.
    pub encoding: Option<Encoding>,
    /// Overrules the mapping's delimiter.
    pub delimiter: Option<u8>,
    /// How many problems the report lists; all are counted.
    pub problems_max: usize,
    /// Called after every batch.
    pub progress: Option<&'a (dyn Fn(Progress) + Sync)>,
    /// Takes the rejected rows, piece by piece, as a file that imports again by the same mapping; not called if there are none.
    pub rejects: Option<&'a TakesBytes<'a>>,
    /// The language of the reasons in that file.
    pub lang: Lang,
}

/// Takes a file piece by piece.
pub type TakesBytes<'a> = dyn Fn(&[u8]) -> io::Result<()> + Sync + 'a;

/// How far an import has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Rows settled.
    pub rows: u64,
    /// Rows of the file.
    pub of: u64,
}

impl Default for ImportOptions<'_> {
    fn default() -> Self {
        Self {
            encoding: None,
            delimiter: None,
            problems_max: 1_000,
            progress: None,
            rejects: None,
            lang: Lang::Zh,
        }
    }
}

impl fmt::Debug for ImportOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportOptions")
            .field("encoding", &self.encoding)
            .field("delimiter", &self.delimiter)
            .field("problems_max", &self.problems_max)
            .finish_non_exhaustive()
    }
}

/// A file that was not imported.
#[derive(Debug, thiserror::Error)]
#[error("{file} is not imported")]
pub struct ImportFailed {
    /// File name.
    pub file: String,
    /// Why.
    #[source]
    pub reason: ImportFault,
}

/// Why a file is not imported. Except for the last three, not one row of it was handed to the store.
#[derive(Debug, thiserror::Error)]
pub enum ImportFault {
    /// It cannot be opened.
    #[error("the file cannot be opened")]
    Open(#[source] io::Error),
    /// Its encoding is unclear or it is not text.
    #[error("the encoding is refused")]
    Detect(#[from] DetectFailed),
    /// It is not a table.
    #[error("the table is refused")]
    Rows(#[from] ReadRowsFailed),
    /// The mapping does not fit the kind.
    #[error("the mapping is refused")]
    Mapping(#[from] MappingFailed),
    /// No bytes at all, or only blank lines.
    #[error("the file is empty")]
    Empty,
    /// The header row the mapping names is blank or behind the end.
    #[error(
        "row {row} should hold the column headers, but it is blank or missing; set header_row in the mapping"
    )]
    NoHeader {
        /// The mapping's header row.
        row: u64,
    },
    /// The row the mapping names as header lacks a column and may be a record; nothing of it is shown.
    #[error(
        "row {row} does not look like a header row: field {field} wants column {wanted:?}; check header_row in the mapping"
    )]
    NotAHeader {
        /// The mapping's header row.
        row: u64,
        /// The field of the record.
        field: String,
        /// The header or headers the mapping names.
        wanted: String,
    },
    /// There is no mapping, and the header fits no kind, or two equally well.
    #[error(
        "row 1 holds the headers of no kind, or of several{}; say which with --kind, make a template of the kind (`template KIND`), or write a mapping",
        if candidates.is_empty() { String::new() } else { format!(" (nearest: {candidates})") }
    )]
    Unrecognised {
        /// The kinds that come nearest, with what they lack.
        candidates: String,
    },
    /// The header lacks a column.
    #[error("a column is missing")]
    MissingColumn(#[from] MissingColumn),
    /// The store failed; batches before it are kept, and importing again goes on from there.
    #[error("the store failed")]
    Sink(#[source] Box<dyn Error + Send + Sync>),
    /// The rejected rows cannot be written; the batches before it are kept.
    #[error("the rejected rows cannot be written")]
    Rejects(#[source] io::Error),
    /// The store answered for another number of rows than it was given.
    #[error("the store answered for {answered} of {given} rows")]
    SinkAnswer {
        /// Rows handed over.
        given: usize,
        /// Rows answered.
        answered: usize,
    },
}

/// Reads, maps and checks the file at `source` and hands every good row to `sink`, in the order of the file.
///
/// Good rows are taken even where others are refused; the report lists the refused ones.
///
/// # Errors
/// A file or mapping that is refused as a whole, or a store that fails.
pub fn import(
    source: &Path,
    mapping: &Mapping,
    kind: &Kind,
    options: &ImportOptions<'_>,
    sink: &mut dyn Sink,
) -> Result<Report, ImportFailed> {
    let file = shown_file_name(source);
    let opened = File::open(source).map_err(ImportFault::Open);
    opened
        .and_then(|opened| run(&file, opened, mapping, kind, options, sink))
        .map_err(|reason| ImportFailed { file, reason })
}

/// Does what [`import`] does for bytes that are not a file.
///
/// # Errors
/// As [`import`].
pub fn import_from<R: Read + Seek + Send>(
    file: &str,
    input: R,
    mapping: &Mapping,
    kind: &Kind,
    options: &ImportOptions<'_>,
    sink: &mut dyn Sink,
) -> Result<Report, ImportFailed> {
    let file = shown_file_name(Path::new(file));
    run(&file, input, mapping, kind, options, sink).map_err(|reason| ImportFailed { file, reason })
}

/// The name by which reports, errors and the audit log call a file: its own, unless it holds an identity card number.
#[must_use]
pub fn shown_file_name(file: &Path) -> String {
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    if holds_personal_id(&name) { FILE_NAME_WITHHELD.to_owned() } else { name.into_owned() }
}

fn run<R: Read + Seek + Send>(
    file: &str,
    input: R,
    mapping: &Mapping,
    kind: &Kind,
    options: &ImportOptions<'_>,
    sink: &mut dyn Sink,
) -> Result<Report, ImportFault> {
    let mut table = Table::open(input, mapping, options.encoding, options.delimiter)?;
    let returned = header_of_returned_rows(&mut table, mapping)?;
    let header_row = returned.unwrap_or_else(|| table.header_row(mapping));
    let last_head_row = returned.unwrap_or_else(|| header_row.saturating_add(mapping.skip_rows));
    let (header, head) = read_head(&mut table.rows()?, mapping, header_row, last_head_row)?;
    let plan = Plan::new(mapping, kind, &header)?;
    let first_data_row = last_head_row.saturating_add(1);
    let Survey { rows_total, chunks, barred } = survey(&mut table, &header, &plan, first_data_row)?;
    let rejects = Rejects::new(options, mapping, table.recognised.format, header_row, &head, &header, &plan);
    let tally = Tally::new(file, &table, &header, mapping, &plan, options.problems_max, rejects);
    let mut tally = tally.barring(barred);
    let arranger = Arranger::new(&plan.arrangement, &plan.gates);
    let rows = table.rows_from(first_data_row)?;
    let rows = Data { rows, header: &header, surveyed: chunks.into_iter(), arranger };
    let mut work = Work { rows, plan: &plan, sink };
    let (mut chunk, mut batch) = (work.rows.read_chunk()?, Settlement::default());
    loop {
        let settled = work.rows.arranger.rows;
        let step = work.step(&chunk, batch)?;
        tally.count(step.taken).map_err(ImportFault::Rejects)?;
        report_progress(options, settled, rows_total);
        if chunk.is_empty() {
            break;
        }
        batch = tally.settle(chunk, step.outcomes);
        chunk = step.next;
    }
    Ok(tally.finish(work.sink.remarks(), work.rows.arranger.left_out))
}

fn report_progress(options: &ImportOptions<'_>, rows: u64, of: u64) {
    if let Some(progress) = options.progress {
        progress(Progress { rows, of });
    }
}

/// Rejected rows of a file without a header row come back below one, which begins with the reasons.
fn header_of_returned_rows<R: Read + Seek + Send>(
    table: &mut Table<R>,
    mapping: &Mapping,
) -> Result<Option<u64>, ReadRowsFailed> {
    if mapping.arranging.columns.is_empty() {
        return Ok(None);
    }
    let first = mapping.skip_rows.saturating_add(1);
    let row = table.rows_from(first)?.read()?;
    Ok(row.filter(|row| row.number == first && Header::of(row).is_reason(0)).map(|row| row.number))
}

/// The header, and the rows that stand above the first record, itself among them.
fn read_head(
    rows: &mut Rows<'_>,
    mapping: &Mapping,
    header_row: u64,
    last_head_row: u64,
) -> Result<(Header, Vec<Row>), ImportFault> {
    let (mut header, mut head) = (None, Vec::new());
    while let Some(row) = rows.read()?.filter(|row| row.number <= last_head_row) {
        if row.number == header_row && !row.is_blank() {
            header = Some(Header::of(&row));
            head.push(row);
        } else {
            keep_head(&mut head, row);
        }
    }
    let lists = &mapping.arranging.columns;
    let named = || (!lists.is_empty()).then(|| Header::of_lists(lists));
    let header = header.or_else(named).ok_or(ImportFault::NoHeader { row: header_row })?;
    Ok((header.with_made(mapping)?, head))
}

/// The rows behind the header, each chunk compared with what the survey saw.
struct Data<'t> {
    rows: Rows<'t>,
    header: &'t Header,
    surveyed: std::vec::IntoIter<u64>,
    arranger: Arranger<'t>,
}

impl Data<'_> {
    /// The next pieces; none at the end of the file and nowhere else.
    fn read_chunk(&mut self) -> Result<Vec<Piece>, ReadRowsFailed> {
        let mut pieces = Vec::new();
        while pieces.is_empty() {
            let chunk = read_chunk(&mut self.rows, self.header)?;
            let found = (!chunk.is_empty()).then(|| fingerprint(&chunk));
            if found != self.surveyed.next() {
                return Err(ReadRowsFailed::Changed);
            }
            if found.is_none() {
                break;
            }
            chunk.into_iter().for_each(|row| self.arranger.arrange(row, &mut pieces));
        }
        Ok(pieces)
    }
}

/// The moving parts of one import.
struct Work<'w> {
    rows: Data<'w>,
    plan: &'w Plan<'w>,
    sink: &'w mut dyn Sink,
}

/// What one step achieved: a chunk mapped, the next one read, the batch before it stored.
struct Step {
    outcomes: Vec<Outcome>,
    next: Vec<Piece>,
    taken: Vec<Taken>,
}

impl Work<'_> {
    /// Maps `chunk`, reads the next and stores `batch` at the same time.
    fn step(&mut self, chunk: &[Piece], batch: Settlement) -> Result<Step, ImportFault> {
        let Self { rows, plan, sink } = self;
        let given = batch.good.len();
        let map = || chunk.par_iter().with_min_len(32).map(|piece| plan.process(piece)).collect();
        let ((outcomes, next), taken) =
            rayon::join(|| rayon::join(map, || rows.read_chunk()), || store(*sink, batch));
        let taken = taken.map_err(ImportFault::Sink)?;
        if taken.len() != given {
            return Err(ImportFault::SinkAnswer { given, answered: taken.len() });
        }
        Ok(Step { outcomes, next: next?, taken })
    }
}

/// Nothing is asked of the store for nothing.
fn store(sink: &mut dyn Sink, batch: Settlement) -> Result<Vec<Taken>, Box<dyn Error + Send + Sync>> {
    let Settlement { good, refused } = batch;
    if !refused.is_empty() {
        sink.pass_over(refused)?;
    }
    if good.is_empty() { Ok(Vec::new()) } else { sink.take(good) }
}

pub(super) fn read_chunk(rows: &mut Rows<'_>, header: &Header) -> Result<Vec<Row>, ReadRowsFailed> {
    let mut chunk = Vec::with_capacity(CHUNK_ROWS);
    let mut bytes = 0_usize;
    while chunk.len() < CHUNK_ROWS && bytes < CHUNK_BYTES {
        let Some(row) = rows.read()? else { break };
        bytes = bytes.saturating_add(row.bytes());
        if !header.is_blank(&row) {
            chunk.push(row);
        }
    }
    Ok(chunk)
}
