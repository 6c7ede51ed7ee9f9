//! How one field is filled from the cells of a row.

use std::borrow::Cow;
use std::collections::HashMap;

use safeharbor_rules::{Field, Kind};

use super::bound::unknown_field;
use crate::import::arrange::Cells;
use crate::import::cell::{CellValue, Reading};
use crate::import::fault::{CellFault, Damage, KEPT_CHARS_MAX};
use crate::import::header::Header;
use crate::import::mapping::{FieldMapping, LineBreaks, MappingFailed, MappingFault, Own, Unfit, refused};
use crate::import::pipeline::ImportFault;
use crate::import::shape::{Shape, reading};
use crate::import::source::Mark;
use crate::import::text::{clean, fold, has_lost_characters, has_lost_digits, is_error_value, trim};

/// How one field is filled.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) field: String,
    /// What a person calls it: the header, or the headers of a join.
    pub(super) header: String,
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

impl Column {
    pub(super) fn new(entry: &FieldMapping, kind: &Kind, header: &Header) -> Result<Self, ImportFault> {
        let name = &entry.field.value;
        let Some(field) = kind.field(name) else {
            return Err(unknown_field(&entry.field, kind).into());
        };
        refuse_useless(entry, field)?;
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

    /// What the cell of the field says; nothing where it is empty or a null token.
    pub(super) fn read(&self, cells: Cells<'_>) -> Result<CellValue, CellFault> {
        if self.marked(cells, Mark::FormulaWithoutValue).next().is_some() {
            return Err(CellFault::Damaged(Damage::FormulaWithoutValue));
        }
        let Some(text) = self.text(cells) else { return Ok(CellValue::default()) };
        if !self.translate.is_empty()
            && let Some(meant) = self.translate.get(&fold(&text))
        {
            return self.reading.read(meant);
        }
        if let Some(damage) = self.indices.iter().find_map(|&index| self.damage(cells.cell(index)?)) {
            return Err(damage);
        }
        if self.marked(cells, Mark::Json).next().is_some() {
            return self.reading.read_json(&text);
        }
        if self.marked(cells, Mark::Date).next().is_some() {
            return self.reading.read_date_cell(&text);
        }
        self.reading.read(&text)
    }

    fn text<'r>(&self, cells: Cells<'r>) -> Option<Cow<'r, str>> {
        let mut parts = self.indices.iter().filter_map(|&index| self.part(cells.cell(index)?));
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
    pub(super) fn raw<'r>(&self, cells: Cells<'r>) -> Option<Cow<'r, str>> {
        let mut texts = self.indices.iter().filter_map(|&index| cells.cell(index));
        match self.joiner {
            Some(_) => Some(Cow::Owned(texts.collect::<Vec<_>>().join(" + "))),
            None => texts.next().map(Cow::Borrowed),
        }
        .filter(|text| !text.is_empty())
    }

    /// What the file has, for keeping beside the value.
    ///
    /// # Errors
    /// A text longer than may be kept.
    pub(super) fn kept(&self, cells: Cells<'_>) -> Result<String, CellFault> {
        let text = if self.joiner.is_some() { self.text(cells) } else { self.raw(cells) };
        let text = text.map(|text| trim(&text).to_owned()).unwrap_or_default();
        let chars = text.chars().count();
        if chars > KEPT_CHARS_MAX { Err(CellFault::TooLongToKeep { chars }) } else { Ok(text) }
    }

    /// What a person calls the column; of a wide table, the one whose cell it is.
    pub(super) fn shown<'r>(&'r self, cells: Cells<'_>, header: &'r Header) -> &'r str {
        let turned = |&index: &usize| {
            cells.column_of_file(index).filter(|_| index >= header.width()).map(|column| header.name(column))
        };
        self.indices.iter().find_map(turned).unwrap_or(&self.header)
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

    /// The columns of the file whose cell is read here and carries the mark.
    pub(super) fn marked<'r>(&'r self, cells: Cells<'r>, mark: Mark) -> impl Iterator<Item = usize> + 'r {
        let columns = self.indices.iter().filter_map(move |&index| cells.column_of_file(index));
        columns.filter(move |&column| cells.row().has(column, mark))
    }

    pub(super) fn lost<'r>(&'r self, cells: Cells<'r>) -> impl Iterator<Item = usize> + 'r {
        let lost = move |&index: &usize| cells.cell(index).is_some_and(has_lost_characters);
        self.indices
            .iter()
            .filter(move |index| lost(index))
            .filter_map(move |&index| cells.column_of_file(index))
    }
}

/// A row that lacks a required field is refused, whatever is kept beside it.
fn refuse_useless(entry: &FieldMapping, field: &Field) -> Result<(), MappingFailed> {
    let settings = [("imprecise", entry.imprecise == Unfit::Keep), ("unknown", entry.unknown == Unfit::Keep)];
    match settings.into_iter().find(|(_, is_set)| *is_set && field.is_required()) {
        Some((setting, _)) => {
            Err(refused(entry.field.line, &entry.field.value, MappingFault::KeptRequired(setting)))
        }
        None => Ok(()),
    }
}
