//! A mapping bound to a kind and a header: everything decided once, so that a row only has to be walked.

mod action;
mod bound;
mod column;

use std::borrow::Cow;
use std::collections::BTreeMap;

use safeharbor_rules::{Kind, Lang, Problem, ProblemCode, Record, holds_personal_id};
use serde_json::Value;

use super::arrange::{Arrangement, Cells, Piece};
use super::cell::Kept;
use super::fault::{CellFault, Finding, RowFault, ShapeFault, Wording};
use super::gate::Gates;
use super::header::{Header, MissingColumn};
use super::mapping::{Mapping, MappingFault, ShortRows, refused};
use super::pipeline::ImportFault;
use super::sink::{Action, Objection, Withheld};
use super::source::Mark;
use super::text::trim;
use bound::{constants, key_fields};
use column::Column;

/// What became of one row.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) row: u64,
    pub(crate) line: Option<u64>,
    /// The values of the key fields, if all could be read.
    pub(crate) key: Option<String>,
    /// Refused for secrecy or CX: nothing of the row may be shown.
    pub(crate) withheld: bool,
    /// Columns in which characters seem to be lost.
    pub(crate) lost: Vec<usize>,
    /// Columns whose value is the result of a formula.
    pub(crate) formulas: Vec<usize>,
    /// Field to the text of its cell, where that says more than the value.
    pub(crate) raw: BTreeMap<String, String>,
    /// Fields by their place in the plan whose text was kept, and why.
    pub(crate) kept: Vec<(usize, Kept)>,
    pub(crate) action: Action,
    pub(crate) result: Result<Record, Vec<CellFinding>>,
}

/// A finding and the cell it is about.
#[derive(Debug)]
pub(crate) struct CellFinding {
    pub(crate) column: Option<String>,
    pub(crate) value: Option<String>,
    pub(crate) finding: Finding,
}

impl Outcome {
    /// Why nothing of the row may be shown, if that is so.
    pub(crate) fn why_withheld(&self) -> Option<Withheld> {
        let findings = self.result.as_ref().err().filter(|_| self.withheld)?;
        let is_secret = findings.iter().any(|found| found.finding.code == ProblemCode::Secrecy.as_str());
        Some(if is_secret { Withheld::Secrecy } else { Withheld::Forbidden })
    }
}

#[derive(Debug)]
pub(crate) struct Plan<'k> {
    kind: &'k Kind,
    header: Header,
    pub(crate) arrangement: Arrangement,
    columns: Vec<Column>,
    /// The column that says what is to be done with a row.
    action: Option<usize>,
    pub(crate) gates: Gates,
    constants: Record,
    key: Vec<String>,
    short_rows: ShortRows,
}

impl<'k> Plan<'k> {
    /// Binds `mapping` to `kind` and the columns of `header`.
    ///
    /// # Errors
    /// A mapping that does not fit the kind, or a column that is missing.
    pub(crate) fn new(mapping: &Mapping, kind: &'k Kind, header: &Header) -> Result<Self, ImportFault> {
        if mapping.kind() != kind.id().as_str() {
            let fault = MappingFault::OtherKind(kind.id().to_string());
            return Err(refused(mapping.kind.line, mapping.kind(), fault).into());
        }
        // Columns first: only a header that has them may be quoted in what follows.
        let columns = mapping.fields.iter().map(|entry| Column::new(entry, kind, header));
        let columns =
            columns.collect::<Result<Vec<_>, _>>().map_err(|fault| unquoted(fault, mapping, header))?;
        let arrangement =
            Arrangement::new(mapping, header).map_err(|fault| unquoted(fault, mapping, header))?;
        let action = mapping.action.as_ref().map(|name| header.demand("action", &name.value));
        let action = action.transpose().map_err(|fault| unquoted(fault.into(), mapping, header))?;
        let gates = Gates::new(mapping, kind, header)?;
        let constants = constants(mapping, kind)?;
        Ok(Self {
            kind,
            header: header.clone(),
            arrangement,
            columns,
            action,
            gates,
            constants,
            key: key_fields(mapping, kind)?,
            short_rows: mapping.short_rows,
        })
    }

    /// The column that holds the first key field, to point at in a problem about the key.
    pub(crate) fn key_column(&self) -> Option<&str> {
        let first = self.key.first()?;
        self.columns.iter().find(|column| column.field == *first).map(|column| column.header.as_str())
    }

    /// The header of the column that fills `field`.
    pub(crate) fn column_of(&self, field: &str) -> Option<&str> {
        self.columns.iter().find(|column| column.field == field).map(|column| column.header.as_str())
    }

    /// The header of the column that fills the field at `place`.
    pub(crate) fn column_at(&self, place: usize) -> &str {
        self.columns.get(place).map_or("", |column| column.header.as_str())
    }

    /// What the store objects to, at the column that fills the field, with what the file has there.
    pub(crate) fn locate(&self, piece: &Piece, objection: Objection) -> CellFinding {
        let Objection { field, code, text, advice } = objection;
        let cells = self.arrangement.cells(piece);
        let column = self.columns.iter().find(|column| Some(&column.field) == field.as_ref());
        CellFinding {
            column: column.map(|column| column.shown(cells, &self.header).to_owned()).or(field),
            value: column.and_then(|column| column.raw(cells)).map(Cow::into_owned),
            finding: Finding { code: code.to_owned(), text, advice },
        }
    }

    /// Whether the cells of a row may be written down once more: nothing in it says that it is secret or holds a person's number, in
    /// a column that is read or not. In a row whose cells are not under their headers that cannot be told.
    pub(crate) fn may_copy(&self, piece: &Piece) -> bool {
        let cells = self.arrangement.cells(piece);
        let is_aligned = self.shape_fault(cells).is_none() || self.gates.is_empty();
        let is_closed = cells.are_closed() || self.gates.are_closed(cells);
        // Which repetition a row is, the file of rejected rows cannot tell: it would come back as the first.
        let is_first = piece.repeat.is_empty();
        is_aligned && is_first && !is_closed && !piece.row.cells().any(holds_personal_id)
    }

    /// Maps and checks one row, or one cell of a wide table.
    pub(crate) fn process(&self, piece: &Piece) -> Outcome {
        let cells = self.arrangement.cells(piece);
        let mut outcome = Outcome {
            row: piece.row.number,
            line: piece.row.line,
            key: None,
            withheld: false,
            lost: Vec::new(),
            formulas: Vec::new(),
            raw: BTreeMap::new(),
            kept: Vec::new(),
            action: Action::Upsert,
            result: Err(Vec::new()),
        };
        if let Some(fault) = self.shape_fault(cells) {
            let finding = RowFault::Shape(fault).finding();
            outcome.result = Err(vec![CellFinding { column: None, value: None, finding }]);
            return outcome;
        }
        let mut record = self.constants.clone();
        let mut faults = self.fill(cells, &mut record, &mut outcome);
        outcome.key = self.key_of(&record);
        let mut findings = self.read_action(cells, &mut outcome);
        if outcome.action == Action::Delete {
            self.keep_key_alone(&mut record, &mut faults, &mut outcome);
        } else {
            self.kind.derive(&mut record);
        }
        self.judge(cells, &record, &faults, &mut findings, &mut outcome);
        outcome.result = if findings.is_empty() { Ok(record) } else { Err(findings) };
        outcome
    }

    fn shape_fault(&self, cells: Cells<'_>) -> Option<ShapeFault> {
        let row = cells.row();
        let (count, columns) = (row.width(), self.header.width());
        let is_filled = |index| row.cell(index).is_some_and(|text| !trim(text).is_empty());
        if self.arrangement.has_layouts() {
            return self.arrangement.is_misfit(row).then_some(ShapeFault::Misfit { cells: count });
        }
        if count < columns && !row.open_ended && self.short_rows == ShortRows::Refuse {
            Some(ShapeFault::Short { cells: count, columns })
        } else if (columns..count).any(is_filled) {
            Some(ShapeFault::Long { cells: count, columns })
        } else {
            None
        }
    }

    /// Reads every mapped cell into `record`; what could not be read is returned.
    fn fill<'p>(
        &'p self,
        cells: Cells<'_>,
        record: &mut Record,
        outcome: &mut Outcome,
    ) -> Vec<(&'p Column, CellFault)> {
        let mut faults = Vec::new();
        for (place, column) in self.columns.iter().enumerate() {
            outcome.lost.extend(column.lost(cells));
            outcome.formulas.extend(column.marked(cells, Mark::Formula));
            let read = column.read(cells).and_then(|read| {
                if let Some(kept) = read.kept {
                    outcome.raw.insert(column.field.clone(), column.kept(cells)?);
                    outcome.kept.push((place, kept));
                }
                Ok(read.value)
            });
            match read {
                Ok(value) => record.extend(value.map(|value| (column.field.clone(), value))),
                Err(fault) => faults.push((column, fault)),
            }
        }
        // A cell that fills two fields is one cell.
        for columns in [&mut outcome.lost, &mut outcome.formulas] {
            columns.sort_unstable();
            columns.dedup();
        }
        faults
    }

    /// The key that [`Plan::process`] finds, from the columns of the key alone.
    pub(crate) fn key(&self, piece: &Piece) -> Option<String> {
        let cells = self.arrangement.cells(piece);
        if self.shape_fault(cells).is_some() {
            return None;
        }
        let is_key = |field: &String| self.key.contains(field);
        let constants = self.constants.iter().filter(|(field, _)| is_key(field));
        let mut record: Record = constants.map(|(field, value)| (field.clone(), value.clone())).collect();
        for column in self.columns.iter().filter(|column| is_key(&column.field)) {
            let value = column.read(cells).ok().and_then(|read| read.value);
            record.extend(value.map(|value| (column.field.clone(), value)));
        }
        self.key_of(&record)
    }

    fn key_of(&self, record: &Record) -> Option<String> {
        let parts: Option<Vec<Cow<'_, str>>> = self
            .key
            .iter()
            .map(|field| match record.get(field)? {
                Value::String(text) => Some(Cow::Borrowed(text.as_str())),
                Value::Null => None,
                part @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                    Some(Cow::Owned(part.to_string()))
                }
            })
            .collect();
        Some(parts?.join("\u{1f}"))
    }

    /// Adds all findings of a row; for one that may not be stored here the reason alone, without any value.
    fn judge(
        &self,
        cells: Cells<'_>,
        record: &Record,
        faults: &[(&Column, CellFault)],
        findings: &mut Vec<CellFinding>,
        outcome: &mut Outcome,
    ) {
        let problems = self.problems(record, outcome.action);
        let withheld = self.withheld(cells, &problems);
        findings.extend(faults.iter().map(|(column, fault)| CellFinding {
            column: Some(column.shown(cells, &self.header).to_owned()),
            value: column.raw(cells).map(Cow::into_owned),
            finding: fault.finding(),
        }));
        // One cell may fill two fields; what is wrong with it is said once.
        findings.dedup_by(|one, other| one.column == other.column && one.finding == other.finding);
        let is_new = |problem: &&Problem| {
            !faults.iter().any(|(column, _)| Some(&column.field) == problem.field.as_ref())
        };
        findings.extend(problems.iter().filter(is_new).map(|problem| self.explain(cells, problem)));
        // What is shown or kept beside the record is searched as the record itself is.
        let shown = findings.iter().filter_map(|found| found.value.as_ref());
        let has_id = shown.chain(outcome.raw.values()).any(|text| holds_personal_id(text));
        if let Some(finding) = withheld.or_else(|| has_id.then(|| RowFault::PersonalId.finding())) {
            outcome.withheld = true;
            outcome.raw.clear();
            *findings = vec![CellFinding { column: None, value: None, finding }];
        } else if findings.is_empty() && outcome.key.is_none() {
            findings.push(CellFinding { column: None, value: None, finding: RowFault::KeyEmpty.finding() });
        }
    }

    /// Why nothing of the row may be shown: secrecy, said by the record or by any column about it, before CX.
    fn withheld(&self, cells: Cells<'_>, problems: &[Problem]) -> Option<Finding> {
        let secrecy = problems.iter().find(|problem| problem.code == ProblemCode::Secrecy).map(finding_of);
        let is_closed = || cells.are_closed() || self.gates.are_closed(cells);
        let closed = || is_closed().then(|| RowFault::Secrecy.finding());
        let forbidden = || problems.iter().find(|problem| problem.code.withholds_record()).map(finding_of);
        secrecy.or_else(closed).or_else(forbidden)
    }

    fn explain(&self, cells: Cells<'_>, problem: &Problem) -> CellFinding {
        let column = self.columns.iter().find(|column| Some(&column.field) == problem.field.as_ref());
        CellFinding {
            column: column
                .map(|column| column.shown(cells, &self.header).to_owned())
                .or_else(|| problem.field.clone()),
            value: column.and_then(|column| column.raw(cells)).map(Cow::into_owned),
            finding: finding_of(problem),
        }
    }
}

/// The kind's words for a problem; the value is shown beside them as the file has it.
fn finding_of(problem: &Problem) -> Finding {
    let mut problem = problem.clone();
    problem.value = None;
    Finding {
        code: problem.code.as_str().to_owned(),
        text: Wording::new(problem.text(Lang::Zh), problem.text(Lang::En)),
        advice: Wording::new(problem.advice(Lang::Zh), problem.advice(Lang::En)),
    }
}

/// A missing column quotes the header; a row that is no header may be a record, and nothing of it is quoted.
pub(crate) fn unquoted(fault: ImportFault, mapping: &Mapping, header: &Header) -> ImportFault {
    if header.looks_like_one(mapping) {
        return fault;
    }
    let ImportFault::MissingColumn(missing) = fault else { return fault };
    let MissingColumn { field, wanted, .. } = missing;
    ImportFault::NotAHeader { row: mapping.header_row, field, wanted }
}
