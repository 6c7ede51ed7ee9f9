//! Settling outcomes in the order of the file: duplicate keys, counts, problems, warnings.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Seek};
use std::sync::Arc;

use safeharbor_core::digest::Digest;

use super::arrange::{LeftOut, Piece};
use super::cell::Kept;
use super::fault::{Finding, RowFault};
use super::gate::is_about_secrecy;
use super::header::Header;
use super::mapping::Mapping;
use super::plan::{CellFinding, Outcome, Plan};
use super::reject::{Rejected, Rejects};
use super::report::{Report, RowPlace, RowProblem, Warning};
use super::sink::{ImportedRow, Objection, RefusedRow, Remark, Taken, Withheld};
use super::source::Table;
use super::survey::Barred;

/// The report in the making.
#[derive(Debug)]
pub(crate) struct Tally<'h> {
    report: Report,
    file: Arc<str>,
    header: &'h Header,
    plan: &'h Plan<'h>,
    /// The keys that some row of the file bars.
    barred: Barred,
    problems_max: usize,
    /// Where each key was first seen; digests, so that memory stays small whatever keys look like.
    first_rows: HashMap<Digest, FirstRow>,
    /// Column to number of rows with lost characters and the first of them.
    lost: BTreeMap<usize, (u64, u64)>,
    /// The same of results of formulas.
    formulas: BTreeMap<usize, (u64, u64)>,
    /// The same of fields, by their place in the plan, whose text is kept beside the record.
    kept: BTreeMap<(usize, Kept), (u64, u64)>,
    /// Number of rows that a spreadsheet hides, and the first of them.
    hidden: Option<(u64, u64)>,
    settled: Settled,
    rejects: Rejects<'h>,
}

/// A chunk whose good rows are with the store, whose answer decides what is said of each row.
#[derive(Debug, Default)]
struct Settled {
    pieces: Vec<Piece>,
    /// Which pieces are in the batch, in its order.
    given: Vec<usize>,
    rejected: Vec<Rejected>,
}

/// What of a chunk goes to the store.
#[derive(Debug, Default)]
pub(crate) struct Settlement {
    pub(crate) good: Vec<ImportedRow>,
    pub(crate) refused: Vec<RefusedRow>,
}

#[derive(Debug, Clone, Copy)]
struct FirstRow {
    row: u64,
    withheld: bool,
}

impl<'h> Tally<'h> {
    pub(crate) fn new<R: Read + Seek + Send>(
        file: &str,
        table: &Table<R>,
        header: &'h Header,
        mapping: &Mapping,
        plan: &'h Plan<'h>,
        problems_max: usize,
        rejects: Rejects<'h>,
    ) -> Self {
        let duplicates = header.duplicates();
        let mut warnings = table.warnings.clone();
        let hidden =
            header.names().enumerate().filter(|(column, name)| table.hides(*column) && !name.is_empty());
        warnings.extend(hidden.map(|(_, name)| Warning::hidden_column(name)));
        warnings.extend(duplicates.iter().map(|name| about_column(name, Warning::duplicate_column)));
        let unknown = header.unknown(mapping).into_iter().filter(|name| !duplicates.contains(name));
        warnings.extend(unknown.map(|name| about_column(name, Warning::unknown_column)));
        let report = Report {
            file: file.to_owned(),
            recognised: table.recognised.clone(),
            rows: 0,
            new: 0,
            unchanged: 0,
            revised: 0,
            deleted: 0,
            conflicts: 0,
            refused: 0,
            left_out: LeftOut::default(),
            problems: Vec::new(),
            problems_total: 0,
            warnings,
        };
        Self {
            report,
            file: file.into(),
            header,
            plan,
            barred: Barred::default(),
            problems_max,
            first_rows: HashMap::new(),
            lost: BTreeMap::new(),
            formulas: BTreeMap::new(),
            kept: BTreeMap::new(),
            hidden: None,
            settled: Settled::default(),
            rejects,
        }
    }

    /// With the keys that some row of the file bars.
    pub(crate) fn barring(mut self, barred: Barred) -> Self {
        self.barred = barred;
        self
    }

    /// Sorts outcomes of `pieces` into rows for the store and problems for people, which are told with the store's answer.
    pub(crate) fn settle(&mut self, pieces: Vec<Piece>, outcomes: Vec<Outcome>) -> Settlement {
        let mut last = 0;
        for row in pieces.iter().map(|piece| &piece.row).filter(|row| row.hidden) {
            // A wide row makes several pieces.
            if row.number != last {
                let (count, _) = self.hidden.get_or_insert((0, row.number));
                *count = count.saturating_add(1);
            }
            last = row.number;
        }
        self.settled.pieces = pieces;
        let mut batch = Settlement { good: Vec::with_capacity(outcomes.len()), refused: Vec::new() };
        for (place, mut outcome) in outcomes.into_iter().enumerate() {
            self.report.rows = self.report.rows.saturating_add(1);
            note(&mut self.lost, &outcome.lost, outcome.row);
            note(&mut self.formulas, &outcome.formulas, outcome.row);
            let first = outcome.key.as_deref().and_then(|key| self.first_row(key, &outcome));
            let withheld = self.bar(&mut outcome);
            match outcome.result {
                Ok(record) if first.is_none() => {
                    let key = outcome.key.unwrap_or_default();
                    note(&mut self.kept, &outcome.kept, outcome.row);
                    self.settled.given.push(place);
                    let (raw, action) = (outcome.raw, outcome.action);
                    batch.good.push(ImportedRow { row: outcome.row, key, record, raw, action });
                }
                Ok(_) => self.refuse(&outcome, Vec::new(), first),
                Err(ref mut findings) => {
                    let findings = std::mem::take(findings);
                    let key = outcome.key.clone();
                    batch.refused.push(RefusedRow { row: outcome.row, key, withheld });
                    let first = first.filter(|_| !outcome.withheld);
                    self.refuse(&outcome, findings, first);
                }
            }
        }
        batch
    }

    /// A row for a record of which another row of the file may not be stored is treated as that one; answers why nothing of it may be
    /// shown.
    fn bar(&self, outcome: &mut Outcome) -> Option<Withheld> {
        if outcome.withheld {
            return outcome.why_withheld();
        }
        let by = self.barred.by(outcome.key.as_deref()?)?;
        let finding = RowFault::Barred { row: by.row }.finding();
        outcome.withheld = true;
        outcome.raw.clear();
        outcome.result = Err(vec![CellFinding { column: None, value: None, finding }]);
        Some(by.why)
    }

    /// Where the key was seen before; otherwise takes note of it.
    fn first_row(&mut self, key: &str, outcome: &Outcome) -> Option<FirstRow> {
        let this = FirstRow { row: outcome.row, withheld: outcome.withheld };
        match self.first_rows.entry(Digest::of(key.as_bytes())) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(place) => {
                place.insert(this);
                None
            }
        }
    }

    fn refuse(&mut self, outcome: &Outcome, mut findings: Vec<CellFinding>, first: Option<FirstRow>) {
        let &Outcome { row, line, withheld, .. } = outcome;
        if let Some(first) = first {
            let key = outcome.key.as_ref().filter(|_| !first.withheld);
            let value = key.map(|key| key.replace('\u{1f}', " · "));
            let finding = RowFault::Duplicate { first_row: first.row }.finding();
            let column = self.plan.key_column().map(str::to_owned);
            findings.push(CellFinding { column, value, finding });
        }
        self.report.refused = self.report.refused.saturating_add(1);
        self.settled.rejected.push(Rejected { row, line, withheld, findings });
    }

    fn list(
        &mut self,
        row: u64,
        line: Option<u64>,
        column: Option<&str>,
        value: Option<&str>,
        finding: Finding,
    ) {
        self.report.problems_total = self.report.problems_total.saturating_add(1);
        if self.report.problems.len() < self.problems_max {
            let place = RowPlace { file: &self.file, row, line };
            self.report.problems.push(RowProblem::new(&place, column, value, finding));
        }
    }

    /// Counts what the store did with the batch that was settled last, tells the problems of its chunk and writes its rejected rows.
    ///
    /// # Errors
    /// Rejected rows cannot be written.
    pub(crate) fn count(&mut self, taken: Vec<Taken>) -> io::Result<()> {
        let Settled { pieces, given, mut rejected } = std::mem::take(&mut self.settled);
        for (place, taken) in given.into_iter().zip(taken) {
            let report = &mut self.report;
            let (counter, objections) = match taken {
                Taken::New => (&mut report.new, Vec::new()),
                Taken::Unchanged => (&mut report.unchanged, Vec::new()),
                Taken::Revised => (&mut report.revised, Vec::new()),
                Taken::Deleted => (&mut report.deleted, Vec::new()),
                Taken::Conflict(objections) => (&mut report.conflicts, objections),
                Taken::Refused(objections) => (&mut report.refused, objections),
            };
            *counter = counter.saturating_add(1);
            if !objections.is_empty() {
                rejected.extend(pieces.get(place).map(|piece| self.objected(piece, objections)));
            }
        }
        rejected.sort_by_key(|rejected| rejected.row);
        self.rejects.write(&rejected, &pieces)?;
        for Rejected { row, line, findings, .. } in rejected {
            for CellFinding { column, value, finding } in findings {
                self.list(row, line, column.as_deref(), value.as_deref(), finding);
            }
        }
        Ok(())
    }

    fn objected(&self, piece: &Piece, objections: Vec<Objection>) -> Rejected {
        let findings = objections.into_iter().map(|objection| self.plan.locate(piece, objection)).collect();
        Rejected { row: piece.row.number, line: piece.row.line, withheld: false, findings }
    }

    pub(crate) fn finish(mut self, remarks: Vec<Remark>, left_out: LeftOut) -> Report {
        self.report.left_out = left_out;
        for remark in remarks {
            let column = self.plan.column_of(&remark.field);
            self.report.warnings.push(Warning::remark(remark, column));
        }
        for (&column, &(rows, first)) in &self.lost {
            self.report.warnings.push(Warning::lost_characters(self.header.name(column), rows, first));
        }
        for (&column, &(rows, first)) in &self.formulas {
            self.report.warnings.push(Warning::formulas(self.header.name(column), rows, first));
        }
        for (&(place, kept), &(rows, first)) in &self.kept {
            let column = self.plan.column_at(place);
            self.report.warnings.extend(Warning::kept(kept, column, rows, first));
        }
        self.report.warnings.extend(self.hidden.map(|(rows, first)| Warning::hidden_rows(rows, first)));
        if self.report.rows == 0 {
            self.report.warnings.push(Warning::no_rows());
        }
        self.report
    }
}

/// Counts a row that has something to say of these columns.
fn note<C: Ord + Copy>(seen: &mut BTreeMap<C, (u64, u64)>, columns: &[C], row: u64) {
    for &column in columns {
        let (rows, _) = seen.entry(column).or_insert((0, row));
        *rows = rows.saturating_add(1);
    }
}

/// What is said of a column that is not read as others are; one about secrecy is never left out.
fn about_column(name: &str, otherwise: fn(&str) -> Warning) -> Warning {
    if is_about_secrecy(name) { Warning::secrecy_column(name) } else { otherwise(name) }
}
