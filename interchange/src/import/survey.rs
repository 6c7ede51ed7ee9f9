//! The first reading of a whole table, before anything is stored: a broken file is not half imported, and what one row says may not be
//! stored is known before another row for the same record is.

use std::collections::{HashMap, HashSet};
use std::io::{Read, Seek};

use rayon::prelude::*;
use safeharbor_core::digest::Digest;

use super::arrange::{Arranger, Piece};
use super::header::Header;
use super::pipeline::{ImportFault, read_chunk};
use super::plan::{Outcome, Plan};
use super::sink::Withheld;
use super::source::{ReadRowsFailed, Row, Table, WorkbookFailed, fingerprint};

/// The most text that the cells of one table hold. A workbook of a few kilobytes can repeat one text a million times.
const TEXT_BYTES_MAX: u64 = 1024 * 1024 * 1024;
const TOO_MUCH_TEXT: WorkbookFailed = WorkbookFailed::TooLarge { what: "text in its cells", limit: "1 GiB" };

/// What the first reading of all rows found.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) rows_total: u64,
    /// A fingerprint of every chunk, in order.
    pub(crate) chunks: Vec<u64>,
    pub(crate) barred: Barred,
}

/// The natural keys of several rows of which one may not be stored, as digests so that memory stays small.
#[derive(Debug, Default)]
pub(crate) struct Barred(HashMap<Digest, BarredBy>);

/// The first row that bars a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BarredBy {
    pub(crate) row: u64,
    pub(crate) why: Withheld,
}

impl Barred {
    /// The row because of which no row for this key may be stored.
    pub(crate) fn by(&self, key: &str) -> Option<BarredBy> {
        if self.0.is_empty() { None } else { self.0.get(&Digest::of(key.as_bytes())).copied() }
    }

    fn note(&mut self, outcome: &Outcome) {
        let (Some(key), Some(why)) = (&outcome.key, outcome.why_withheld()) else { return };
        let by = self.0.entry(Digest::of(key.as_bytes())).or_insert(BarredBy { row: outcome.row, why });
        if why == Withheld::Secrecy {
            by.why = why;
        }
    }
}

/// Reads the whole table once for its size and its keys; where a key comes twice, once more for what the rows of such keys say.
///
/// # Errors
/// The table is broken somewhere, or changed meanwhile.
pub(crate) fn survey<R: Read + Seek + Send>(
    table: &mut Table<R>,
    header: &Header,
    plan: &Plan<'_>,
    first_row: u64,
) -> Result<Survey, ImportFault> {
    let mut survey = Survey::default();
    let (mut seen, mut repeated) = (HashSet::new(), HashSet::new());
    walk(table, header, plan, first_row, &mut |chunk| survey.note(chunk), &mut |pieces| {
        for key in pieces.par_iter().with_min_len(64).map(|piece| key_of(plan, piece)).collect::<Vec<_>>() {
            repeated.extend(key.filter(|key| !seen.insert(*key)));
        }
    })?;
    if repeated.is_empty() {
        return Ok(survey);
    }
    let (mut chunks, mut has_changed) = (survey.chunks.iter(), false);
    let mut barred = Barred::default();
    let mut compare = |chunk: &[Row]| has_changed |= chunks.next() != Some(&fingerprint(chunk));
    walk(table, header, plan, first_row, &mut compare, &mut |pieces| {
        let is_repeated = |piece: &&Piece| key_of(plan, piece).is_some_and(|key| repeated.contains(&key));
        let outcomes: Vec<Outcome> =
            pieces.par_iter().filter(is_repeated).map(|piece| plan.process(piece)).collect();
        outcomes.iter().for_each(|outcome| barred.note(outcome));
    })?;
    if has_changed {
        return Err(ReadRowsFailed::Changed.into());
    }
    survey.barred = barred;
    Ok(survey)
}

/// Shows every chunk of rows, and the pieces made of it while the next is read.
fn walk<R: Read + Seek + Send>(
    table: &mut Table<R>,
    header: &Header,
    plan: &Plan<'_>,
    first_row: u64,
    on_chunk: &mut dyn FnMut(&[Row]),
    on_pieces: &mut (dyn FnMut(&[Piece]) + Send),
) -> Result<(), ImportFault> {
    let mut rows = table.rows_from(first_row)?;
    let mut arranger = Arranger::new(&plan.arrangement, &plan.gates);
    let mut chunk = read_chunk(&mut rows, header)?;
    let mut text_bytes = 0_u64;
    while !chunk.is_empty() {
        let bytes: usize = chunk.iter().map(Row::bytes).sum();
        text_bytes = text_bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if text_bytes > TEXT_BYTES_MAX {
            return Err(ReadRowsFailed::Workbook(TOO_MUCH_TEXT).into());
        }
        on_chunk(&chunk);
        let mut pieces = Vec::with_capacity(chunk.len());
        chunk.into_iter().for_each(|row| arranger.arrange(row, &mut pieces));
        let ((), next) = rayon::join(|| on_pieces(&pieces), || read_chunk(&mut rows, header));
        chunk = next?;
    }
    Ok(())
}

impl Survey {
    fn note(&mut self, chunk: &[Row]) {
        self.rows_total = self.rows_total.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        self.chunks.push(fingerprint(chunk));
    }
}

fn key_of(plan: &Plan<'_>, piece: &Piece) -> Option<Digest> {
    plan.key(piece).map(|key| Digest::of(key.as_bytes()))
}
