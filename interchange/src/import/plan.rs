//! A mapping bound to a kind and a header: everything decided once, so that a row only has to be walked.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use safeharbor_rules::{Field, Kind, Lang, Problem, ProblemCode, Record, holds_personal_id};
use serde_json::Value;

use super::cell::Reading;
use super::fault::{CellFault, Damage, Finding, RowFault, Wording};
use super::gate::Gates;
use super::header::{Header, MissingColumn};
use super::mapping::{
    FieldMapping, LineBreaks, Mapping, MappingFailed, MappingFault, Own, Placed, ShortRows, refused,
};
use super::pipeline::ImportFault;
use super::shape::{Shape, reading};
use super::sink::{Action, Objection};
use super::source::{Mark, Row};
use super::text::{clean, fold, has_lost_characters, has_lost_digits, is_error_value, nearest, trim};

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

#[derive(Debug)]
pub(crate) struct Plan<'k> {
    kind: &'k Kind,
    columns: Vec<Column>,
    gates: Gates,
    constants: Record,
    key: Vec<String>,
    width: usize,
    short_rows: ShortRows,
}

/// How one field is filled.
#[derive(Debug)]
struct Column {
    field: String,
    /// What a person calls it: the header, or the headers of a join.
    header: String,
    indices: Vec<usize>,
    joiner: Option<String>,
    null: Vec<String>,
    strip: Vec<String>,
    line_breaks: LineBreaks,
    /// The cell is the value, white space and all.
    is_verbatim: bool,
    /// Folded source text to the text to read in its place.
    translate: HashMap<String, String>,
    reading: Reading,
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
        let gates = Gates::new(mapping, kind, header)?;
        let constants = constants(mapping, kind)?;
        Ok(Self {
            kind,
            columns,
            gates,
            constants,
            key: key_fields(mapping, kind)?,
            width: header.width(),
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

    /// What the store objects to, at the column that fills the field, with what the file has there.
    pub(crate) fn locate(&self, row: &Row, objection: Objection) -> CellFinding {
        let Objection { field, code, text, advice } = objection;
        let column = self.columns.iter().find(|column| Some(&column.field) == field.as_ref());
        CellFinding {
            column: column.map(|column| column.header.clone()).or(field),
            value: column.and_then(|column| column.raw(row)).map(Cow::into_owned),
            finding: Finding { code: code.to_owned(), text, advice },
        }
    }

    /// Whether the cells of a row may be written down once more: nothing in it says that it is secret or holds a person's number, in
    /// a column that is read or not. In a row whose cells are not under their headers that cannot be told.
    pub(crate) fn may_copy(&self, row: &Row) -> bool {
        let is_aligned = self.shape_fault(row).is_none() || self.gates.is_empty();
        is_aligned && !self.gates.are_closed(row) && !row.cells().any(holds_personal_id)
    }

    /// Maps and checks one row.
    pub(crate) fn process(&self, row: &Row) -> Outcome {
        let mut outcome = Outcome {
            row: row.number,
            line: row.line,
            key: None,
            withheld: false,
            lost: Vec::new(),
            formulas: Vec::new(),
            raw: BTreeMap::new(),
            action: Action::Upsert,
            result: Err(Vec::new()),
        };
        if let Some(fault) = self.shape_fault(row) {
            let finding = fault.finding();
            outcome.result = Err(vec![CellFinding { column: None, value: None, finding }]);
            return outcome;
        }
        let mut record = self.constants.clone();
        let faults = self.fill(row, &mut record, &mut outcome);
        outcome.key = self.key_of(&record);
        self.kind.derive(&mut record);
        let findings = self.judge(row, &record, &faults, &mut outcome);
        outcome.result = if findings.is_empty() { Ok(record) } else { Err(findings) };
        outcome
    }

    fn shape_fault(&self, row: &Row) -> Option<RowFault> {
        let (cells, columns) = (row.width(), self.width);
        let is_filled = |index| row.cell(index).is_some_and(|text| !trim(text).is_empty());
        if cells < columns && !row.open_ended && self.short_rows == ShortRows::Refuse {
            Some(RowFault::Short { cells, columns })
        } else if (columns..cells).any(is_filled) {
            Some(RowFault::Long { cells, columns })
        } else {
            None
        }
    }

    /// Reads every mapped cell into `record`; what could not be read is returned.
    fn fill<'p>(
        &'p self,
        row: &Row,
        record: &mut Record,
        outcome: &mut Outcome,
    ) -> Vec<(&'p Column, CellFault)> {
        let mut faults = Vec::new();
        for column in &self.columns {
            outcome.lost.extend(column.lost(row));
            outcome.formulas.extend(column.marked(row, Mark::Formula));
            match column.read(row) {
                Ok(Some(value)) => {
                    record.insert(column.field.clone(), value);
                }
                Ok(None) => {}
                Err(fault) => faults.push((column, fault)),
            }
        }
        faults
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

    /// All findings of a row; for one that may not be stored here the reason alone, without any value.
    fn judge(
        &self,
        row: &Row,
        record: &Record,
        faults: &[(&Column, CellFault)],
        outcome: &mut Outcome,
    ) -> Vec<CellFinding> {
        let problems = self.kind.check(record);
        let withheld = self.withheld(row, &problems);
        let mut findings: Vec<CellFinding> = faults
            .iter()
            .map(|(column, fault)| CellFinding {
                column: Some(column.header.clone()),
                value: column.raw(row).map(Cow::into_owned),
                finding: fault.finding(),
            })
            .collect();
        // One cell may fill two fields; what is wrong with it is said once.
        findings.dedup_by(|one, other| one.column == other.column && one.finding == other.finding);
        let is_new = |problem: &&Problem| {
            !faults.iter().any(|(column, _)| Some(&column.field) == problem.field.as_ref())
        };
        findings.extend(problems.iter().filter(is_new).map(|problem| self.explain(row, problem)));
        let shows_id = |found: &CellFinding| found.value.as_deref().is_some_and(holds_personal_id);
        let id_shown = findings.iter().any(shows_id).then(|| RowFault::PersonalId.finding());
        if let Some(finding) = withheld.or(id_shown) {
            outcome.withheld = true;
            return vec![CellFinding { column: None, value: None, finding }];
        }
        if findings.is_empty() && outcome.key.is_none() {
            findings.push(CellFinding { column: None, value: None, finding: RowFault::KeyEmpty.finding() });
        }
        findings
    }

    /// Why nothing of the row may be shown: secrecy, said by the record or by any column about it, before CX.
    fn withheld(&self, row: &Row, problems: &[Problem]) -> Option<Finding> {
        let secrecy = problems.iter().find(|problem| problem.code == ProblemCode::Secrecy).map(finding_of);
        let closed = || self.gates.are_closed(row).then(|| RowFault::Secrecy.finding());
        let forbidden = || problems.iter().find(|problem| problem.code.withholds_record()).map(finding_of);
        secrecy.or_else(closed).or_else(forbidden)
    }

    fn explain(&self, row: &Row, problem: &Problem) -> CellFinding {
        let column = self.columns.iter().find(|column| Some(&column.field) == problem.field.as_ref());
        CellFinding {
            column: column.map(|column| column.header.clone()).or_else(|| problem.field.clone()),
            value: column.and_then(|column| column.raw(row)).map(Cow::into_owned),
            finding: finding_of(problem),
        }
    }
}

impl Column {
    fn new(entry: &FieldMapping, kind: &Kind, header: &Header) -> Result<Self, ImportFault> {
        let name = &entry.field.value;
        let Some(field) = kind.field(name) else {
            return Err(unknown_field(&entry.field, kind).into());
        };
        let indices = header.columns(entry)?;
        let headers: Vec<&str> = indices.iter().map(|&index| header.name(index)).collect();
        let translate = if Shape::of(field).has_codes() { [].as_slice() } else { entry.codes.as_slice() };
        Ok(Self {
            field: name.clone(),
            header: headers.join(" + "),
            joiner: entry.join.clone(),
            null: entry.null.clone(),
            strip: entry.strip.clone(),
            line_breaks: entry.line_breaks,
            is_verbatim: entry.own == Some(Own::Stored),
            translate: translate.iter().map(|(text, code)| (fold(text), code.value.clone())).collect(),
            reading: reading(entry, field)?,
            indices,
        })
    }

    /// The value of the field in this row; none where the cell is empty or a null token.
    fn read(&self, row: &Row) -> Result<Option<Value>, CellFault> {
        if self.marked(row, Mark::FormulaWithoutValue).next().is_some() {
            return Err(CellFault::Damaged(Damage::FormulaWithoutValue));
        }
        let Some(text) = self.text(row) else { return Ok(None) };
        if !self.translate.is_empty()
            && let Some(meant) = self.translate.get(&fold(&text))
        {
            return self.reading.read(meant);
        }
        if let Some(damage) = self.indices.iter().find_map(|&index| self.damage(row.cell(index)?)) {
            return Err(damage);
        }
        if self.marked(row, Mark::Json).next().is_some() {
            return self.reading.read_json(&text);
        }
        if self.marked(row, Mark::Date).next().is_some() {
            return self.reading.read_date_cell(&text);
        }
        self.reading.read(&text)
    }

    fn text<'r>(&self, row: &'r Row) -> Option<Cow<'r, str>> {
        let mut parts = self.indices.iter().filter_map(|&index| self.part(row.cell(index)?));
        let Some(joiner) = &self.joiner else { return parts.next() };
        let parts: Vec<_> = parts.collect();
        if parts.is_empty() { None } else { Some(Cow::Owned(parts.join(joiner.as_str()))) }
    }

    fn part<'t>(&self, cell: &'t str) -> Option<Cow<'t, str>> {
        if self.is_verbatim {
            return Some(Cow::Borrowed(cell)).filter(|text| !text.is_empty());
        }
        let is_null = |text: &str| text.is_empty() || self.null.iter().any(|token| token == text);
        if is_null(trim(cell)) {
            return None;
        }
        Some(clean(cell, self.line_breaks, &self.strip)).filter(|text| !is_null(text))
    }

    /// What the file has, for showing.
    fn raw<'r>(&self, row: &'r Row) -> Option<Cow<'r, str>> {
        let mut cells = self.indices.iter().filter_map(|&index| row.cell(index));
        match self.joiner {
            Some(_) => Some(Cow::Owned(cells.collect::<Vec<_>>().join(" + "))),
            None => cells.next().map(Cow::Borrowed),
        }
        .filter(|text| !text.is_empty())
    }

    /// What a spreadsheet did to a cell before the file was saved.
    fn damage(&self, cell: &str) -> Option<CellFault> {
        if self.is_verbatim || !cell.contains(['#', '+']) {
            return None;
        }
        let text = self.part(cell)?;
        if is_error_value(&text) {
            Some(CellFault::Damaged(Damage::FormulaError))
        } else if has_lost_digits(&text) {
            Some(CellFault::Damaged(Damage::DigitsLost))
        } else {
            None
        }
    }

    /// The columns of this one whose cell carries the mark.
    fn marked<'r>(&'r self, row: &'r Row, mark: Mark) -> impl Iterator<Item = usize> + 'r {
        self.indices.iter().copied().filter(move |&index| row.has(index, mark))
    }

    fn lost<'r>(&'r self, row: &'r Row) -> impl Iterator<Item = usize> + 'r {
        self.indices.iter().copied().filter(|&index| row.cell(index).is_some_and(has_lost_characters))
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

fn unknown_field(place: &Placed<String>, kind: &Kind) -> MappingFailed {
    let nearest = nearest(&place.value, kind.fields().iter().map(Field::name)).unwrap_or_default().to_owned();
    refused(place.line, &place.value, MappingFault::UnknownField { kind: kind.id().to_string(), nearest })
}

/// The constants as a record, checked once rather than in every row.
fn constants(mapping: &Mapping, kind: &Kind) -> Result<Record, MappingFailed> {
    let mut record = Record::new();
    for (place, value) in &mapping.constants {
        let field = kind.field(&place.value).ok_or_else(|| unknown_field(place, kind))?;
        if let Some(source) = field.derived_from() {
            return Err(refused(place.line, &place.value, MappingFault::Derived(source.to_owned())));
        }
        record.insert(place.value.clone(), value.clone());
    }
    // With its gates open the kind says what else it finds.
    let mut checked = record.clone();
    for field in kind.fields() {
        if let Some(open) = field.gate() {
            checked.entry(field.name()).or_insert_with(|| Value::from(open));
        }
    }
    let problems = kind.check(&checked);
    for (place, _) in &mapping.constants {
        if let Some(problem) = problems.iter().find(|problem| problem.field.as_ref() == Some(&place.value)) {
            let fault = MappingFault::ConstantRefused(problem.text(Lang::En));
            return Err(refused(place.line, &place.value, fault));
        }
    }
    Ok(record)
}

/// The fields that tell records apart: the mapping's, or the kind's own; each must be filled from a column.
fn key_fields(mapping: &Mapping, kind: &Kind) -> Result<Vec<String>, MappingFailed> {
    if !mapping.key.is_empty() {
        return Ok(mapping.key.iter().map(|key| key.value.clone()).collect());
    }
    let from_column = |name: &str| mapping.fields.iter().any(|entry| entry.field.value == name);
    let key: Vec<String> = kind.key_fields().map(|field| field.name().to_owned()).collect();
    match key.iter().find(|name| !from_column(name)) {
        Some(name) => Err(refused(mapping.kind.line, name, MappingFault::KeyNotFilled)),
        None => Ok(key),
    }
}
