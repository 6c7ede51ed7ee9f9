//! The first reading of a whole table, before anything is stored: a broken file is not half imported, and what one row says may not be
//! stored is known before another row for the same record is.

use std::collections::HashMap;
use std::io::{Read, Seek};

use rayon::prelude::*;
use safeharbor_core::digest::Digest;

use super::arrange::{Arranger, Piece};
use super::header::Header;
use super::pipeline::{ImportFault, read_chunk};
use super::plan::{Outcome, Plan};
use super::sink::Withheld;
use super::source::{Row, Table, fingerprint};

/// What the first reading of all rows found.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) rows_total: u64,
    /// A fingerprint of every chunk, in order.
    pub(crate) chunks: Vec<u64>,
    pub(crate) barred: Barred,
}

/// The natural keys for which a row of the file may not be stored, as digests so that memory stays small.
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

/// Reads the whole table once, mapping one chunk while the next is read.
///
/// # Errors
/// The table is broken somewhere.
pub(crate) fn survey<R: Read + Seek + Send>(
    table: &mut Table<R>,
    header: &Header,
    plan: &Plan<'_>,
    first_row: u64,
) -> Result<Survey, ImportFault> {
    let mut rows = table.rows_from(first_row)?;
    let mut arranger = Arranger::new(&plan.arrangement, &plan.gates);
    let mut survey = Survey::default();
    let mut chunk = read_chunk(&mut rows, header)?;
    while !chunk.is_empty() {
        survey.note(&chunk);
        let mut pieces = Vec::with_capacity(chunk.len());
        chunk.into_iter().for_each(|row| arranger.arrange(row, &mut pieces));
        let (withheld, next) = rayon::join(|| withheld_of(plan, &pieces), || read_chunk(&mut rows, header));
        withheld.iter().for_each(|outcome| survey.barred.note(outcome));
        chunk = next?;
    }
    Ok(survey)
}

impl Survey {
    fn note(&mut self, chunk: &[Row]) {
        self.rows_total = self.rows_total.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        self.chunks.push(fingerprint(chunk));
    }
}

fn withheld_of(plan: &Plan<'_>, pieces: &[Piece]) -> Vec<Outcome> {
    let outcomes = pieces.par_iter().with_min_len(32).map(|piece| plan.process(piece));
    outcomes.filter(|outcome| outcome.withheld).collect()
}
