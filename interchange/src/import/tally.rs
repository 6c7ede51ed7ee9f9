//! Settling outcomes in the order of the file: duplicate keys, counts, problems, warnings.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use safeharbor_core::digest::Digest;

use super::fault::{Finding, RowFault};
use super::gate::is_about_secrecy;
use super::header::Header;
use super::mapping::Mapping;
use super::opened::Opened;
use super::plan::{CellFinding, Outcome, Plan};
use super::report::{Report, RowPlace, RowProblem, Warning};
use super::sink::{ImportedRow, Taken};

/// The report in the making.
#[derive(Debug)]
pub(crate) struct Tally<'h> {
    report: Report,
    file: Arc<str>,
    header: &'h Header,
    problems_max: usize,
    /// Where each key was first seen; digests, so that memory stays small whatever keys look like.
    first_rows: HashMap<Digest, FirstRow>,
    /// Column to number of rows with lost characters and the first of them.
    lost: BTreeMap<usize, (u64, u64)>,
    key_column: Option<String>,
}

#[derive(Debug, Clone, Copy)]
struct FirstRow {
    row: u64,
    withheld: bool,
}

impl<'h> Tally<'h> {
    pub(crate) fn new<R>(
        file: &str,
        opened: &Opened<R>,
        header: &'h Header,
        mapping: &Mapping,
        plan: &Plan<'_>,
        problems_max: usize,
    ) -> Self {
        let duplicates = header.duplicates();
        let mut warnings: Vec<Warning> =
            duplicates.iter().map(|name| about_column(name, Warning::duplicate_column)).collect();
        let unknown = header.unknown(mapping).into_iter().filter(|name| !duplicates.contains(name));
        warnings.extend(unknown.map(|name| about_column(name, Warning::unknown_column)));
        let report = Report {
            file: file.to_owned(),
            detected: opened.detected,
            delimiter: char::from(opened.delimiter),
            rows: 0,
            new: 0,
            unchanged: 0,
            revised: 0,
            refused: 0,
            problems: Vec::new(),
            problems_total: 0,
            warnings,
        };
        Self {
            report,
            file: file.into(),
            header,
            problems_max,
            first_rows: HashMap::new(),
            lost: BTreeMap::new(),
            key_column: plan.key_column().map(str::to_owned),
        }
    }

    /// Rows settled so far.
    pub(crate) fn rows(&self) -> u64 {
        self.report.rows
    }

    /// Sorts outcomes into rows for the store and problems for people.
    pub(crate) fn settle(&mut self, outcomes: Vec<Outcome>) -> Vec<ImportedRow> {
        let mut batch = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            self.report.rows = self.report.rows.saturating_add(1);
            self.note_lost(&outcome);
            let first = outcome.key.as_deref().and_then(|key| self.first_row(key, &outcome));
            match outcome.result {
                Ok(record) if first.is_none() => {
                    let key = outcome.key.unwrap_or_default();
                    let (raw, action) = (outcome.raw, outcome.action);
                    batch.push(ImportedRow { row: outcome.row, key, record, raw, action });
                }
                Ok(_) => self.refuse(outcome.row, outcome.line, Vec::new(), outcome.key, first),
                Err(findings) => {
                    let first = first.filter(|_| !outcome.withheld);
                    self.refuse(outcome.row, outcome.line, findings, outcome.key, first);
                }
            }
        }
        batch
    }

    /// Where the key was seen before; otherwise takes note of it.
    fn first_row(&mut self, key: &str, outcome: &Outcome) -> Option<FirstRow> {
        let this = FirstRow { row: outcome.row, withheld: outcome.withheld };
        let first = *self.first_rows.entry(Digest::of(key.as_bytes())).or_insert(this);
        (first.row != outcome.row).then_some(first)
    }

    fn refuse(
        &mut self,
        row: u64,
        line: u64,
        mut findings: Vec<CellFinding>,
        key: Option<String>,
        first: Option<FirstRow>,
    ) {
        if let Some(first) = first {
            let value = key.filter(|_| !first.withheld).map(|key| key.replace('\u{1f}', " · "));
            let finding = RowFault::Duplicate { first_row: first.row }.finding();
            findings.push(CellFinding { column: self.key_column.clone(), value, finding });
        }
        self.report.refused = self.report.refused.saturating_add(1);
        for CellFinding { column, value, finding } in findings {
            self.list(row, line, column.as_deref(), value.as_deref(), finding);
        }
    }

    fn list(&mut self, row: u64, line: u64, column: Option<&str>, value: Option<&str>, finding: Finding) {
        self.report.problems_total = self.report.problems_total.saturating_add(1);
        if self.report.problems.len() < self.problems_max {
            let place = RowPlace { file: &self.file, row, line };
            self.report.problems.push(RowProblem::new(&place, column, value, finding));
        }
    }

    fn note_lost(&mut self, outcome: &Outcome) {
        for &column in &outcome.lost {
            let (rows, _) = self.lost.entry(column).or_insert((0, outcome.row));
            *rows = rows.saturating_add(1);
        }
    }

    /// Counts what the store did.
    pub(crate) fn count(&mut self, taken: Vec<Taken>) {
        for taken in taken {
            let counter = match taken {
                Taken::New => &mut self.report.new,
                Taken::Unchanged => &mut self.report.unchanged,
                Taken::Revised => &mut self.report.revised,
            };
            *counter = counter.saturating_add(1);
        }
    }

    pub(crate) fn finish(mut self) -> Report {
        for (&column, &(rows, first)) in &self.lost {
            self.report.warnings.push(Warning::lost_characters(self.header.name(column), rows, first));
        }
        if self.report.rows == 0 {
            self.report.warnings.push(Warning::no_rows());
        }
        self.report
    }
}

/// What is said of a column that is not read as others are; one about secrecy is never left out.
fn about_column(name: &str, otherwise: fn(&str) -> Warning) -> Warning {
    if is_about_secrecy(name) { Warning::secrecy_column(name) } else { otherwise(name) }
}
